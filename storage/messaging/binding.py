"""Binding: a coordinator says what a group, or one topic of it, stands for.

That one has been there is shown by a tap in the place itself, or by having added the bot to it;
a draft of the account keeps it (``Draft``, kind ``bind:`` and the place's id). What a place
stands for is changed or ended by whoever may tend it (``storage.messaging.owners``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, deeds
from storage.calendar import quiet, workdays
from storage.deeds import ChangedSince, Deed
from storage.messaging import deadlines, groups, outbox, owners, presence
from storage.messaging.groups import Group
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    GroupCard,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.moments import Moment, local_day
from storage.people import authority, drafts, offices
from storage.people import units as org_units
from storage.people.authority import Act
from storage.people.tables import Account, OrgUnit, Posting, Teacher, TeacherFact
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.waiting_for import Waiting

DEED = "bind_group"
DISSOLVE = "chat_dissolve"
CLOSING = "chat_close"
PAGE = 8
DISSOLVES_AFTER = timedelta(days=14)
"""How long after its class a group is still of use (domain, reminders 5.4, 68)."""
_ANNOUNCED = timedelta(days=3)  # before that day the group is told

ONE_OF_A_KIND = (
    ChatPurpose.ALL_STAFF,
    ChatPurpose.COORDINATORS,
    ChatPurpose.PROGRAMME,
    ChatPurpose.COMPETITION,
)
"""Purposes that one group of a unit, or of a programme, is enough for (domain, messages 8.1)."""

TO_BIND = frozenset({Act.BIND_GROUP, Act.NOTIFY_CLASS})
"""Whoever may do one of these somewhere can say what some group stands for."""

_SUBJECT = ("purpose", "unit_id", "programme_id", "competition_id", "bound_by")
_TARGET = {ChatPurpose.PROGRAMME: "programme_id", ChatPurpose.COMPETITION: "competition_id"}
_BINDING = (*_SUBJECT, "subject", "language", "urges")
# Of programmes and classes the engine knows a few columns, by name.
_programme = sa.table(
    "programme",
    *(sa.column(name) for name in ("id", "title", "owner_unit_id", "state")),
)
_competition = sa.table(
    "competition", *(sa.column(name) for name in ("id", "title", "owner_unit_id", "state"))
)
_plan = sa.table("remote_plan", sa.column("batch_id"), sa.column("makeup_until", Moment()))
_batch = sa.table(
    "batch",
    sa.column("id"),
    sa.column("programme_id"),
    sa.column("ends_at", Moment()),
    sa.column("cancelled_at"),
)


class BoundMeanwhile(Refusal):
    """Somebody has said otherwise what the place stands for since the card was shown."""


class SecondPlace(Refusal):
    """There is a group for this already; one is enough unless somebody insists."""

    def __init__(self, title: str) -> None:
        super().__init__(f"{title!r} stands for it already")
        self.title = title


@dataclass(frozen=True)
class Met:
    """A place as somebody has met it."""

    tg_chat_id: int
    title: str
    thread_id: int = 0
    topic: str = ""
    is_forum: bool = False


@dataclass(frozen=True)
class Place:
    """A place as those see it who tend it."""

    group: Group
    unit: str
    programme: str
    """The training or the competition that it is of; empty for a unit's."""
    by: str
    """Who bound it; empty for a plan that was loaded."""
    cards: int = 0
    """How many classes have their card there."""

    @property
    def id(self) -> int:
        return self.group.id

    @property
    def seen(self) -> int:
        """A stamp of what it stands for; another one later means that somebody changed it."""
        at = self.group.bound_at
        return 0 if at is None or self.group.purpose is None else int(at.timestamp())


@dataclass(frozen=True)
class Choice:
    """A unit or programme that a place may stand for."""

    id: int
    name: str


@dataclass(frozen=True)
class Choices:
    """A page of them; pages count from 0."""

    place: Place
    lines: tuple[Choice, ...]
    page: int
    pages: int


