"""Settling a menu: when it closes, its wishes become registrations, once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit
from storage.inserting import insert_new
from storage.messaging import deadlines
from storage.messaging.tables import News
from storage.moments import local_day
from storage.people import offices
from storage.people.tables import Posting, Teacher
from storage.training import eligibility, reserves, schedule, seats
from storage.training.allocation import Allotment, Free, Granted, Span, Wish, allocate, lot
from storage.training.audience import fits
from storage.training.clashes import times_of
from storage.training.decisions import decide
from storage.training.menu_options import LIVE_MENU
from storage.training.tables import (
    LIVE,
    SEATED,
    Batch,
    ChoiceOutcome,
    Menu,
    MenuChoice,
    MenuOption,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    Source,
)

_SOME = 500  # ids in one statement
_TICK = timedelta(microseconds=1)


def settle_due(session: Session, *, now: datetime) -> int | None:
    """Settle the menu that has been closed longest; None when there is none. Its id.

    All of it is one transaction: after a kill it is settled wholly or not at all, and who comes
    second finds nothing left to do.
    """
    menu = session.exec(
        select(Menu)
        .where(LIVE_MENU, col(Menu.closes_at) <= now)
        .order_by(col(Menu.closes_at), col(Menu.id))
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if menu is None:
        return None
    _settle(session, menu, now=now)
    return menu.id


def _settle(session: Session, menu: Menu, *, now: datetime) -> None:
    batch_ids = session.exec(
        select(MenuOption.batch_id)
        .where(MenuOption.menu_id == menu.id)
        .order_by(col(MenuOption.batch_id))
    ).all()
    seats.lock(session, *batch_ids)
    for batch_id in batch_ids:
        seats.release_unused(session, batch_id, now=now)
    options = {
        batch.id: (batch, programme)
        for batch, programme in session.exec(
            select(Batch, Programme)
            .join(Programme, col(Programme.id) == col(Batch.programme_id))
            .where(
                col(Batch.id).in_(batch_ids),
                Programme.state == ProgrammeState.PUBLISHED,
                col(Batch.cancelled_at).is_(None),
                Batch.starts_at > now,
            )
            .execution_options(populate_existing=True)
        ).all()
    }
    known = _registrations(session, options)
    free = _free(session, options)
    wishes = _with_kinds(session, _wishes(session, menu, options, now=now), free)
    # Who is in already has had that wish fulfilled; who waits has a place that is older.
    done = {pair: state for pair, (_, state) in known.items() if state in LIVE}
    granted = allocate(
        [wish for wish in wishes if (wish.batch_id, wish.teacher_id) not in done],
        free,
        times_of(session, col(Batch.id).in_(options.keys())),
        _busy(session, {wish.teacher_id for wish in wishes}, now=now),
    )
    _register(session, menu, granted, options, known, now=now)
    _note(session, menu, granted, done)
    menu.settled_at = now
    session.flush()
    _tell(session, menu, options, now=now)
    for kind in ("menu_open", "menu_close"):
        deadlines.cancel_deadline(session, kind, menu.id, now=now)
    for batch_id in options:
        schedule.plan_deadlines(session, batch_id, now=now)
    outcomes = Counter(one.outcome.value for one in granted)
    audit.record(
        session,
        None,
        "settle_menu",
        f"menu:{menu.id}",
        now=now,
        after={"seed": menu.seed, "wishes": len(wishes), **outcomes},
    )
    session.flush()


def _registrations(
    session: Session, batch_ids: Collection[int]
) -> dict[tuple[int, int], tuple[int, RegistrationState]]:
    """Every registration in the options, by batch and teacher: its id and state."""
    rows = session.exec(
        select(
            Registration.batch_id,
            Registration.teacher_id,
            Registration.id,
            col(Registration.state),
        ).where(col(Registration.batch_id).in_(batch_ids))
    ).all()
    return {(batch_id, teacher_id): (one, state) for batch_id, teacher_id, one, state in rows}


def _wishes(
    session: Session,
    menu: Menu,
    options: dict[int, tuple[Batch, Programme]],
    *,
    now: datetime,
) -> list[Wish]:
    """The wishes of those who still may have them: in service, with a school, in the audience."""
    today = local_day(now, offices.zone(session))
    posting = (
        sa.select(
            col(Posting.teacher_id).label("teacher_id"),
            func.min(col(Posting.unit_id)).label("unit_id"),
        )
        .where(
            col(Posting.is_primary),
            col(Posting.since) <= today,
            sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
        )
        .group_by(col(Posting.teacher_id))
        .subquery()
    )
    wishes = []
    for batch_id, (_, programme) in options.items():
        chosen = (
            sa.select(
                col(MenuChoice.teacher_id),
                col(MenuChoice.rank),
                col(Teacher.staff_no),
                posting.c.unit_id,
            )
            .join(Teacher, col(Teacher.id) == col(MenuChoice.teacher_id))
            .join(posting, posting.c.teacher_id == col(Teacher.id))
            .where(
                col(MenuChoice.menu_id) == menu.id,
                col(MenuChoice.batch_id) == batch_id,
                fits(programme),
            )
        )
        strict = bool(eligibility.with_rules(session, [programme.id]))
        wishes += [
            Wish(
                teacher_id=row.teacher_id,
                batch_id=batch_id,
                rank=row.rank,
                lot=lot(menu.seed, menu.id, row.staff_no),
                unit_id=row.unit_id,
            )
            for row in session.exec(chosen).all()  # type: ignore[call-overload]
            if not strict or not _is_barred(session, row.teacher_id, programme.id, now=now)
        ]
    return wishes


def _is_barred(session: Session, teacher_id: int, programme_id: int, *, now: datetime) -> bool:
    findings = eligibility.check(session, teacher_id, programme_id, now=now)
    return any(finding.hard for finding in findings)


def _with_kinds(session: Session, wishes: list[Wish], free: dict[int, Free]) -> list[Wish]:
    """Say of each wish which reserves of the school's allotment the person fills."""
    of: dict[int, list[Wish]] = defaultdict(list)
    for wish in wishes:
        of[wish.batch_id].append(wish)
    found = []
    for batch_id, theirs in of.items():
        keys = {key for one in free[batch_id].own.values() for key in one.reserved}
        people = {wish.teacher_id for wish in theirs}
        kinds = reserves.kinds_of(session, batch_id, people, keys) if keys else {}
        found += [replace(one, kinds=kinds.get(one.teacher_id, frozenset())) for one in theirs]
    return found


