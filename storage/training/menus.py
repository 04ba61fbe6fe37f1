"""Menus (菜单式): a choice among classes, ranked, open for a while, the same for everybody.

An organiser puts own classes together; a teacher chooses between ``least`` and ``most`` of
them, the dearest first, and may change that until the menu closes. Nothing is given out before:
being quick is worth nothing. What becomes of the wishes is ``storage.training.settling``'s.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit
from storage.messaging import confirming, deadlines, news
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import Posting, Teacher
from storage.refusals import NotFound, Refusal
from storage.training import eligibility, schedule
from storage.training.allocation import commitment, lot
from storage.training.audience import compare, facts_of, fits
from storage.training.clashes import Times, clashes, times_of
from storage.training.menu_options import LIVE_MENU, live_menus
from storage.training.refusals import ConditionsNotMet, Misfit, NotEligible
from storage.training.seats import place_in_queue
from storage.training.tables import (
    Batch,
    ChoiceOutcome,
    Enrolment,
    Menu,
    MenuChoice,
    MenuOption,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
)

PAGE = 6
TITLE = 80  # characters


class MenuState(StrEnum):
    """Where a menu stands, in one word."""

    NOT_OPEN = "not_open"
    OPEN = "open"
    CLOSED = "closed"  # and about to be settled
    SETTLED = "settled"
    CANCELLED = "cancelled"


class MenuNotOpen(Refusal):
    """One cannot choose at this moment."""

    def __init__(self, title: str, state: MenuState, opens_at: datetime) -> None:
        super().__init__(f"{title!r} is {state}")
        self.title = title
        self.state = state
        self.opens_at = opens_at


class ChosenEnough(Refusal):
    """So many have been chosen already; one must be given up first."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} are chosen already")
        self.most = most


class MenuFlaw(StrEnum):
    """Why a menu cannot be made or changed like this."""

    NO_TITLE = "no_title"
    LONG_TITLE = "long_title"
    DATES = "dates"  # it must close after it opens, and in the future
    BOUNDS = "bounds"  # at least 1, and not more than there are options
    TOO_FEW = "too_few"  # a menu of one is none
    STARTED = "started"  # a class begins before the menu closes
    NOT_CHOSEN = "not_chosen"  # a class that one does not enter by choosing
    ELSEWHERE = "elsewhere"  # a class that is in another menu
    IN_USE = "in_use"  # somebody has chosen it
    OPENED = "opened"  # the opening is past
    OVER = "over"  # settled or cancelled


class BadMenu(Refusal):
    """The menu does not hold together; ``about`` names the class that is in the way."""

    def __init__(self, flaw: MenuFlaw, about: str = "") -> None:
        super().__init__(f"{flaw} {about}".strip())
        self.flaw = flaw
        self.about = about


@dataclass(frozen=True)
class OptionFacts:
    """An option as one teacher sees it; ``rank`` is None while it is not chosen.

    ``clashes`` are titles of what is at the same time: other trainings, other choices.
    ``place`` in the queue is for who waits after the menu was settled.
    """

    batch_id: int
    title: str
    batch_title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    hours: Decimal
    seats: int | None
    rank: int | None
    clashes: tuple[str, ...]
    outcome: ChoiceOutcome
    queue: int | None
    no: int = 0
    """Which class of its programme it is, where the list has several of that; else 0."""


@dataclass(frozen=True)
class MenuCard:
    """A menu as one teacher sees it: what can be chosen, and what is.

    ``committed`` is the hash of the seed; the ``seed`` itself and the reader's ``lot`` are
    empty until the menu is settled.
    """

    menu_id: int
    title: str
    opens_at: datetime
    closes_at: datetime
    least: int
    most: int
    state: MenuState
    options: tuple[OptionFacts, ...]
    chosen: int
    committed: str
    seed: str
    lot: str


@dataclass(frozen=True)
class MenuLine:
    """A menu in a list. ``chosen`` is the reader's for a teacher, persons for an organiser."""

    menu_id: int
    title: str
    opens_at: datetime
    closes_at: datetime
    state: MenuState
    least: int
    chosen: int


