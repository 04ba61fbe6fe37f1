"""Posting the hours of a class: an explicit act, seen before it is done, and undone exactly.

What should stand in the ledger follows from who completed and from the split of the planned
hours; what does stand there is the head of each line's chain of corrections. Posting makes the
second the first, and nothing where they agree. What a person corrected by hand stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit, deeds
from storage.credits import ledger, profiles, reviewing
from storage.credits.hours import rounded
from storage.credits.ledger import (
    BATCH,
    CHUNK,
    COMPLETED,
    CORRECTION,
    NOT_COMPLETED,
    OCCASION,
    REVERSAL,
    UNDONE,
    NewEntry,
    Posted,
)
from storage.credits.split import Split, shared, split_of
from storage.credits.tables import CreditEntry, EntryState
from storage.deeds import ChangedSince, Deed
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import Office, OrgUnit, Teacher
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.training import seats
from storage.training.tables import (
    Batch,
    Decision,
    Level,
    Module,
    Phase,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
)
from storage.waiting_for import Waiting

POSTING = "posting"  # in the details of a correction that posting made by itself
COMPLETION_RULES = ("completed", "not_completed", "no_show")
"""The lines of a decision on who completed."""
DEED = "post_hours"
DEED_CONFIRM = "confirm_hours"
PAGE = 8


class NothingToPost(Refusal):
    """Nobody has completed this class yet, or it brings no hours."""


@dataclass(frozen=True)
class Sum:
    """Hours of one category and school year: for how many people, and how many in all."""

    category: str
    year: str
    people: int
    hours: Decimal


@dataclass(frozen=True)
class Preview:
    """What posting the hours of a class would do.

    ``new`` counts people who get hours (again), ``changed`` those whose lines are put right,
    ``dropped`` those who lose lines, ``already`` those for whom all is there, ``by_hand`` those
    with a line that somebody corrected and that stays as it is.
    """

    batch_id: int
    title: str
    level: Level
    planned: Decimal
    by_modules: Decimal
    is_pending: bool  # the schools confirm first
    completed: int
    partial: int  # did not complete and get a share
    share: Decimal  # of the planned hours, for those
    sums: tuple[Sum, ...]  # of what is to be posted now
    new: int
    changed: int
    dropped: int
    already: int
    by_hand: int
    undecided: int  # takes part, and nobody has decided whether completed
    own: bool = False  # the reader's own wait for somebody else (see ``post``)

    @property
    def is_idle(self) -> bool:
        """Whether posting would change nothing."""
        return not (self.new or self.changed or self.dropped)


@dataclass(frozen=True)
class Done:
    """What posting came to: people with new or changed lines; ``deed_id`` undoes it.

    Where nobody is new it is what was posted before and can still be undone, if anything.
    """

    batch_id: int
    title: str
    people: int
    hours: Decimal
    is_pending: bool
    deed_id: int | None
    own: bool = False  # the actor's own were left to somebody else
    dropped: int = 0  # people who lose lines and get none


@dataclass(frozen=True)
class PersonLine:
    """What one person gets of a class, all lines together, and where these stand."""

    teacher_id: int
    name: str
    unit: str
    hours: Decimal
    standing: str  # new, already, changed, dropped, by_hand


@dataclass(frozen=True)
class People:
    """A page of who gets what; pages count from 0."""

    batch_id: int
    title: str
    lines: tuple[PersonLine, ...]
    page: int
    pages: int


@dataclass(frozen=True)
class _Head:
    """The line that stands for one key now: the last of its chain of corrections."""

    id: int
    teacher_id: int
    rule: str
    state: EntryState
    hours: Decimal
    level: str
    category: str
    earned_on: Any
    by_hand: bool
    renewable: bool

    def says(self, line: NewEntry) -> bool:
        return (self.hours, self.level, self.category, self.earned_on) == (
            line.hours,
            line.level,
            line.category,
            line.earned_on,
        )


@dataclass
class _Plan:
    batch: Batch
    programme: Programme
    split: Split
    share: Decimal
    states: Mapping[int, RegistrationState]
    fresh: list[NewEntry]  # lines of which nothing is there
    again: list[tuple[_Head, NewEntry]]  # reversed ones that come back
    other: list[tuple[_Head, NewEntry]]  # ones that now say something else
    gone: list[_Head]  # ones that nobody is due any more
    there: list[_Head]
    kept: list[_Head]  # corrected by hand
    own: bool = False  # the lines of whoever acts were left out

    @property
    def state(self) -> EntryState:
        school = self.programme.level is Level.SCHOOL
        return EntryState.PENDING if school else EntryState.POSTED

    @property
    def coming(self) -> list[NewEntry]:
        return [*self.fresh, *(line for _, line in (*self.again, *self.other))]


def preview(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Preview:
    """Say what posting would do. Raises NotAllowed or NotFound."""
    _check(session, actor_id, batch_id, now)
    plan = _but_own(session, _plan(session, batch_id), actor_id)
    years = {(p.category, p.earned_on): p.year for p in plan.split.parts}
    sums: dict[tuple[str, str], tuple[set[int], Decimal]] = {}
    for line in plan.coming:
        key = (line.category, years.get((line.category, line.earned_on), ""))
        people, hours = sums.setdefault(key, (set(), Decimal(0)))
        people.add(line.teacher_id)
        sums[key] = (people, hours + line.hours)
    standings = _standings(plan).values()
    states = list(plan.states.values())
    return Preview(
        batch_id=batch_id,
        title=plan.programme.title,
        level=plan.programme.level,
        planned=plan.split.planned,
        by_modules=plan.split.by_modules,
        is_pending=plan.state is EntryState.PENDING,
        completed=states.count(RegistrationState.COMPLETED),
        partial=states.count(RegistrationState.NOT_COMPLETED) if plan.share else 0,
        share=plan.share,
        sums=tuple(
            Sum(category, year, len(people), hours)
            for (category, year), (people, hours) in sorted(sums.items(), key=lambda x: x[0])
        ),
        undecided=sum(
            state in (RegistrationState.APPROVED, RegistrationState.ATTENDING) for state in states
        ),
        **{
            kind: sum(standing == kind for standing in standings)
            for kind in ("new", "changed", "dropped", "already", "by_hand")
        },
        own=plan.own,
    )


def people(
    session: Session, actor_id: int, batch_id: int, *, page: int = 0, now: datetime
) -> People:
    """Return a page of who gets how much; the log keeps that the names were looked at."""
    _check(session, actor_id, batch_id, now)
    plan = _but_own(session, _plan(session, batch_id), actor_id)
    standings = _standings(plan)
    hours: dict[int, Decimal] = {}
    for line in plan.coming:
        hours[line.teacher_id] = hours.get(line.teacher_id, Decimal(0)) + line.hours
    for head in (*plan.there, *plan.kept):
        if head.state is not EntryState.REVERSED:
            hours[head.teacher_id] = hours.get(head.teacher_id, Decimal(0)) + head.hours
    pages = max(1, -(-len(standings) // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        select(Teacher.id, Teacher.name, OrgUnit.name)
        .join(Registration, col(Registration.teacher_id) == col(Teacher.id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .where(Registration.batch_id == batch_id, col(Teacher.id).in_(standings))
        .order_by(col(OrgUnit.name), col(Teacher.staff_no))
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    audit.record(session, actor_id, "see_hours", f"batch:{batch_id}", now=now, after={"page": page})
    return People(
        batch_id,
        plan.programme.title,
        tuple(
            PersonLine(id_, name, unit, hours.get(id_, Decimal(0)), standings[id_])
            for id_, name, unit in rows
        ),
        page,
        pages,
    )


def post(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Done:
    """Post the hours of everybody who completed; what is there already stays.

    The actor's own go with the others' where somebody else decided that they completed: then
    posting decides nothing any more. Otherwise they wait for somebody else to post them. And
    hours of a school wait for somebody else's confirmation in any case (``confirm``). Raises
    NotAllowed, NotFound, or NothingToPost where nobody has been decided.
    """
    _check(session, actor_id, batch_id, now)
    seats.lock(session, batch_id)
    plan = _but_own(session, _plan(session, batch_id), actor_id)
    if not plan.coming and not plan.gone:
        if not plan.there and not plan.kept and not plan.own:
            raise NothingToPost
        is_pending = plan.state is EntryState.PENDING
        earlier = deeds.standing(session, actor_id, DEED, batch_id, now=now)
        return Done(batch_id, plan.programme.title, 0, Decimal(0), is_pending, earlier, plan.own)
    posted, before = _settle(session, plan, actor_id=actor_id, now=now)
    deed_id = deeds.done(
        session,
        DEED,
        actor_id,
        {"batch_id": batch_id, "entries": list(posted.entry_ids), "before": before},
        now=now,
        undo_for=deeds.DAY,
    )
    coming = plan.coming
    getting = {line.teacher_id for line in coming}
    return Done(
        batch_id,
        plan.programme.title,
        len(getting),
        sum((line.hours for line in coming), Decimal(0)),
        plan.state is EntryState.PENDING,
        deed_id,
        plan.own,
        len({head.teacher_id for head in plan.gone} - getting),
    )


def post_batch(session: Session, batch_id: int, *, actor_id: int | None, now: datetime) -> Posted:
    """Enter the hours of everybody who completed the batch, without asking who acts.

    County level and above is posted at once; school-based hours wait for the school
    (domain/4-credit-rules.md §4.3, posting workflow). Who did not complete gets the share
    that the profile allows, if any, and loses it again on completing after all.
    """
    plan = _plan(session, batch_id)
    posted, _before = _settle(session, plan, actor_id=actor_id, now=now)
    return replace(posted, already=len(plan.there) + len(plan.kept))


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Reverse what a posting entered, and bring back what it had replaced.

    Raises ChangedSince when a line has been confirmed, disputed or corrected since.
    """
    batch_id = int(deed.data["batch_id"])
    _check(session, deed.actor_id, batch_id, now)
    seats.lock(session, batch_id)
    plan = _plan(session, batch_id)
    heads = {head.id: head for head in _heads(session, batch_id).values()}
    wanted = (EntryState.PENDING, EntryState.POSTED)
    entered = [int(entry_id) for entry_id in deed.data["entries"]]
    for entry_id in entered:
        head = heads.get(entry_id)
        if head is None or head.state is not plan.state or head.state not in wanted:
            raise ChangedSince("hours")
    about = f"{BATCH}:{batch_id}"
    _reverse(session, entered, "posting undone", deed.actor_id, about, now)
    replaced = {int(old): new for old, new in deed.data["before"].items()}
    if replaced:
        back = []
        for old_id, new_id in replaced.items():
            # What stood there before is said once more, as a correction of what replaced it.
            row = session.get_one(CreditEntry, old_id)
            back.append(_correction(_again(row), int(new_id or old_id)))
        ledger.post_many(
            session, back, actor_id=deed.actor_id, now=now, state=plan.state, about=about
        )