def _free(session: Session, options: dict[int, tuple[Batch, Programme]]) -> dict[int, Free]:
    """What is left of each option. A seat that somebody waits for is not."""
    waiting: dict[int, Counter[int]] = defaultdict(Counter)
    for batch_id, unit_id, number in session.exec(
        select(Registration.batch_id, Registration.unit_id_at, func.count())
        .where(
            col(Registration.batch_id).in_(options.keys()),
            col(Registration.state) == RegistrationState.WAITLISTED,
        )
        .group_by(col(Registration.batch_id), col(Registration.unit_id_at))
    ).all():
        waiting[batch_id][unit_id] = number
    free = {}
    for batch_id, (batch, _) in options.items():
        waits = waiting[batch_id].total()
        free[batch_id] = Free(
            is_limited=False,
            queue=None if batch.waiting_limit is None else max(0, batch.waiting_limit - waits),
        )
    for quota in session.exec(
        select(Quota)
        .where(col(Quota.batch_id).in_(options.keys()))
        .execution_options(populate_existing=True)
    ).all():
        seats_of = free[quota.batch_id]
        seats_of.is_limited = True
        ahead = waiting[quota.batch_id]
        waits = ahead.total() if quota.is_pool else ahead[quota.unit_id]
        left = Allotment(quota.id, 0 if waits else quota.seats - quota.taken, quota.seats)
        left.reserved = {key: number for key, number in quota.reserved.items() if number > 0}
        if left.reserved:
            holders = reserves.holders_of(session, quota.id)
            kinds = reserves.kinds_of(session, quota.batch_id, holders, left.reserved)
            left.holders = [kinds[one] for one in holders]
        if quota.is_pool:
            left.reserved = {}
            seats_of.pool = left
        else:
            seats_of.own[quota.unit_id] = left
    return free


def _busy(session: Session, people: Collection[int], *, now: datetime) -> dict[int, list[Span]]:
    """When these people have to be somewhere already, by what they are registered for."""
    held: dict[int, list[int]] = defaultdict(list)
    for some in _chunks(sorted(people)):
        for teacher_id, batch_id in session.exec(
            select(Registration.teacher_id, Registration.batch_id)
            .join(Batch, col(Batch.id) == col(Registration.batch_id))
            .join(Programme, col(Programme.id) == col(Batch.programme_id))
            .where(
                col(Registration.teacher_id).in_(some),
                col(Registration.state).in_(SEATED),
                Programme.state == ProgrammeState.PUBLISHED,
                Batch.ends_at > now,
            )
        ).all():
            held[teacher_id].append(batch_id)
    times = times_of(session, col(Batch.ends_at) > now)
    return {
        teacher_id: [span for batch_id in batch_ids for span in times.get(batch_id, ())]
        for teacher_id, batch_ids in held.items()
    }


