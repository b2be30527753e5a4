"""What other products and habits call the words of the rule language, in lower case."""

from collections.abc import Mapping


def _of(names: Mapping[str, str]) -> Mapping[str, str]:
    return {other: name for name, others in names.items() for other in others.split()}


IN_CONDITIONS = _of(
    {
        "$equals": "$eq eq equal equals == === = is $is equal_to is_equal_to str_equals",
        "$notEquals": "$ne $neq ne neq != !== not_equal not_equals notequal does_not_equal is_not isnot",
        "$in": "in one_of oneof is_one_of isoneof is_in",
        "$notIn": "$nin nin not_in notin not_one_of is_not_one_of isnotoneof none_of",
        "$gt": "gt > greater_than greaterthan num_gt",
        "$gte": "gte >= greater_than_or_equal greaterthanorequal greater_than_inclusive num_gte",
        "$lt": "lt < less_than lessthan num_lt",
        "$lte": "lte <= less_than_or_equal lessthanorequal less_than_inclusive num_lte",
        "$startsWith": "startswith starts_with begins_with str_starts_with prefix $prefix",
        "$endsWith": "endswith ends_with str_ends_with suffix $suffix",
        "$contains": "contains includes $includes $like like $substring substring str_contains has",
        "$containsAny": "$any contains_any array_contains_any containsanyof overlaps $elemmatch",
        "$containsAll": "$all contains_all array_contains_all containsallof",
        "$matches": "$regex regex regexp $regexp $match match matches matches_regex pattern $pattern re2",
        "$exists": "exists is_set isset is_present present defined $defined is_not_null",
        "$semverGt": "semver_gt semver_greater_than semvergreaterthan",
        "$semverGte": "semver_gte semver_greater_than_or_equal",
        "$semverLt": "semver_lt semver_less_than semverlessthan",
        "$semverLte": "semver_lte semver_less_than_or_equal",
        "$semverEquals": "semver_eq $semver_eq $semvereq semver_equal semver_equals semverequal",
        "$before": "before date_before earlier_than",
        "$after": "after date_after later_than",
        "$inCidr": "cidr $cidr in_cidr ip_in ip_in_range in_subnet $iprange",
        "$and": "and && all allof all_of every",
        "$or": "or || any anyof any_of some",
        "$not": "not ! $nor nor",
        "$segment": "segment segments in_segment insegment segmentmatch segment_match cohort audience",
        "$flag": "flag prerequisite prerequisites $prerequisite feature config $config",
        "field": "attribute attr property prop trait path variable contextname context_field contextfield key",
        "ignoreCase": "ignore_case case_insensitive caseinsensitive $options icase",
    }
)
IN_RULES = _of(
    {
        "if": "condition conditions when where clauses constraints query match expression $if",
        "value": "variation variant serve result return then enabled on",
        "split": "variations variants distribution weights rollouts allocation",
        "rolloutPercent": "rollout percent percentage rollout_percent rolloutpercentage rollout_percentage traffic",
        "bucketBy": "bucket_by stickiness hash_by randomization_unit rolloutcontext",
        "seed": "salt hash_seed groupid",
        "name": "title id key label",
        "description": "comment note notes",
        "disabled": "disable is_disabled inactive off paused",
    }
)
IN_SPLITS = _of(
    {
        "percent": "weight percentage rollout rolloutpercent share",
        "name": "variant key label id",
        "value": "variation serve result",
    }
)
