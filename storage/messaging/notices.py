"""Notices: written over several messages, priced in rings, and released when all is said.

The row itself is the dialogue's state: a draft is changed field by field in any order, and a
restart loses nothing. Whoever has the right to notify the unit in whose name it is (or the
class, where it belongs to one) may work on it; whoever releases it is its author from then on,
and answers for it. What happens after that is ``storage.messaging.filling``'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, moments
from storage.calendar import quiet as hours
from storage.calendar import steps, workdays
from storage.messaging import audiences, outbox, quiet, relays, rings
from storage.messaging.audiences import Count, Described, Option, Options
from storage.messaging.tables import (
    Chat,
    Deadline,
    DeadlineState,
    Notice,
    NoticeFile,
    NoticeRecipient,
    NoticeState,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.people import authority, offices, units
from storage.people.authority import MAY, OVERSEES, Act
from storage.people.tables import Account, Office, RoleAssignment, Teacher
from storage.prepared import Prepared
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal
from storage.training.tables import Batch, Programme, ProgrammeState
from storage.waiting_for import Waiting

PAGE = 8
TITLE, TEXT, SHORT = 100, 3_000, 200
"""Characters (UTF-16 units) of a title, of a text and of a line, so that all fits a message."""
FILES = 10
NOW, RIDE, AT, EVENT = "now", "ride", "at", "event"
WAYS = (NOW, RIDE, AT, EVENT)
LIMITS: Mapping[str, int] = {
    "title": TITLE,
    "text": TEXT,
    "number": SHORT,
    "place": SHORT,
    "contact": SHORT,
}
HEADS = ("【通知】", "[通知]", "[Notice]", "通知:", "通知：")
"""What people write before a title; a notice says it by itself."""
EVENTS = ("reg_close", "batch_start", "remote_start", "remote_end", "nomination")
"""Kinds of deadlines of a class that a notice can go with."""
OFFSETS = ("T-7", "T-3", "T-2", "T-1", "T-0", "T+1")


class TooLong(Refusal):
    """A text is longer than there is room for in the message."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what} is longer than {limit}")
        self.what, self.limit = what, limit


class TooManyFiles(Refusal):
    """A notice has no room for another file."""


class PastMoment(Refusal):
    """The moment is over already; ``what`` is the field."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is in the past")
        self.what = what


class Incomplete(Refusal):
    """What is missing before it can be sent: a title, people, or an answer's date ahead."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is missing")
        self.what = what


class NotADraft(Refusal):
    """It is being sent, or is waiting to be, so it cannot be changed here."""

    def __init__(self, state: NoticeState) -> None:
        super().__init__(f"it is {state}")
        self.state = state


class NoSecond(Refusal):
    """There is nobody else who could approve it now; ``opens`` is when it can go by itself."""

    def __init__(self, opens: datetime) -> None:
        super().__init__("nobody else may approve it")
        self.opens = opens


class EventGone(Refusal):
    """The event does not take place, or the moment before it is over."""


@dataclass(frozen=True)
class Attached:
    """A file of a notice, as Telegram keeps it."""

    id: int
    file_id: str
    is_photo: bool
    name: str


@dataclass(frozen=True)
class Event:
    """The deadline that a notice goes with: its kind, the class, when, and how far from it."""

    kind: str
    title: str
    at: datetime | None
    offset: str


@dataclass(frozen=True)
class Letter:
    """A notice as its readers get it."""

    notice_id: int
    title: str
    text: str
    number: str
    happens_at: datetime | None
    happens_until: datetime | None
    place: str
    contact: str
    wants_answer: bool
    answer_by: datetime | None
    audience: Described
    issuer: str
    sent_at: datetime | None
    revision: int
    files: tuple[Attached, ...]


@dataclass(frozen=True)
class Sheet:
    """A notice as whoever writes it sees it."""

    letter: Letter
    author: str
    state: NoticeState
    urgent: bool
    count: Count
    batch_id: int
    """The class that it belongs to and cannot leave; 0 where it is a unit's."""
    chats: tuple[str, ...]
    rides: bool
    send_at: datetime | None
    event: Event | None
    is_mine: bool
    returned: str = ""
    """Why it came back, where somebody returned it."""
    chooses_issuer: bool = False
    """Whether the reader may write in the name of several units."""


@dataclass(frozen=True)
class Line:
    """A notice in a list."""

    notice_id: int
    title: str
    state: NoticeState
    at: datetime
    author: str
    is_mine: bool


@dataclass(frozen=True)
class Lines:
    """A page of notices, the newest first."""

    lines: tuple[Line, ...]
    page: int
    pages: int
    total: int
    batch_id: int = 0
    batch: str = ""
    writes: bool = False
    """Whether the reader may begin one here."""


@dataclass(frozen=True)
class Price:
    """What sending costs in rings.

    ``briefed`` had today's brief already, ``riding`` have one waiting for which nothing more
    rings. ``brief_at`` is when most get the next. ``opens`` is set in quiet hours: the next
    moment at which it may ring.
    """

    count: Count
    briefed: int
    riding: int
    brief_at: datetime
    opens: datetime | None


@dataclass(frozen=True)
class EventLine:
    """An event to go with."""

    deadline_id: int
    kind: str
    title: str
    at: datetime


