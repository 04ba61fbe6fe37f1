"""Relays: a second channel beside Telegram, a person's mailbox or a work group's robot.

To a person's own mailbox goes, as text, what they get in private as a notice or a reminder.
To a robot of a unit goes what a group of that unit is shown, and nothing else: the copy is
made from a group card, which has no room for anything personal.

The address of a channel is a secret. It is asked for, kept, and given to whoever sends; what
is shown of it is ``masked``. Each channel is a stream of its own in the outbox, under its id
with a minus, so that Telegram's dispatcher never sees its rows and channels take turns.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.inserting import insert_new
from storage.messaging import outbox
from storage.messaging.tables import (
    Chat,
    OutboxMessage,
    OutboxState,
    Priority,
    Relay,
)
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import Account, OrgUnit
from storage.refusals import NotAllowed, NotFound, Refusal

MOST = 3  # channels of one person or unit
USEFUL_FOR = timedelta(days=1)  # a copy that comes later helps nobody
TRIES = 8
SAYS = "says"  # in the facts of a row without a text: whose words it has


class RelayKind(StrEnum):
    """What stands behind an address."""

    MAIL = "mail"  # an address that the office's own mailbox writes to
    MAILBOX = "mailbox"  # a mailbox with a server and login of its own
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"


ROBOTS = frozenset({RelayKind.WECOM, RelayKind.DINGTALK, RelayKind.FEISHU})

_KINDS = {
    "mailto": RelayKind.MAILBOX,
    "mailtos": RelayKind.MAILBOX,
    "wecombot": RelayKind.WECOM,
    "dingtalk": RelayKind.DINGTALK,
    "feishu": RelayKind.FEISHU,
    "lark": RelayKind.FEISHU,
}

# What the settings page of a robot gives to copy. A DingTalk robot that wants signatures has
# a second line, which begins with SEC.
_PAGES = (
    (
        re.compile(r"https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=([\w-]{8,80})"),
        "wecombot",
    ),
    (
        re.compile(r"https://oapi\.dingtalk\.com/robot/send\?access_token=([A-Za-z0-9]{8,100})"),
        "dingtalk",
    ),
    (re.compile(r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([\w-]{8,80})/?"), "feishu"),
    (re.compile(r"https://open\.larksuite\.com/open-apis/bot/v2/hook/([\w-]{8,80})/?"), "lark"),
)
_SIGNS = re.compile(r"SEC[A-Za-z0-9]{10,100}")
_SHORT = re.compile(r"(wecombot|feishu|lark)://([\w-]{8,80})/?")
_DINGTALK = re.compile(r"dingtalk://(?:(SEC[A-Za-z0-9]{10,100})@)?([A-Za-z0-9]{8,100})/?")
_ADDRESS = re.compile(r"(?:mailto:)?([\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)", re.ASCII)
_OF_MAILBOX = frozenset({"to", "from", "name", "smtp", "mode", "user", "pass"})


class NotAChannel(Refusal):
    """This is no address that a message can be sent to, or of a kind that is not taken here."""


class NoMailbox(Refusal):
    """The office has no mailbox of its own that could write to an address."""


class TooManyChannels(Refusal):
    """There are as many channels as one may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most}")
        self.most = most


class AlreadyAChannel(Refusal):
    """This channel is there already."""


@dataclass(frozen=True)
class Channel:
    """A channel as it is shown: its address is masked."""

    id: int
    kind: RelayKind
    shown: str
    active: bool
    fault: str
    unit: str
    """The unit's name; empty for one's own."""


@dataclass(frozen=True)
class Claimed:
    """A row that is ours to send through a channel until its lease runs out.

    It has its ``text``, or it ``asks`` the voice of a kind for it, as a message to the person
    would, or to a group of the unit.
    """

    id: int
    relay_id: int
    kind: RelayKind
    url: str
    text: str
    asks: outbox.Claimed | None
    attempts: int

    def __repr__(self) -> str:
        return f"Claimed({self.id}, relay {self.relay_id})"