@dataclass(frozen=True)
class Places:
    """A page of the places that somebody tends, those that stand for nothing yet first."""

    lines: tuple[Place, ...]
    page: int
    pages: int


@dataclass(frozen=True)
class Bound:
    """What a place stands for now; ``deed_id`` undoes it, as long as it can be."""

    place: Place
    deed_id: int | None


def may_bind(session: Session, teacher_id: int, *, now: datetime) -> bool:
    """Whether this person may say of some group what it stands for."""
    today = local_day(now, offices.zone(session))
    return bool(TO_BIND & authority.acts(session, teacher_id, today=today))


def begin(session: Session, actor_id: int, met: Met, *, now: datetime) -> int:
    """Note that the actor has been in this place and may bind it; return its id.

    Raises NotAllowed for who may bind nothing, or not a place that stands for something.
    """
    if not may_bind(session, actor_id, now=now):
        raise NotAllowed
    group = groups.chat_by_tg_id(session, met.tg_chat_id)
    language = groups.language_of(session, met.tg_chat_id, met.thread_id)
    place = groups.bind(
        session,
        met.tg_chat_id,
        met.title,
        thread_id=met.thread_id,
        language=language or _language_of(session, actor_id),
    )
    values: dict[str, Any] = {"is_forum": met.is_forum}
    if met.topic:
        values["topic"] = met.topic
    if place.purpose is None:
        values["met_at"] = now
    if group is not None and not place.rights:
        values |= {"rights": list(group.rights), "bot_is_admin": group.bot_is_admin}
    session.exec(sa.update(Chat).where(col(Chat.id) == place.id).values(**values))
    if place.purpose is not None:
        _check_tends(session, actor_id, place.id, offices.today(session, now))
        return place.id
    _remember(session, actor_id, place.id, now)
    return place.id