@dataclass(frozen=True)
class Released:
    """What became of a notice that was released."""

    notice_id: int
    state: NoticeState
    send_at: datetime
    rides: bool
    count: Count
    queued: bool = False
    """It wanted to go now and waits until quiet hours are over."""


# --- who may -----------------------------------------------------------------------------------


def may_send(session: Session, teacher_id: int, notice: Notice, *, today: date) -> bool:
    """Whether this person may send it today, in the name of the unit or of the class."""
    if authority.may(session, teacher_id, Act.NOTIFY_UNIT, notice.unit_id, today=today):
        return True
    return _is_of_class(session, notice) and authority.may_with(
        session, teacher_id, Act.NOTIFY_CLASS, notice.audience["batch"], today=today
    )


def _is_of_class(session: Session, notice: Notice) -> bool:
    """Whether it is sent in the name of whoever owns the class that it is for."""
    batch_id = notice.audience.get("batch")
    return batch_id is not None and _owner(session, batch_id) == notice.unit_id


def _owner(session: Session, batch_id: int) -> int | None:
    return session.exec(
        select(Programme.owner_unit_id)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).first()


def _notice(
    session: Session, actor_id: int, notice_id: int, *, now: datetime, to_change: bool = False
) -> Notice:
    """Return the row, locked if it is to be changed. Raises NotFound, NotAllowed, NotADraft."""
    query = select(Notice).where(Notice.id == notice_id)
    if to_change:
        query = query.with_for_update()
    notice = session.exec(query.execution_options(populate_existing=True)).first()
    if notice is None:
        raise NotFound("notice")
    if not may_send(session, actor_id, notice, today=_today(session, now)):
        raise NotAllowed
    if to_change and notice.state is not NoticeState.DRAFT:
        raise NotADraft(notice.state)
    return notice


def _today(session: Session, now: datetime) -> date:
    return moments.local_day(now, offices.zone(session))


def seconds(
    session: Session, unit_id: int, *, but: int, today: date, above: bool = False
) -> list[int]:
    """Return who else may notify this unit: those who tend it, or where nobody else does (or
    with ``above``) those who look at it from above."""
    held = [role for role, acts in MAY.items() if Act.NOTIFY_UNIT in acts]
    candidates = session.exec(
        select(RoleAssignment.teacher_id)
        .distinct()
        .join(Account, col(Account.teacher_id) == col(RoleAssignment.teacher_id))
        .where(
            col(RoleAssignment.role).in_(held),
            authority.runs(today),
            RoleAssignment.teacher_id != but,
            col(Account.reachable),
            sa.or_(
                col(RoleAssignment.role).in_(OVERSEES),
                col(RoleAssignment.scope_id).in_(units.with_all_above(session, [unit_id])),
            ),
        )
        .order_by(col(RoleAssignment.teacher_id))
    ).all()
    may = [
        each
        for each in candidates
        if authority.may(session, each, Act.NOTIFY_UNIT, unit_id, today=today)
    ]
    tending = [
        each
        for each in may
        if authority.may(session, each, Act.NOTIFY_UNIT, unit_id, today=today, own=True)
    ]
    if above:
        return [each for each in may if each not in tending] or tending
    return tending or may


# --- beginning and writing -----------------------------------------------------------------------


def begin(
    session: Session, actor_id: int, *, text: str = "", batch_id: int = 0, now: datetime
) -> int:
    """Make a draft from what was typed: its first line is the title, the rest the text.

    With ``batch_id`` it is for those who take part in this class. Raises NotAllowed, TooLong.
    """
    today = _today(session, now)
    audience: dict[str, Any] = {}
    if batch_id:
        authority.check_with(session, actor_id, Act.NOTIFY_CLASS, batch_id, today=today)
        unit_id = _owner(session, batch_id)
        audience = {"batch": batch_id, "state": audiences.IN}
    else:
        unit_id = _home(session, actor_id, today)
    if unit_id is None:
        raise NotAllowed
    title, rest = _split(text)
    _check_length("text", rest)
    notice = Notice(
        author_id=actor_id,
        unit_id=unit_id,
        title=title,
        text=rest,
        audience=audience,
        created_at=now,
    )
    session.add(notice)
    session.flush()
    return notice.id


def _home(session: Session, actor_id: int, today: date) -> int | None:
    """The unit in whose name this person writes unless they choose another."""
    return next(iter(_homes(session, actor_id, today)), None)


def _homes(session: Session, actor_id: int, today: date) -> list[int]:
    """The units in whose names this person may write: those of their roles, the first first."""
    found: dict[int, None] = {}
    for grant in authority.grants(session, actor_id, today=today):
        if Act.NOTIFY_UNIT in MAY[grant.role] and grant.batch_id is None:
            unit_id = grant.unit_id or session.exec(select(Office.unit_id)).first()
            if unit_id is not None:
                found[unit_id] = None
    return list(found)


def _split(text: str) -> tuple[str, str]:
    """First line and rest; a first line that is too long for a title stays in the text too."""
    plain = text.strip()
    first, _, rest = plain.partition("\n")
    first = _headless(first.strip())
    if _units(first) <= TITLE:
        return first, rest.strip()
    return _cut(first, TITLE), plain


def _headless(title: str) -> str:
    for head in HEADS:
        if title.startswith(head) and title != head:
            return title.removeprefix(head).strip()
    return title


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, limit: int) -> str:
    while _units(text) > limit - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def _check_length(what: str, value: str) -> None:
    if _units(value) > LIMITS[what]:
        raise TooLong(what, LIMITS[what])


