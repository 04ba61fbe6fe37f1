"""进展通报: how far the schools of a class are, for its groups.

Figures only, of nobody by name: how many have begun and how many have studied everything, of
whom, and as of when. Schools stand in the order of the roster and are not ranked; who has
reached the target is named with thanks. A school with fewer than five people due is counted
with others. What was posted is kept as it was posted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, moments
from storage.audit import AuditLog
from storage.calendar import quiet, workdays
from storage.messaging import group_steps, outbox
from storage.messaging.tables import Chat, ChatPurpose, OutboxMessage, Priority
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit
from storage.refusals import NotFound, Refusal
from storage.training.remote import pace, rates
from storage.training.remote.last_mile import NotRemote
from storage.training.remote.rates import FEWEST, Rate, Sets
from storage.training.remote.tables import ProgressImport, RemotePlan
from storage.training.tables import Batch, Programme, ProgrammeState

KIND = group_steps.BULLETIN
DONE = "post_bulletin"


class NoBulletin(Refusal):
    """This class has none: it was switched off."""


class NothingToReport(Refusal):
    """There are no figures, or they are too old, or of too few people."""


@dataclass(frozen=True)
class Bar:
    """A school, or several together, in figures; ``name`` is empty for those together."""

    name: str
    due: int
    participating: int
    learned: int


@dataclass(frozen=True)
class Bulletin:
    """A bulletin: no field is about a person. ``target`` is a part of one.

    ``number`` counts those of a class; one that goes out with a reminder has none (0).
    """

    title: str
    number: int
    as_of: datetime
    target: float
    whole: Bar
    bars: tuple[Bar, ...]
    others: Bar | None

    @property
    def reached(self) -> tuple[str, ...]:
        """The schools in which as many take part as is aimed at."""
        return tuple(
            bar.name
            for bar in self.bars
            if rates.Share(bar.participating, bar.due).reaches(self.target)
        )

    def kept(self) -> dict[str, Any]:
        """As a document, for the row that says it."""
        return asdict(self) | {"as_of": self.as_of.isoformat()}


def of(kept: Mapping[str, Any]) -> Bulletin:
    """Read a bulletin as it was kept."""
    others = kept["others"]
    return Bulletin(
        title=kept["title"],
        number=kept["number"],
        as_of=datetime.fromisoformat(kept["as_of"]),
        target=kept["target"],
        whole=Bar(**kept["whole"]),
        bars=tuple(Bar(**bar) for bar in kept["bars"]),
        others=None if others is None else Bar(**others),
    )


@dataclass(frozen=True)
class Draft:
    """What would be posted, in how many groups; ``import_id`` is that of its figures."""

    batch_id: int
    import_id: int
    bulletin: Bulletin
    groups: int
    is_posted: bool


@dataclass(frozen=True)
class Posted:
    """In how many groups it will stand, and how many have heard enough for now."""

    groups: int
    full: int
    is_new: bool


def draft(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Draft:
    """Return what would be posted now.

    Raises NotFound, NotAllowed, NotRemote, NoBulletin or NothingToReport.
    """
    today = moments.local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.NOTIFY_CLASS, batch_id, today=today)
    made, import_id, programme, is_posted = _made(session, batch_id, now)
    groups = len(_chats(session, programme))
    return Draft(batch_id, import_id, made, groups, is_posted)


def for_step(session: Session, batch_id: int, *, now: datetime) -> Bulletin | None:
    """Return what a reminder to groups says instead of one figure, without a number of its own.

    None where there is nothing that a bulletin could say.
    """
    try:
        return replace(_made(session, batch_id, now)[0], number=0)
    except Refusal:
        return None


def _made(session: Session, batch_id: int, now: datetime) -> tuple[Bulletin, int, Programme, bool]:
    """The bulletin of the newest import, the import, whose it is, and whether it was posted."""
    found = session.exec(
        select(Batch, Programme, RemotePlan)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .outerjoin(RemotePlan, col(RemotePlan.batch_id) == col(Batch.id))
        .where(Batch.id == batch_id)
    ).first()
    if found is None:
        raise NotFound("programme")
    batch, programme, plan = found
    course = pace.of_class(session, batch_id)
    if plan is None or course is None:
        raise NotRemote
    if not plan.has_bulletin:
        raise NoBulletin
    newest = _newest(session, batch_id)
    counted = rates.by_unit(session, batch_id, now=now)
    together = rates.together(counted)
    if newest is None or course.is_stale(now) or together.due < FEWEST:
        raise NothingToReport
    shown, others = rates.showable(counted)
    names = session.exec(
        select(OrgUnit.id, OrgUnit.name)
        .where(col(OrgUnit.id).in_(shown))
        .order_by(col(OrgUnit.code), col(OrgUnit.id))
    ).all()
    earlier = _earlier(session, batch_id)
    is_posted = newest.id in earlier
    target = plan.participation_target
    bulletin = Bulletin(
        title=" · ".join(part for part in (programme.title, batch.title) if part),
        number=earlier.index(newest.id) + 1 if is_posted else len(earlier) + 1,
        as_of=newest.as_of,
        target=1.0 if target is None else target,
        whole=_bar("", together),
        bars=tuple(_bar(name, shown[unit_id]) for unit_id, name in names),
        others=None if others is None or others.due < FEWEST else _bar("", others),
    )
    return bulletin, newest.id, programme, is_posted


def post(
    session: Session, actor_id: int, batch_id: int, import_id: int, *, now: datetime
) -> Posted:
    """Post the bulletin of the newest import, which the actor saw, in the groups of the class.

    Once for an import; a group that has heard enough today or this week is left out. Raises as
    ``draft`` does, and NothingToReport when there are newer figures than those that were shown.
    """
    session.exec(select(Batch.id).where(Batch.id == batch_id).with_for_update())
    seen = draft(session, actor_id, batch_id, now=now)
    if seen.import_id != import_id:
        raise NothingToReport
    programme = session.exec(
        select(Programme)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).one()
    keys = {chat: f"{KIND}:{batch_id}:{import_id}:{chat}" for chat in _chats(session, programme)}
    there = set(
        session.exec(
            select(OutboxMessage.chat_id).where(
                col(OutboxMessage.dedupe_key).in_(list(keys.values()))
            )
        ).all()
    )
    if seen.is_posted:
        return Posted(len(there), len(keys) - len(there), is_new=False)
    calendar = workdays.load(session)
    moment = quiet.next_push(calendar, now)
    groups = 0
    for chat_id, key in keys.items():
        if group_steps.has_enough(session, chat_id, moment, calendar):
            continue
        groups += 1
        outbox.put(
            session,
            KIND,
            chat_id=chat_id,
            facts={"batch_id": batch_id, "bulletin": seen.bulletin.kept()},
            priority=Priority.CARD,
            not_before=moment,
            dedupe_key=key,
            rings=False,
            now=now,
        )
    if groups:
        audit.record(
            session,
            actor_id,
            DONE,
            f"batch:{batch_id}",
            now=now,
            after={"import_id": import_id, "bulletin": seen.bulletin.kept()},
        )
    session.flush()
    return Posted(groups, len(keys) - groups, is_new=bool(groups))


def to_say(session: Session, kept: Mapping[str, Any]) -> Bulletin | None:
    """Return the bulletin of a row that is about to be sent; None of a class that is called off."""
    running = session.exec(
        select(Batch.id)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Batch.id == kept["batch_id"],
            col(Batch.cancelled_at).is_(None),
            Programme.state == ProgrammeState.PUBLISHED,
        )
    ).first()
    return None if running is None else of(kept["bulletin"])


def _bar(name: str, sets: Sets) -> Bar:
    learned = rates.share(sets, Rate.LEARNED)
    return Bar(name, sets.due, sets.participating, learned.numerator)


def _newest(session: Session, batch_id: int) -> ProgressImport | None:
    return session.exec(
        select(ProgressImport)
        .where(ProgressImport.batch_id == batch_id, col(ProgressImport.undone_at).is_(None))
        .order_by(col(ProgressImport.as_of).desc(), col(ProgressImport.id).desc())
    ).first()


def _earlier(session: Session, batch_id: int) -> list[int]:
    """The imports of which there was a bulletin, in the order of the bulletins."""
    kept = session.exec(
        select(AuditLog.after)
        .where(AuditLog.action == DONE, AuditLog.thing == f"batch:{batch_id}")
        .order_by(col(AuditLog.id))
    ).all()
    return [int(each["import_id"]) for each in kept if each is not None]


def _chats(session: Session, programme: Programme) -> list[int]:
    """The groups of the class, and that of the coordinators of whoever runs it."""
    return list(
        session.exec(
            select(Chat.id)
            .where(
                col(Chat.active),
                ~col(Chat.closed),
                sa.or_(
                    col(Chat.programme_id) == programme.id,
                    sa.and_(
                        col(Chat.purpose) == ChatPurpose.COORDINATORS,
                        col(Chat.unit_id) == programme.owner_unit_id,
                    ),
                ),
            )
            .order_by(col(Chat.id))
        ).all()
    )
