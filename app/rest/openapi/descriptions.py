"""The texts of the OpenAPI document: what each member is, what each operation does, and the introduction.

A member that is the same thing everywhere stands in `MEMBERS`; what it is in one schema only stands in `OF_SCHEMA`,
which takes precedence. A description given with the field itself takes precedence over both. `tests/rest/
test_openapi.py` wants a text for every member and operation, and none that is not used.
"""

MEMBERS = {
    "acceptUrl": "Where the invitation is accepted. Shown once.",
    "actions": "The actions it may take.",
    "actor": "The caller.",
    "allowList": "Target ids that belong to the segment, whatever its rules say, unless they are on the deny list. At "
    "most 10,000.",
    "allowListSize": "How many entries its allow list has.",
    "appliedVersion": "The environment's version that it made; null until it is applied, and for a delete.",
    "approvers": "Who approves of it.",
    "approvalRequired": "Whether its changes wait for the approval of a person.",
    "blastRadius": "What it would do to the contexts that it was tried on.",
    "claimCode": "The code that the first start printed; the operator sees it with `signalbox claim-code`.",
    "comment": "The comment.",
    "color": "What it is marked with for people.",
    "configs": "The configs, by key.",
    "confirm": "The slug or key of what is deleted, as a confirmation.",
    "asOf": "An instant (RFC 3339), to evaluate what was in force then: states, segments, and the field that ids are "
    "taken from. Now, if absent or in the future. Needs the action `read`.",
    "context": "The JSON object to evaluate for: what is known of a user, a device or a request. At most 64 KiB.",
    "contexts": "JSON objects such as an evaluation takes, each at most 64 KiB. At most 100.",
    "copyFromEnvId": "Start with the states of this environment instead of initial values, at version 1.",
    "createdAt": "When it was created.",
    "current": "Whether this request uses it.",
    "defaultTargetIdField": "The context field that ids are taken from, unless a project has its own. "
    "`userId` if null.",
    "defaultValue": "The value where no rule decides.",
    "denyList": "Target ids that do not belong to the segment: it overrides rules and the allow list. At most 10,000.",
    "denyListSize": "How many entries its deny list has.",
    "description": "For people.",
    "diff": "What changes: by dimension, `from` and `to`. `killed` for a kill or a restore; empty for a delete. For a "
    "promotion the same by `flags`, `configs` and `segments` and by key, with `add` and `remove` of lists.",
    "displayName": "The person's name, as others see it.",
    "email": "The person's email.",
    "endedAt": "When it was applied or cancelled, or expired; null until then.",
    "endedBy": "Who applied or cancelled it; null until then, and where it expired.",
    "envId": "The environment's id.",
    "environmentId": "The environment's id.",
    "environmentKey": "The environment's key.",
    "environments": "The environments it covers.",
    "examples": "An example of the error on each transport.",
    "expiresAt": "When it expires.",
    "firstEvaluatedAt": "When it first evaluated a flag or config; null if it has not.",
    "flags": "The flags, by key.",
    "fromEnvId": "The id or name of the environment of the same project to take over from.",
    "hint": "The first characters of its secret, to recognise it by.",
    "id": "A UUIDv7.",
    "initialValue": "The default value that new environments start with.",
    "invitedBy": "Who created the invitation.",
    "ipAllowlist": "The networks, such as `192.0.2.0/24`, that it may be used from; anywhere if empty.",
    "jsonSchema": "The JSON Schema (draft 2020-12) that every value must match; only for type json.",
    "key": "Unique in the project, and never changed.",
    "keys": 'Which flags and configs to evaluate; all if absent or `["*"]`.',
    "killed": "Whether it is turned off, whatever its rules say.",
    "lastRefusal": "Its last request that was refused because of what it may do, how often, or from where.",
    "level": "The name of its set of actions; null if they were chosen one by one.",
    "maintainer": "The member who looks after it; null for nobody, and once they have left.",
    "maintainerId": "The user id of the member who looks after it; null for nobody.",
    "maxRateLimitPerMin": "The requests per minute that all tokens of the organisation may make together.",
    "me": "Who is signed in now.",
    "member": "The member, as they were.",
    "mintedBy": "The person who created it.",
    "name": "The display name.",
    "notify": "Which mails about proposals the person wants; absent for a token.",
    "onBehalfOf": "The person who minted the token; absent for people.",
    "org": "The organisation.",
    "orgId": "The organisation's id.",
    "orgName": "The organisation's display name.",
    "orgSlug": "The organisation's slug.",
    "orgs": "The organisations that the person is in; absent for a token.",
    "paths": "Where the rules refer to it: the path of each `$segment` or `$flag`.",
    "permanent": "Whether it is meant to stay, so that it never counts as stale.",
    "position": "Where it stands among the project's environments, lowest first; of equal ones the older comes first.",
    "primitiveId": "The id of the flag, config or segment.",
    "projectId": "The project's id.",
    "protected": "Whether every change of state waits for approval.",
    "rateLimitPerMin": "The requests per minute that it may make.",
    "reason": "Why the change is made, for the audit.",
    "requiredApprovals": "How many people must approve a change that waits for approval.",
    "removed": "The keys that have gone since then; absent if everything is shown.",
    "resourceKey": "The key of what refers to it.",
    "resourceType": "Whether that is a flag, a config or a segment.",
    "resources": "The keys it covers: `*`, whole keys, and prefixes such as `payments.*`, each optionally after "
    "`flag:`, `config:` or `segment:`.",
    "revokeTokens": "Whether to revoke the tokens that the member minted. Otherwise they stay valid.",
    "role": "The role in the organisation.",
    "segments": "The segments, by key.",
    "since": "The version that it differs from in what is shown; absent if everything is shown.",
    "summary": "What it comes to, for people.",
    "openProposals": "How many proposals wait to change the state, or to delete what it belongs to.",
    "slug": "Unique on the instance, and never changed.",
    "status": "Whether it can still be accepted.",
    "tags": "Words to find it by, with the same characters as keys. Each counts once, and they are sorted.",
    "targetIdField": "The context field that ids are taken from; the organisation's default if null.",
    "type": "What its values are.",
    "updatedAt": "When it was last changed.",
    "updatedBy": "Who last changed it.",
    "userId": "The person's id.",
    "value": "The value for the context.",
    "verboseReason": "Whether each reason has a trace of the rules. Needs the right to read the rules.",
    "version": "The environment's version.",
}