def kind_of(url: str) -> RelayKind:
    """What stands behind a kept address."""
    if url.startswith("mailto:") and not url.startswith("mailto://"):
        return RelayKind.MAIL
    return _KINDS[url.partition(":")[0]]


def understood(text: str) -> str:
    """Return the address in the one form in which it is kept, from whatever was pasted.

    Nothing but these schemes is taken, and of a mailbox's address nothing but what says where
    it is: such a text must not lead this machine to its own files and neighbours.
    """
    text = text.strip()
    if found := _ADDRESS.fullmatch(text):
        return f"mailto:{found.group(1).lower()}"
    if found := _SHORT.fullmatch(text):
        return f"{found.group(1)}://{found.group(2)}/"
    if found := _DINGTALK.fullmatch(text):
        return _dingtalk(found.group(2), found.group(1))
    first, *rest = text.split()
    for page, scheme in _PAGES:
        if found := page.fullmatch(first):
            if scheme == "dingtalk":
                signs = [word for word in rest if _SIGNS.fullmatch(word)]
                return _dingtalk(found.group(1), signs[0] if signs else None)
            return f"{scheme}://{found.group(1)}/"
    if text.startswith(("mailto://", "mailtos://")):
        return _mailbox(text)
    raise NotAChannel


def _dingtalk(token: str, signs: str | None) -> str:
    return f"dingtalk://{signs}@{token}/" if signs else f"dingtalk://{token}/"