def place(session: Session, actor_id: int, chat_id: int, *, now: datetime) -> Place:
    """Return a place that the actor may tend, or bind. Raises NotFound or NotAllowed."""
    _check(session, actor_id, chat_id, now)
    found = groups.place(session, chat_id)
    assert found is not None
    return _places(session, [found])[0]


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return how many groups this person has shown the bot, and that stand for nothing yet.

    Where a topic stands for something, the rest of the group need not.
    """
    if not may_bind(session, actor_id, now=now):
        return ()
    topic = sa.orm.aliased(Chat)
    has_topic = sa.exists().where(
        col(topic.tg_chat_id) == col(Chat.tg_chat_id), col(topic.purpose).is_not(None)
    )
    number = session.exec(
        select(sa.func.count())
        .select_from(Chat)
        .where(_to_connect(session, actor_id), sa.or_(col(Chat.thread_id) != 0, ~has_topic))
    ).one()
    return (Waiting("groups", number),)


def _to_connect(session: Session, actor_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(col(Chat.purpose).is_(None), col(Chat.active), _is_met(session, actor_id))


def places(session: Session, actor_id: int, *, page: int = 0, now: datetime) -> Places:
    """Return the places that the actor tends, and those met that stand for nothing yet.

    Raises NotAllowed for who may bind nothing.
    """
    if not may_bind(session, actor_id, now=now):
        raise NotAllowed
    today = offices.today(session, now)
    mine = sa.or_(
        owners.tended(session, actor_id, today=today),
        _to_connect(session, actor_id),
    )
    total = session.exec(select(sa.func.count()).select_from(Chat).where(mine)).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        select(Chat)
        .where(mine)
        .order_by(
            col(Chat.purpose).is_not(None),
            col(Chat.title),
            col(Chat.thread_id),
            col(Chat.id),
        )
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    lines = _places(session, [groups.as_group(row) for row in rows])
    return Places(tuple(lines), page, pages)


def purposes(
    session: Session, actor_id: int, chat_id: int, *, now: datetime
) -> tuple[Place, tuple[ChatPurpose, ...]]:
    """Return the place and what the actor may let it stand for. Raises NotFound or NotAllowed."""
    shown = place(session, actor_id, chat_id, now=now)
    may = authority.acts(session, actor_id, today=offices.today(session, now))
    return shown, tuple(
        purpose
        for purpose in ChatPurpose
        if Act.BIND_GROUP in may or purpose is ChatPurpose.PROGRAMME
    )


def units(
    session: Session, actor_id: int, chat_id: int, *, page: int = 0, like: str = "", now: datetime
) -> Choices:
    """Return a page of the units for which the actor may bind a group, one's own first.

    ``like`` is a part of the name. Raises NotFound or NotAllowed.
    """
    today = offices.today(session, now)
    reached = owners.units_of(session, actor_id, today=today).subquery()
    own = [
        grant.unit_id
        for grant in authority.grants(session, actor_id, today=today)
        if grant.unit_id is not None
    ]
    query = (
        sa.select(col(OrgUnit.id), col(OrgUnit.name))
        .where(col(OrgUnit.id).in_(sa.select(reached.c.id)), col(OrgUnit.active))
        .order_by(col(OrgUnit.id).not_in(own), col(OrgUnit.name), col(OrgUnit.id))
    )
    if like:
        query = query.where(col(OrgUnit.name).contains(like, autoescape=True))
    return _page(session, place(session, actor_id, chat_id, now=now), query, page)


def programmes(
    session: Session, actor_id: int, chat_id: int, *, page: int = 0, now: datetime
) -> Choices:
    """Return a page of the programmes that the group may be of: those that are not over yet.

    Raises NotFound or NotAllowed.
    """
    today = offices.today(session, now)
    ends = (
        sa.select(sa.func.max(_batch.c.ends_at))
        .where(_batch.c.programme_id == _programme.c.id)
        .scalar_subquery()
    )
    query = (
        sa.select(_programme.c.id, _programme.c.title)
        .where(
            _of_mine(session, actor_id, today),
            ends > now - DISSOLVES_AFTER,
            _programme.c.state.not_in(("cancelled", "archived")),
        )
        .order_by(ends, _programme.c.id)
    )
    return _page(session, place(session, actor_id, chat_id, now=now), query, page)


def competitions(
    session: Session, actor_id: int, chat_id: int, *, page: int = 0, now: datetime
) -> Choices:
    """Return a page of the competitions that the group may be of, the newest first.

    Raises NotFound or NotAllowed.
    """
    reached = owners.units_of(session, actor_id, today=offices.today(session, now)).subquery()
    query = (
        sa.select(_competition.c.id, _competition.c.title)
        .where(
            _competition.c.owner_unit_id.in_(sa.select(reached.c.id)),
            _competition.c.state.not_in(("cancelled", "archived")),
        )
        .order_by(_competition.c.id.desc())
    )
    return _page(session, place(session, actor_id, chat_id, now=now), query, page)


def bind(
    session: Session,
    actor_id: int,
    chat_id: int,
    purpose: ChatPurpose,
    target_id: int,
    language: str,
    *,
    seen: int,
    sure: bool = False,
    now: datetime,
) -> Bound:
    """Let the place stand for a unit, a programme or a competition, in this language.

    ``target_id`` is the programme's or competition's for a group of one, else the unit's;
    ``seen`` is the stamp of the place as the actor saw it. What it stands for already is left
    as it is. A group for one class gets the date on which it should be over. Raises NotFound,
    NotAllowed, BoundMeanwhile, or SecondPlace unless ``sure``.
    """
    today = offices.today(session, now)
    chat = _locked(session, chat_id)
    wanted: dict[str, Any] = {
        "purpose": purpose,
        "programme_id": None,
        "competition_id": None,
        "language": language,
    }
    if chat.purpose is not purpose or chat.unit_id != target_id:
        wanted["subject"] = ""  # asked for anew
    if purpose is ChatPurpose.PROGRAMME:
        # Whoever binds another group to it at this moment waits, and finds this one.
        owner: Any = session.exec(
            sa.select(_programme.c.owner_unit_id)  # type: ignore[call-overload]
            .where(_programme.c.id == target_id)
            .with_for_update(key_share=True)
        ).first()
        if owner is None:
            raise NotFound("programme")
        wanted |= {"programme_id": target_id, "unit_id": owner[0]}
    elif purpose is ChatPurpose.COMPETITION:
        organiser: Any = session.exec(
            sa.select(_competition.c.owner_unit_id)  # type: ignore[call-overload]
            .where(_competition.c.id == target_id)
            .with_for_update(key_share=True)
        ).first()
        if organiser is None:
            raise NotFound("competition")
        wanted |= {"competition_id": target_id, "unit_id": organiser[0]}
    else:
        unit = select(OrgUnit.id).where(OrgUnit.id == target_id)
        if session.exec(unit.with_for_update(key_share=True)).first() is None:
            raise NotFound("unit")
        wanted["unit_id"] = target_id
    if chat.purpose is not None and not owners.tends(session, actor_id, chat_id, today=today):
        # Whoever was about to bind it is told why not; a stranger is told nothing.
        raise BoundMeanwhile if _has_met(session, actor_id, chat_id) else NotAllowed
    _check(session, actor_id, chat_id, now)
    _check_target(session, actor_id, purpose, target_id, today)
    is_so = all(getattr(chat, name) == value for name, value in wanted.items())
    if is_so and chat.purpose is not None:
        return Bound(_place(session, chat_id), _standing(session, actor_id, chat_id, now))
    if seen != _place(session, chat_id).seen:
        raise BoundMeanwhile
    if not sure and purpose in ONE_OF_A_KIND:
        _check_alone(session, chat, wanted)
    before = _snapshot(chat)
    was_bound = chat.purpose is not None
    _drop_pending(session, chat_id)
    for name, value in wanted.items():
        setattr(chat, name, value)
    chat.bound_by, chat.bound_at = actor_id, now
    chat.dissolve_at = _over_at(session, chat)
    session.flush()
    _keep_deadline(session, chat, now)
    after = _snapshot(chat)
    audit.record(
        session, actor_id, "bind_group", f"group:{chat_id}", now=now, before=before, after=after
    )
    deed_id = deeds.done(
        session,
        DEED,
        actor_id,
        {"chat_id": chat_id, "before": before, "after": after, "about": chat.topic or chat.title},
        now=now,
    )
    if not was_bound and chat.active:
        presence.greet(session, chat_id, is_bound=True, not_before=now, now=now)
    return Bound(_place(session, chat_id), deed_id)


def unbind(session: Session, actor_id: int, chat_id: int, *, now: datetime) -> Bound:
    """Let the place stand for nothing. The bot stays silent there, and leaves in the end.

    Raises NotFound or NotAllowed.
    """
    chat = _locked(session, chat_id)
    if chat.purpose is None:
        _check(session, actor_id, chat_id, now)
        return Bound(_place(session, chat_id), _standing(session, actor_id, chat_id, now))
    _check_tends(session, actor_id, chat_id, offices.today(session, now))
    before = _snapshot(chat)
    _end(session, chat, now)
    # Whoever ends it may say otherwise a moment later.
    _remember(session, actor_id, chat_id, now)
    after = _snapshot(chat)
    audit.record(
        session, actor_id, "unbind_group", f"group:{chat_id}", now=now, before=before, after=after
    )
    about = chat.topic or chat.title
    data = {"chat_id": chat_id, "before": before, "after": after, "about": about}
    deed_id = deeds.done(session, DEED, actor_id, data, now=now)
    return Bound(_place(session, chat_id), deed_id)


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Let the place stand for what it stood for before. Raises NotAllowed or ChangedSince."""
    before, after = deed.data["before"], deed.data["after"]
    chat = _locked(session, deed.data["chat_id"])
    today = offices.today(session, now)
    for binding in (before, after):
        if binding["purpose"] is not None:
            _check_target(session, deed.actor_id, *_target(binding), today)
    now_so = _snapshot(chat)
    if any(now_so[name] != after[name] for name in _SUBJECT):
        raise ChangedSince(chat.title)
    _drop_pending(session, chat.id)
    for name in _BINDING:
        if name in before:
            setattr(chat, name, before[name])
    chat.purpose = ChatPurpose(before["purpose"]) if before["purpose"] else None
    chat.bound_at = now
    chat.met_at = now if chat.purpose is None else chat.met_at
    chat.dissolve_at = (
        datetime.fromisoformat(before["dissolve_at"]) if before["dissolve_at"] else None
    )
    session.flush()
    _keep_deadline(session, chat, now)