_AUDIT_EVENT = {
    "action": "What was done, by the name of its row in the table of permissions; or a sign-in, or a refusal.",
    "actor": "Who did it.",
    "approvers": "Who had approved of it, where it was proposed.",
    "at": "When it was done.",
    "breakGlass": "Whether it overrode protection; absent where it did not.",
    "id": "The event's id, a UUIDv7.",
    "projectId": "The project's id; absent where it was done in none.",
    "proposalId": "The proposal's id; absent where it has to do with none.",
    "reason": "Why; absent where nobody said it.",
    "requestId": "The id of the request that did it, which is also in the log.",
    "resourceId": "The id of what it was done to.",
    "resourceKey": "The key, slug or email of what it was done to.",
    "resourceType": "The type of what it was done to.",
    "versions": "The versions of environments that it made.",
}

_NOTIFY = {
    "applied": "Whether to mail you when somebody applies a change that you proposed.",
    "cancelled": "Whether to mail you when somebody cancels a change that you proposed.",
    "proposed": "Whether to mail you when somebody proposes a change in a protected environment that you can review.",
    "reviewed": "Whether to mail you when somebody reviews a change that you proposed.",
}

OF_SCHEMA = {
    "Notify": _NOTIFY,
    "UpdateNotify": _NOTIFY,
    "AuditEvent": _AUDIT_EVENT,
    "AuditEventDetail": {
        **_AUDIT_EVENT,
        "diff": "The JSON Patch (RFC 6902) that makes `newValue` of `previousValue`. A list of more than 200 members "
        "is replaced as a whole.",
        "newValue": "What the subject became; null for a delete, and where nothing is kept.",
        "previousValue": "What the subject was: a state; for a delete from several environments that of each, by id; "
        "null where it was not there, or nothing is kept.",
    },
    "Cause": {
        "key": "Its key.",
        "resourceType": "Whether it is a flag, a config or a segment.",
    },
    "FromTo": {
        "from": "What it was; null where nothing was before it, or is kept of it. Of a list, as `to`.",
        "to": "What it became. Of a list, as `{add, remove}`, what it got and lost: the first 50 of each, with "
        "`truncated` where there are more.",
    },
    "PrimitiveChange": {
        "action": "What was done, by the name of its row in the table of permissions; null where the audit no longer "
        "has it.",
        "actor": "Who changed it.",
        "at": "When it was changed.",
        "causedBy": "What was changed, where that is something that its rules rest on; absent where it is itself.",
        "changes": "By dimension (`defaultValue`, `rules`, `allowList`, `denyList`) or `killed`, what it was and "
        "became; of the cause where there is one.",
        "reason": "Why; null where nobody said it.",
        "requestId": "The id of the request that did it; null where the audit has no event of it, or no longer.",
        "version": "The version that the change made.",
    },
    "BlastRadius": {
        "contexts": "On how many contexts it was tried: those of the request, or those that the environment keeps.",
        "flips": "How many contexts would get another value, by the key of each flag or config, those included "
        "that change through segments and prerequisites.",
        "results": "What each context would get.",
        "sampled": "What would become of the contexts of the traffic sample, where there was one.",
        "truncated": "Whether there is more than is shown here, or it would have taken too long.",
        "version": "The environment's version that it was tried at; null for a delete.",
    },
    "SampledFlips": {
        "contexts": "How many contexts of the sample were tried.",
        "flips": "How many of them get another value, by the key of each flag or config.",
        "share": "The share of those that get another value of any, from 0 to 1; null if there are none.",
    },
    "CreateProposal": {
        "diff": "What a change of the state would be sent, with one member: `defaultValue`, `rules`, `allowList` or "
        "`denyList`; `{}` to kill, restore or delete; to promote, `fromEnvId`, and if wanted `flags`, `configs`, "
        "`segments` and `includeNeeds`.",
        "envId": "The environment's id or name; for all kinds but deletes.",
        "expiresInSeconds": "The seconds until it expires; by default a week.",
        "kind": "What it changes.",
        "projectId": "The project's id or name; for deletes, which are made in every environment.",
        "resourceKey": "The key of the flag, config or segment; for all kinds but `promote`.",
        "spotCheck": "Contexts to try it on; those that the environment keeps if absent.",
    },
    "CreateReview": {"verdict": "Whether you approve.", "comment": "What you say."},
    "Proposal": {
        "actor": "Who proposed it.",
        "envId": "The environment's id; null for a delete, which is made in every environment of the project.",
        "expiresAt": "When it expires, unless it is applied or cancelled before.",
        "kind": "What it changes.",
        "proposedVersion": "The version of the environment that it rests on: it cannot be applied at another. "
        "Null for a delete.",
        "proposedVersions": "The versions that it rests on: of its environment, or, for a delete, all of the "
        "project's.",
        "reason": "Why it was proposed.",
        "requiredApprovals": "How many people must approve it, whoever applies it included.",
        "fromEnvId": "The id of the environment that a promotion takes over from, if you reach it; else null.",
        "resourceId": "The id of the flag, config or segment; null for a promotion.",
        "resourceKey": "The key of the flag, config or segment that it changes; null for a promotion.",
        "resourceType": "Whether that is a flag, a config or a segment; null for a promotion.",
        "status": "What has become of it.",
    },
    "AskPreview": {
        "ruleset": "The drafts.",
        "sample": "Whether to try them on the environment's traffic sample, too, whose contexts are counted only.",
        "spotCheck": "The contexts to try them on, each at most 64 KiB. At most 1,000.",
    },
    "DraftRuleset": {
        "configs": "Drafts of configs, by key. At most 1,000.",
        "flags": "Drafts of flags, by key. At most 1,000.",
        "segments": "Drafts of segments, by key. At most 1,000.",
    },
    "Preview": {
        "flips": "How many contexts get another value, by the key of each flag or config, those included that change "
        "through the drafts.",
        "results": "What each context gets, in their order.",
        "sampled": "With `sample`: what becomes of the contexts of the traffic sample.",
        "truncated": "Whether some contexts are not among the results, because the answer would be too large. They are "
        "counted in `flips`.",
        "version": "The environment's version that the drafts were tried at.",
    },
    "PreviewedContext": {
        "context": "The context.",
        "evaluations": "By key, the drafted flags and configs, and those that get another value through the drafts.",
    },
    "PreviewedEvaluation": {
        "flips": "Whether the value is another one.",
        "live": "What it is now.",
        "preview": "What it would be.",
    },
    "ProposedEntries": {"add": "The ids that it would get.", "remove": "The ids that it would lose."},
    "ProposedChange": {
        "from": "What is there; absent for a token that may not read it.",
        "to": "What would be there.",
    },
    "History": {
        "primitives": "By key, the flags and configs that were asked for.",
        "truncated": "Whether it ends early, because it is too much.",
    },
    "HistoryEntry": {
        "asOf": "Since when: `since`, or the instant of the version.",
        "reason": "Why; null where the key was not there.",
        "value": "The value; null where the key was not there.",
        "version": "The version that was in force.",
    },
    "KeyHistory": {
        "entries": "An entry for each change of its value or reason, oldest first.",
        "type": "What its values are, or were last; null if it was not there.",
    },
    "AskHistory": {
        "since": "The instant (RFC 3339) that it begins with.",
        "until": "The instant before which it ends.",
    },
    "ProposedEvaluation": {
        "flips": "Whether the value is another one.",
        "live": "The value and the reason now; null where there is none.",
        "proposed": "The value and the reason that it would be; null where there would be none.",
    },
    "Review": {
        "createdAt": "When it was made.",
        "proposalId": "The id of the proposal.",
        "reviewer": "Who reviewed it.",
        "verdict": "Whether they approve.",
    },
    "TriedContext": {
        "context": "The context.",
        "evaluations": "By key, the flag or config that changes, and those that get another value through it.",
    },
    "AcceptInvitation": {"displayName": "Your name, if you are a new user."},
    "Actor": {
        "id": "The id of the user or token.",
        "kind": "A person, a token, or the service itself.",
        "name": "The name as it was then.",
    },
    "ApiKey": {
        "expiresAt": "When it expires; null for never.",
        "lastUsedAt": "When it was last used, to about a minute; null for never.",
        "updatedAt": "When it was last renewed.",
    },
    "Config": {
        "key": "Unique among the project's flags and configs, and never changed.",
        "updatedAt": "When its identity was last changed.",
    },
    "ConfigState": {
        "id": "The state's id, a UUIDv7.",
        "key": "The config's key.",
        "updatedAt": "When the state was last changed.",
        "version": "The environment's version when the state was last changed.",
    },
    "Confirm": {"confirm": "Your email, as a confirmation."},
    "CreateApiKey": {
        "actions": "Single actions, instead of a level.",
        "expiresInSeconds": "The seconds until it expires; null for never.",
        "level": "A predefined set of actions.",
        "rateLimitPerMin": "The requests per minute that it may make, up to the organisation's limit. Default: 600.",
    },
    "CreateEnvironment": {
        "position": "Where it stands among the project's environments, lowest first. Without it, it is the last.",
    },
    "CreateConfig": {
        "defaultValue": "The default value that every environment starts with. It must be of the config's type.",
        "key": "Unique among the project's flags and configs, and never changed.",
        "type": "What its values are. Never changed.",
    },
    "CreateFlag": {
        "defaultValue": "The default value that every environment starts with. It must be of the flag's type.",
        "key": "Unique among the project's flags and configs, and never changed.",
        "name": "The name for people; the key is shown where it is empty.",
        "type": "What its values are. Never changed.",
    },
    "CreateInvitation": {
        "email": "The email that the link is mailed to.",
        "role": "The role they will have, not above your own.",
    },
    "CreateProject": {"key": "Unique in the organisation, and never changed."},
    "CreateSegment": {"key": "Unique among the project's segments, and never changed."},
    "CreatedApiKey": {
        "expiresAt": "When it expires; null for never.",
        "lastUsedAt": "When it was last used; null for never.",
    },
    "CreatedInvitation": {"email": "The email of the person invited.", "role": "The role they will have."},
    "Environment": {
        "updatedAt": "When anything but its states was last changed.",
        "version": "It increases by one with each change of state, and is 0 until the first.",
    },
    "Environments": {
        "envs": "Single environments, by their ids.",
        "org": "The whole organisation.",
        "projects": "Whole projects, by their ids.",
    },
    "EvaluationRequest": {
        "context": "The context, with `targetingKey`. At most 64 KiB; empty if absent.",
    },
    "Resolution": {
        "reason": "Whether a rule decided, a percentage or split of one, or none; `DISABLED` if the flag is killed.",
        "value": "The value. That of a config of numbers is always a float, such as `1.0`.",
        "variant": "The name of the split's entry if it has one, else the value as text, or a digest of a long one.",
    },
    "ResolutionsMetadata": {
        "environmentId": "The environment.",
        "version": "The environment's version that answered.",
    },
    "Resolutions": {
        "eventStreams": "Where clients hear that they are to ask again.",
        "metadata": "What they were evaluated with.",
    },
    "Error": {"requestId": "The id of the request; it is in the server's log too."},
    "Evaluation": {"reason": "Why this is the value."},
    "Evaluations": {"version": "The environment's version that answered."},
    "Flag": {
        "key": "Unique among the project's flags and configs, and never changed.",
        "name": "The name for people; the key where none was given.",
        "updatedAt": "When its identity was last changed.",
    },
    "FlagState": {
        "id": "The state's id, a UUIDv7.",
        "key": "The flag's key.",
        "name": "The name for people; the key where none was given.",
        "updatedAt": "When the state was last changed.",
        "version": "The environment's version when the state was last changed.",
    },
    "InstallClaim": {"orgSlug": "The organisation's slug. Unique on the instance, and never changed."},
    "Invitation": {"email": "The email of the person invited.", "role": "The role they will have."},
    "Invited": {"email": "The email of the person invited.", "role": "The role they will have."},
    "LeftInvitation": {"email": "Who was invited.", "role": "The role they would have had."},
    "LeftToken": {"name": "The token's display name."},
    "Me": {"email": "The person's email; absent for a token."},
    "Maintainer": {"id": "The id of the user.", "name": "The person's display name."},
    "ListedSegmentState": {
        "id": "The state's id, a UUIDv7.",
        "key": "The segment's key.",
        "updatedAt": "When the state was last changed.",
        "version": "The environment's version when the state was last changed.",
    },
    "Member": {
        "createdAt": "When they joined.",
        "id": "The membership's id, a UUIDv7.",
        "updatedAt": "When their role was last changed.",
    },
    "Minter": {"id": "The person's id.", "kind": "A person.", "name": "The name as it was then."},
    "OwnSession": {
        "address": "The IP address that you signed in from.",
        "browser": "The browser or program, as far as it says what it is.",
        "createdAt": "When you signed in.",
        "expiresAt": "When it expires. Use moves it on, up to 180 days after the sign-in.",
        "lastSeenAt": "When it was last used, to the day.",
    },
    "Project": {"key": "Unique in the organisation, and never changed."},
    "RedeemLink": {"token": "The value of `t` in the link."},
    "Removed": {
        "invitations": "The open invitations that the member had made, which are revoked.",
        "tokens": "The live tokens that the member had minted.",
        "tokensRevoked": "Whether those were revoked.",
    },
    "RenewApiKey": {"expiresInSeconds": "The seconds until it expires, from now on; null for never."},
    "Ruleset": {"targetIdField": "The context field that ids are taken from."},
    "Segment": {
        "key": "Unique among the project's segments, and never changed.",
        "updatedAt": "When its identity was last changed.",
    },
    "SegmentState": {
        "id": "The state's id, a UUIDv7.",
        "key": "The segment's key.",
        "updatedAt": "When the state was last changed.",
        "version": "The environment's version when the state was last changed.",
    },
    "Sent": {"sent": "Always true, whether or not the email is known."},
    "UpdateEntries": {
        "add": "Target ids that the list gets. Those that it has already change nothing.",
        "remove": "Target ids that the list loses. Those that it does not have change nothing.",
    },
    "Summary": {
        "kind": "`on`, `off` or `value` if everyone gets the same, `percent` if one rule gives a percentage of "
        "everyone a value and all others get another, `killed`, otherwise `rules`. A segment is `on` if everyone "
        "belongs to it, `off` if nobody does.",
        "percent": "The percentage of everyone, if the kind is `percent`; otherwise null.",
        "rules": "How many of its rules are not disabled.",
        "text": "A sentence.",
    },
    "Difference": {
        "againstValue": "What it is in the other environment. Of a list, as `{add, remove}`, what this one would get "
        "and lose to be like that one.",
        "dimension": "What differs: `defaultValue`, `rules`, `allowList`, `denyList`, or `killed`.",
        "key": "Its key.",
        "resourceType": "Whether it is a flag, a config or a segment.",
        "value": "What it is here. Of a list, as `{add, remove}`, what the other environment's would get and lose to "
        "be like this one.",
    },
    "EnvironmentDiff": {
        "againstVersion": "The version of the environment that it is compared with.",
        "differences": "Flags first, then configs, then segments, in the order of their keys. What is equal is left "
        "out.",
        "version": "The environment's version.",
    },
    "Needs": {
        "configs": "Keys of configs.",
        "flags": "Keys of flags.",
        "segments": "Keys of segments.",
    },
    "Promote": {
        "configs": "The keys of the configs to take over.",
        "dryRun": "Whether only to say what would change.",
        "flags": "The keys of the flags to take over.",
        "includeNeeds": "Whether to take over the segments and prerequisites that these rest on, too, where they "
        "differ.",
        "segments": "The keys of the segments to take over.",
    },
    "Promotion": {
        "configs": "The states of the configs that were promoted.",
        "differences": "With `dryRun`: what would change, with `value` as it is and `againstValue` as it would be.",
        "flags": "The states of the flags that were promoted.",
        "needs": "With `dryRun`: what these rest on and differs, too. `includeNeeds` takes it along.",
        "segments": "The states of the segments that were promoted.",
        "version": "The environment's version.",
    },
    "Endpoint": {"requestUri": "Path and query, with a ticket that is good as long as the token."},
    "EventStream": {"type": "Server-sent events.", "endpoint": "The address. It is the same for the same token."},
    "StreamTicket": {"ticket": "The value of the parameter `ticket`. It is good once.", "expiresAt": "Until when."},
    "SpotChecks": {
        "updatedAt": "When they were last changed; null if nobody has set any.",
        "updatedBy": "Who last changed them; null if nobody has set any.",
    },
    "SetTrafficSample": {
        "fields": "The paths that are kept of each context; all else is dropped. At most 50, and none within another. "
        "Required unless the size is 0. The target id is kept only if its field is named.",
        "size": "How many contexts to keep at most. With 0 none are.",
    },
    "OutcomeUsage": {
        "count": "How many evaluations had it.",
        "lastEvaluatedAt": "When one had it last.",
        "reason": "Why the value was what it was, as evaluations tell it.",
        "share": "Their share of all, from 0 to 1.",
        "value": "The value; null where it is left out.",
        "valueOmitted": "Whether the value is left out, because it is long or the outcome stands for the rest of very "
        "many.",
    },
    "Staleness": {
        "advice": "What to do about it, in one sentence; null if it is not stale.",
        "days": "For how many days; null if it is not stale.",
        "reason": "`not_evaluated`: nothing has evaluated it. `one_value`: everyone has got the same value.",
        "since": "Since when; null if it is not stale.",
        "stale": "Whether it is stale.",
    },
    "TokenRefusal": {
        "at": "When it was refused.",
        "code": "The code of the error.",
        "requestId": "The id of the request.",
    },
    "Usage": {
        "firstEvaluatedAt": "When it was evaluated first at all; null for never.",
        "key": "The key of the flag or config.",
        "kind": "Which of both it is.",
        "lastEvaluatedAt": "When it was evaluated last at all; null for never.",
        "outcomes": "The evaluations by outcome, the most frequent first.",
        "primitiveId": "The id of the flag or config.",
        "series": "The evaluations by hour or day; those without are absent.",
        "stale": "Whether it is of no use any more, and what to do about it.",
        "total": "How many evaluations there were in the span.",
    },
    "UsagePoint": {
        "count": "How many evaluations there were.",
        "startsAt": "When the hour or the day began, in UTC.",
    },
    "TrafficSample": {
        "contexts": "Those that were evaluated last, the last one first, as many as `limit` says.",
        "count": "How many contexts are in the sample.",
        "fields": "The paths that are kept of each context.",
        "oldestAt": "When the oldest of them was evaluated; null if there are none.",
        "size": "How many contexts are kept at most; 0 if none are.",
        "updatedAt": "When this was last set; null if nobody has.",
        "updatedBy": "Who last set it; null if nobody has.",
    },
    "Attribute": {
        "name": "Its path, as rules name it.",
        "sampled": "How many contexts of the traffic sample have it.",
        "types": "The types of JSON that rules compare it with, or that it was seen with.",
        "used": "How many flags, configs and segments that you may read have rules on it.",
        "values": "A few short values: those that rules compare it with, then those that were seen most often.",
    },
    "Attributes": {
        "attributes": "Those that are used most come first. At most 1,000.",
        "truncated": "Whether there are more.",
        "version": "The environment's version.",
    },
    "SignUp": {"orgSlug": "The organisation's slug. Unique on the instance, and never changed."},
}

