"""进展通报: how far the schools of a class are, for its groups.

Figures only, of nobody by name: how many have begun and how many have studied everything, of
whom, and as of when. Schools stand in the order of the roster and are not ranked; who has
reached the target is named with thanks. A school with fewer than five people due is counted
with others.

One is posted by hand, or every second Friday where the class's plan wants it. The newest one
is kept true where it hangs: when a new table comes, one is taken back, or what counts is
changed, it is edited without a ring. Once the next one is out it says again what it said of its
own day, so that two can be compared. Every version is kept in the log.

A class that has no group of its own may have its bulletins in the group of all staff of whoever
runs it: by hand the first time, and after that like any other.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit, moments
from storage.audit import AuditLog
from storage.calendar import quiet, workdays
from storage.calendar.steps import BRIEF_MINUTE
from storage.messaging import group_steps, news, outbox
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    News,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit
from storage.refusals import NotFound, Refusal
from storage.training.remote import counting, owing, pace, rates
from storage.training.remote.last_mile import NotRemote
from storage.training.remote.pace import Course
from storage.training.remote.rates import FEWEST, Rate, Sets
from storage.training.remote.tables import ProgressImport, RemotePlan
from storage.training.tables import Batch, Programme, ProgrammeState

KIND = group_steps.BULLETIN
EDIT = "remote_bulletin_edit"
DONE, CORRECTED, SKIPPED = "post_bulletin", "correct_bulletin", "skip_bulletin"
NEWS = "bulletin_skipped"
ALL_STAFF = "all_staff"
"""In the log: whether the group of all staff was chosen."""
FIRST_WEEK, EVERY = 3, 2
"""In which week of a class the first one is posted by itself, and every how many the next."""
KEPT_TRUE = timedelta(days=60)
"""So long after its end what hangs of a class is still put right."""


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

    ``number`` counts those of a class; one that goes out with a reminder has none (0). It is
    ``corrected`` where it said something else before that was wrong, and not only older.
    """

    title: str
    number: int
    as_of: datetime
    target: float
    whole: Bar
    bars: tuple[Bar, ...]
    others: Bar | None
    corrected: bool = False

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
        corrected=kept.get("corrected", False),
    )


@dataclass(frozen=True)
class Draft:
    """What would be posted, in how many groups; ``import_id`` is that of its figures."""

    batch_id: int
    import_id: int
    bulletin: Bulletin
    groups: int
    is_posted: bool
    to_all_staff: bool  # it could go to the group of all staff instead, and does not yet


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
    _check(session, actor_id, batch_id, now)
    made = _made(session, batch_id, now)
    chats = _chats(session, batch_id, made.programme)
    more = set(_all_staff(session, made.programme)) - set(chats)
    today = moments.local_day(now, offices.zone(session))
    owner = made.programme.owner_unit_id
    may = authority.may(session, actor_id, Act.NOTIFY_UNIT, owner, today=today)
    wide = may and bool(more) and not made.is_posted
    return Draft(batch_id, made.import_id, made.bulletin, len(chats), made.is_posted, wide)


def for_step(session: Session, batch_id: int, *, now: datetime) -> Bulletin | None:
    """Return what a reminder to groups says instead of one figure, without a number of its own.

    None where there is nothing that a bulletin could say.
    """
    try:
        return replace(_made(session, batch_id, now).bulletin, number=0)
    except Refusal:
        return None


@dataclass(frozen=True)
class _Made:
    """The bulletin of the newest import, and whether it was posted."""

    bulletin: Bulletin
    import_id: int
    mark: str
    programme: Programme
    is_posted: bool


def _made(session: Session, batch_id: int, now: datetime, *, even_if_off: bool = False) -> _Made:
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
    if not (plan.has_bulletin or even_if_off):
        raise NoBulletin
    newest = _newest(session, batch_id)
    if newest is None or course.is_stale(now):
        raise NothingToReport
    counted = rates.by_unit(session, batch_id, now=now)
    together = rates.together(counted)
    if together.due < FEWEST:
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
    mark = _mark(session, batch_id)
    return _Made(bulletin, newest.id, mark, programme, is_posted)