@dataclass(frozen=True)
class OptionFigures:
    """An option as its organiser sees it, in persons."""

    batch_id: int
    title: str
    batch_title: str
    is_published: bool
    seats: int | None
    first: int
    wishes: int
    given: int
    waiting: int
    minimum: int | None
    no: int = 0
    """Which class of its programme it is, where the list has several of that; else 0."""

    @property
    def is_thin(self) -> bool:
        """Whether fewer have it, or wish for it, than the class needs to run."""
        return self.minimum is not None and max(self.given, self.wishes) < self.minimum


@dataclass(frozen=True)
class MenuDesk:
    """A menu as its organiser sees it. ``short`` have chosen, and fewer than ``least``."""

    menu_id: int
    title: str
    opens_at: datetime
    closes_at: datetime
    least: int
    most: int
    state: MenuState
    audience: int
    choosers: int
    short: int
    options: tuple[OptionFigures, ...]
    committed: str
    seed: str


@dataclass(frozen=True)
class Candidate:
    """A class that may be put into a menu."""

    batch_id: int
    title: str
    batch_title: str
    starts_at: datetime
    is_published: bool
    owner_unit_id: int
    no: int = 0
    """Which class of its programme it is, where the list has several of that; else 0."""


def state_of(menu: Menu, *, now: datetime) -> MenuState:
    """Return where the menu stands at this moment."""
    if menu.cancelled_at is not None:
        return MenuState.CANCELLED
    if menu.settled_at is not None:
        return MenuState.SETTLED
    if now < menu.opens_at:
        return MenuState.NOT_OPEN
    return MenuState.OPEN if now < menu.closes_at else MenuState.CLOSED


# --- organisers ------------------------------------------------------------------------------


def candidates(
    session: Session, actor_id: int, *, now: datetime, menu_id: int | None = None
) -> tuple[Candidate, ...]:
    """Return the classes that the actor may put into a (this) menu, the soonest first."""
    today = local_day(now, offices.zone(session))
    mine = authority.batches(session, actor_id, Act.RUN_PROGRAMME, today=today)
    elsewhere = (
        sa.select(col(MenuOption.batch_id))
        .join(Menu, col(Menu.id) == col(MenuOption.menu_id))
        .where(LIVE_MENU)
    )
    if menu_id is not None:
        elsewhere = elsewhere.where(col(Menu.id) != menu_id)
    rows = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Batch.id).in_(mine),
            col(Batch.id).not_in(elsewhere),
            Programme.enrolment == Enrolment.MENU,
            col(Programme.state).in_([ProgrammeState.DRAFT, ProgrammeState.PUBLISHED]),
            Batch.starts_at > now,
        )
        .order_by(col(Batch.starts_at), col(Batch.id))
    ).all()
    numbers = _numbers(rows)
    return tuple(
        Candidate(
            batch.id,
            programme.title,
            batch.title,
            batch.starts_at,
            programme.state is ProgrammeState.PUBLISHED,
            programme.owner_unit_id,
            numbers[batch.id],
        )
        for batch, programme in rows
    )


