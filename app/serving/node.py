"""What one process holds for its lifetime: the database, the rulesets, the keys. Built once by the composition root."""

from dataclasses import dataclass

from app.domain.actors import Actor
from app.services.listing import CursorCodec
from app.serving.rulesets import RulesetCache
from app.settings import Settings
from app.store.engines import Database
from app.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Node:
    """Shared by all requests of the process."""

    settings: Settings
    database: Database
    rulesets: RulesetCache
    cursors: CursorCodec

    def unit(self, request_id: str, actor: Actor | None = None, break_glass: str | None = None) -> UnitOfWork:
        """A unit of work for one use case of a request."""
        return UnitOfWork(self.database, self.rulesets, request_id, actor, break_glass)