def take_back(
    session: Session,
    batch_id: int,
    teacher_ids: Collection[int],
    reason: str,
    *,
    actor_id: int | None,
    now: datetime,
) -> int:
    """Reverse all lines of these people in this class, mirrored exactly; return how many.

    They may come back when the people complete after all.
    """
    lines = [
        head.id
        for head in _heads(session, batch_id).values()
        if head.teacher_id in teacher_ids and head.state is not EntryState.REVERSED
    ]
    _reverse(session, lines, reason, actor_id, f"{BATCH}:{batch_id}", now)
    return len(lines)


def has_lines(session: Session, batch_id: int, teacher_ids: Collection[int]) -> set[int]:
    """Return those of these people for whom hours of this class stand in the ledger."""
    return set(standing_hours(session, batch_id, teacher_ids))


def standing_hours(
    session: Session, batch_id: int, teacher_ids: Collection[int]
) -> dict[int, Decimal]:
    """Return how many hours of this class stand in the ledger for whom of these people."""
    wanted = set(teacher_ids)
    hours: dict[int, Decimal] = {}
    for head in _heads(session, batch_id).values():
        if head.teacher_id in wanted and head.state is not EntryState.REVERSED:
            hours[head.teacher_id] = hours.get(head.teacher_id, Decimal(0)) + head.hours
    return hours