def set_language(
    session: Session, actor_id: int, chat_id: int, language: str, *, now: datetime
) -> Place:
    """Let the bot speak this language there. Raises NotFound or NotAllowed."""
    return _set(session, actor_id, chat_id, "language", language, now)


def subjects(session: Session, actor_id: int, chat_id: int, *, now: datetime) -> list[str]:
    """Return all subjects that somebody teaches, those of the group's unit and below first.

    Raises NotFound or NotAllowed.
    """
    found = place(session, actor_id, chat_id, now=now).group
    if found.purpose is not ChatPurpose.SUBJECT or found.unit_id is None:
        raise NotFound("subject")
    here = org_units.below([found.unit_id]).subquery()
    of_unit = sa.case((col(Posting.unit_id).in_(sa.select(here.c.id)), 1), else_=0)
    rows = session.exec(
        select(TeacherFact.value)
        .join(Posting, col(Posting.teacher_id) == col(TeacherFact.teacher_id))
        .where(TeacherFact.key == "subject", col(Posting.is_primary), col(Posting.until).is_(None))
        .group_by(TeacherFact.value)
        .order_by(sa.func.sum(of_unit).desc(), sa.func.count().desc(), TeacherFact.value)
    ).all()
    return list(rows)


def set_subject(
    session: Session, actor_id: int, chat_id: int, subject: str, *, now: datetime
) -> Place:
    """Say of which subject a subject group is. Raises NotFound or NotAllowed."""
    if subject not in subjects(session, actor_id, chat_id, now=now):
        raise NotFound("subject")
    return _set(session, actor_id, chat_id, "subject", subject, now)


