"""Drafts: what somebody is filling in over several messages; a restart loses nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.inserting import insert_new
from storage.people.tables import Draft


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """Answers given one by one. ``said`` is plain JSON; ``step`` is the question that is open."""

    step: str = ""
    past: tuple[str, ...] = ()
    said: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_data(cls, data: dict[str, Any]) -> Self:
        """Read them from a draft row."""
        return cls(**{**data, "past": tuple(data["past"])})

    def data(self) -> dict[str, Any]:
        """As they are kept in a draft row."""
        return {**asdict(self), "past": list(self.past)}

    def with_(self, **said: Any) -> Self:
        """Return them with these said."""
        return replace(self, said={**self.said, **said})

    def asking(self, step: str) -> Self:
        """Return them with this question open, from which one can go back."""
        return replace(self, step=step, past=(*self.past, self.step) if self.step else self.past)

    def back(self) -> Self | None:
        """Return them with the question before open again; None at the first."""
        if not self.past:
            return None
        return replace(self, step=self.past[-1], past=self.past[:-1])


def keep(
    session: Session, account_id: int, kind: str, data: Mapping[str, Any], *, now: datetime
) -> None:
    """Make this the account's draft of the kind, in place of what there was. Plain JSON."""
    plain = dict(data)
    session.exec(
        insert_new(session, Draft).values(
            account_id=account_id, kind=kind, data=plain, updated_at=now
        )
    )
    session.exec(
        sa.update(Draft)
        .where(col(Draft.account_id) == account_id, col(Draft.kind) == kind)
        .values(data=plain, updated_at=now)
    )


def read(
    session: Session, account_id: int, kind: str, *, lock: bool = False
) -> dict[str, Any] | None:
    """Return the draft of the kind, or None; locked for who changes a part of it."""
    query = select(Draft.data).where(Draft.account_id == account_id, Draft.kind == kind)
    data = session.exec(query.with_for_update() if lock else query).first()
    return None if data is None else dict(data)


def kinds(session: Session, account_id: int, prefix: str) -> list[str]:
    """Return the kinds of the account's drafts that begin like this."""
    return list(
        session.exec(
            select(Draft.kind).where(
                Draft.account_id == account_id, col(Draft.kind).startswith(prefix, autoescape=True)
            )
        ).all()
    )


def drop(session: Session, account_id: int, kind: str) -> bool:
    """Forget the draft of the kind; False when there was none, which is no harm."""
    gone = session.exec(
        sa.delete(Draft).where(col(Draft.account_id) == account_id, col(Draft.kind) == kind)
    )
    return gone.rowcount > 0