# --- the school confirms ------------------------------------------------------------------------


@dataclass(frozen=True)
class ToConfirm:
    """Hours of one class that wait for the word of the school: people, and hours in all."""

    batch_id: int
    title: str
    people: int
    hours: Decimal


@dataclass(frozen=True)
class Unconfirmed:
    """One person's hours of a class that wait for the word of the school."""

    teacher_id: int
    name: str
    hours: Decimal


@dataclass(frozen=True)
class Confirmed:
    """So many people's hours were confirmed and posted; ``deed_id`` undoes it."""

    people: int
    hours: Decimal
    deed_id: int | None


def to_confirm(session: Session, actor_id: int, *, now: datetime) -> tuple[ToConfirm, ...]:
    """Return the classes with hours that the actor may confirm, the oldest first."""
    rows = session.exec(
        select(
            Batch.id,
            Programme.title,
            func.count(func.distinct(CreditEntry.teacher_id)),
            func.sum(CreditEntry.hours),
        )
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .join(CreditEntry, _waits_here(session, actor_id, now))
        .group_by(col(Batch.id), col(Programme.title), col(Batch.ends_at))
        .order_by(col(Batch.ends_at), col(Batch.id))
    ).all()
    return tuple(ToConfirm(b, title, n, Decimal(hours)) for b, title, n, hours in rows)