def write_field(
    session: Session, actor_id: int, notice_id: int, field: str, text: str, *, now: datetime
) -> None:
    """Set the title, text, number, place or contact; empty takes it away.

    Raises TooLong, NotADraft, NotAllowed, NotFound.
    """
    if field not in LIMITS:
        raise NotFound("field")
    notice = _notice(session, actor_id, notice_id, now=now, to_change=True)
    value = text.strip()
    if field != "text":
        value = " ".join(value.split())
    if field == "title":
        value = _headless(value)
    _check_length(field, value)
    setattr(notice, field, value)
    session.flush()


def set_time(
    session: Session,
    actor_id: int,
    notice_id: int,
    starts_at: datetime | None,
    ends_at: datetime | None,
    *,
    now: datetime,
) -> None:
    """Say when what the notice is about happens; None takes it away. Raises PastMoment."""
    notice = _notice(session, actor_id, notice_id, now=now, to_change=True)
    last = ends_at or starts_at
    if last is not None and last <= now:
        raise PastMoment("when")
    notice.happens_at, notice.happens_until = starts_at, ends_at
    session.flush()


def set_answer(
    session: Session,
    actor_id: int,
    notice_id: int,
    wanted: bool,
    *,
    by: datetime | None = None,
    now: datetime,
) -> None:
    """Say whether people are to confirm, and until when. Raises PastMoment."""
    notice = _notice(session, actor_id, notice_id, now=now, to_change=True)
    if by is not None and by <= now:
        raise PastMoment("answer")
    notice.wants_answer, notice.answer_by = wanted, by if wanted else None
    session.flush()


def set_urgent(
    session: Session, actor_id: int, notice_id: int, urgent: bool, *, now: datetime
) -> None:
    """Say whether it goes before other messages."""
    notice = _notice(session, actor_id, notice_id, now=now, to_change=True)
    notice.urgent = urgent
    session.flush()


def attach(
    session: Session,
    actor_id: int,
    notice_id: int,
    file_id: str,
    *,
    is_photo: bool,
    name: str,
    size: int,
    now: datetime,
) -> int:
    """Let a file go with it, the same one once; return how many there are. TooManyFiles."""
    notice = _notice(session, actor_id, notice_id, now=now, to_change=True)
    kept = session.exec(select(NoticeFile.file_id).where(NoticeFile.notice_id == notice.id)).all()
    if file_id in kept:
        return len(kept)
    if len(kept) >= FILES:
        raise TooManyFiles
    session.add(
        NoticeFile(notice_id=notice.id, file_id=file_id, is_photo=is_photo, name=name, size=size)
    )
    session.flush()
    return len(kept) + 1


def detach(
    session: Session, actor_id: int, notice_id: int, file_row_id: int, *, now: datetime
) -> None:
    """Take a file away again; one that is gone is no harm."""
    notice = _notice(session, actor_id, notice_id, now=now, to_change=True)
    session.exec(
        sa.delete(NoticeFile).where(
            col(NoticeFile.id) == file_row_id, col(NoticeFile.notice_id) == notice.id
        )
    )


