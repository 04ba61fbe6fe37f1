"""Drafts of notices: begun from one message, and written field by field until they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messaging import audiences, notices, tending
from storage.messaging.tables import Notice, NoticeFile, NoticeState
from storage.people import authority, offices
from storage.people.authority import Act
from storage.refusals import NotAllowed, NotFound, Refusal

TITLE, TEXT, SHORT = 100, 3_000, 200
"""Characters (UTF-16 units) of a title, of a text and of a line, so that all fits a message."""
FILES = 10
LIMITS: Mapping[str, int] = {
    "title": TITLE,
    "text": TEXT,
    "number": SHORT,
    "place": SHORT,
    "contact": SHORT,
}
# fmt: off
PROGRAMS = (
    ".apk", ".app", ".bat", ".cmd", ".com", ".cpl", ".exe", ".hta", ".jar", ".js", ".jse",
    ".lnk", ".msi", ".pif", ".ps1", ".reg", ".scr", ".sh", ".vbe", ".vbs", ".wsf",
)
# fmt: on
"""How the names of files end that do something when they are opened."""
HEADS = ("【通知】", "【紧急通知】", "[通知]", "[Notice]", "通知:", "通知：")
"""What people write before a title; a notice says it by itself."""


class TooLong(Refusal):
    """A text is longer than there is room for in the message."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what} is longer than {limit}")
        self.what, self.limit = what, limit


class TooManyFiles(Refusal):
    """A notice has no room for another file."""


class IsProgram(Refusal):
    """A file that runs on whatever computer it is opened on; nobody is sent that."""


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


def begin(
    session: Session, actor_id: int, *, text: str = "", batch_id: int = 0, now: datetime
) -> int:
    """Make a draft from what was typed: its first line is the title, the rest the text.

    With ``batch_id`` it is for those who take part in this class. Raises NotAllowed, TooLong.
    """
    today = offices.today(session, now)
    audience: dict[str, Any] = {}
    if batch_id:
        authority.check_with(session, actor_id, Act.NOTIFY_CLASS, batch_id, today=today)
        unit_id = tending.owner_of(session, batch_id)
        audience = {"batch": batch_id, "state": audiences.IN}
    else:
        unit_id = notices.home_of(session, actor_id, today)
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


def _split(text: str) -> tuple[str, str]:
    """First line and rest; a first line that is too long for a title stays in the text too."""
    plain = text.strip()
    first, _, rest = plain.partition("\n")
    first = _headless(first.strip())
    if length(first) <= TITLE:
        return first, rest.strip()
    return _cut(first, TITLE), plain


def _headless(title: str) -> str:
    for head in HEADS:
        if title.startswith(head) and title != head:
            return title.removeprefix(head).strip()
    return title


def length(text: str) -> int:
    """Return how long a text is for Telegram, which counts UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, limit: int) -> str:
    while length(text) > limit - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def _check_length(what: str, value: str) -> None:
    if length(value) > LIMITS[what]:
        raise TooLong(what, LIMITS[what])


def write_field(
    session: Session, actor_id: int, notice_id: int, field: str, text: str, *, now: datetime
) -> None:
    """Set the title, text, number, place or contact; empty takes it away.

    Raises TooLong, NotADraft, NotAllowed, NotFound.
    """
    if field not in LIMITS:
        raise NotFound("field")
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
    value = text.strip()
    if field != "text":
        value = " ".join(value.split())
    if field == "title":
        value = _headless(value)
    _check_length(field, value)
    setattr(notice, field, value)
    session.flush()


def write_whole(
    session: Session, actor_id: int, notice_id: int, text: str, *, now: datetime
) -> None:
    """Take a message as one that a notice begins with: its first line is the title. As ``begin``.

    Raises TooLong, NotADraft, NotAllowed, NotFound.
    """
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
    title, rest = _split(text)
    _check_length("text", rest)
    notice.title, notice.text = title, rest
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
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
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
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
    if by is not None and by <= now:
        raise PastMoment("answer")
    notice.wants_answer, notice.answer_by = wanted, by if wanted else None
    session.flush()


def set_urgent(
    session: Session, actor_id: int, notice_id: int, urgent: bool, *, now: datetime
) -> None:
    """Say whether it goes before other messages."""
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
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
    """Let a file go with it, the same one once; return how many there are.

    Raises IsProgram, TooManyFiles.
    """
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
    if name.lower().rstrip(". ").endswith(PROGRAMS) and not is_photo:
        raise IsProgram
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
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
    session.exec(
        sa.delete(NoticeFile).where(
            col(NoticeFile.id) == file_row_id, col(NoticeFile.notice_id) == notice.id
        )
    )


def check_discard(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> None:
    """Raise what ``discard`` would raise, before somebody is asked whether they are sure."""
    if session.exec(select(Notice.id).where(Notice.id == notice_id)).first() is not None:
        notices.access(session, actor_id, notice_id, now=now, to_change=True)


def discard(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> None:
    """Forget a draft; one that is gone is no harm. Raises NotADraft, NotAllowed."""
    if session.exec(select(Notice.id).where(Notice.id == notice_id)).first() is None:
        return
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
    session.exec(sa.delete(NoticeFile).where(col(NoticeFile.notice_id) == notice.id))
    session.delete(notice)
    session.flush()


def copy(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> int:
    """Begin a new draft that says the same to the same people; return its id."""
    notice = notices.access(session, actor_id, notice_id, now=now)
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


def to_draft(session: Session, notice: Notice, reason: str = "") -> None:
    """Make it a draft again; nobody is asked to approve it any more."""
    notice.state, notice.reason = NoticeState.DRAFT, reason
    notice.approved_by = notice.approved_at = None
    notice.audience = {key: value for key, value in notice.audience.items() if key != "names"}
    session.flush()