def set_urges(session: Session, actor_id: int, chat_id: int, on: bool, *, now: datetime) -> Place:
    """Say whether it may be told there how many have not confirmed, never who.

    Raises NotFound or NotAllowed.
    """
    return _set(session, actor_id, chat_id, "urges", on, now)


def post_all_the_same(session: Session, actor_id: int, chat_id: int, *, now: datetime) -> Place:
    """Post in a closed topic, where an administrator may. Raises NotFound or NotAllowed."""
    _check_tends(session, actor_id, chat_id, offices.today(session, now))
    found = _place(session, chat_id).group
    if found.bot_is_admin and found.closed:
        presence.reopen_topic(session, found.tg_chat_id, found.thread_id, now=now)
    return _place(session, chat_id)


def keep_longer(
    session: Session, actor_id: int, chat_id: int, seen: date, *, now: datetime
) -> Place:
    """Keep a group for one task another 14 days after ``seen``, the day when it was to be over.

    Asking twice keeps it 14 days and not more. Raises NotFound or NotAllowed.
    """
    zone = offices.zone(session)
    chat = _locked(session, chat_id)
    _check_tends(session, actor_id, chat_id, offices.today(session, now))
    if chat.dissolve_at is not None and local_day(chat.dissolve_at, zone) == seen:
        chat.dissolve_at = max(chat.dissolve_at, now) + DISSOLVES_AFTER
        session.flush()
        _keep_deadline(session, chat, now)
    return _place(session, chat_id)