def discard(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> None:
    """Forget a draft; one that is gone is no harm. Raises NotADraft, NotAllowed."""
    if session.exec(select(Notice.id).where(Notice.id == notice_id)).first() is None:
        return
    notice = _notice(session, actor_id, notice_id, now=now, to_change=True)
    session.exec(sa.delete(NoticeFile).where(col(NoticeFile.notice_id) == notice.id))
    session.delete(notice)
    session.flush()


def copy(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> int:
    """Begin a new draft that says the same to the same people; return its id."""
    notice = _notice(session, actor_id, notice_id, now=now)
    audience = {key: value for key, value in notice.audience.items() if key != "names"}
    made = Notice(
        author_id=actor_id,
        unit_id=notice.unit_id,
        title=notice.title,
        text=notice.text,
        number=notice.number,
        place=notice.place,
        contact=notice.contact,
        urgent=notice.urgent,
        wants_answer=notice.wants_answer,
        happens_at=_ahead(notice.happens_at, now),
        happens_until=_ahead(notice.happens_until, now),
        answer_by=_ahead(notice.answer_by, now),
        audience=audience,
        chats=list(notice.chats),
        created_at=now,
    )
    session.add(made)
    session.flush()
    for file in session.exec(
        select(NoticeFile).where(NoticeFile.notice_id == notice.id).order_by(col(NoticeFile.id))
    ).all():
        session.add(
            NoticeFile(
                notice_id=made.id,
                file_id=file.file_id,
                is_photo=file.is_photo,
                name=file.name,
                size=file.size,
            )
        )
    session.flush()
    return made.id


def _ahead(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and moment > now else None


# --- for whom ------------------------------------------------------------------------------------


def audience_options(
    session: Session, actor_id: int, notice_id: int, what: str, *, page: int = 0, now: datetime
) -> Options:
    """Return a page of what the audience can be narrowed to: units, classes, values, things owed.

    ``what`` is ``units``, ``batch``, ``state``, ``whom``, ``owes``, ``chats`` or a fact, or
    ``issuer`` for the unit in whose name it is.
    """
    notice = _notice(session, actor_id, notice_id, now=now)
    every = _options(session, actor_id, notice, what, now=now)
    pages = max(1, -(-len(every) // PAGE))
    page = min(max(0, page), pages - 1)
    return Options(tuple(every[page * PAGE : (page + 1) * PAGE]), page, pages)


def _options(
    session: Session, actor_id: int, notice: Notice, what: str, *, now: datetime
) -> list[Option]:
    spec, today = notice.audience, _today(session, now)
    match what:
        case "units":
            chosen = set(spec.get("units", ()))
            return [
                Option(str(id_), name, id_ in chosen)
                for id_, name in audiences.units_there(session, actor_id, today=today)
            ]
        case "batch":
            rows = session.exec(
                audiences.classes_there(session, actor_id, now=now, today=today)
            ).all()
            return [
                Option(str(id_), " · ".join(filter(None, titles)), spec.get("batch") == id_)
                for id_, *titles, _starts in rows
            ]
        case "issuer":
            return [
                Option(str(id_), units.name_of(session, id_), id_ == notice.unit_id)
                for id_ in _homes(session, actor_id, today)
            ]
        case "state":
            return [Option(key, key, spec.get("state") == key) for key in audiences.STATES]
        case "whom":
            return [Option(key, key, spec.get("whom") == key) for key in audiences.WHOM]
        case "owes":
            owed = audiences.owed_there(session, actor_id, spec, now=now, today=today)
            return [
                Option(f"{kind}.{id_}", title, spec.get("owes") == [kind, id_])
                for kind, id_, title in owed
                if (kind, id_) != (audiences.NOTICE, notice.id)
            ]
        case "chats":
            return [
                Option(str(id_), name, id_ in notice.chats)
                for id_, name in _places_there(session, actor_id, today)
            ]
        case fact if fact in audiences.FACTS:
            chosen_values = spec.get("facts", {}).get(fact, ())
            return [
                Option(mark(value), value, value in chosen_values)
                for value in audiences.facts_there(session, actor_id, fact, today=today)
            ]
    raise NotFound("option")


def mark(value: str) -> str:
    """Return a short mark of a value that a button can carry."""
    return hashlib.sha256(value.encode()).hexdigest()[:12]


def turn(
    session: Session, actor_id: int, notice_id: int, what: str, key: str, *, now: datetime
) -> None:
    """Choose an option of the audience, or leave it out again.

    Raises NotFound for one that the author cannot choose (any more).
    """
    notice = _notice(session, actor_id, notice_id, now=now, to_change=True)
    option = next(
        (each for each in _options(session, actor_id, notice, what, now=now) if each.key == key),
        None,
    )
    if option is None:
        raise NotFound("option")
    spec = {name: value for name, value in notice.audience.items() if name != "names"}
    on = not option.chosen
    match what:
        case "units":
            spec["units"] = _turned(spec.get("units", []), int(key), on)
        case "chats":
            notice.chats = _turned(notice.chats, int(key), on)
        case "issuer":
            notice.unit_id = int(key)
        case "batch" if not on and _is_only_of_class(session, actor_id, notice, now=now):
            raise NotAllowed  # without its class it would be for nobody
        case "batch":
            for name in ("batch", "state", "owes", "whom"):
                spec.pop(name, None)
            if on:
                spec |= {"batch": int(key), "state": audiences.IN}
        case "state":
            spec["state"] = key
        case "whom":
            if _is_only_of_class(session, actor_id, notice, now=now):
                raise NotAllowed
            for name in ("batch", "state", "owes", "whom"):
                spec.pop(name, None)
            if on:
                spec["whom"] = key
        case "owes":
            kind, _, id_ = key.rpartition(".")
            spec["owes"] = [kind, int(id_)] if on else None
        case fact:
            values = {name: list(each) for name, each in spec.get("facts", {}).items()}
            values[fact] = _turned(values.get(fact, []), option.label, on)
            spec["facts"] = {name: each for name, each in values.items() if each}
    notice.audience = {name: value for name, value in spec.items() if value}
    if not may_send(session, actor_id, notice, today=_today(session, now)):
        raise NotAllowed
    session.flush()


def _turned(values: list[Any], value: Any, on: bool) -> list[Any]:
    rest = [each for each in values if each != value]
    return [*rest, value] if on else rest


def _is_only_of_class(session: Session, actor_id: int, notice: Notice, *, now: datetime) -> bool:
    """Whether this person may write it because of the class alone."""
    return not authority.may(
        session, actor_id, Act.NOTIFY_UNIT, notice.unit_id, today=_today(session, now)
    )


def _places_there(session: Session, actor_id: int, today: date) -> list[tuple[int, str]]:
    """The groups and topics bound to units and classes that this person may write to."""
    reach = authority.reaches(session, actor_id, Act.NOTIFY_UNIT, today=today).subquery()
    run = authority.batches(session, actor_id, Act.NOTIFY_CLASS, today=today).subquery()
    rows = session.exec(
        select(Chat.id, Chat.title, Chat.topic)
        .where(
            col(Chat.active),
            col(Chat.closed).is_(False),
            col(Chat.purpose).is_not(None),
            sa.or_(
                sa.and_(
                    col(Chat.unit_id).in_(sa.select(reach.c.id)), col(Chat.programme_id).is_(None)
                ),
                col(Chat.programme_id).in_(
                    sa.select(col(Batch.programme_id)).where(col(Batch.id).in_(sa.select(run.c.id)))
                ),
            ),
        )
        .order_by(Chat.title, Chat.topic, col(Chat.id))
    ).all()
    places = [(id_, " · ".join(filter(None, (title, topic)))) for id_, title, topic in rows]
    # The channels of a unit that has no group stand under its id with a minus.
    units_ = relays.without_group(session, actor_id, today=today)
    return places + [(-unit_id, name) for unit_id, name in units_]


# --- looking -------------------------------------------------------------------------------------


def sheet(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Sheet:
    """Return the notice as whoever writes it sees it, with the number of people as it is now."""
    notice = _notice(session, actor_id, notice_id, now=now)
    today = _today(session, now)
    author = session.exec(select(Teacher.name).where(Teacher.id == notice.author_id)).first() or ""
    chats = session.exec(
        select(Chat.title, Chat.topic).where(col(Chat.id).in_(notice.chats)).order_by(Chat.title)
    ).all()
    return Sheet(
        letter=letter_of(session, notice),
        author=author,
        state=notice.state,
        urgent=notice.urgent,
        count=audiences.count(session, _by(notice, actor_id), notice.audience, today=today),
        batch_id=(
            notice.audience["batch"]
            if _is_of_class(session, notice)
            and _is_only_of_class(session, actor_id, notice, now=now)
            else 0
        ),
        chats=(
            *(" · ".join(filter(None, each)) for each in chats),
            *(units.name_of(session, unit_id) for unit_id in channels_of(notice)),
        ),
        rides=notice.rides,
        send_at=notice.send_at,
        event=_event(session, notice),
        is_mine=notice.author_id == actor_id,
        returned=notice.reason if notice.state is NoticeState.DRAFT else "",
        chooses_issuer=len(_homes(session, actor_id, today)) > 1,
    )


def channels_of(notice: Notice) -> list[int]:
    """Return the units to whose second channels it goes, for they have no group."""
    return [-id_ for id_ in notice.chats if id_ < 0]


def _by(notice: Notice, actor_id: int) -> int:
    """Whose reach counts: that of whoever works on a draft, later that of the author."""
    return actor_id if notice.state is NoticeState.DRAFT else notice.author_id


def letter_of(session: Session, notice: Notice) -> Letter:
    """Return the notice as its readers get it, whatever has become of it."""
    files = session.exec(
        select(NoticeFile).where(NoticeFile.notice_id == notice.id).order_by(col(NoticeFile.id))
    ).all()
    return Letter(
        notice_id=notice.id,
        title=notice.title,
        text=notice.text,
        number=notice.number,
        happens_at=notice.happens_at,
        happens_until=notice.happens_until,
        place=notice.place,
        contact=notice.contact,
        wants_answer=notice.wants_answer,
        answer_by=notice.answer_by,
        audience=audiences.describe(session, notice.audience),
        issuer=units.name_of(session, notice.unit_id),
        sent_at=notice.send_at,
        revision=notice.revision,
        files=tuple(Attached(each.id, each.file_id, each.is_photo, each.name) for each in files),
    )


def _event(session: Session, notice: Notice) -> Event | None:
    if not notice.event_kind:
        return None
    at = session.exec(
        select(Deadline.at).where(
            Deadline.kind == notice.event_kind,
            Deadline.subject_id == notice.event_id,
            Deadline.teacher_id == 0,
            Deadline.state == DeadlineState.ACTIVE,
        )
    ).first()
    title = audiences.class_title(session, notice.event_id)
    return Event(notice.event_kind, title, at, notice.event_offset)


def letter(session: Session, notice_id: int) -> Letter | None:
    """Return the notice as its readers get it; None when it is withdrawn or gone."""
    notice = session.get(Notice, notice_id)
    if notice is None or notice.state is NoticeState.WITHDRAWN:
        return None
    return letter_of(session, notice)


_STANDING = Prepared(
    sa.select(col(Notice.state), col(Notice.revision), col(NoticeRecipient.confirmed_at))
    .join(NoticeRecipient, col(NoticeRecipient.notice_id) == col(Notice.id))
    .where(
        col(Notice.id) == sa.bindparam("notice_id"),
        col(NoticeRecipient.teacher_id) == sa.bindparam("teacher_id"),
    )
)


def standing(session: Session, notice_id: int, teacher_id: int) -> tuple[int, bool] | None:
    """Return which revision somebody would get, and whether they have confirmed it.

    One look-up: it is asked for each of the messages of a notice. None as for ``letter_for``.
    """
    row = _STANDING.first(session, notice_id=notice_id, teacher_id=teacher_id)
    if row is None or row.state is NoticeState.WITHDRAWN:
        return None
    return row.revision, row.confirmed_at is not None


def letter_for(session: Session, notice_id: int, teacher_id: int) -> tuple[Letter, bool] | None:
    """Return the notice for one of its recipients, and whether they have confirmed it.

    None for whom it does not concern, or when it is withdrawn.
    """
    row = session.exec(
        select(NoticeRecipient.confirmed_at).where(
            NoticeRecipient.notice_id == notice_id, NoticeRecipient.teacher_id == teacher_id
        )
    ).all()
    found = letter(session, notice_id) if row else None
    return None if found is None else (found, row[0] is not None)


def notices(
    session: Session, actor_id: int, *, batch_id: int = 0, page: int = 0, now: datetime
) -> Lines:
    """Return a page of one's own notices and of those sent by one's units, or to one class.

    Drafts of others are not shown. Raises NotAllowed for whoever may send none.
    """
    today = _today(session, now)
    mine: sa.ColumnElement[bool] = col(Notice.author_id) == actor_id
    if batch_id:
        authority.check_with(session, actor_id, Act.NOTIFY_CLASS, batch_id, today=today)
        of_unit = col(Notice.audience)["batch"].as_integer() == batch_id
        mine = sa.and_(mine, of_unit)
        writes = True
    else:
        acts = authority.acts(session, actor_id, today=today)
        if not acts & {Act.NOTIFY_UNIT, Act.NOTIFY_CLASS}:
            raise NotAllowed
        own = authority.reaches(session, actor_id, Act.NOTIFY_UNIT, today=today, own=True)
        home = _home(session, actor_id, today)
        of_unit = sa.or_(
            col(Notice.unit_id).in_(sa.select(own.subquery().c.id)), col(Notice.unit_id) == home
        )
        writes = home is not None
    shown = sa.or_(mine, sa.and_(of_unit, col(Notice.state) != NoticeState.DRAFT))
    total = session.exec(select(sa.func.count()).select_from(Notice).where(shown)).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        select(Notice, Teacher.name)
        .join(Teacher, col(Teacher.id) == col(Notice.author_id))
        .where(shown)
        .order_by(
            sa.case(
                (col(Notice.state) == NoticeState.AWAITING, 0),
                (col(Notice.state) == NoticeState.DRAFT, 1),
                (col(Notice.state) == NoticeState.SCHEDULED, 2),
                else_=3,
            ),
            col(Notice.id).desc(),
        )
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    return Lines(
        tuple(
            Line(
                row.id,
                row.title,
                row.state,
                row.send_at or row.created_at,
                name,
                row.author_id == actor_id,
            )
            for row, name in rows
        ),
        page,
        pages,
        total,
        batch_id,
        audiences.class_title(session, batch_id) if batch_id else "",
        writes,
    )


def unreached(
    session: Session, actor_id: int, notice_id: int, *, page: int = 0, now: datetime
) -> tuple[tuple[audiences.UnreachedUnit, ...], int, int]:
    """Return a page of units whose people the notice will not reach, with their number."""
    notice = _notice(session, actor_id, notice_id, now=now)
    return audiences.unreached(
        session,
        _by(notice, actor_id),
        notice.audience,
        page=page,
        today=_today(session, now),
    )


# --- the price, and when -------------------------------------------------------------------------


def price(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Price:
    """Return what it costs in rings to send this now, and what it saves to wait for the brief."""
    notice = _notice(session, actor_id, notice_id, now=now)
    calendar = workdays.load(session)
    today = moments.local_day(now, calendar.zone)
    found = audiences.people(
        session, _by(notice, actor_id), notice.audience, today=today
    ).subquery()
    brief = sa.orm.aliased(OutboxMessage)
    their_hours = (col(Account.brief_minute), col(Account.quiet_from), col(Account.quiet_until))
    counted: Any = (
        sa.select(
            sa.func.count().label("people"),
            sa.func.count(col(Account.id)).label("reached"),
            sa.func.count(sa.case((col(brief.state) == OutboxState.SENT, 1))).label("briefed"),
            sa.func.count(sa.case((col(brief.state) == OutboxState.PENDING, 1))).label("riding"),
            *their_hours,
        )
        .select_from(found)
        .outerjoin(Account, sa.and_(col(Account.teacher_id) == found.c.id, col(Account.reachable)))
        .outerjoin(brief, col(brief.dedupe_key) == rings.brief_key(found.c.id, today))
        .group_by(*their_hours)
    )
    rows = session.exec(counted).all()
    most = max((row for row in rows if row.reached), key=lambda row: row.reached, default=None)
    usual = (steps.BRIEF_MINUTE, hours.UNTIL_MINUTE, hours.FROM_MINUTE)
    if most is not None:
        usual = (most.brief_minute, most.quiet_from, most.quiet_until)
    return Price(
        count=Count(sum(row.people for row in rows), sum(row.reached for row in rows)),
        briefed=sum(row.briefed for row in rows),
        riding=sum(row.riding for row in rows),
        brief_at=quiet.brief_at(now, quiet.Hours(*usual), calendar),
        opens=None if hours.may_push(calendar, now) else hours.next_push(calendar, now),
    )


def set_moment(
    session: Session, actor_id: int, notice_id: int, at: datetime, *, now: datetime
) -> None:
    """Let it go out at this moment, once it is released; not in quiet hours, but after them.

    Raises PastMoment.
    """
    notice = _notice(session, actor_id, notice_id, now=now, to_change=True)
    if at <= now:
        raise PastMoment("send")
    notice.send_at, notice.rides = hours.next_push(workdays.load(session), at), False
    _forget_event(notice)
    session.flush()


def _forget_event(notice: Notice) -> None:
    notice.event_kind, notice.event_id, notice.event_offset = "", 0, ""


def events(
    session: Session, actor_id: int, notice_id: int, *, page: int = 0, now: datetime
) -> tuple[tuple[EventLine, ...], int, int]:
    """Return a page of the events that it can go with: those of its class, else of any class."""
    notice = _notice(session, actor_id, notice_id, now=now)
    found = _events().where(col(Deadline.at) > now)
    if notice.audience.get("batch"):
        found = found.where(col(Batch.id) == notice.audience["batch"])
    rows = session.exec(found.order_by(col(Deadline.at), col(Deadline.id)).limit(10 * PAGE)).all()
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(0, page), pages - 1)
    return (
        tuple(
            EventLine(id_, kind, " · ".join(filter(None, titles)), at)
            for id_, kind, at, *titles in rows[page * PAGE : (page + 1) * PAGE]
        ),
        page,
        pages,
    )


def _events() -> Any:
    return (
        sa.select(
            col(Deadline.id),
            col(Deadline.kind),
            col(Deadline.at),
            col(Programme.title),
            col(Batch.title),
        )
        .join(Batch, col(Batch.id) == col(Deadline.subject_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Deadline.kind).in_(EVENTS),
            col(Deadline.teacher_id) == 0,
            col(Deadline.state) == DeadlineState.ACTIVE,
            col(Programme.state) == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
        )
    )


def set_event(
    session: Session,
    actor_id: int,
    notice_id: int,
    deadline_id: int,
    offset: str,
    *,
    now: datetime,
) -> datetime:
    """Let it go out so far from an event, and move with it; return when that is now.

    Raises EventGone when that moment is over.
    """
    notice = _notice(session, actor_id, notice_id, now=now, to_change=True)
    row = session.exec(_events().where(col(Deadline.id) == deadline_id)).first()
    if row is None or offset not in OFFSETS:
        raise EventGone
    at = event_moment(session, row.at, offset, now=now)
    if at is None or at <= now:
        raise EventGone
    subject_id = session.exec(select(Deadline.subject_id).where(Deadline.id == deadline_id)).one()
    notice.event_kind, notice.event_id, notice.event_offset = row.kind, subject_id, offset
    notice.send_at, notice.rides = at, False
    session.flush()
    return at


def event_moment(session: Session, at: datetime, offset: str, *, now: datetime) -> datetime | None:
    """Return the moment that far from an event; None when it is of no use any more."""
    planned = steps.plan_steps(at, [offset], workdays.load(session), now=now)
    return planned[0].due_at if planned else None


# --- releasing -----------------------------------------------------------------------------------


def release(
    session: Session, actor_id: int, notice_id: int, way: str, *, now: datetime
) -> Released:
    """Release it: now, with the daily brief, at the time that was set, or with the event.

    In quiet hours what was to go now waits until they are over; urgent, it goes as soon as a
    second person approves. Releasing twice returns what already is. Raises Incomplete,
    PastMoment, NoSecond, EventGone.
    """
    if way not in WAYS:
        raise NotFound("way")
    notice = session.exec(
        select(Notice)
        .where(Notice.id == notice_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if notice is None:
        raise NotFound("notice")
    today = _today(session, now)
    if not may_send(session, actor_id, notice, today=today):
        raise NotAllowed
    spec = notice.audience
    number = audiences.count(session, _by(notice, actor_id), spec, today=today)
    if notice.state is not NoticeState.DRAFT:
        if notice.state is NoticeState.WITHDRAWN:
            raise NotADraft(notice.state)
        return Released(notice.id, notice.state, notice.send_at or now, notice.rides, number)
    calendar = workdays.load(session)
    queued = asks = False
    match way:
        case "now" | "ride":
            _forget_event(notice)
            opens = hours.next_push(calendar, now)
            notice.rides = way == RIDE
            notice.send_at = now
            if way == NOW and opens > now:
                notice.send_at = opens
                asks, queued = notice.urgent, not notice.urgent
        case "at" | "event":
            notice.rides = False
            if notice.send_at is None or bool(notice.event_kind) != (way == EVENT):
                raise Incomplete("send")
            if notice.send_at <= now:
                raise PastMoment("send")
    _check_complete(notice, number, now)
    notice.author_id = actor_id
    notice.reason = ""
    notice.audience = {**spec, "names": audiences.names(session, spec)}
    notice.approved_by = notice.approved_at = None
    notice.state = NoticeState.SCHEDULED
    if asks:
        _ask_second(session, notice, now=now, today=today)
    audit.record(
        session,
        actor_id,
        "release_notice",
        f"notice:{notice.id}",
        now=now,
        after={"state": notice.state, "people": number.people, "way": way},
    )
    session.flush()
    assert notice.send_at is not None
    return Released(notice.id, notice.state, notice.send_at, notice.rides, number, queued)


def _check_complete(notice: Notice, number: Count, now: datetime) -> None:
    if not notice.title:
        raise Incomplete("title")
    if not number.people and not notice.chats:
        raise Incomplete("people")
    goes = notice.send_at or now
    if notice.answer_by is not None and notice.answer_by <= goes:
        raise PastMoment("answer")
    last = notice.happens_until or notice.happens_at
    if last is not None and last <= goes:
        raise PastMoment("when")


def _ask_second(session: Session, notice: Notice, *, now: datetime, today: date) -> None:
    """Ask somebody else with the right; it is not theirs to be left waiting till morning."""
    assert notice.send_at is not None
    others = seconds(session, notice.unit_id, but=notice.author_id, today=today)
    if not others:
        raise NoSecond(notice.send_at)
    # Each asking is another one, however soon it follows: the text may be another, too.
    last = notice.asked_second_at
    notice.asked_second_at = now if last is None else max(now, last + timedelta(seconds=1))
    notice.state = NoticeState.AWAITING
    for teacher_id in others:
        outbox.put(
            session,
            "notice_second",
            teacher_id=teacher_id,
            facts={"notice_id": notice.id, "asked": stamp(notice)},
            priority=Priority.URGENT,
            not_before=now,
            useful_until=notice.send_at,
            dedupe_key=f"notice_second:{notice.id}:{stamp(notice)}:{teacher_id}",
            now=now,
        )


def stamp(notice: Notice) -> int:
    """Return which asking of a second person this is: the text cannot change under it."""
    return 0 if notice.asked_second_at is None else int(notice.asked_second_at.timestamp())


def recall(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> None:
    """Make a draft again of what has not begun to go out; of a draft that changes nothing.

    Raises NotADraft when it has begun.
    """
    notice = session.exec(
        select(Notice)
        .where(Notice.id == notice_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if notice is None:
        raise NotFound("notice")
    if not may_send(session, actor_id, notice, today=_today(session, now)):
        raise NotAllowed
    if notice.state is NoticeState.DRAFT:
        return
    if notice.state not in (NoticeState.SCHEDULED, NoticeState.AWAITING):
        raise NotADraft(notice.state)
    to_draft(session, notice)
    audit.record(session, actor_id, "recall_notice", f"notice:{notice.id}", now=now)
    session.flush()


def to_draft(session: Session, notice: Notice, reason: str = "") -> None:
    """Make it a draft again; nobody is asked to approve it any more."""
    notice.state, notice.reason = NoticeState.DRAFT, reason
    notice.approved_by = notice.approved_at = None
    notice.audience = {key: value for key, value in notice.audience.items() if key != "names"}
    session.flush()


# --- the second person ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """An urgent notice that waits for a second person."""

    letter: Letter
    author: str
    count: Count
    opens: datetime
    """When it goes without anybody's word."""
    stamp: int


def second_look(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Asked | None:
    """Return what is to be approved, or None when nothing is any more.

    Raises NotAllowed, and OwnCase for its author.
    """
    notice = _second(session, actor_id, notice_id, now=now)
    if notice.state is not NoticeState.AWAITING or notice.send_at is None:
        return None
    author = session.exec(select(Teacher.name).where(Teacher.id == notice.author_id)).one()
    number = audiences.count(session, notice.author_id, notice.audience, today=_today(session, now))
    return Asked(letter_of(session, notice), author, number, notice.send_at, stamp(notice))


def _second(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Notice:
    notice = session.exec(
        select(Notice)
        .where(Notice.id == notice_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if notice is None:
        raise NotFound("notice")
    authority.check(session, actor_id, Act.NOTIFY_UNIT, notice.unit_id, today=_today(session, now))
    if notice.author_id == actor_id:
        raise OwnCase
    return notice


def approve(session: Session, actor_id: int, notice_id: int, seen: int, *, now: datetime) -> bool:
    """Let an urgent notice go out at once, in quiet hours; ``seen`` is the asking that was read.

    False when there is nothing to approve any more; saying it twice is the same as once.
    """
    notice = _second(session, actor_id, notice_id, now=now)
    if notice.state is not NoticeState.AWAITING or stamp(notice) != seen:
        return notice.approved_by == actor_id
    notice.state, notice.send_at = NoticeState.SCHEDULED, now
    notice.approved_by, notice.approved_at = actor_id, now
    audit.record(session, actor_id, "approve_notice", f"notice:{notice.id}", now=now)
    _tell_author(session, notice, actor_id, {"approved": True}, now=now)
    session.flush()
    return True


def give_back(
    session: Session, actor_id: int, notice_id: int, seen: int, reason: str, *, now: datetime
) -> bool:
    """Return an urgent notice to its author with a reason; False when nothing waits any more."""
    notice = _second(session, actor_id, notice_id, now=now)
    if notice.state is not NoticeState.AWAITING or stamp(notice) != seen:
        return False
    reason = " ".join(reason.split())
    if not reason:
        raise Incomplete("reason")
    if _units(reason) > SHORT:
        raise TooLong("reason", SHORT)
    to_draft(session, notice, reason)
    audit.record(session, actor_id, "return_notice", f"notice:{notice.id}", now=now, reason=reason)
    _tell_author(session, notice, actor_id, {"approved": False, "reason": reason}, now=now)
    session.flush()
    return True


def _tell_author(
    session: Session, notice: Notice, by_id: int, facts: dict[str, Any], *, now: datetime
) -> None:
    by = session.exec(select(Teacher.name).where(Teacher.id == by_id)).first() or ""
    outbox.put(
        session,
        "notice_answered",
        teacher_id=notice.author_id,
        facts={"notice_id": notice.id, "title": notice.title, "by": by, **facts},
        priority=Priority.OFFER,
        not_before=now,
        dedupe_key=f"notice_answered:{notice.id}:{now.isoformat()}",
        now=now,
        # Whoever asked at this hour is waiting for the answer.
        rings=False,
    )


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return how many urgent notices wait for this person's word."""
    reach = authority.reaches(
        session, actor_id, Act.NOTIFY_UNIT, today=_today(session, now)
    ).subquery()
    number = session.exec(
        select(sa.func.count())
        .select_from(Notice)
        .where(
            Notice.state == NoticeState.AWAITING,
            Notice.author_id != actor_id,
            col(Notice.unit_id).in_(sa.select(reach.c.id)),
        )
    ).one()
    return (Waiting("notices", number),)