def _mailbox(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise NotAChannel from None
    asked = dict(parse_qsl(parts.query))
    hosts = [parts.hostname or "", *([asked["smtp"]] if "smtp" in asked else [])]
    if not parts.username or parts.password is None or parts.path.strip("/"):
        raise NotAChannel
    if not asked.keys() <= _OF_MAILBOX or not all(_is_public(host) for host in hosts):
        raise NotAChannel
    if port is not None and port not in (25, 465, 587, 994, 2525):
        raise NotAChannel
    login = f"{quote(unquote(parts.username), safe='')}:{quote(unquote(parts.password), safe='')}"
    where = f"{parts.hostname}:{port}" if port is not None else str(parts.hostname)
    return f"{parts.scheme}://{login}@{where}/" + (f"?{urlencode(asked)}" if asked else "")


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        private = (".local", ".localhost", ".internal", ".lan", ".home", ".arpa")
        return bool(re.fullmatch(r"[\w-]+(\.[\w-]+)+", host)) and not host.endswith(private)


def masked(url: str) -> str:
    """Return what may be shown of an address: enough to tell it from another."""
    match kind_of(url):
        case RelayKind.MAIL:
            name, _, domain = url.removeprefix("mailto:").partition("@")
            return f"{name[0]}***@{domain}"
        case RelayKind.MAILBOX:
            parts = urlsplit(url)
            name = unquote(parts.username or "?").partition("@")[0]
            return f"{name[0]}***@{parts.hostname}"
        case _:
            return "…" + url.rstrip("/")[-4:]


# --- setting up -------------------------------------------------------------------------------


def own(session: Session, teacher_id: int) -> tuple[Channel, ...]:
    """Return this person's own channels."""
    return _channels(session, col(Relay.teacher_id) == teacher_id)


def of_unit(session: Session, actor_id: int, unit_id: int, *, now: datetime) -> tuple[Channel, ...]:
    """Return the channels of a unit that the actor speaks for."""
    _check(session, actor_id, unit_id, now)
    return _channels(session, col(Relay.unit_id) == unit_id)


def units(session: Session, actor_id: int, *, now: datetime) -> tuple[tuple[int, str, int], ...]:
    """Return id, name and number of channels of the units that the actor speaks for."""
    today = local_day(now, offices.zone(session))
    reach = authority.reaches(session, actor_id, Act.NOTIFY_UNIT, today=today).subquery()
    number = (
        sa.select(sa.func.count())
        .select_from(Relay)
        .where(col(Relay.unit_id) == col(OrgUnit.id))
        .scalar_subquery()
    )
    rows = session.exec(
        select(OrgUnit.id, OrgUnit.name, number)
        .where(col(OrgUnit.id).in_(sa.select(reach.c.id)))
        .order_by(number.desc(), col(OrgUnit.id))
    ).all()
    return tuple((unit_id, name, count) for unit_id, name, count in rows)


def _channels(session: Session, whose: sa.ColumnElement[bool]) -> tuple[Channel, ...]:
    rows = session.exec(
        select(Relay, OrgUnit.name)
        .outerjoin(OrgUnit, col(OrgUnit.id) == col(Relay.unit_id))
        .where(whose)
        .order_by(col(Relay.id))
    ).all()
    return tuple(
        Channel(row.id, kind_of(row.url), masked(row.url), row.active, row.fault, name or "")
        for row, name in rows
    )


def add_own(
    session: Session, teacher_id: int, url: str, *, language: str, now: datetime
) -> Channel:
    """Add a mailbox of one's own; a robot would show to a group what is for one person."""
    if kind_of(url) in ROBOTS:
        raise NotAChannel
    row = Relay(
        teacher_id=teacher_id, url=url, language=language, created_by=teacher_id, created_at=now
    )
    return _add(session, row, col(Relay.teacher_id) == teacher_id)


def add(
    session: Session, actor_id: int, unit_id: int, url: str, *, language: str, now: datetime
) -> Channel:
    """Add a channel of a unit that the actor speaks for."""
    _check(session, actor_id, unit_id, now)
    row = Relay(unit_id=unit_id, url=url, language=language, created_by=actor_id, created_at=now)
    return _add(session, row, col(Relay.unit_id) == unit_id)


def _add(session: Session, row: Relay, whose: sa.ColumnElement[bool]) -> Channel:
    there = session.exec(select(Relay.url).where(whose)).all()
    if row.url in there:
        raise AlreadyAChannel
    if len(there) >= MOST:
        raise TooManyChannels(MOST)
    session.add(row)
    session.flush()
    _note(session, row.created_by, "add_channel", row, row.created_at)
    return _one(session, row.id)


def switch(session: Session, actor_id: int, relay_id: int, *, on: bool, now: datetime) -> Channel:
    """Send through this channel (again), or not for now. Asking twice is no error."""
    row = _of_actor(session, actor_id, relay_id, now)
    if row.active != on:
        row.active, row.fault = on, ""
        session.add(row)
        session.flush()
        _note(session, actor_id, "channel_on" if on else "channel_off", row, now)
    return _one(session, relay_id)


def remove(session: Session, actor_id: int, relay_id: int, *, now: datetime) -> None:
    """Forget this channel and what waits for it. Asking twice is no error."""
    if session.get(Relay, relay_id) is None:
        return
    row = _of_actor(session, actor_id, relay_id, now)
    _note(session, actor_id, "remove_channel", row, now)
    session.exec(sa.delete(OutboxMessage).where(col(OutboxMessage.relay_id) == relay_id))
    session.delete(row)
    session.flush()


def try_out(session: Session, actor_id: int, relay_id: int, text: str, *, now: datetime) -> bool:
    """Send a message that says that this is one; once a minute is enough."""
    row = _of_actor(session, actor_id, relay_id, now)
    if not row.active:
        return False
    _put(session, row.id, row.teacher_id, {"text": text}, f"try:{row.id}:{now:%Y%m%d%H%M}", now)
    return True


def channel(session: Session, actor_id: int, relay_id: int, *, now: datetime) -> Channel:
    """Return one channel of the actor's own, or of a unit that they speak for."""
    _of_actor(session, actor_id, relay_id, now)
    return _one(session, relay_id)


def name_of(session: Session, unit_id: int) -> str:
    """The unit's name."""
    return session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).first() or ""


def unit_of(session: Session, relay_id: int) -> int | None:
    """The unit that a channel is of; None for a person's own, or when it is gone."""
    return session.exec(select(Relay.unit_id).where(Relay.id == relay_id)).first()


def _one(session: Session, relay_id: int) -> Channel:
    return _channels(session, col(Relay.id) == relay_id)[0]


def _check(session: Session, actor_id: int, unit_id: int, now: datetime) -> None:
    today = local_day(now, offices.zone(session))
    authority.check(session, actor_id, Act.NOTIFY_UNIT, unit_id, today=today)