def create(
    session: Session,
    actor_id: int,
    *,
    title: str,
    opens_at: datetime,
    closes_at: datetime,
    least: int,
    most: int,
    batch_ids: Sequence[int],
    now: datetime,
    owner_unit_id: int | None = None,
    audience: dict[str, Any] | None = None,
    seed: str = "",
) -> int:
    """Make a menu of these classes and return its id. It belongs to the unit of the first.

    The seed of the lot is drawn here, and its hash can be seen from now on; tests give one.
    Raises NotFound, NotAllowed or BadMenu.
    """
    wanted = list(dict.fromkeys(batch_ids))
    if not wanted:
        raise BadMenu(MenuFlaw.TOO_FEW)
    owners = {one.batch_id: one.owner_unit_id for one in candidates(session, actor_id, now=now)}
    today = local_day(now, offices.zone(session))
    for batch_id in wanted:
        authority.check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    _check_options(session, wanted, closes_at, owners)
    if owner_unit_id is None:
        owner_unit_id = owners[wanted[0]]
    authority.check(session, actor_id, Act.RUN_PROGRAMME, owner_unit_id, today=today)
    menu = Menu(
        title=title.strip(),
        owner_unit_id=owner_unit_id,
        opens_at=opens_at,
        closes_at=closes_at,
        least=least,
        most=most,
        audience=audience or {},
        seed=seed or secrets.token_hex(16),
    )
    _check(_terms(menu), len(wanted), now=now)
    session.add(menu)
    session.flush()
    session.add_all(MenuOption(menu_id=menu.id, batch_id=batch_id) for batch_id in wanted)
    session.flush()
    audit.record(
        session,
        actor_id,
        "create_menu",
        f"menu:{menu.id}",
        now=now,
        after={"title": menu.title, "options": wanted, "committed": commitment(menu.seed)},
    )
    _plan(session, menu, wanted, now=now)
    return menu.id


def change(
    session: Session,
    actor_id: int,
    menu_id: int,
    *,
    now: datetime,
    title: str | None = None,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    least: int | None = None,
    most: int | None = None,
) -> bool:
    """Change what is given of a menu that is not settled; False when it was so already.

    Once it is open the opening is past, and nobody may be left with more choices than ``most``.
    Raises NotFound, NotAllowed or BadMenu.
    """
    menu = _own(session, actor_id, menu_id, now=now, for_change=True)
    before = _terms(menu)
    wanted = _Terms(
        title=menu.title if title is None else title.strip(),
        opens_at=opens_at or menu.opens_at,
        closes_at=closes_at or menu.closes_at,
        least=menu.least if least is None else least,
        most=menu.most if most is None else most,
    )
    if wanted.opens_at != menu.opens_at and menu.opens_at <= now:
        raise BadMenu(MenuFlaw.OPENED)
    options = _option_ids(session, menu_id)
    _check(wanted, len(options), now=now)
    longest = session.exec(
        select(func.max(MenuChoice.rank)).where(MenuChoice.menu_id == menu_id)
    ).one()
    if longest is not None and longest > wanted.most:
        raise BadMenu(MenuFlaw.IN_USE)
    _check_starts(session, options, wanted.closes_at)
    if wanted == before:
        return False
    for name, value in vars(wanted).items():
        setattr(menu, name, value)
    session.flush()
    audit.record(
        session,
        actor_id,
        "change_menu",
        f"menu:{menu_id}",
        now=now,
        before=before.plain(),
        after=wanted.plain(),
    )
    _plan(session, menu, (), now=now)
    return True


def set_option(
    session: Session, actor_id: int, menu_id: int, batch_id: int, on: bool, *, now: datetime
) -> bool:
    """Put a class into the menu or take it out; False when it was so already.

    What somebody has chosen stays in: a class that does not take place is cancelled as one.
    Raises NotFound, NotAllowed or BadMenu.
    """
    menu = _own(session, actor_id, menu_id, now=now, for_change=True)
    options = _option_ids(session, menu_id)
    if (batch_id in options) == on:
        return False
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    if on:
        owners = {
            one.batch_id: one.owner_unit_id
            for one in candidates(session, actor_id, now=now, menu_id=menu_id)
        }
        _check_options(session, [batch_id], menu.closes_at, owners)
        session.add(MenuOption(menu_id=menu_id, batch_id=batch_id))
    else:
        if session.exec(
            select(MenuChoice.id).where(
                MenuChoice.menu_id == menu_id, MenuChoice.batch_id == batch_id
            )
        ).first():
            raise BadMenu(MenuFlaw.IN_USE)
        _check(_terms(menu), len(options) - 1, now=now)
        session.exec(
            sa.delete(MenuOption).where(
                col(MenuOption.menu_id) == menu_id, col(MenuOption.batch_id) == batch_id
            )
        )
    session.flush()
    audit.record(
        session,
        actor_id,
        "change_menu",
        f"menu:{menu_id}",
        now=now,
        after={"batch": batch_id, "in": on},
    )
    schedule.plan_deadlines(session, batch_id, now=now)
    return True