_HISTORY = (
    "Lists what changed a {} in an environment, newest first: its own changes, and those of the segments, flags and "
    "configs that its rules rested on then, directly or not, which have a `causedBy`. What one version changed has an "
    "entry each. Changes of what you may not read are left out."
)

_THEN = (
    " With `version`, as it was when the environment was at that version; its name and description are those of today."
)

OPERATIONS = {
    "installClaim": "Creates the first organisation of an empty instance and its owner, and signs the owner in. "
    "Of two claims at the same moment one succeeds, and the other is `already_claimed`.",
    "requestMagicLink": "Mails a link that signs in once, within 15 minutes. The response is the same whether or not "
    "the email is known.",
    "signUp": "Mails a link to a new person. The organisation and its owner are created when the link is used. "
    "Only on hosted instances.",
    "redeemLink": "Uses the secret of a mailed link. The response sets the session cookie.",
    "getMe": "Shows the caller: for a person with the email and the organisations, for a token with its name.",
    "updateMe": "Changes your name, and which mails about proposals you get. What you did before keeps the name that "
    "you did it under.",
    "deleteMe": "Deletes your account. All sessions end, and you leave every organisation. The last owner of an "
    "organisation cannot be deleted.",
    "logout": "Ends the session and clears its cookie. It succeeds without a session too.",
    "listSessions": "Lists the browsers and programs in which you are signed in.",
    "deleteOtherSessions": "Ends all your sessions except the one that you call with, at once.",
    "deleteSession": "Ends one of your sessions at once.",
    "listOrgs": "Lists the organisations that you are in; for a token, its own.",
    "createOrg": "Creates an organisation with you as its owner.",
    "getOrg": "Shows an organisation.",
    "updateOrg": "Changes what is sent, and leaves the rest. A new default target id field changes every environment "
    "that it reaches.",
    "deleteOrg": "Deletes an organisation with its projects, tokens and memberships. `confirm` must be its slug.",
    "listMembers": "Lists the people of an organisation and their roles, by the order in which they joined.",
    "getMember": "Shows a person's membership.",
    "updateMember": "Changes a member's role at once. The last owner keeps theirs.",
    "removeMember": "Removes a member, or yourself. The response lists the tokens that they minted.",
    "listInvitations": "Lists the invitations that were not accepted, expired ones included.",
    "createInvitation": "Mails an invitation, which can be accepted for 7 days. The response shows its link once.",
    "revokeInvitation": "Revokes an invitation, so that its links stop working.",
    "getInvitation": "Shows the holder of an invitation's link what it is for.",
    "acceptInvitation": "Joins the organisation: with your own session if you have an account, otherwise as a new "
    "user, who is signed in.",
    "listApiKeys": "Lists the tokens of an organisation, expired ones included, without their secrets.",
    "createApiKey": "Creates a token. The response has its secret, which is not shown again.",
    "getApiKey": "Shows a token without its secret.",
    "revokeApiKey": "Ends a token. It stops working with the next request.",
    "renewApiKey": "Changes when a live token expires. Its secret stays the same.",
    "listProjects": "Lists the projects of an organisation that you can read.",
    "createProject": "Creates a project.",
    "getProject": "Shows a project.",
    "updateProject": "Changes what is sent, and leaves the rest. A new target id field changes every environment of "
    "the project.",
    "deleteProject": "Deletes a project with its environments, flags, configs and segments. `confirm` must be its key.",
    "listEnvironments": "Lists the environments of a project that you can read, in their order.",
    "createEnvironment": "Creates an environment in which every flag and config has its initial value and no rules, "
    "and every segment is empty, at version 0. With `copyFromEnvId` it starts with the states of another environment, "
    "at version 1.",
    "getEnvironment": "Shows an environment and its version.",
    "updateEnvironment": "Changes what is sent, and leaves the rest.",
    "deleteEnvironment": "Deletes an environment with all states in it. `confirm` must be its key.",
    "getSpotChecks": "Shows the contexts that an environment keeps. Proposed changes are tried on them.",
    "setSpotChecks": "Replaces the contexts that an environment keeps. What is sent is all of them; an empty list "
    "keeps none. A change that changes nothing succeeds. Proposals that are there already stay as they are.",
    "listUsage": (
        "Of every flag and config that you may read: how often it was evaluated, by outcome and by hour or day, when "
        "first and last, and whether it is stale. Counted are evaluations over REST, GraphQL and OpenFeature's "
        "protocol, within seconds; what SDKs evaluate by themselves is not known here."
    ),
    "getTrafficSample": "Shows what an environment keeps of contexts that were really evaluated in it in the last 24 "
    "hours: a uniform sample of the evaluations over REST, GraphQL and OpenFeature's protocol.",
    "setTrafficSample": "Begins to sample an environment's traffic, which none does by itself; with a size of 0 it "
    "ends. What is not named in `fields` is dropped before anything is kept. A change deletes what was sampled before; "
    "one that changes nothing succeeds.",
    "deleteTrafficSample": "Deletes an environment's traffic sample, and samples nothing from now on.",
    "getAttributes": "Lists the context fields that are known in an environment: those that its rules name, in "
    "conditions or to take ids from, as far as you may read them, and those of its traffic sample.",
    "streamRuleset": "Server-sent events about the environment's ruleset, each within a second of the change. An event "
    "`ruleset` has the version as its `id`, and in `data` the keys that you may read and that have `changed` or were "
    "`removed` since the event before. The first comes at once and tells the version that is in force; with "
    "`Last-Event-ID`, which EventSource sends by itself, it tells what has happened since that version. With "
    "`complete: false` this is not known: the ruleset is to be read anew. Comments come while nothing happens. The "
    "stream ends when you may not read the environment any more, and when the server stops. A browser's EventSource "
    "cannot send a token: it takes `?ticket=` from `POST /envs/{envId}/stream-tickets`. You have at most 100 streams "
    "and subscriptions at once.",
    "createStreamTicket": "Creates a ticket with which one stream of the environment is opened as you, within a "
    "minute. `Location` is the address of that stream.",
    "streamEvaluations": "Server-sent events for OpenFeature's clients. A message has `refetchEvaluation` as its "
    "`type` when something that you evaluate may have changed, and when the stream begins. The answer with all "
    "flags has the address of this stream in `eventStreams`, with a ticket that is good as long as the token.",
    "promote": "Takes over, from another environment of the project, all that the named flags, configs and segments "
    "have there, or all that differs if no keys are named. Which flags are killed stays as it is. It is one "
    "transaction and one version; what differs in nothing raises none. With `dryRun` nothing is written.",
    "getEnvironmentDiff": "Shows what differs between two environments of a project, as far as you may read it in "
    "both: each dimension of each flag, config and segment, and which flags are killed. Values are compared as JSON, "
    "lists as sets.",
    "listFlags": "Lists the identities of the flags that you can read: what they are, not what they do in an "
    "environment.",
    "createFlag": "Creates a flag in every environment of the project, in one transaction. Each environment's version "
    "increases by one.",
    "getFlag": "Shows a flag's identity.",
    "updateFlag": "Changes a flag's identity. No environment's values change.",
    "deleteFlag": "Deletes a flag and its state in every environment, unless another flag or config refers to it.",
    "listFlagReferences": "Lists what refers to a flag as a prerequisite, in which environment and where. A flag that "
    "is referred to cannot be deleted.",
    "listFlagStates": "Lists what the flags that you can read do in an environment.",
    "getFlagState": "Shows what a flag does in an environment." + _THEN,
    "updateFlagState": "Changes what is sent, and leaves the rest. A change that changes nothing succeeds, and raises "
    "no version.",
    "listFlagHistory": _HISTORY.format("flag"),
    "promoteFlag": "Takes over the state that the flag has in another environment of the project. Whether it is killed "
    "stays as it is.",
    "replaceFlagState": "Replaces the default value and all rules.",
    "killFlag": "Turns a flag off for everybody at once, whatever its rules say. A boolean flag is then `false`, a "
    "string flag its default value.",
    "restoreFlag": "Turns a killed flag on again, with the rules that it had.",
    "listConfigs": "Lists the identities of the configs that you can read: what they are, not what they give in an "
    "environment.",
    "createConfig": "Creates a config in every environment of the project, in one transaction. Each environment's "
    "version increases by one.",
    "getConfig": "Shows a config's identity.",
    "updateConfig": "Changes a config's identity. No environment's values change.",
    "deleteConfig": "Deletes a config and its state in every environment, unless a flag or config refers to it.",
    "listConfigReferences": "Lists what refers to a config as a prerequisite, in which environment and where. A config "
    "that is referred to cannot be deleted.",
    "listConfigStates": "Lists what the configs that you can read give in an environment.",
    "getConfigState": "Shows what a config gives in an environment." + _THEN,
    "updateConfigState": "Changes what is sent, and leaves the rest. A change that changes nothing succeeds, and "
    "raises no version.",
    "listConfigHistory": _HISTORY.format("config"),
    "promoteConfig": "Takes over the state that the config has in another environment of the project.",
    "replaceConfigState": "Replaces the default value and all rules.",
    "listSegments": "Lists the identities of the segments that you can read: what they are, not who belongs to them.",
    "createSegment": "Creates a segment in every environment of the project, in one transaction. Each environment's "
    "version increases by one.",
    "getSegment": "Shows a segment's identity.",
    "updateSegment": "Changes a segment's identity. No environment's values change.",
    "deleteSegment": "Deletes a segment and its state in every environment, unless something refers to it.",
    "listSegmentReferences": "Lists what refers to a segment, in which environment and where. A segment that is "
    "referred to cannot be deleted.",
    "listSegmentStates": "Lists who belongs to the segments that you can read in an environment, with the sizes of "
    "their lists instead of the entries.",
    "getSegmentState": "Shows who belongs to a segment in an environment: its rules and both lists." + _THEN,
    "updateSegmentState": "Changes what is sent, and leaves the rest. A list is replaced as a whole; to change single "
    "entries, post them to the list.",
    "listSegmentHistory": _HISTORY.format("segment"),
    "promoteSegment": "Takes over the state that the segment has in another environment of the project.",
    "replaceSegmentState": "Replaces all rules and both lists.",
    "listAllowList": "Lists the entries of the allow list, in the order of their characters.",
    "listDenyList": "Lists the entries of the deny list, in the order of their characters.",
    "updateAllowList": "Adds entries to the allow list and removes others, without sending the whole list. All flags, "
    "configs and segments that refer to the segment follow at once.",
    "updateDenyList": "Adds entries to the deny list and removes others, without sending the whole list. All flags, "
    "configs and segments that refer to the segment follow at once.",
    "listProposals": "Lists the proposals of all organisations that you see, newest first. A page ends early where its "
    "proposals are large.",
    "createProposal": "Proposes a change of one dimension of a state, a kill, a restore or a delete, for somebody to "
    "apply. It is checked as the change itself would be. If you have proposed the same already, and nothing has "
    "changed since, you get that proposal, with 200. A write that requires approval makes a proposal by itself: it is "
    "answered with 202.",
    "listProjectProposals": "Lists the proposals of a project, in whatever environment, newest first.",
    "listEnvironmentProposals": "Lists the proposals of an environment, and those that delete something of its "
    "project, newest first.",
    "getProposal": "Gives a proposal with what it changes, who approves of it, and what it would do to the contexts "
    "that it was tried on.",
    "applyProposal": "Does what was proposed. Fails with `version_drift` if the environment has changed since, and "
    "with `approval_missing` until enough people approve; a person who applies a proposal approves of it.",
    "cancelProposal": "Ends a proposal that nobody is to apply. Whoever proposed it may always do that.",
    "listReviews": "Lists the reviews of a proposal, oldest first.",
    "reviewProposal": "Approves a proposal, or asks for changes. The last word of each person counts, as long as they "
    "could review still. Nobody reviews what they, or a token that they created, have proposed.",
    "listAuditEvents": "Lists what was done in an organisation, newest first: changes, sign-ins, and tokens that were "
    "refused. A filter for something that is not there gives an empty list.",
    "getAuditEvent": "Gives an event of the audit.",
    "getRuleset": "Gives all states of an environment at one version, as far as you can read them, for programs that "
    "evaluate by themselves. With `since`, only what has changed since a version that you have: take in its `flags`, "
    "`configs` and `segments`, and drop the keys in `removed`. An answer without `since` is everything.",
    "evaluate": "Gives the value of each flag and config for a context, with the reason. A key that does not exist is "
    "null. With `asOf` it is what was evaluated at an instant of the past, and `version` is that of then. Before the "
    "first version that is `ruleset_not_cached`.",
    "evaluateFlag": "Answers OpenFeature's remote evaluation protocol (OFREP) for one key, as its providers for "
    "servers ask for it. `targetingKey` is the target id, unless the context has the field that the project takes ids "
    "from. Send `X-Signalbox-Env` unless the token's scope is exactly one environment.",
    "evaluateFlags": "Answers OpenFeature's remote evaluation protocol (OFREP) for all keys, as its providers for "
    "browsers and phones ask. The tag is that of the version, the token and the body: with "
    "`If-None-Match` nothing is evaluated where none of them has changed.",
    "history": "Gives what each flag and config was for a context between two instants, with the reason: first what "
    "was in force at `since`, or at the first version, then an entry for each version that made it something else. Of "
    "what was not there `value` and `reason` are null. It ends early, with `truncated`, past 10,000 entries in all, or "
    "where there is too much to look through: ask for fewer keys, or for less time.",
    "preview": "Tries drafts of flags, configs and segments on contexts, and stores nothing. Each draft is what a "
    "change of the state would be sent, without the reason; drafts may refer to each other, and faults stand at their "
    "path below `ruleset`. Gives for each context the value and the reason, live and with the drafts, of the drafted "
    "flags and configs and of those that get another value through them. A body of up to 16 MiB; at most two previews "
    "at once.",
    "listErrors": "Lists the codes of all errors with their status, meaning and cure.",
    "getOpenapi": "Gives this document.",
}