def post(
    session: Session,
    actor_id: int,
    batch_id: int,
    import_id: int,
    *,
    all_staff: bool = False,
    now: datetime,
) -> Posted:
    """Post the bulletin of the newest import, which the actor saw, in the groups of the class.

    Once for an import; a group that has heard enough today or this week is left out. With
    ``all_staff`` a class without a group of its own has it, and its next ones, in the group of
    all staff of whoever runs it. Raises as ``draft`` does, and NothingToReport when there are
    newer figures than those that were shown; NotAllowed also for who may not write to all staff.
    """
    _check(session, actor_id, batch_id, now)
    session.exec(select(Batch.id).where(Batch.id == batch_id).with_for_update())
    made = _made(session, batch_id, now)
    if all_staff:
        today = moments.local_day(now, offices.zone(session))
        owner = made.programme.owner_unit_id
        authority.check(session, actor_id, Act.NOTIFY_UNIT, owner, today=today)
    if made.import_id != import_id:
        raise NothingToReport
    return _post(session, actor_id, batch_id, made, now, all_staff=all_staff)


def _check(session: Session, actor_id: int, batch_id: int, now: datetime) -> None:
    today = moments.local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.NOTIFY_CLASS, batch_id, today=today)


def _post(
    session: Session,
    actor_id: int | None,
    batch_id: int,
    made: _Made,
    now: datetime,
    *,
    all_staff: bool = False,
) -> Posted:
    chats = _chats(session, batch_id, made.programme, all_staff=all_staff)
    keys = {chat_id: _key(batch_id, made.import_id, chat_id) for chat_id in chats}
    if made.is_posted:
        there = select(func.count()).where(col(OutboxMessage.dedupe_key).in_(keys.values()))
        groups = session.exec(there).one()
        return Posted(groups, len(keys) - groups, is_new=False)
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
            facts={
                "batch_id": batch_id,
                "import_id": made.import_id,
                "mark": made.mark,
                "bulletin": made.bulletin.kept(),
            },
            priority=Priority.CARD,
            not_before=moment,
            dedupe_key=key,
            rings=False,
            now=now,
        )
    if groups:
        _look_back(session, batch_id, now)
        after = {"import_id": made.import_id, "bulletin": made.bulletin.kept()}
        after[ALL_STAFF] = all_staff or _goes_to_all_staff(session, batch_id)
        audit.record(session, actor_id, DONE, f"batch:{batch_id}", now=now, after=after)
    session.flush()
    return Posted(groups, len(keys) - groups, is_new=bool(groups))


def _look_back(session: Session, batch_id: int, now: datetime) -> None:
    """Let the bulletin that was the newest say its own figures again, and no newer ones."""
    earlier = _earlier(session, batch_id)
    if not earlier:
        return
    rows = session.exec(
        select(OutboxMessage)
        .where(
            col(OutboxMessage.dedupe_key).startswith(f"{KIND}:{batch_id}:{earlier[-1]}:"),
            col(OutboxMessage.state).in_([OutboxState.PENDING, OutboxState.SENT]),
        )
        .order_by(col(OutboxMessage.id))
        .with_for_update()
    ).all()
    for row in rows:
        own = _own(session, row.facts)
        if own is not None and own != {name: row.facts.get(name) for name in own}:
            _hang(session, row, row.facts | own, now)