def cancel(session: Session, actor_id: int, menu_id: int, *, now: datetime) -> bool:
    """Take the menu away; who has chosen is told in the next brief. False when it was gone.

    Its classes are entered by registering from now on, as without a menu. Raises NotFound,
    NotAllowed, or BadMenu when its seats have been given out.
    """
    menu = _own(session, actor_id, menu_id, now=now, for_change=False)
    if menu.cancelled_at is not None:
        return False
    if menu.settled_at is not None:
        raise BadMenu(MenuFlaw.OVER)
    menu.cancelled_at = now
    session.flush()
    choosers = session.exec(
        select(MenuChoice.teacher_id).distinct().where(MenuChoice.menu_id == menu_id)
    ).all()
    for teacher_id in choosers:
        facts = {"title": menu.title}
        news.tell(session, "menu_cancelled", teacher_id, menu_id, facts, now=now)
    audit.record(
        session,
        actor_id,
        "cancel_menu",
        f"menu:{menu_id}",
        now=now,
        after={"told": len(choosers)},
    )
    for kind in ("menu_open", "menu_close"):
        deadlines.cancel_deadline(session, kind, menu_id, now=now)
    for batch_id in _option_ids(session, menu_id):
        schedule.plan_deadlines(session, batch_id, now=now)
    return True


def menus(
    session: Session, actor_id: int, *, page: int = 0, now: datetime
) -> tuple[tuple[MenuLine, ...], int, int]:
    """Return a page of the actor's menus, the latest first; with the page and how many pages."""
    today = local_day(now, offices.zone(session))
    where = authority.reaches(session, actor_id, Act.RUN_PROGRAMME, today=today)
    mine = select(Menu).where(col(Menu.owner_unit_id).in_(where))
    total = session.exec(select(func.count()).select_from(mine.subquery())).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        mine.order_by(col(Menu.closes_at).desc(), col(Menu.id).desc())
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    choosers = dict(
        session.exec(
            select(MenuChoice.menu_id, func.count(sa.distinct(col(MenuChoice.teacher_id))))
            .where(col(MenuChoice.menu_id).in_([menu.id for menu in rows]))
            .group_by(col(MenuChoice.menu_id))
        ).all()
    )
    return (
        tuple(_line(menu, choosers.get(menu.id, 0), now=now) for menu in rows),
        page,
        pages,
    )


def desk(session: Session, actor_id: int, menu_id: int, *, now: datetime) -> MenuDesk:
    """Return the menu in figures, live. Raises NotFound or NotAllowed."""
    menu = _own(session, actor_id, menu_id, now=now, for_change=False)
    options = _options(session, menu_id)
    seats = _seats(session, [batch.id for batch, _ in options])
    wishes: Counter[int] = Counter()
    first: Counter[int] = Counter()
    given: Counter[int] = Counter()
    waiting: Counter[int] = Counter()
    for batch_id, rank, outcome, number in session.exec(
        select(MenuChoice.batch_id, MenuChoice.rank, col(MenuChoice.outcome), func.count())
        .where(MenuChoice.menu_id == menu_id)
        .group_by(col(MenuChoice.batch_id), col(MenuChoice.rank), col(MenuChoice.outcome))
    ).all():
        wishes[batch_id] += number
        first[batch_id] += number * (rank == 1)
        given[batch_id] += number * (outcome is ChoiceOutcome.GIVEN)
        waiting[batch_id] += number * (outcome is ChoiceOutcome.WAITING)
    counts = session.exec(
        select(func.count())
        .where(MenuChoice.menu_id == menu_id)
        .group_by(col(MenuChoice.teacher_id))
    ).all()
    numbers = _numbers(options)
    open_to = [fits(programme) for _, programme in options]
    audience = session.exec(
        select(func.count())
        .select_from(Teacher)
        .where(fits(menu), sa.or_(*open_to) if open_to else sa.false())
    ).one()
    return MenuDesk(
        menu_id=menu_id,
        title=menu.title,
        opens_at=menu.opens_at,
        closes_at=menu.closes_at,
        least=menu.least,
        most=menu.most,
        state=state_of(menu, now=now),
        audience=audience,
        choosers=len(counts),
        short=sum(number < menu.least for number in counts),
        options=tuple(
            OptionFigures(
                batch_id=batch.id,
                title=programme.title,
                batch_title=batch.title,
                is_published=programme.state is ProgrammeState.PUBLISHED,
                seats=seats.get(batch.id),
                first=first[batch.id],
                wishes=wishes[batch.id],
                given=given[batch.id],
                waiting=waiting[batch.id],
                minimum=batch.minimum,
                no=numbers[batch.id],
            )
            for batch, programme in options
        ),
        committed=commitment(menu.seed),
        seed=menu.seed if menu.settled_at is not None else "",
    )


