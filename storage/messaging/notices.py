"""Notices: written over several messages, priced in rings, and released when all is said.

The row itself is the dialogue's state: a draft is changed field by field in any order, and a
restart loses nothing. Whoever has the right to notify the unit in whose name it is (or the
class, where it belongs to one) may work on it; whoever releases it is its author from then on,
and answers for it. Here is who may open one and how it looks; it is written in ``drafting``,
for whom in ``addressing``, and sent by ``releasing``, in quiet hours with ``seconding``. What
happens after that is ``storage.messaging.filling``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messaging import audiences, riding, tending
from storage.messaging.audiences import Count, Described
from storage.messaging.tables import (
    Chat,
    Deadline,
    DeadlineState,
    Notice,
    NoticeFile,
    NoticeRecipient,
    NoticeState,
)
from storage.people import authority, offices, units
from storage.people.authority import MAY, Act
from storage.people.tables import Office, OrgUnit, Teacher, UnitKind
from storage.prepared import Prepared
from storage.refusals import NotAllowed, Refusal

PAGE = 8


class NotADraft(Refusal):
    """It is being sent, or is waiting to be, so it cannot be changed here."""

    def __init__(self, state: NoticeState) -> None:
        super().__init__(f"it is {state}")
        self.state = state


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
    urgent: bool
    audience: Described
    issuer: str
    sent_at: datetime | None
    revision: int
    is_corrected: bool
    """Its time, its place or a duty is another one than when it was sent."""
    files: tuple[Attached, ...]

    def is_over(self, now: datetime) -> bool:
        """Whether the date by which it is to be confirmed has passed."""
        return self.answer_by is not None and self.answer_by <= now


@dataclass(frozen=True)
class Sheet:
    """A notice as whoever writes it sees it."""

    letter: Letter
    author: str
    state: NoticeState
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
    rides_at: datetime | None = None
    """When most get it, while it waits for the daily brief."""


@dataclass(frozen=True)
class Line:
    """A notice in a list."""

    notice_id: int
    title: str
    state: NoticeState
    at: datetime
    author: str
    is_mine: bool
    is_corrected: bool
    rides_at: datetime | None
    """When most get it, while it waits for the daily brief."""


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


# --- who may -------------------------------------------------------------------------------------


def access(
    session: Session, actor_id: int, notice_id: int, *, now: datetime, to_change: bool = False
) -> Notice:
    """Return the row, locked if it is to be changed. Raises NotFound, NotAllowed, NotADraft."""
    notice = tending.get(session, notice_id, for_change=to_change)
    if not tending.may_tend(session, actor_id, notice, today=offices.today(session, now)):
        raise NotAllowed
    if to_change and notice.state is not NoticeState.DRAFT:
        raise NotADraft(notice.state)
    return notice


def whose_reach(notice: Notice, actor_id: int) -> int:
    """Whose reach counts: that of whoever works on a draft, later that of the author."""
    return actor_id if notice.state is NoticeState.DRAFT else notice.author_id


def home_of(session: Session, teacher_id: int, today: date) -> int | None:
    """The unit in whose name this person writes unless they choose another."""
    return next(iter(homes_of(session, teacher_id, today)), None)


def homes_of(session: Session, teacher_id: int, today: date) -> list[int]:
    """The units in whose names this person may write: those of their roles, the first first."""
    found: dict[int, None] = {}
    for grant in authority.grants(session, teacher_id, today=today):
        if Act.NOTIFY_UNIT in MAY[grant.role] and grant.batch_id is None:
            unit_id = grant.unit_id or session.exec(select(Office.unit_id)).first()
            if unit_id is not None:
                found[unit_id] = None
    return list(found)


def is_only_of_class(session: Session, teacher_id: int, notice: Notice, *, now: datetime) -> bool:
    """Whether this person may write it because of the class alone."""
    return not authority.may(
        session, teacher_id, Act.NOTIFY_UNIT, notice.unit_id, today=offices.today(session, now)
    )


# --- looking -------------------------------------------------------------------------------------


def sheet(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Sheet:
    """Return the notice as whoever writes it sees it, with the number of people as it is now."""
    notice = access(session, actor_id, notice_id, now=now)
    today = offices.today(session, now)
    author = session.exec(select(Teacher.name).where(Teacher.id == notice.author_id)).first() or ""
    chats = session.exec(
        select(Chat.title, Chat.topic).where(col(Chat.id).in_(notice.chats)).order_by(Chat.title)
    ).all()
    return Sheet(
        letter=letter_of(session, notice),
        author=author,
        state=notice.state,
        count=audiences.count(session, whose_reach(notice, actor_id), notice.audience, today=today),
        batch_id=(
            notice.audience["batch"]
            if tending.is_of_class(session, notice)
            and is_only_of_class(session, actor_id, notice, now=now)
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
        chooses_issuer=len(homes_of(session, actor_id, today)) > 1,
        rides_at=riding.goes_at(session, notice, now=now),
    )


def channels_of(notice: Notice) -> list[int]:
    """Return the units to whose second channels it goes, for they have no group."""
    return [-id_ for id_ in notice.chats if id_ < 0]


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
        urgent=notice.urgent,
        audience=_described(session, notice),
        issuer=units.signature(session, notice.unit_id),
        # What waits for a second person goes out today, or it is another day's.
        sent_at=None if notice.state is NoticeState.AWAITING else notice.send_at,
        revision=notice.revision,
        is_corrected=notice.ring_revision > 0,
        files=tuple(Attached(each.id, each.file_id, each.is_photo, each.name) for each in files),
    )


def _described(session: Session, notice: Notice) -> Described:
    """The audience by its names; a school that writes to its own names itself."""
    described = audiences.describe(session, notice.audience)
    kind = session.exec(select(OrgUnit.kind).where(OrgUnit.id == notice.unit_id)).first()
    if described.units or described.batch or kind is not UnitKind.SCHOOL:
        return described
    return replace(described, units=(units.name_of(session, notice.unit_id),))


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
    sa.select(
        col(Notice.state),
        col(Notice.revision),
        col(Notice.answer_by),
        col(NoticeRecipient.confirmed_at),
    )
    .join(NoticeRecipient, col(NoticeRecipient.notice_id) == col(Notice.id))
    .where(
        col(Notice.id) == sa.bindparam("notice_id"),
        col(NoticeRecipient.teacher_id) == sa.bindparam("teacher_id"),
    )
)


def standing(
    session: Session, notice_id: int, teacher_id: int, *, now: datetime
) -> tuple[int, bool, bool] | None:
    """Return which revision somebody would get, whether they have confirmed it, and whether
    they have not and its date is over.

    One look-up: it is asked for each of the messages of a notice. None as for ``letter_for``.
    """
    row = _STANDING.first(session, notice_id=notice_id, teacher_id=teacher_id)
    if row is None or row.state is NoticeState.WITHDRAWN:
        return None
    confirmed = row.confirmed_at is not None
    is_over = row.answer_by is not None and row.answer_by <= now
    return row.revision, confirmed, is_over and not confirmed


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
    today = offices.today(session, now)
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
        home = home_of(session, actor_id, today)
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
                row.ring_revision > 0,
                riding.goes_at(session, row, now=now),
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
    notice = access(session, actor_id, notice_id, now=now)
    return audiences.unreached(
        session,
        whose_reach(notice, actor_id),
        notice.audience,
        page=page,
        today=offices.today(session, now),
    )