def _of_actor(session: Session, actor_id: int, relay_id: int, now: datetime) -> Relay:
    row = session.get(Relay, relay_id, populate_existing=True)
    if row is None:
        raise NotFound("channel")
    if row.unit_id is not None:
        _check(session, actor_id, row.unit_id, now)
    elif row.teacher_id != actor_id:
        raise NotAllowed
    return row


def _note(session: Session, by: int, act: str, row: Relay, now: datetime) -> None:
    whose = f"unit:{row.unit_id}" if row.unit_id is not None else f"teacher:{row.teacher_id}"
    audit.record(
        session, by, act, f"relay:{row.id}", now=now, after={"of": whose, "kind": kind_of(row.url)}
    )


# --- what is copied ---------------------------------------------------------------------------


MAILED = frozenset(
    {
        *(outbox.NOTICE, outbox.BRIEF, outbox.REMINDER),
        *("cancelled", "meeting_changed", "programme_changed"),
    }
)
"""Kinds of private messages that a person's own mailbox gets too."""

NOT_PASSED_ON = frozenset({"group_hello"})
"""Kinds of group cards that say something about the group itself."""


def settle(
    session: Session,
    sent: Sequence[tuple[int, int]],
    copies: Sequence[tuple[int, str]],
    files: Sequence[tuple[int, int]],
    now: datetime,
) -> None:
    """Note deliveries, and with them the copies for second channels: a row's id and the text.

    ``files`` are rows' ids with the number of the last file, which bears keys too.
    """
    outbox.settle_many(session, sent, now)
    for outbox_id, message_id in files:
        outbox.note_file(session, outbox_id, message_id)
    for outbox_id, text in copies:
        copy(session, outbox_id, text, now=now)


def settle_refused(
    session: Session, outbox_id: int, text: str | None, *, fault: str, now: datetime
) -> None:
    """Note that Telegram refuses this chat for good; a second channel gets it all the same."""
    outbox.settle_refused(session, outbox_id, fault=fault, now=now)
    if text is not None:
        copy(session, outbox_id, text, now=now)


def copy(session: Session, outbox_id: int, text: str, *, now: datetime) -> int:
    """Queue what this message says for the second channels of whom it is for.

    Those of the person, or those of the unit whose group it is. A unit with two groups gets
    one text once a day. Returns how many channels there are.
    """
    row: Any = session.exec(
        select(OutboxMessage.kind, OutboxMessage.teacher_id, OutboxMessage.chat_id, Chat.unit_id)
        .outerjoin(Chat, col(Chat.id) == col(OutboxMessage.chat_id))
        .where(OutboxMessage.id == outbox_id)
    ).one()
    if row.chat_id is None:
        whose = col(Relay.teacher_id) == row.teacher_id
        name = f"copy:{outbox_id}"
    else:
        whose = col(Relay.unit_id) == row.unit_id
        name = _fingerprint(text, now)
    found = session.exec(select(Relay.id).where(whose, col(Relay.active))).all()
    for relay_id in found:
        teacher_id = row.teacher_id if row.chat_id is None else None
        _put(session, relay_id, teacher_id, {"text": text}, f"{name}:{relay_id}", now)
    return len(found)


def without_group(session: Session, actor_id: int, *, today: date) -> list[tuple[int, str]]:
    """Return id and name of the units that the actor speaks for, and that have a channel and no
    group of their own: what is posted in groups is announced to these."""
    reach = authority.reaches(session, actor_id, Act.NOTIFY_UNIT, today=today).subquery()
    rows = session.exec(
        select(OrgUnit.id, OrgUnit.name)
        .where(
            col(OrgUnit.id).in_(sa.select(reach.c.id)),
            sa.exists().where(col(Relay.unit_id) == col(OrgUnit.id), col(Relay.active)),
            ~sa.exists().where(
                col(Chat.unit_id) == col(OrgUnit.id),
                col(Chat.active),
                col(Chat.closed).is_(False),
                col(Chat.purpose).is_not(None),
            ),
        )
        .order_by(OrgUnit.name, col(OrgUnit.id))
    ).all()
    return [(unit_id, name) for unit_id, name in rows]