# --- teachers --------------------------------------------------------------------------------


def open_for(session: Session, teacher_id: int, *, now: datetime) -> tuple[MenuLine, ...]:
    """Return the menus from which this teacher may choose now, the one that closes first first."""
    rows = session.exec(
        select(Menu)
        .where(LIVE_MENU, col(Menu.opens_at) <= now, col(Menu.closes_at) > now)
        .order_by(col(Menu.closes_at), col(Menu.id))
    ).all()
    if not rows or not _has_posting(session, teacher_id, now=now):
        return ()
    teacher = session.get_one(Teacher, teacher_id)
    facts = facts_of(session, teacher_id)
    chosen = dict(
        session.exec(
            select(MenuChoice.menu_id, func.count())
            .where(MenuChoice.teacher_id == teacher_id)
            .group_by(col(MenuChoice.menu_id))
        ).all()
    )
    return tuple(
        _line(menu, chosen.get(menu.id, 0), now=now)
        for menu in rows
        if not compare(menu.audience, facts, teacher.state)
        and any(
            programme.state is ProgrammeState.PUBLISHED
            and not compare(programme.audience, facts, teacher.state)
            for _, programme in _options(session, menu.id)
        )
    )


def card(session: Session, teacher_id: int, menu_id: int, *, now: datetime) -> MenuCard:
    """Return the menu as this teacher sees it, with what fits them. Raises NotFound."""
    menu = _menu(session, menu_id)
    teacher = session.exec(select(Teacher).where(Teacher.id == teacher_id)).first()
    if teacher is None:
        raise NotFound("teacher")
    facts = facts_of(session, teacher_id)
    mine = {
        choice.batch_id: choice
        for choice in session.exec(
            select(MenuChoice)
            .where(MenuChoice.menu_id == menu_id, MenuChoice.teacher_id == teacher_id)
            .execution_options(populate_existing=True)
        ).all()
    }
    options = [
        (batch, programme)
        for batch, programme in _options(session, menu_id)
        if batch.id in mine
        or (
            programme.state is ProgrammeState.PUBLISHED
            and not compare(programme.audience, facts, teacher.state)
        )
    ]
    ids = [batch.id for batch, _ in options]
    seats = _seats(session, ids)
    times = times_of(session, col(Batch.id).in_(ids))
    titles = {batch.id: programme.title for batch, programme in options}
    numbers = _numbers(options)
    waiting = dict(
        session.exec(
            select(Registration.batch_id, Registration.id).where(
                col(Registration.batch_id).in_(ids),
                Registration.teacher_id == teacher_id,
                Registration.state == RegistrationState.WAITLISTED,
            )
        ).all()
    )
    is_settled = menu.settled_at is not None
    return MenuCard(
        menu_id=menu_id,
        title=menu.title,
        opens_at=menu.opens_at,
        closes_at=menu.closes_at,
        least=menu.least,
        most=menu.most,
        state=state_of(menu, now=now),
        options=tuple(
            OptionFacts(
                batch_id=batch.id,
                title=programme.title,
                batch_title=batch.title,
                starts_at=batch.starts_at,
                ends_at=batch.ends_at,
                place=batch.place,
                hours=programme.planned_hours,
                seats=seats.get(batch.id),
                rank=mine[batch.id].rank if batch.id in mine else None,
                clashes=_clashing(session, teacher_id, batch.id, mine, times, titles),
                outcome=mine[batch.id].outcome if batch.id in mine else ChoiceOutcome.OPEN,
                queue=(place_in_queue(session, waiting[batch.id]) if batch.id in waiting else None),
                no=numbers[batch.id],
            )
            for batch, programme in options
        ),
        chosen=len(mine),
        committed=commitment(menu.seed),
        seed=menu.seed if is_settled else "",
        lot=lot(menu.seed, menu_id, teacher.staff_no) if is_settled and mine else "",
    )