INTRODUCTION = """\
Feature flags and dynamic configuration for several organisations. Everything here can be done over
[GraphQL](/graphql) too, with the same codes, fields and messages.

## Authentication

Programs send a token: `Authorization: Bearer sbx_…`, or `X-API-Key: sbx_…` where they cannot send the former.
People have a session, in a cookie that signing in sets. If both are sent, the token counts. A token has a set of
actions, environments and keys that it covers; the description of each operation says who can call it.
In the browser, this page calls the API with your session.

## Ids and keys

A project or an environment is addressed by its id, or by its name: `acme:web` is the project `web` of the
organisation `acme`, and `acme:web:production` an environment of it. Keys and slugs are lower-case letters, digits,
`.`, `_` and `-`, and never change.

## Rules

The rules of flags and configs say who gets which value, those of segments who belongs. Their language is described in
the [guide to rules](/docs/rules).

## Lists

Lists are arrays. `limit` sets the size of a page (default 100, at most 1000). If there is more, the header
`Link: <…>; rel="next"` has the address of the next page. Follow it as it is: the `cursor` in it is opaque, and good
for this list and filter alone. The address is absolute if the instance has a base URL; else resolve it against the
request's own, in httpx with `response.url.join(response.links["next"]["url"])`.

Lists of flags, configs and segments, and of their states, can be narrowed and sorted. `tag` may be given several
times, for those that have all of the tags; every other parameter may be given once. `search` ignores case, and finds
`Straße` by `strasse`. With `sort`, a cursor is good for this order alone.

## Preconditions

What can be changed has an `ETag`. Send it as `If-None-Match` with a read to get `304` if nothing has changed, and as
`If-Match` with a write to get `precondition_failed` (412) instead of overwriting somebody else's change.
`If-None-Match` is ignored with writes.

## Limits

Each request with a token takes one from the token's limit and one from the organisation's. `X-RateLimit-Limit`,
`X-RateLimit-Remaining` and `X-RateLimit-Reset` (the seconds until it is full again) describe the one that is closer
to its end. When one is empty, the response is 429 with `Retry-After`.

## Errors

Every refusal has one body, `Error`: `code` is for programs, `message` for people, `fields` names each fault by its
path, and `requestId` finds the request in the log. All codes are in the [catalogue of errors](/docs/errors)."""

TAGS = {
    "Signing in": "How people come in: by claiming an empty instance, by a mailed link, by signing up.",
    "Sessions": "Where a person is signed in.",
    "Organisations": "The tenants of an instance.",
    "Members": "The people of an organisation, and their roles.",
    "Invitations": "How people join an organisation.",
    "API keys": "Tokens, with which programs call.",
    "Projects": "What holds flags, configs and segments, and the environments in which they have states.",
    "Environments": "What holds a state for every flag, config and segment, such as production and staging.",
    "Flags": "Switches and texts for everybody or for some, which can be killed. A flag's identity belongs to the "
    "project, its state to each environment.",
    "Configs": "Values of any type, chosen by the same rules as those of flags.",
    "Segments": "Groups that rules refer to: who belongs to one is said by rules and by lists of target ids.",
    "Proposals": "Changes that wait for a person: of whoever cannot make them alone, and of everybody in a protected "
    "environment.",
    "Audit": "Who did what, why, and which versions of environments it made.",
    "Evaluation": "What programs ask for.",
    "OpenFeature": "The remote evaluation protocol, with which the SDKs of OpenFeature ask.",
    "Errors": "The catalogue of errors.",
    "About the API": "This document.",
}