def dissolve(session: Session, actor_id: int, chat_id: int, *, now: datetime) -> Place:
    """End it: the bot says goodbye and leaves, unless another topic stands for something.

    Raises NotFound or NotAllowed.
    """
    chat = _locked(session, chat_id)
    if chat.purpose is not None:
        _check_tends(session, actor_id, chat_id, offices.today(session, now))
        before = _snapshot(chat)
        _end(session, chat, now)
        audit.record(
            session, actor_id, "dissolve_group", f"group:{chat_id}", now=now, before=before
        )
        if not groups.bound_places(session, chat.tg_chat_id):
            whole = groups.chat_by_tg_id(session, chat.tg_chat_id)
            here = chat_id if whole is None else whole.id
            presence.say_goodbye(session, here, not_before=now, now=now)
    else:
        _check(session, actor_id, chat_id, now)
        if chat.active and not groups.bound_places(session, chat.tg_chat_id):
            presence.say_goodbye(session, chat_id, not_before=now, now=now)
    return _place(session, chat_id)


def follow_classes(session: Session, *, now: datetime) -> int:
    """Put off the end of the groups whose class, or its make-up, ends later now; say how many."""
    moved = 0
    for chat in session.exec(
        select(Chat).where(col(Chat.dissolve_at).is_not(None), col(Chat.active))
    ).all():
        over = _over_at(session, chat)
        if over is not None and chat.dissolve_at is not None and chat.dissolve_at < over:
            chat.dissolve_at = over
            session.flush()
            _keep_deadline(session, chat, now)
            moved += 1
    return moved


def announce_ends(session: Session, *, now: datetime) -> int:
    """Tell groups for one task, three days ahead, when they are to be over; return how many."""
    calendar = workdays.load(session)
    soon = session.exec(
        select(Chat).where(
            col(Chat.dissolve_at) > now,
            col(Chat.dissolve_at) <= now + _ANNOUNCED,
            col(Chat.active),
            ~col(Chat.closed),
        )
    ).all()
    for chat in soon:
        assert chat.dissolve_at is not None
        day = local_day(chat.dissolve_at, calendar.zone).isoformat()
        outbox.put(
            session,
            CLOSING,
            chat_id=chat.id,
            facts={"day": day},
            priority=Priority.CARD,
            not_before=quiet.next_push(calendar, now),
            useful_until=chat.dissolve_at,
            dedupe_key=f"{CLOSING}:{chat.id}:{day}",
            now=now,
        )
    return len(soon)


# --- what stands behind them -----------------------------------------------------------------


def _set(
    session: Session, actor_id: int, chat_id: int, name: str, value: Any, now: datetime
) -> Place:
    chat = _locked(session, chat_id)
    _check_tends(session, actor_id, chat_id, offices.today(session, now))
    before = getattr(chat, name)
    if before != value:
        setattr(chat, name, value)
        session.flush()
        audit.record(
            session,
            actor_id,
            "change_group",
            f"group:{chat_id}",
            now=now,
            before={name: before},
            after={name: value},
        )
    return _place(session, chat_id)


def _account_of(session: Session, teacher_id: int) -> int | None:
    return session.exec(select(Account.id).where(Account.teacher_id == teacher_id)).first()


def _remember(session: Session, teacher_id: int, chat_id: int, now: datetime) -> None:
    """Keep that this person has met the place."""
    account_id = _account_of(session, teacher_id)
    if account_id is not None:
        drafts.keep(session, account_id, f"{presence.MET}{chat_id}", {"chat_id": chat_id}, now=now)


def _language_of(session: Session, teacher_id: int) -> str:
    found = session.exec(select(Account.language).where(Account.teacher_id == teacher_id)).first()
    return found or "zh_Hans"


def _is_met(session: Session, teacher_id: int) -> sa.ColumnElement[bool]:
    """Whether the person has been in the place, as their drafts say."""
    account_id = _account_of(session, teacher_id)
    kinds = () if account_id is None else drafts.kinds(session, account_id, presence.MET)
    return col(Chat.id).in_([int(kind.removeprefix(presence.MET)) for kind in kinds])


def _has_met(session: Session, teacher_id: int, chat_id: int) -> bool:
    met = select(Chat.id).where(Chat.id == chat_id, _is_met(session, teacher_id))
    return session.exec(met).first() is not None