def _register(
    session: Session,
    menu: Menu,
    granted: Sequence[Granted],
    options: dict[int, tuple[Batch, Programme]],
    known: dict[tuple[int, int], tuple[int, RegistrationState]],
    *,
    now: datetime,
) -> None:
    """Write a registration for each seat, and for each place in a queue, with its line."""
    kept = [one for one in granted if one.outcome in (ChoiceOutcome.GIVEN, ChoiceOutcome.WAITING)]
    rows: list[dict[str, Any]] = []
    for place, one in enumerate(kept):
        wish = one.wish
        _, programme = options[wish.batch_id]
        has_seat = one.outcome is ChoiceOutcome.GIVEN
        row = {
            "batch_id": wish.batch_id,
            "teacher_id": wish.teacher_id,
            "unit_id_at": wish.unit_id,
            "source": Source.MENU,
            "state": (
                seats.state_with_seat(programme.approval)
                if has_seat
                else RegistrationState.WAITLISTED
            ),
            "quota_id": one.quota_id,
            "submitted_at": now,
            # The queue keeps the order in which the wishes were served.
            "queued_at": now + place * _TICK,
            "changed_at": now,
            "reason": "",
            "leave_request": "",
        }
        again = known.get((wish.batch_id, wish.teacher_id))
        if again is None:
            rows.append(row)
        else:
            session.exec(
                sa.update(Registration)
                .where(col(Registration.id) == again[0])
                .values(**row, leave_requested_at=None)
            )
    if rows:
        # One form for all rows: a statement with the values in it is built anew each time.
        session.connection().execute(insert_new(session, Registration), rows)
    for quota_id, number in Counter(one.quota_id for one in kept if one.quota_id).items():
        taken = session.exec(
            sa.update(Quota)
            .where(col(Quota.id) == quota_id, col(Quota.taken) + number <= col(Quota.seats))
            .values(taken=Quota.taken + number)
        ).rowcount
        assert taken == 1, "seats moved while the batch was locked"
    ids = {pair: one for pair, (one, _) in _registrations(session, options).items()}
    for one in kept:
        decide(
            session,
            ids[one.wish.batch_id, one.wish.teacher_id],
            "menu_seat" if one.outcome is ChoiceOutcome.GIVEN else "menu_queued",
            {
                "menu": menu.title,
                "menu_id": menu.id,
                "rank": one.wish.rank,
                "number": one.number,
                "of": one.of,
                "lot": one.wish.lot,
                "seed": menu.seed,
            },
            now=now,
        )


def _note(
    session: Session,
    menu: Menu,
    granted: Iterable[Granted],
    done: dict[tuple[int, int], RegistrationState],
) -> None:
    """Note at each wish what became of it; those that nobody could have any more are gone."""
    of: dict[tuple[int, int], ChoiceOutcome] = {
        (one.wish.batch_id, one.wish.teacher_id): one.outcome for one in granted
    }
    waits = (RegistrationState.WAITLISTED, RegistrationState.OFFERED)
    of |= {
        pair: ChoiceOutcome.WAITING if state in waits else ChoiceOutcome.GIVEN
        for pair, state in done.items()
    }
    ids: dict[ChoiceOutcome, list[int]] = defaultdict(list)
    for choice_id, batch_id, teacher_id in session.exec(
        select(MenuChoice.id, MenuChoice.batch_id, MenuChoice.teacher_id).where(
            MenuChoice.menu_id == menu.id
        )
    ).all():
        ids[of.get((batch_id, teacher_id), ChoiceOutcome.GONE)].append(choice_id)
    for outcome, all_of_it in ids.items():
        for some in _chunks(all_of_it):
            session.exec(
                sa.update(MenuChoice).where(col(MenuChoice.id).in_(some)).values(outcome=outcome)
            )


def _tell(
    session: Session,
    menu: Menu,
    options: dict[int, tuple[Batch, Programme]],
    *,
    now: datetime,
) -> None:
    """Let the next brief of each who chose say what they got."""
    outcomes: dict[int, list[tuple[int, ChoiceOutcome]]] = defaultdict(list)
    for teacher_id, batch_id, outcome in session.exec(
        select(MenuChoice.teacher_id, MenuChoice.batch_id, col(MenuChoice.outcome))
        .where(MenuChoice.menu_id == menu.id)
        .order_by(col(MenuChoice.teacher_id), col(MenuChoice.rank))
    ).all():
        outcomes[teacher_id].append((batch_id, outcome))
    rows = []
    for teacher_id, theirs in outcomes.items():
        given = [
            options[batch_id][1].title
            for batch_id, outcome in theirs
            if outcome is ChoiceOutcome.GIVEN and batch_id in options
        ]
        waits = sum(outcome is ChoiceOutcome.WAITING for _, outcome in theirs)
        facts = {"title": menu.title, "given": given, "waiting": waits, "chosen": len(theirs)}
        rows.append(
            {
                "kind": "menu_settled",
                "teacher_id": teacher_id,
                "subject_id": menu.id,
                "facts": facts,
                "at": now,
            }
        )
    if rows:
        session.connection().execute(insert_new(session, News), rows)


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(items), _SOME):
        yield items[start : start + _SOME]