def choose(
    session: Session, teacher_id: int, menu_id: int, batch_id: int, *, now: datetime
) -> MenuCard:
    """Wish for this class, after what is chosen already; choosing twice changes nothing.

    Raises NotFound, MenuNotOpen, NotEligible, ConditionsNotMet or ChosenEnough.
    """
    menu = _open_menu(session, teacher_id, menu_id, now=now)
    ranks = _ranks(session, teacher_id, menu_id)
    if batch_id not in ranks:
        _check_fits(session, menu, teacher_id, batch_id, now=now)
        if len(ranks) >= menu.most:
            raise ChosenEnough(menu.most)
        session.add(
            MenuChoice(
                menu_id=menu_id,
                teacher_id=teacher_id,
                batch_id=batch_id,
                rank=len(ranks) + 1,
                chosen_at=now,
            )
        )
        session.flush()
        confirming.by_deed(session, teacher_id, "menu", menu_id, now=now)
    return card(session, teacher_id, menu_id, now=now)


def give_up(
    session: Session, teacher_id: int, menu_id: int, batch_id: int, *, now: datetime
) -> MenuCard:
    """Wish for it no more; what was wished for after it moves up. Raises as ``choose``."""
    _open_menu(session, teacher_id, menu_id, now=now)
    rank = _ranks(session, teacher_id, menu_id).get(batch_id)
    if rank is not None:
        mine = (
            col(MenuChoice.menu_id) == menu_id,
            col(MenuChoice.teacher_id) == teacher_id,
        )
        session.exec(sa.delete(MenuChoice).where(*mine, col(MenuChoice.batch_id) == batch_id))
        session.exec(
            sa.update(MenuChoice)
            .where(*mine, col(MenuChoice.rank) > rank)
            .values(rank=MenuChoice.rank - 1)
        )
    return card(session, teacher_id, menu_id, now=now)


def prefer(
    session: Session, teacher_id: int, menu_id: int, batch_id: int, rank: int, *, now: datetime
) -> MenuCard:
    """Make a chosen class the wish of this rank; the others keep their order among themselves.

    Saying the rank, and not "one up", makes a second tap harmless. Raises as ``choose``.
    """
    _open_menu(session, teacher_id, menu_id, now=now)
    ranks = _ranks(session, teacher_id, menu_id)
    if batch_id in ranks:
        order = sorted((one for one in ranks if one != batch_id), key=lambda one: ranks[one])
        order.insert(max(0, min(rank, len(ranks)) - 1), batch_id)
        for place, one in enumerate(order, 1):
            session.exec(
                sa.update(MenuChoice)
                .where(
                    col(MenuChoice.menu_id) == menu_id,
                    col(MenuChoice.teacher_id) == teacher_id,
                    col(MenuChoice.batch_id) == one,
                )
                .values(rank=place)
            )
    return card(session, teacher_id, menu_id, now=now)


# --- what both stand on ----------------------------------------------------------------------


def _menu(session: Session, menu_id: int, *, for_change: bool = False) -> Menu:
    statement = select(Menu).where(Menu.id == menu_id).execution_options(populate_existing=True)
    if for_change:
        statement = statement.with_for_update()
    menu = session.exec(statement).first()
    if menu is None:
        raise NotFound("menu")
    return menu