def _check(session: Session, actor_id: int, chat_id: int, now: datetime) -> None:
    """Raise unless the actor tends the place, or has met it while it stands for nothing."""
    found = session.exec(select(Chat.purpose).where(Chat.id == chat_id)).all()
    if not found:
        raise NotFound("group")
    if found[0] is not None:
        _check_tends(session, actor_id, chat_id, offices.today(session, now))
        return
    if not _has_met(session, actor_id, chat_id) or not may_bind(session, actor_id, now=now):
        raise NotAllowed


def _check_tends(session: Session, actor_id: int, chat_id: int, today: date) -> None:
    if session.exec(select(Chat.id).where(Chat.id == chat_id)).first() is None:
        raise NotFound("group")
    if not owners.tends(session, actor_id, chat_id, today=today):
        raise NotAllowed


def _check_target(
    session: Session, actor_id: int, purpose: ChatPurpose, target_id: int, today: date
) -> None:
    if purpose is ChatPurpose.COMPETITION:
        owner: Any = session.exec(
            sa.select(_competition.c.owner_unit_id).where(_competition.c.id == target_id)  # type: ignore[call-overload]
        ).first()
        if owner is None:
            raise NotFound("competition")
        target_id = owner[0]
    if purpose is not ChatPurpose.PROGRAMME:
        authority.check(session, actor_id, Act.BIND_GROUP, target_id, today=today)
        return
    mine = sa.select(_programme.c.id).where(
        _programme.c.id == target_id, _of_mine(session, actor_id, today)
    )
    if session.exec(mine).first() is None:  # type: ignore[call-overload]
        raise NotAllowed


def _of_mine(session: Session, actor_id: int, today: date) -> sa.ColumnElement[bool]:
    units_ = owners.units_of(session, actor_id, today=today).subquery()
    return sa.or_(
        _programme.c.id.in_(owners.programmes_of(session, actor_id, today=today)),
        _programme.c.owner_unit_id.in_(sa.select(units_.c.id)),
    )


def _check_alone(session: Session, chat: Chat, wanted: dict[str, Any]) -> None:
    other = session.exec(
        select(Chat.title)
        .where(
            Chat.id != chat.id,
            Chat.purpose == wanted["purpose"],
            Chat.unit_id == wanted["unit_id"],
            col(Chat.programme_id).is_not_distinct_from(wanted["programme_id"]),
            col(Chat.competition_id).is_not_distinct_from(wanted["competition_id"]),
        )
        .order_by(col(Chat.id))
    ).first()
    if other is not None:
        raise SecondPlace(other)