def own_unconfirmed(session: Session, actor_id: int, *, now: datetime) -> int:
    """Return in how many classes hours of the actor's own wait for somebody else's word."""
    return session.exec(
        select(func.count(func.distinct(col(Batch.id))))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .join(CreditEntry, _waits_here(session, actor_id, now, mine=True))
    ).one()


def unconfirmed(
    session: Session, actor_id: int, batch_id: int, *, now: datetime
) -> tuple[str, tuple[Unconfirmed, ...]]:
    """Return the title, and whose hours of this class the actor may confirm."""
    title = session.exec(
        select(Programme.title)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).first()
    if title is None:
        raise NotFound("batch")
    rows = session.exec(
        select(Teacher.id, Teacher.name, func.sum(CreditEntry.hours))
        .join(Registration, col(Registration.teacher_id) == col(Teacher.id))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(CreditEntry, _waits_here(session, actor_id, now))
        .where(Batch.id == batch_id)
        .group_by(col(Teacher.id), col(Teacher.name), col(Teacher.staff_no))
        .order_by(col(Teacher.staff_no))
    ).all()
    audit.record(session, actor_id, "see_hours", f"batch:{batch_id}", now=now)
    return title, tuple(Unconfirmed(id_, name, Decimal(hours)) for id_, name, hours in rows)


def confirm(
    session: Session,
    actor_id: int,
    batch_id: int,
    *,
    now: datetime,
    teacher_id: int | None = None,
) -> Confirmed:
    """The school's word: post the pending hours of this class of its people, or of one.

    Nobody confirms their own: those wait for a colleague, or for who oversees the school.
    Confirming again finds nothing left. Raises NotAllowed for who may confirm nowhere.
    """
    seats.lock(session, batch_id)
    heads = (
        select(col(CreditEntry.id), col(CreditEntry.teacher_id), col(CreditEntry.hours))
        .join(Registration, col(Registration.teacher_id) == col(CreditEntry.teacher_id))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .where(Batch.id == batch_id, _waits_here(session, actor_id, now))
    )
    if teacher_id is not None:
        heads = heads.where(CreditEntry.teacher_id == teacher_id)
    rows = session.exec(heads).all()
    if not rows:
        earlier = deeds.standing(session, actor_id, DEED_CONFIRM, batch_id, now=now)
        return Confirmed(0, Decimal(0), earlier)
    ids = [id_ for id_, _, _ in rows]
    ledger.release_many(session, ids, actor_id=actor_id, now=now, about=f"{BATCH}:{batch_id}")
    data = {"batch_id": batch_id, "entries": ids}
    deed_id = deeds.done(session, DEED_CONFIRM, actor_id, data, now=now)
    people_ = {who for _, who, _ in rows}
    return Confirmed(len(people_), sum((h for _, _, h in rows), Decimal(0)), deed_id)