def announce(
    session: Session,
    unit_ids: Collection[int],
    kind: str,
    facts: Mapping[str, Any],
    *,
    name: str,
    at: datetime | None = None,
    now: datetime,
) -> int:
    """Queue what groups are shown for the channels of these units, also of those without a group.

    It is put into words when it is sent, by whoever says this ``kind`` to groups. Saying it
    twice under one ``name`` queues it once. Returns how many channels there are.
    """
    found = session.exec(
        select(Relay.id).where(col(Relay.unit_id).in_(unit_ids), col(Relay.active))
    ).all()
    said = {SAYS: kind, **facts}
    for relay_id in found:
        _put(session, relay_id, None, said, f"{name}:{relay_id}", now, at=at)
    return len(found)


def announced(session: Session, name: str, *, sent: bool = False) -> set[int]:
    """Return the units to whose channels this has gone (``sent``), or is going too."""
    states = [OutboxState.SENT] if sent else list(OutboxState)
    rows = session.exec(
        select(Relay.unit_id)
        .join(OutboxMessage, col(OutboxMessage.relay_id) == col(Relay.id))
        .where(
            OutboxMessage.kind == outbox.COPY,
            col(OutboxMessage.state).in_(states),
            col(OutboxMessage.dedupe_key)
            == sa.literal(f"relay:{name}:").concat(sa.cast(col(Relay.id), sa.String)),
        )
    ).all()
    return {unit_id for unit_id in rows if unit_id is not None}


def mail(
    session: Session,
    people: Any,
    kind: str,
    facts: Mapping[str, Any],
    *,
    name: str,
    now: datetime,
) -> None:
    """Queue a private message for the own channels of these people whom Telegram cannot reach.

    ``people`` is a select of one column, the ids of teachers.
    """
    who = people.subquery()
    rows = session.exec(
        select(Relay.id, Relay.teacher_id).where(
            col(Relay.teacher_id).in_(sa.select(who.c[0])),
            col(Relay.active),
            ~sa.exists().where(
                col(Account.teacher_id) == col(Relay.teacher_id), col(Account.reachable)
            ),
        )
    ).all()
    for relay_id, teacher_id in rows:
        _put(session, relay_id, teacher_id, {SAYS: kind, **facts}, f"{name}:{relay_id}", now)


def _fingerprint(text: str, now: datetime) -> str:
    return f"text:{hashlib.sha256(text.encode()).hexdigest()[:24]}:{now:%Y%m%d}"


def _put(
    session: Session,
    relay_id: int,
    teacher_id: int | None,
    facts: Mapping[str, Any],
    name: str,
    now: datetime,
    *,
    at: datetime | None = None,
) -> None:
    at = at or now
    session.exec(
        insert_new(session, OutboxMessage).values(
            kind=outbox.COPY,
            relay_id=relay_id,
            teacher_id=teacher_id,
            stream=-relay_id,
            facts=dict(facts),
            priority=Priority.BULK,
            not_before=at,
            useful_until=at + USEFUL_FOR,
            dedupe_key=f"relay:{name}",
            rings=False,
            state=OutboxState.PENDING,
            attempts=0,
            created_at=now,
            fault="",
        )
    )


# --- sending ----------------------------------------------------------------------------------


