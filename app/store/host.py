"""What a use case may ask of the process that runs it, and of the call that it serves.

The process (`runtime.node`) fills it in; services reach it as `uow.host` and `uow.client`.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from app.domain.actors import ResourcePattern
from app.domain.rate_limits import Limits
from app.domain.security_events import Refusal
from app.engine.cidrs import Address
from app.engine.evaluation import Evaluation
from app.engine.faults import Faults
from app.engine.paths import Context
from app.engine.ruleset import Part, Ruleset
from app.settings import Settings
from app.store.changeset import Commit
from app.store.resolve import Place, Resolved
from app.store.tenancy import Tenant
from app.store.traffic_sample import Sampling

_RESULT = TypeVar("_RESULT")


class Rulesets(Protocol):
    """Where compiled rulesets come from."""

    async def get(self, environment_id: str, min_version: int = 0) -> Ruleset:
        """The environment's present ruleset. Raises `ruleset_not_cached` at version 0.

        It waits for a short while until the environment has reached the version, and raises `unavailable` then.
        """

    async def snapshot(self, environment_id: str, committed: int = 0) -> Ruleset:
        """What the environment has now, at version 0 too, and at least at a version that has been committed."""

    def present(self, environment_id: str) -> Ruleset | None:
        """The environment's present ruleset, if it has one that is in memory."""

    async def at(self, environment_id: str, version: int, target_id_field: str) -> Ruleset:
        """The environment's ruleset at a version that it has reached, when ids came from the field."""

    async def readable(self, ruleset: Ruleset, resources: tuple[ResourcePattern, ...] | None) -> Part:
        """What of the ruleset a caller with these resources may read, and what that needs; None: everything."""


class OffLoop(Protocol):
    """A thread for what would hold up everybody else on the event loop."""

    async def __call__(self, work: Callable[[], _RESULT]) -> _RESULT:
        """The result of `work`, which shares with the loop only what nobody changes."""


class SchemaChecks(Protocol):
    """Where JSON Schemas are checked, and values against them: each may take long, and is cut off."""

    async def __call__(
        self, asker: str, schema: str, values: Sequence[tuple[str, Any]], new: str | None = None
    ) -> Faults:
        """What is wrong with the values, by path. A text of a schema that is `new`, at that path, is checked before."""


class NoteEvaluations(Protocol):
    """Counts what a call has evaluated; `runtime.usage` says what counts."""

    def __call__(
        self, environment_id: str, outcomes: Collection[Evaluation | None], token_id: str | None = None
    ) -> None: ...


class Directory(Protocol):
    """Who may ask for which environment, in memory."""

    generation: int

    def find(self, environment_id: str, tenant: Tenant) -> Resolved | None: ...

    def place(self, called: str, org_id: str) -> Place | None: ...

    def keep(self, environment_id: str, tenant: Tenant, resolved: Resolved, generation: int) -> None: ...


class Traffic(Protocol):
    """Where contexts are chosen for the samples of environments."""

    def offer(self, environment_id: str, context: Context) -> None:
        """A context that was evaluated."""

    def follow(self, environment_id: str, sampling: Sampling | None) -> None:
        """What the environment samples from now on."""


@dataclass(frozen=True, slots=True)
class Host:
    """The process. Each of `on_commit` is handed what every transaction changed; none may raise or wait."""

    settings: Settings
    now: Callable[[], datetime]
    rate_limits: Limits
    rulesets: Rulesets
    directory: Directory
    traffic: Traffic
    off_loop: OffLoop
    check_schema: SchemaChecks
    wake_mail: Callable[[], None]
    note_refusal: Callable[[Refusal], None]
    note_evaluations: NoteEvaluations
    on_commit: tuple[Callable[[Commit], None], ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """Where a call comes from. `browser` is the secret that ties a mailed link to the browser that asked for it,
    `user_agent` what the browser or program calls itself."""

    address: Address | None = None
    browser: str | None = None
    user_agent: str | None = None


NO_CLIENT = Client()