def _own(session: Session, actor_id: int, menu_id: int, *, now: datetime, for_change: bool) -> Menu:
    """The menu, for who runs programmes where it belongs; as it is until this is committed."""
    menu = _menu(session, menu_id, for_change=True)
    today = local_day(now, offices.zone(session))
    authority.check(session, actor_id, Act.RUN_PROGRAMME, menu.owner_unit_id, today=today)
    if for_change and (menu.settled_at is not None or menu.cancelled_at is not None):
        raise BadMenu(MenuFlaw.OVER)
    return menu


def _open_menu(session: Session, teacher_id: int, menu_id: int, *, now: datetime) -> Menu:
    """The menu if one can choose from it; two taps of one person follow each other from here."""
    session.exec(
        sa.select(col(Teacher.id))  # type: ignore[call-overload]
        .where(col(Teacher.id) == teacher_id)
        .with_for_update(key_share=True)
    ).all()
    menu = _menu(session, menu_id)
    state = state_of(menu, now=now)
    if state is not MenuState.OPEN:
        raise MenuNotOpen(menu.title, state, menu.opens_at)
    return menu


def _check_fits(
    session: Session, menu: Menu, teacher_id: int, batch_id: int, *, now: datetime
) -> None:
    option = next((one for one in _options(session, menu.id) if one[0].id == batch_id), None)
    if option is None or option[1].state is not ProgrammeState.PUBLISHED:
        raise NotFound("programme")
    programme = option[1]
    teacher = session.get_one(Teacher, teacher_id)
    facts = facts_of(session, teacher_id)
    misfits = compare(menu.audience, facts, teacher.state) or compare(
        programme.audience, facts, teacher.state
    )
    if not _has_posting(session, teacher_id, now=now):
        misfits = (*misfits, Misfit("posting", (), ()))
    if misfits:
        raise NotEligible(programme.title, misfits)
    findings = eligibility.check(session, teacher_id, programme.id, now=now)
    hard = tuple(finding for finding in findings if finding.hard)
    if hard:
        raise ConditionsNotMet(programme.title, hard)


def _has_posting(session: Session, teacher_id: int, *, now: datetime) -> bool:
    today = local_day(now, offices.zone(session))
    return (
        session.exec(
            select(Posting.id).where(
                Posting.teacher_id == teacher_id,
                col(Posting.is_primary),
                col(Posting.since) <= today,
                sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
            )
        ).first()
        is not None
    )


def _ranks(session: Session, teacher_id: int, menu_id: int) -> dict[int, int]:
    return dict(
        session.exec(
            select(MenuChoice.batch_id, MenuChoice.rank).where(
                MenuChoice.menu_id == menu_id, MenuChoice.teacher_id == teacher_id
            )
        ).all()
    )


def _options(session: Session, menu_id: int) -> list[tuple[Batch, Programme]]:
    return list(
        session.exec(
            select(Batch, Programme)
            .join(Programme, col(Programme.id) == col(Batch.programme_id))
            .join(MenuOption, col(MenuOption.batch_id) == col(Batch.id))
            .where(MenuOption.menu_id == menu_id)
            .order_by(col(Batch.starts_at), col(Batch.id))
        ).all()
    )


def _numbers(options: Sequence[tuple[Batch, Programme]]) -> dict[int, int]:
    """The number of each class among those of its programme, 0 where it is the only one here."""
    of = Counter(programme.id for _, programme in options)
    return {batch.id: batch.no if of[programme.id] > 1 else 0 for batch, programme in options}


def _option_ids(session: Session, menu_id: int) -> list[int]:
    return list(
        session.exec(
            select(MenuOption.batch_id)
            .where(MenuOption.menu_id == menu_id)
            .order_by(col(MenuOption.id))
        ).all()
    )


def _seats(session: Session, batch_ids: Sequence[int]) -> dict[int, int]:
    rows = session.exec(
        select(Quota.batch_id, func.sum(Quota.seats))
        .where(col(Quota.batch_id).in_(batch_ids))
        .group_by(col(Quota.batch_id))
    ).all()
    return {batch_id: int(seats) for batch_id, seats in rows}


