"""What people are to be mailed about proposals."""

from sqlalchemy import Index, Text, text
from sqlmodel import Field, UniqueConstraint

from app.domain.news import NewsEvent
from app.models.base import Identified, Table, words

_NOT_SPREAD = text("NOT spread")


class ProposalNews(Identified, table=True):
    """Something that happened to a proposal, which is news once; `review_id` is empty where it is no review.
    `comment` is what whoever did it said, but for a review, which has its own.

    Those who are to hear of it are found later, some at a time: `reached` is the last membership that was looked at,
    and `spread` that there are no more.
    """

    __tablename__ = "proposal_news"
    __table_args__ = (
        UniqueConstraint("proposal_id", "event", "review_id"),
        Index("ix_proposal_news_not_spread", "id", sqlite_where=_NOT_SPREAD, postgresql_where=_NOT_SPREAD),
    )

    proposal_id: str = Field(foreign_key="proposal.id", ondelete="CASCADE")
    event: NewsEvent = Field(sa_type=words(NewsEvent))
    review_id: str = ""
    comment: str | None = Field(default=None, sa_type=Text)
    reached: str = ""
    spread: bool = False


class NewsRecipient(Table, table=True):
    """Somebody who is to hear of it still. `attempt` is that of the mail which it was handed to, 0 while it waits."""

    __tablename__ = "news_recipient"

    user_id: str = Field(foreign_key="user.id", primary_key=True, ondelete="CASCADE")
    news_id: str = Field(foreign_key="proposal_news.id", primary_key=True, index=True, ondelete="CASCADE")
    attempt: int = 0