def undo_confirm(session: Session, deed: Deed, now: datetime) -> None:
    """Reverse what was confirmed, and let it wait for the school once more."""
    batch_id = int(deed.data["batch_id"])
    entered = [int(entry_id) for entry_id in deed.data["entries"]]
    own = reviewing.first_word(session, deed.actor_id, today=local_day(now, offices.zone(session)))
    foreign = (
        select(CreditEntry.id)
        .join(Registration, col(Registration.teacher_id) == col(CreditEntry.teacher_id))
        .where(
            Registration.batch_id == batch_id,
            col(CreditEntry.id).in_(entered),
            col(Registration.unit_id_at).not_in(own),
        )
    )
    if session.exec(foreign).first() is not None:
        raise NotAllowed
    seats.lock(session, batch_id)
    heads = {head.id: head for head in _heads(session, batch_id).values()}
    if any(id_ not in heads or heads[id_].state is not EntryState.POSTED for id_ in entered):
        raise ChangedSince("hours")
    about = f"{BATCH}:{batch_id}"
    _reverse(session, entered, "confirmation undone", deed.actor_id, about, now)
    back = [_correction(_again(session.get_one(CreditEntry, id_)), id_) for id_ in entered]
    ledger.post_many(
        session, back, actor_id=deed.actor_id, now=now, state=EntryState.PENDING, about=about
    )


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Hours to post, to put right and to take back, a line for each class; and to confirm."""
    today = local_day(now, offices.zone(session))
    mine = authority.batches(session, actor_id, Act.POST_HOURS, today=today)
    # A line that stands, or one that somebody took back by hand. Each way in which it may name
    # its class is asked by itself: together neither has an index, and this is asked of everybody.
    not_entered = [
        ~sa.exists().where(
            col(CreditEntry.teacher_id) == col(Registration.teacher_id),
            named,
            sa.or_(
                col(CreditEntry.state) != EntryState.REVERSED,
                col(CreditEntry.source_kind) == REVERSAL,
            ),
        )
        for named in _names(col(Registration.batch_id))
    ]
    rows = session.exec(
        select(Batch.id, Programme.title, func.count())
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Batch.id).in_(mine),
            Registration.state == RegistrationState.COMPLETED,
            Programme.planned_hours > 0,
            Programme.state != ProgrammeState.ARCHIVED,
            *not_entered,
        )
        .group_by(col(Batch.id), col(Programme.title))
        .order_by(col(Batch.id))
    ).all()
    posting = [Waiting("hours", n, batch_id, title) for batch_id, title, n in rows]
    posting += _to_put_right(session, mine, offices.zone(session))
    confirming = [
        Waiting("confirm_hours", item.people, item.batch_id, item.title)
        for item in to_confirm(session, actor_id, now=now)
    ]
    return (*posting, *confirming)


def _to_put_right(session: Session, mine: Any, zone: ZoneInfo) -> list[Waiting]:
    """Hours that stand and are not what posting would make them, a line for each class.

    What was corrected by hand stays, and what is disputed waits for its answer. Posting puts
    all who completed right at once, so that the lines of one speak for the others; only a
    class in which they are wrong is looked through, and one of which lines were entered before
    anybody was decided on.
    """
    rule = col(CreditEntry.rule)
    stands = sa.and_(
        col(CreditEntry.batch_id) == col(Batch.id),
        # Not a mirror; which reverses nothing would be asked of the whole ledger.
        col(CreditEntry.source_kind).in_([BATCH, CORRECTION]),
        col(CreditEntry.state).in_([EntryState.PENDING, EntryState.POSTED]),
        sa.or_(
            col(CreditEntry.source_kind) != CORRECTION,
            sa.func.coalesce(col(CreditEntry.details)[POSTING].as_boolean(), sa.false()),
        ),
    )
    theirs = sa.and_(
        col(Registration.batch_id) == col(Batch.id),
        col(Registration.teacher_id) == col(CreditEntry.teacher_id),
    )
    is_completed = col(Registration.state) == RegistrationState.COMPLETED
    one = (
        sa.select(col(CreditEntry.teacher_id))
        .join(Registration, theirs)
        .where(stands, is_completed)
        .limit(1)
        .correlate(Batch)
        .scalar_subquery()
    )
    is_foreseen = sa.and_(stands, col(CreditEntry.state) == EntryState.PENDING)
    foreseen = sa.exists(sa.select(col(CreditEntry.id)).where(is_foreseen).correlate(Batch))
    falls = sa.and_(
        ~is_completed,
        sa.or_(col(Registration.state).in_(_FALLEN), col(CreditEntry.state) == EntryState.POSTED),
    )
    classes = session.exec(
        select(Batch, Programme, one, foreseen)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Batch.id).in_(mine),
            Programme.state != ProgrammeState.ARCHIVED,
            sa.exists(sa.select(col(CreditEntry.id)).where(stands).correlate(Batch)),
        )
        .order_by(col(Batch.id))
    ).all()
    of = (
        sa.select(sa.func.count(sa.distinct(col(CreditEntry.teacher_id))))
        .select_from(Batch)
        .join(CreditEntry, stands)
        .join(Registration, theirs)
    )
    lines: dict[int, set[Any]] = {}
    speaks = {batch.id: who for batch, _, who, _ in classes if who is not None}
    for entry in session.exec(
        select(CreditEntry)
        .join(Batch, stands)
        .where(col(Batch.id).in_(speaks), col(CreditEntry.teacher_id).in_(set(speaks.values())))
    ).all():
        if entry.batch_id is not None and speaks[entry.batch_id] == entry.teacher_id:
            lines.setdefault(entry.batch_id, set()).add(_line(entry))
    others = (
        of.with_only_columns(col(Batch.id))
        .where(col(Batch.id).in_([batch.id for batch, *_ in classes]), falls)
        .distinct()
    )
    has_others = set(session.connection().execute(others).scalars())
    divided = _divided(session, [batch.id for batch, *_ in classes])
    found = []
    for batch, programme, who, was_foreseen in classes:
        usual = (
            COMPLETED,
            rounded(programme.planned_hours),
            programme.level,
            programme.category,
            local_day(batch.ends_at, zone),
        )
        theirs_now = lines.get(batch.id, set())
        is_usual = batch.id not in divided and theirs_now <= {usual}
        is_uneven = was_foreseen and who is not None and programme.level is not Level.SCHOOL
        if is_usual and not is_uneven and batch.id not in has_others:
            continue
        due = _due(session, batch, programme)[2]
        here = of.where(col(Batch.id) == batch.id)
        changed = dropped = 0
        full = due[RegistrationState.COMPLETED]
        if is_uneven or not theirs_now <= {_line(line) for line in full}:
            is_right = sa.or_(
                sa.false(),
                *(
                    sa.and_(
                        *(col(getattr(CreditEntry, name)) == getattr(line, name) for name in _SAYS)
                    )
                    for line in full
                ),
            )
            wrong = here.where(is_completed, ~is_right)
            changed = session.connection().execute(wrong).scalar_one()
        if batch.id in has_others:
            share = due[RegistrationState.NOT_COMPLETED]
            is_share = sa.and_(
                col(Registration.state) == RegistrationState.NOT_COMPLETED,
                rule.in_([line.rule for line in share]),
            )
            wrong = here.where(falls, ~is_share)
            number = session.connection().execute(wrong).scalar_one()
            changed, dropped = (changed + number, 0) if share else (changed, number)
        found += [
            Waiting(kind, number, batch.id, programme.title)
            for kind, number in (("hours_changed", changed), ("hours_dropped", dropped))
            if number
        ]
    return found


def _divided(session: Session, batch_ids: Collection[int]) -> set[int]:
    """The classes of which modules have hours of their own."""
    return set(
        session.exec(
            select(Phase.batch_id)
            .join(Module, col(Module.phase_id) == col(Phase.id))
            .where(col(Phase.batch_id).in_(batch_ids), col(Module.hours).is_not(None))
        ).all()
    )


_SAYS = ("rule", "hours", "level", "category", "earned_on")
_FALLEN = (RegistrationState.NOT_COMPLETED, RegistrationState.NO_SHOW)


def _line(line: CreditEntry | NewEntry) -> tuple[Any, ...]:
    return tuple(getattr(line, name) for name in _SAYS)


# --- how it is done -----------------------------------------------------------------------------


def _check(session: Session, actor_id: int, batch_id: int, now: datetime) -> None:
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.POST_HOURS, batch_id, today=today)


def _waits_here(
    session: Session, actor_id: int, now: datetime, *, mine: bool = False
) -> sa.ColumnElement[bool]:
    """A pending line of a school's own class that was decided, of people the actor may confirm.

    What the plan says is still pending of other classes is not the school's to confirm. With
    ``mine`` the actor's own, which somebody else confirms.
    """
    today = local_day(now, offices.zone(session))
    own = reviewing.first_word(session, actor_id, today=today)
    alone = reviewing.alone(session, actor_id, today=today)
    of_school = sa.orm.aliased(Programme)
    return sa.and_(
        col(CreditEntry.teacher_id) == col(Registration.teacher_id),
        col(CreditEntry.state) == EntryState.PENDING,
        _comes_from(col(Batch.id)),
        col(Registration.teacher_id) == actor_id
        if mine
        else col(Registration.teacher_id) != actor_id,
        sa.or_(
            col(Registration.unit_id_at).in_(own),
            sa.tuple_(col(Registration.unit_id_at), col(Registration.teacher_id)).in_(alone),
        ),
        col(Registration.state).in_([RegistrationState.COMPLETED, RegistrationState.NOT_COMPLETED]),
        col(Batch.programme_id).in_(
            sa.select(col(of_school.id)).where(col(of_school.level) == Level.SCHOOL)
        ),
    )


def _comes_from(batch_id: Any) -> sa.ColumnElement[bool]:
    """Lines of a class."""
    return sa.or_(*_names(batch_id))


def _names(batch_id: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """How a line says of which class it is; those of earlier editions by their source alone."""
    return (
        col(CreditEntry.batch_id) == batch_id,
        sa.and_(col(CreditEntry.source_kind) == BATCH, col(CreditEntry.source_id) == batch_id),
    )


def _due(
    session: Session, batch: Batch, programme: Programme
) -> tuple[Split, Decimal, dict[RegistrationState, tuple[NewEntry, ...]]]:
    """How the hours of a class divide, the share of who did not complete, and lines by state."""
    office = session.exec(select(Office)).one()
    profile = profiles.current(session, office.credit_profile)
    split = split_of(session, batch, programme)
    share = rounded(split.planned * profile.failed.factor)
    whole = NewEntry(
        teacher_id=0,
        earned_on=split.parts[0].earned_on,
        level=programme.level,
        category=programme.category,
        hours=split.planned,
        title=programme.title,
        source_kind=BATCH,
        source_id=batch.id,
        mode=programme.mode,
        rule_version=profile.name,
        dedupe_group=f"programme:{programme.id}{OCCASION}{batch.id}",
        batch_id=batch.id,
    )
    parts = split.parts
    full = _lines(whole, COMPLETED, split, [part.hours for part in parts])
    some = _lines(whole, NOT_COMPLETED, split, shared(share, [part.hours for part in parts]))
    due = {RegistrationState.COMPLETED: full, RegistrationState.NOT_COMPLETED: some}
    return split, share, due


def _plan(session: Session, batch_id: int) -> _Plan:
    found = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == Batch.programme_id)
        .where(Batch.id == batch_id)
    ).first()
    if found is None:
        raise NotFound("batch")
    batch, programme = found
    split, share, due = _due(session, batch, programme)
    registered = session.exec(
        select(Registration.teacher_id, col(Registration.state)).where(
            Registration.batch_id == batch_id
        )
    ).all()
    states = {teacher_id: RegistrationState(state) for teacher_id, state in registered}
    wanted = {
        (teacher_id, line.rule): replace(line, teacher_id=teacher_id)
        for teacher_id, state in sorted(states.items())
        for line in due.get(state, ())
    }
    plan = _Plan(batch, programme, split, share, states, [], [], [], [], [], [])
    heads = _heads(session, batch_id)
    for key, line in wanted.items():
        head = heads.get(key)
        if head is None:
            plan.fresh.append(line)
        elif head.state is EntryState.REVERSED:
            if not head.renewable:
                plan.kept.append(head)
            elif head.by_hand:
                plan.again.append((head, replace(line, hours=head.hours, category=head.category)))
            else:
                plan.again.append((head, line))
        elif head.by_hand:
            plan.kept.append(head)
        elif head.says(line) or head.state is EntryState.DISPUTED:
            plan.there.append(head)
        else:
            plan.other.append((head, line))
    plan.gone += [
        head
        for key, head in heads.items()
        if key not in wanted
        and not head.by_hand
        and head.state not in (EntryState.REVERSED, EntryState.DISPUTED)
        # What was foreseen for somebody stays until it is decided whether they completed.
        and not (
            plan.state is EntryState.POSTED
            and head.state is EntryState.PENDING
            and states.get(key[0]) in (RegistrationState.APPROVED, RegistrationState.ATTENDING)
        )
    ]
    return plan


def _but_own(session: Session, plan: _Plan, actor_id: int) -> _Plan:
    """Leave out what would change for the actor on a completion that they decided themselves."""
    decided_by = session.exec(
        select(Decision.actor_id)
        .join(Registration, col(Registration.id) == col(Decision.registration_id))
        .where(
            Registration.batch_id == plan.batch.id,
            Registration.teacher_id == actor_id,
            col(Decision.rule).in_(COMPLETION_RULES),
        )
        .order_by(col(Decision.id).desc())
    ).first()
    if decided_by != actor_id:
        return plan
    fresh = [line for line in plan.fresh if line.teacher_id != actor_id]
    again = [(head, line) for head, line in plan.again if head.teacher_id != actor_id]
    other = [(head, line) for head, line in plan.other if head.teacher_id != actor_id]
    gone = [head for head in plan.gone if head.teacher_id != actor_id]
    before = len(plan.fresh) + len(plan.again) + len(plan.other) + len(plan.gone)
    own = len(fresh) + len(again) + len(other) + len(gone) < before
    return replace(plan, fresh=fresh, again=again, other=other, gone=gone, own=own)


def _lines(
    whole: NewEntry, rule: str, split: Split, amounts: Sequence[Decimal]
) -> tuple[NewEntry, ...]:
    return tuple(
        replace(
            whole,
            rule=f"{rule}:{part.mark}" if part.mark else rule,
            category=part.category,
            earned_on=part.earned_on,
            hours=amount,
        )
        for part, amount in zip(split.parts, amounts, strict=True)
        if amount
    )


def _standings(plan: _Plan) -> dict[int, str]:
    """What happens to each person, the strongest word last."""
    found: dict[int, str] = {}
    found |= {head.teacher_id: "already" for head in plan.there}
    found |= {head.teacher_id: "by_hand" for head in plan.kept}
    found |= {head.teacher_id: "dropped" for head in plan.gone}
    found |= {head.teacher_id: "changed" for head, _ in plan.other}
    coming = {line.teacher_id for line in plan.fresh} | {head.teacher_id for head, _ in plan.again}
    standing = {head.teacher_id for head in (*plan.there, *plan.kept, *plan.gone)}
    standing |= {head.teacher_id for head, _ in plan.other}
    found |= {who: "changed" if who in standing else "new" for who in coming}
    return found


def _settle(
    session: Session, plan: _Plan, *, actor_id: int | None, now: datetime
) -> tuple[Posted, dict[str, int]]:
    """Make the ledger as planned; also return what was replaced, old line by new (0: none)."""
    about = f"{BATCH}:{plan.batch.id}"
    old = [head.id for head in (*(head for head, _ in plan.other), *plan.gone)]
    _reverse(session, old, "posted anew", actor_id, about, now)
    corrections = [_correction(line, head.id) for head, line in (*plan.again, *plan.other)]
    posted = ledger.post_many(
        session,
        [*plan.fresh, *corrections],
        actor_id=actor_id,
        now=now,
        state=plan.state,
        about=about,
    )
    new_of = _corrections(session, [head.id for head, _ in plan.other])
    before = {str(head.id): new_of[head.id] for head, _ in plan.other}
    return posted, before | {str(head.id): 0 for head in plan.gone}


def _reverse(
    session: Session,
    entry_ids: Sequence[int],
    reason: str,
    actor_id: int | None,
    about: str,
    now: datetime,
) -> None:
    ledger.reverse_many(
        session, entry_ids, reason, actor_id=actor_id, now=now, about=about, renewable=True
    )


def _correction(line: NewEntry, corrects: int) -> NewEntry:
    details = {"corrects": corrects, POSTING: True}
    return replace(line, source_kind=CORRECTION, source_id=corrects, details=details)


def _again(row: CreditEntry) -> NewEntry:
    return NewEntry(
        **{name: getattr(row, name) for name in NewEntry.__slots__ if name != "details"}
    )


def _corrections(session: Session, entry_ids: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for at in range(0, len(entry_ids), CHUNK):
        rows = session.exec(
            select(CreditEntry.source_id, CreditEntry.id).where(
                CreditEntry.source_kind == CORRECTION,
                col(CreditEntry.source_id).in_(entry_ids[at : at + CHUNK]),
            )
        ).all()
        found |= dict(rows)
    return found


def _heads(session: Session, batch_id: int) -> dict[tuple[int, str], _Head]:
    """Return the line that stands for each person and rule now."""
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(CreditEntry.id),
            col(CreditEntry.teacher_id),
            col(CreditEntry.rule),
            col(CreditEntry.state),
            col(CreditEntry.hours),
            col(CreditEntry.level),
            col(CreditEntry.category),
            col(CreditEntry.earned_on),
            col(CreditEntry.source_kind),
            col(CreditEntry.source_id),
            col(CreditEntry.details),
        ).where(_comes_from(batch_id), col(CreditEntry.reverses_id).is_(None))
    ).all()
    undone = dict(
        session.exec(
            select(CreditEntry.reverses_id, CreditEntry.source_kind).where(
                CreditEntry.batch_id == batch_id, col(CreditEntry.reverses_id).is_not(None)
            )
        ).all()
    )
    corrected = {row.source_id for row in rows if row.source_kind == CORRECTION}
    return {
        (row.teacher_id, row.rule): _Head(
            row.id,
            row.teacher_id,
            row.rule,
            EntryState(row.state),
            row.hours,
            row.level,
            row.category,
            row.earned_on,
            row.source_kind == CORRECTION and not (row.details or {}).get(POSTING),
            # What was struck out while it waited has no mirror.
            undone.get(row.id, UNDONE) == UNDONE,
        )
        for row in rows
        if row.id not in corrected
    }