def _own(session: Session, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a bulletin said before newer figures came into it, where that still holds."""
    own: dict[str, Any] | None = facts.get("own")
    if own is None or session.get_one(ProgressImport, own["import_id"]).undone_at is not None:
        return None
    return own


def _hang(session: Session, row: OutboxMessage, said: dict[str, Any], now: datetime) -> None:
    """Let a bulletin say this from now on, also where it hangs already."""
    said = said | {"version": row.facts.get("version", 1) + 1}
    row.facts = said
    session.add(row)
    if row.state is OutboxState.SENT and row.message_id is not None:
        outbox.put(
            session,
            EDIT,
            chat_id=row.chat_id,
            facts=said | {"message_id": row.message_id},
            priority=Priority.CARD,
            not_before=now,
            dedupe_key=f"{EDIT}:{row.id}:{said['version']}",
            rings=False,
            now=now,
        )


# --- by the clock ------------------------------------------------------------------------------


def tend(session: Session, *, now: datetime) -> int:
    """Put right what hangs in groups, and post what has come due; return for how many groups.

    Where nothing has changed since it was last looked, a running class costs a few look-ups.
    """
    running = session.exec(
        select(Batch.id)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(RemotePlan, col(RemotePlan.batch_id) == col(Batch.id))
        .where(
            Programme.state == ProgrammeState.PUBLISHED,
            col(Programme.paused_at).is_(None),
            col(Batch.cancelled_at).is_(None),
            Batch.starts_at <= now,
            Batch.ends_at > now - KEPT_TRUE,
        )
        .order_by(col(Batch.id))
    ).all()
    return sum(_correct(session, each, now) + _come_due(session, each, now) for each in running)


def _correct(session: Session, batch_id: int, now: datetime) -> int:
    """Let the newest bulletin say what is known now, wherever it hangs or is about to."""
    earlier = _earlier(session, batch_id)
    if not earlier:
        return 0
    mark = _mark(session, batch_id)
    programme = _programme(session, batch_id)
    keys = [
        _key(batch_id, earlier[-1], chat_id) for chat_id in _chats(session, batch_id, programme)
    ]
    hanging = session.exec(
        select(OutboxMessage)
        .where(
            col(OutboxMessage.dedupe_key).in_(keys),
            col(OutboxMessage.state).in_([OutboxState.PENDING, OutboxState.SENT]),
        )
        .order_by(col(OutboxMessage.id))
        .with_for_update(skip_locked=True)
    ).all()
    outdated = [row for row in hanging if row.facts.get("mark") != mark]
    if not outdated:
        return 0
    try:
        made = _made(session, batch_id, now, even_if_off=True)
    except Refusal:
        made = None
    corrected = 0
    for row in outdated:
        shown = of(row.facts["bulletin"])
        stands = session.get_one(ProgressImport, row.facts["import_id"]).undone_at is None
        said = {**row.facts, "mark": mark, "is_withdrawn": made is None and not stands}
        if made is not None:
            is_newer = stands and made.bulletin.as_of > shown.as_of
            fresh = replace(made.bulletin, number=shown.number, corrected=not is_newer)
            is_same = replace(fresh, corrected=shown.corrected) == shown
            if not is_same or row.facts.get("is_withdrawn"):
                own = _own(session, row.facts)
                if is_newer and own is None:
                    own = {"import_id": row.facts["import_id"], "bulletin": row.facts["bulletin"]}
                    own["is_withdrawn"] = False
                said |= {"import_id": made.import_id, "bulletin": fresh.kept(), "own": own}
        if said["bulletin"] != row.facts["bulletin"] or (
            said["is_withdrawn"] != row.facts.get("is_withdrawn", False)
        ):
            _hang(session, row, said, now)
            corrected += 1
        else:
            row.facts = said
            session.add(row)
    if corrected:
        after: dict[str, Any] | None = None
        if made is not None:
            after = {"import_id": made.import_id, "bulletin": made.bulletin.kept()}
        audit.record(session, None, CORRECTED, f"batch:{batch_id}", now=now, after=after)
    session.flush()
    return corrected


def _come_due(session: Session, batch_id: int, now: datetime) -> int:
    """Post this fortnight's bulletin, once, or tell whoever imports why there is none."""
    course = pace.of_class(session, batch_id)
    if course is None or not quiet.may_push(course.pace.calendar, now):
        return 0
    day = due_day(course, now)
    if day is None:
        return 0
    monday = moments.at(day - timedelta(days=day.weekday()), 0, course.pace.calendar.zone)
    settled = select(AuditLog.id).where(
        AuditLog.thing == f"batch:{batch_id}",
        col(AuditLog.action).in_([DONE, SKIPPED]),
        col(AuditLog.at) >= monday,
    )
    plan = session.exec(select(RemotePlan).where(RemotePlan.batch_id == batch_id)).one()
    if not plan.has_bulletin or session.exec(settled).first() is not None:
        return 0
    session.exec(select(Batch.id).where(Batch.id == batch_id).with_for_update())
    programme = _programme(session, batch_id)
    calendar = course.pace.calendar
    if all(
        group_steps.has_enough(session, chat_id, now, calendar)
        for chat_id in _chats(session, batch_id, programme)
    ):
        return 0
    if course.is_stale(now):
        _tell_why(session, course, programme, now)
        return 0
    try:
        made = _made(session, batch_id, now)
    except Refusal:
        return 0
    return 0 if made.is_posted else _post(session, None, batch_id, made, now).groups


def due_day(course: Course, now: datetime) -> date | None:
    """Return the day whose bulletin is to be posted now, if it is time for one.

    It is the Friday of the third week and of every second one after it, or the working day
    before, before the class ends; from the time of the briefs until the end of the next
    working day.
    """
    pace_, calendar = course.pace, course.pace.calendar
    today = moments.local_day(now, calendar.zone)
    first = pace_.starts + timedelta(days=4 - pace_.starts.weekday(), weeks=FIRST_WEEK - 1)
    for back in (0, 1):
        rounds = (today - first).days // (7 * EVERY) + 1 - back
        friday = first + timedelta(weeks=EVERY * max(0, rounds))
        day = calendar.shift(friday, 0)
        opens = moments.at(day, BRIEF_MINUTE, calendar.zone)
        closes = moments.at(calendar.shift(day, 1) + timedelta(days=1), 0, calendar.zone)
        if opens <= now < closes and friday < pace_.ends:
            return day
    return None


def _tell_why(session: Session, course: Course, programme: Programme, now: datetime) -> None:
    """Say once to whoever imports that old figures are not posted."""
    batch_id = course.batch_id
    facts = {"title": programme.title, "batch_id": batch_id}
    # Another fortnight's is news again.
    session.exec(sa.delete(News).where(col(News.kind) == NEWS, col(News.subject_id) == batch_id))
    importers: Any = session.exec(owing.importers(session, batch_id, now))
    for teacher_id in importers.scalars().all():
        news.tell(session, NEWS, teacher_id, batch_id, facts, now=now)
    audit.record(session, None, SKIPPED, f"batch:{batch_id}", now=now)
    session.flush()


def _key(batch_id: int, import_id: int, chat_id: int) -> str:
    return f"{KIND}:{batch_id}:{import_id}:{chat_id}"


def _mark(session: Session, batch_id: int) -> str:
    """Differs when the figures of a class may: by an import, one taken back, or what counts."""
    newest, undone = session.exec(
        select(func.max(ProgressImport.id), func.count(col(ProgressImport.undone_at))).where(
            ProgressImport.batch_id == batch_id
        )
    ).one()
    counts = zlib.crc32(counting.counted(session, batch_id).digest.encode())
    return f"{newest}/{undone}/{counts:08x}"


def _programme(session: Session, batch_id: int) -> Programme:
    return session.exec(
        select(Programme)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).one()


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


def _chats(
    session: Session, batch_id: int, programme: Programme, *, all_staff: bool = False
) -> list[int]:
    """The groups of the class, and that of the coordinators of whoever runs it.

    Also that of all staff, where it was chosen for a class that has none of its own.
    """
    own = session.exec(
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
    chats = list(own)
    if all_staff or _goes_to_all_staff(session, batch_id):
        chats += _all_staff(session, programme)
    return chats


def _all_staff(session: Session, programme: Programme) -> list[int]:
    """The groups of all staff of whoever runs it; none where the class has its own."""
    own = select(Chat.id).where(
        col(Chat.active), ~col(Chat.closed), Chat.programme_id == programme.id
    )
    if session.exec(own).first() is not None:
        return []
    return list(
        session.exec(
            select(Chat.id)
            .where(
                col(Chat.active),
                ~col(Chat.closed),
                Chat.purpose == ChatPurpose.ALL_STAFF,
                Chat.unit_id == programme.owner_unit_id,
            )
            .order_by(col(Chat.id))
        ).all()
    )


def _goes_to_all_staff(session: Session, batch_id: int) -> bool:
    """Whether that was chosen for the last bulletin of this class."""
    last = session.exec(
        select(AuditLog.after)
        .where(AuditLog.action == DONE, AuditLog.thing == f"batch:{batch_id}")
        .order_by(col(AuditLog.id).desc())
    ).first()
    return bool(last and last.get(ALL_STAFF))