def _locked(session: Session, chat_id: int) -> Chat:
    chat = session.exec(
        select(Chat)
        .where(Chat.id == chat_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()
    if chat is None:
        raise NotFound("group")
    return chat


def _snapshot(chat: Chat) -> dict[str, Any]:
    """What the place stands for, as plain JSON."""
    kept: dict[str, Any] = {name: getattr(chat, name) for name in _BINDING}
    kept["purpose"] = None if chat.purpose is None else chat.purpose.value
    kept["dissolve_at"] = chat.dissolve_at.isoformat() if chat.dissolve_at else None
    return kept


def _target(binding: dict[str, Any]) -> tuple[ChatPurpose, int]:
    purpose = ChatPurpose(binding["purpose"])
    column = _TARGET.get(purpose, "unit_id")
    return purpose, binding[column]


def _end(session: Session, chat: Chat, now: datetime) -> None:
    _drop_pending(session, chat.id)
    chat.purpose = chat.unit_id = chat.programme_id = chat.bound_by = None
    chat.competition_id = None
    chat.dissolve_at, chat.urges, chat.met_at, chat.subject = None, False, now, ""
    chat.bound_at = now  # a person has spoken: a plan does not bind it again
    session.flush()
    _keep_deadline(session, chat, now)


def _drop_pending(session: Session, chat_id: int) -> None:
    """What was on its way to the place was meant for what it stood for until now."""
    session.exec(
        sa.update(OutboxMessage)
        .where(
            col(OutboxMessage.chat_id) == chat_id,
            col(OutboxMessage.state) == OutboxState.PENDING,
        )
        .values(state=OutboxState.SKIPPED, fault="the place stands for something else now")
    )
    session.exec(
        sa.delete(GroupCard).where(
            col(GroupCard.chat_id) == chat_id, col(GroupCard.message_id).is_(None)
        )
    )


def _over_at(session: Session, chat: Chat) -> datetime | None:
    """When a programme's group should be over; None for groups that stay.

    What was missed is made up in the group too.
    """
    if chat.purpose is not ChatPurpose.PROGRAMME:
        return None
    moments: Any = session.exec(
        sa.select(sa.func.max(_batch.c.ends_at), sa.func.max(_plan.c.makeup_until))  # type: ignore[call-overload]
        .select_from(_batch)
        .outerjoin(_plan, _plan.c.batch_id == _batch.c.id)
        .where(_batch.c.programme_id == chat.programme_id, _batch.c.cancelled_at.is_(None))
    ).one()
    known = [moment for moment in moments if moment is not None]
    return max(known) + DISSOLVES_AFTER if known else None


def _keep_deadline(session: Session, chat: Chat, now: datetime) -> None:
    if chat.dissolve_at is None:
        deadlines.cancel_deadline(session, DISSOLVE, chat.id, now=now)
    else:
        deadlines.set_deadline(session, DISSOLVE, chat.id, chat.dissolve_at, now=now)


def _standing(session: Session, actor_id: int, chat_id: int, now: datetime) -> int | None:
    """The newest deed of the actor with this place that can still be undone."""
    rows = session.exec(
        select(Deed)
        .where(
            Deed.actor_id == actor_id,
            Deed.kind == DEED,
            Deed.until > now,
            col(Deed.undone_at).is_(None),
        )
        .order_by(col(Deed.id).desc())
    )
    return next((row.id for row in rows if row.data.get("chat_id") == chat_id), None)


def _place(session: Session, chat_id: int) -> Place:
    found = groups.place(session, chat_id)
    assert found is not None
    return _places(session, [found])[0]


def _places(session: Session, found: list[Group]) -> list[Place]:
    def names(column: Any, id_: Any, wanted: set[int | None]) -> dict[int, str]:
        rows = session.exec(sa.select(id_, column).where(id_.in_(wanted - {None})))  # type: ignore[call-overload]
        return {row[0]: row[1] for row in rows}

    units_ = names(col(OrgUnit.name), col(OrgUnit.id), {one.unit_id for one in found})
    titles = names(_programme.c.title, _programme.c.id, {one.programme_id for one in found})
    competitions_ = dict(
        session.exec(
            sa.select(col(Chat.id), _competition.c.title)  # type: ignore[call-overload]
            .join(_competition, _competition.c.id == col(Chat.competition_id))
            .where(col(Chat.id).in_([one.id for one in found]))
        ).all()
    )
    people = names(col(Teacher.name), col(Teacher.id), {one.bound_by for one in found})
    cards = dict(
        session.exec(
            select(GroupCard.chat_id, sa.func.count())
            .where(col(GroupCard.chat_id).in_([one.id for one in found]))
            .group_by(col(GroupCard.chat_id))
        ).all()
    )
    return [
        Place(
            one,
            units_.get(one.unit_id or 0, ""),
            titles.get(one.programme_id or 0, "") or competitions_.get(one.id, ""),
            people.get(one.bound_by or 0, ""),
            cards.get(one.id, 0),
        )
        for one in found
    ]


def _page(session: Session, shown: Place, query: Any, page: int) -> Choices:
    counted = sa.select(sa.func.count()).select_from(query.order_by(None).subquery())
    total = session.exec(counted).scalar_one()  # type: ignore[call-overload]
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(query.offset(page * PAGE).limit(PAGE)).all()
    return Choices(shown, tuple(Choice(row[0], row[1]) for row in rows), page, pages)
