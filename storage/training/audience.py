"""For whom a programme is: an audience is data, and one set-based condition.

An audience maps the key of a fact to the value it must have, or to a list of values of which
one is enough; all keys must hold. The value ``none`` means that there is no fact of that key
(``cert: none`` is a teacher without a certificate). An empty audience is every active teacher.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.people.tables import Teacher, TeacherFact, TeacherState
from storage.prepared import Prepared
from storage.refusals import NotFound
from storage.training.refusals import Misfit

NONE = "none"

FACTS_OF = Prepared(
    sa.select(col(TeacherFact.key), col(TeacherFact.value))
    .where(col(TeacherFact.teacher_id) == sa.bindparam("teacher_id"))
    .order_by(col(TeacherFact.key), col(TeacherFact.value))
)


class HasAudience(Protocol):
    """A programme, or the facts of one."""

    @property
    def audience(self) -> dict[str, Any]: ...


def wanted(audience: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the allowed values of each key, as facts write them."""
    return {
        key: tuple(_word(value) for value in (allowed if _is_many(allowed) else (allowed,)))
        for key, allowed in audience.items()
    }


def fits(programme: HasAudience) -> sa.ColumnElement[bool]:
    """Return the condition on ``Teacher`` that an active teacher is in the audience."""
    return sa.and_(col(Teacher.state) == TeacherState.ACTIVE, described(programme.audience))


def described(audience: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    """Return the condition on ``Teacher.id`` that the facts match, whatever the state."""
    conditions: list[sa.ColumnElement[bool]] = []
    for key, values in wanted(audience).items():
        fact = sa.orm.aliased(TeacherFact)
        own = sa.and_(col(fact.teacher_id) == col(Teacher.id), col(fact.key) == key)
        either: list[sa.ColumnElement[bool]] = [
            sa.exists(
                sa.select(sa.literal(1)).where(
                    own, col(fact.value).in_([value for value in values if value != NONE])
                )
            )
        ]
        if NONE in values:
            either.append(~sa.exists(sa.select(sa.literal(1)).where(own)))
            if len(values) == 1:
                del either[0]
        conditions.append(sa.or_(*either))
    return sa.and_(sa.true(), *conditions)


def facts_of(session: Session, teacher_id: int) -> dict[str, set[str]]:
    """Return the values of each fact of one teacher."""
    facts: dict[str, set[str]] = {}
    for key, value in FACTS_OF.all(session, teacher_id=teacher_id):
        facts.setdefault(key, set()).add(value)
    return facts


def compare(
    audience: Mapping[str, Any], facts: Mapping[str, Collection[str]], state: TeacherState
) -> tuple[Misfit, ...]:
    """Return in what a teacher with these facts is not in the audience; empty when in it."""
    misfits = []
    if state is not TeacherState.ACTIVE:
        misfits.append(Misfit("state", (TeacherState.ACTIVE.value,), (state.value,)))
    for key, values in wanted(audience).items():
        has = facts.get(key, ())
        if not (any(value in has for value in values) or (NONE in values and not has)):
            misfits.append(Misfit(key, values, tuple(sorted(has))))
    return tuple(misfits)


def misfits(session: Session, teacher_id: int, programme: HasAudience) -> tuple[Misfit, ...]:
    """Return why the programme is not for this teacher, one line a key; empty when it is."""
    state = session.exec(select(col(Teacher.state)).where(Teacher.id == teacher_id)).first()
    if state is None:
        raise NotFound("teacher")
    return compare(programme.audience, facts_of(session, teacher_id), state)


def audience_size(session: Session, programme: HasAudience) -> int:
    """Return how many active teachers the programme is for."""
    return session.exec(select(func.count()).select_from(Teacher).where(fits(programme))).one()


def _is_many(allowed: object) -> bool:
    return isinstance(allowed, list | tuple | set | frozenset)


def _word(value: object) -> str:
    return NONE if value is None else str(value)