def _clashing(
    session: Session,
    teacher_id: int,
    batch_id: int,
    mine: dict[int, MenuChoice],
    times: Times,
    titles: dict[int, str],
) -> tuple[str, ...]:
    """What is at the same time: trainings under way, and what else is chosen here."""
    held = {one.batch_id: one.title for one in clashes(session, teacher_id, batch_id)}
    for other in mine:
        if other != batch_id and any(
            start < finish and begin < end
            for start, end in times.get(batch_id, ())
            for begin, finish in times.get(other, ())
        ):
            held.setdefault(other, titles.get(other, ""))
    return tuple(held.values())


def _line(menu: Menu, chosen: int, *, now: datetime) -> MenuLine:
    return MenuLine(
        menu_id=menu.id,
        title=menu.title,
        opens_at=menu.opens_at,
        closes_at=menu.closes_at,
        state=state_of(menu, now=now),
        least=menu.least,
        chosen=chosen,
    )


@dataclass(frozen=True)
class _Terms:
    """What an organiser sets of a menu."""

    title: str
    opens_at: datetime
    closes_at: datetime
    least: int
    most: int

    def plain(self) -> dict[str, Any]:
        moments = {"opens_at": self.opens_at.isoformat(), "closes_at": self.closes_at.isoformat()}
        return {"title": self.title, "least": self.least, "most": self.most, **moments}


def _terms(menu: Menu) -> _Terms:
    return _Terms(menu.title, menu.opens_at, menu.closes_at, menu.least, menu.most)


def check_given(
    *,
    now: datetime,
    title: str | None = None,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    least: int | None = None,
    most: int | None = None,
) -> None:
    """Raise BadMenu where what is given so far of a menu cannot be; None is not given yet."""
    if title is not None and not title:
        raise BadMenu(MenuFlaw.NO_TITLE)
    if title is not None and len(title) > TITLE:
        raise BadMenu(MenuFlaw.LONG_TITLE, str(TITLE))
    if closes_at is not None and closes_at <= max(opens_at or now, now):
        raise BadMenu(MenuFlaw.DATES)
    if least is not None and not 1 <= least <= (least if most is None else most):
        raise BadMenu(MenuFlaw.BOUNDS)


def _check(terms: _Terms, options: int, *, now: datetime) -> None:
    check_given(now=now, **vars(terms))
    if options < 2:
        raise BadMenu(MenuFlaw.TOO_FEW)
    if terms.most > options:
        raise BadMenu(MenuFlaw.BOUNDS)


def _check_options(
    session: Session, batch_ids: Sequence[int], closes_at: datetime, owners: dict[int, int]
) -> None:
    taken = live_menus(session, batch_ids)
    for batch, programme in session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Batch.id).in_(batch_ids))
    ).all():
        if batch.id in taken:
            raise BadMenu(MenuFlaw.ELSEWHERE, programme.title)
        if batch.id not in owners:
            raise BadMenu(MenuFlaw.NOT_CHOSEN, programme.title)
    _check_starts(session, batch_ids, closes_at)


def _check_starts(session: Session, batch_ids: Sequence[int], closes_at: datetime) -> None:
    title = session.exec(
        select(Programme.title)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(col(Batch.id).in_(batch_ids), Batch.starts_at <= closes_at)
    ).first()
    if title is not None:
        raise BadMenu(MenuFlaw.STARTED, title)


def _plan(session: Session, menu: Menu, batch_ids: Sequence[int], *, now: datetime) -> None:
    """Set the menu's deadlines, and let those of its classes' registration rest."""
    for kind, moment in (("menu_open", menu.opens_at), ("menu_close", menu.closes_at)):
        if moment < now:
            continue
        preset = (
            schedule.steps_while_open(session, kind, menu.opens_at, moment)
            if kind == "menu_close"
            else None
        )
        deadlines.set_deadline(session, kind, menu.id, moment, now=now, preset=preset)
    for batch_id in batch_ids:
        schedule.plan_deadlines(session, batch_id, now=now)