def claim(
    session: Session, *, now: datetime, lease: timedelta, limit: int, busy: Collection[int] = ()
) -> list[Claimed]:
    """Take up to ``limit`` rows that may go now, one a channel, none of those that are busy."""
    asked = {"priority": Priority.BULK, "now": now, "busy": [-one for one in busy]}
    claimed: list[Claimed] = []
    for (stream,) in session.exec(_CHANNELS.limit(limit), params=asked).all():
        row: Any = session.exec(
            sa.select(  # type: ignore[call-overload]
                col(OutboxMessage.id),
                col(OutboxMessage.facts),
                col(OutboxMessage.useful_until),
                col(OutboxMessage.attempts),
                col(OutboxMessage.teacher_id),
                col(Relay.url),
                col(Relay.language),
                col(Relay.active),
            )
            .join(Relay, col(Relay.id) == col(OutboxMessage.relay_id))
            .where(
                col(OutboxMessage.state) == OutboxState.PENDING,
                col(OutboxMessage.priority) == Priority.BULK,
                col(OutboxMessage.stream) == stream,
                col(OutboxMessage.not_before) <= now,
            )
            .order_by(col(OutboxMessage.not_before), col(OutboxMessage.id))
            .limit(1)
            .with_for_update(skip_locked=True, of=OutboxMessage)
        ).first()
        if row is None:
            continue
        if not row.active or row.useful_until <= now:
            fault = outbox.TOO_LATE if row.active else "the channel is off"
            outbox.settle_skipped(session, row.id, reason=fault)
            continue
        claimed.append(
            Claimed(
                id=row.id,
                relay_id=-stream,
                kind=kind_of(row.url),
                url=row.url,
                text=row.facts.get("text", ""),
                asks=_asks(row) if SAYS in row.facts else None,
                attempts=row.attempts + 1,
            )
        )
    outbox.take(session, [row.id for row in claimed], now + lease)
    return claimed


def _asks(row: Any) -> outbox.Claimed:
    """The row as the voice of its kind knows it, of a person, or of no group in particular."""
    return outbox.Claimed(
        id=row.id,
        kind=row.facts[SAYS],
        tg_chat_id=0,
        thread_id=0,
        language=row.language,
        account_id=None,
        chat_id=None if row.teacher_id is not None else 0,
        teacher_id=row.teacher_id,
        facts=row.facts,
        priority=Priority.BULK,
        useful_until=row.useful_until,
        rings=False,
        attempts=row.attempts + 1,
    )


_CHANNELS = outbox.due_streams(
    lambda stream: sa.and_(stream < 0, stream.not_in(sa.bindparam("busy", expanding=True)))
)


def settle_sent(session: Session, outbox_id: int, *, now: datetime) -> None:
    """Note that the channel has taken it; what was wrong with the channel is over."""
    relay_id = session.exec(
        sa.update(OutboxMessage)
        .where(col(OutboxMessage.id) == outbox_id)
        .values(state=OutboxState.SENT, sent_at=now, lease_until=None, fault="")
        .returning(col(OutboxMessage.relay_id))
    ).scalar_one_or_none()
    session.exec(
        sa.update(Relay).where(col(Relay.id) == relay_id, col(Relay.fault) != "").values(fault="")
    )


def try_later(session: Session, outbox_id: int, until: datetime, *, fault: str) -> None:
    """The channel cannot take it now; after several tries the row is given up, the channel not."""
    attempts = session.exec(
        select(OutboxMessage.attempts).where(OutboxMessage.id == outbox_id)
    ).first()
    if attempts is not None and attempts >= TRIES:
        outbox.settle_broken(session, outbox_id, fault=fault)
    else:
        outbox.try_later(session, outbox_id, until, fault=fault)


def settle_bad(session: Session, outbox_id: int, *, fault: str, now: datetime) -> None:
    """Nothing can be sent through this channel: it is off, and whoever set it up is told why."""
    outbox.settle_broken(session, outbox_id, fault=fault)
    relay_id = session.exec(
        select(OutboxMessage.relay_id).where(OutboxMessage.id == outbox_id)
    ).first()
    row = None if relay_id is None else session.get(Relay, relay_id, populate_existing=True)
    if row is None or not row.active:
        return
    row.active, row.fault = False, fault[:200]
    session.add(row)
    session.flush()
    outbox.put(
        session,
        "relay_broken",
        teacher_id=row.teacher_id or row.created_by,
        facts={"relay_id": row.id},
        priority=Priority.CARD,
        not_before=now,
        useful_until=now + timedelta(days=7),
        dedupe_key=f"relay_broken:{row.id}:{outbox_id}",
        now=now,
    )


def told_of(session: Session, relay_id: int) -> Channel | None:
    """The channel that a word about its fault is of; None when it works again or is gone."""
    found = _channels(session, col(Relay.id) == relay_id)
    return found[0] if found and not found[0].active and found[0].fault else None
