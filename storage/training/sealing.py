"""The decision log: every decision of a class in a chain that any school can check for itself.

A line says when, about whom, by what rule and on what facts it was decided; the person is a
pseudonym that only their own school can put a name to. Each line's digest covers the digest of
the line before it and the line itself, so whoever alters, drops or inserts a line breaks
everything after it. Sealing follows the decisions in bulk, behind the sweep: registering does
not wait for it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import Office, Teacher
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.training import seats
from storage.training.tables import Batch, Decision, Programme, Quota, Registration, Seal

EDITION = 1
AT_ONCE = 1_000  # lines sealed in one transaction, so that taps do not wait
LARGEST = 16 * 1024 * 1024
SUFFIX = ".jsonl"

_NAME = re.compile(r"[A-Za-z0-9_.:+-]{0,40}")
_PLAIN = frozenset(
    {
        "after",
        "approval",
        "before",
        "fields",
        "grade",
        "in_spite_of",
        "lacks",
        "lapses_at",
        "make_up",
        "meetings",
        "seat",
        "second_close",
        "seed",
        "starts_at",
        "state",
        "until",
        "was",
    }
)
"""Facts whose words are ours and not a person's: names of states and rules, and moments.

The lot is none of them: who knows the seed and a staff number would find the person by it.
"""

_LARGEST_ID = 2**31 - 1

CHECK = (
    "python3 -c 'import json,hashlib,sys;"
    'R=[json.loads(x) for x in open(sys.argv[1],encoding="utf-8")];d=R[0]["genesis"];'
    'B=[r["n"] for r in R if "line" in r and '
    '(d:=hashlib.sha256((d+r["line"]).encode()).hexdigest())!=r["digest"]];'
    'print("broken from line %s"%B[0] if B else "unbroken")\' "FILE"'
)
"""What whoever has the file types to check it with nothing of ours."""


class NotALog(Refusal):
    """The file is no decision log of this office."""


@dataclass(frozen=True)
class Export:
    """A log as a file; ``names`` tells how many of its people are named in it."""

    batch_id: int
    title: str
    lines: int
    names: int
    content: bytes


@dataclass(frozen=True)
class Checked:
    """What came of checking a log.

    ``broken_at`` is the first line whose digest does not fit, ``differs_at`` the first that is
    not as this office keeps it, ``altered_here`` the first whose decision was altered in this
    office's own records after it had been sealed. ``newer`` lines were sealed since.
    """

    batch_id: int
    title: str
    lines: int
    broken_at: int | None
    differs_at: int | None
    altered_here: int | None
    newer: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong anywhere."""
        return self.broken_at is self.differs_at is self.altered_here is None


def seal(session: Session, batch_id: int | None = None, *, limit: int = AT_ONCE) -> int:
    """Seal decisions that have no seal yet; return how many.

    For one class all of them are looked for. Otherwise those after the last sealed one: with
    nothing new that costs two look-ups in an index, and what a slow transaction committed late
    under a smaller number is found when its class is sealed by name.
    """
    unsealed = (
        sa.select(
            col(Decision.id),
            col(Decision.at),
            col(Decision.rule),
            col(Decision.facts),
            col(Decision.actor_id),
            col(Registration.id).label("registration_id"),
            col(Registration.teacher_id),
            col(Registration.batch_id),
        )
        .join(Registration, col(Registration.id) == col(Decision.registration_id))
        .order_by(col(Decision.id))
    )
    if batch_id is None:
        last = session.exec(select(sa.func.max(Seal.decision_id))).one() or 0
        newest = session.exec(select(sa.func.max(Decision.id))).one() or 0
        if newest <= last:
            return 0
        unsealed = unsealed.where(col(Decision.id) > last).limit(limit)
    else:
        unsealed = unsealed.where(
            col(Registration.batch_id) == batch_id,
            ~sa.exists().where(col(Seal.decision_id) == col(Decision.id)),
        )
    batch_ids = sorted({row.batch_id for row in session.connection().execute(unsealed)})
    if not batch_ids:
        return 0
    seats.lock(session, *batch_ids)
    rows = [row for row in session.connection().execute(unsealed) if row.batch_id in set(batch_ids)]
    ends = _ends(session, batch_ids)
    salt = _salt(session)
    new = []
    for row in rows:
        number, digest = ends[row.batch_id]
        line = _line(number + 1, row, salt)
        digest = chained(digest, line)
        ends[row.batch_id] = number + 1, digest
        new.append(
            {
                "decision_id": row.id,
                "batch_id": row.batch_id,
                "number": number + 1,
                "line": line,
                "digest": digest,
            }
        )
    if new:
        session.exec(sa.insert(Seal), params=new)
    return len(new)


def chained(previous: str, line: str) -> str:
    """The digest of a line that follows the line with the previous digest."""
    return hashlib.sha256((previous + line).encode()).hexdigest()


def genesis(tenant: str, batch_id: int) -> str:
    """What the first line of a class is chained to."""
    return hashlib.sha256(f"qinglan decision log {tenant} {batch_id}".encode()).hexdigest()


def pseudonym(salt: str, batch_id: int, registration_id: int) -> str:
    """Who somebody is in the log of one class; in another class they are somebody else."""
    secret = hmac.digest(salt.encode(), f"decision log {batch_id}".encode(), "sha256")
    return hmac.new(secret, str(registration_id).encode(), "sha256").hexdigest()[:12]


def export(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Export:
    """Return the whole log of a class, with the names of the actor's own people.

    For whoever runs the class, or looks after people of a school that has a part in it. Seals
    what is not sealed yet, and the audit log keeps that it was exported. Raises NotFound or
    NotAllowed.
    """
    title, tenant = _check(session, actor_id, batch_id, now)
    seal(session, batch_id)
    rows = session.exec(
        select(Seal.number, Seal.line, Seal.digest)
        .where(Seal.batch_id == batch_id)
        .order_by(col(Seal.number))
    ).all()
    names = _own_names(session, actor_id, batch_id, now)
    first = genesis(tenant, batch_id)
    head = {
        "qinglan": "decision log",
        "edition": EDITION,
        "office": tenant,
        "batch": batch_id,
        "title": title,
        "made_at": now.astimezone(UTC).isoformat(),
        "lines": len(rows),
        "genesis": first,
        "last": rows[-1][2] if rows else first,
        "rule": "digest = SHA-256 of the previous digest (of the first line: genesis) + line",
        "check": CHECK,
    }
    written = [head]
    written += [{"n": n, "digest": digest, "line": line} for n, line, digest in rows]
    if names:
        written.append({"own": names})
    content = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in written)
    audit.record(
        session,
        actor_id,
        "export_decisions",
        f"batch:{batch_id}",
        now=now,
        after={"lines": len(rows), "names": len(names)},
    )
    session.flush()
    return Export(
        batch_id=batch_id,
        title=title,
        lines=len(rows),
        names=len(names),
        content=content.encode(),
    )


def check_file(session: Session, actor_id: int, content: bytes, *, now: datetime) -> Checked:
    """Check an exported log: in itself, against what is kept here, and the records behind it.

    Raises NotALog, NotFound or NotAllowed.
    """
    head, lines = _read(content)
    batch_id = head.get("batch")
    if type(batch_id) is not int or not 0 < batch_id <= _LARGEST_ID:
        raise NotALog
    title, tenant = _check(session, actor_id, batch_id, now)
    if head.get("office") != tenant:
        raise NotALog
    kept = {
        number: (line, digest)
        for number, line, digest in session.exec(
            select(Seal.number, Seal.line, Seal.digest).where(Seal.batch_id == batch_id)
        ).all()
    }
    broken_at = differs_at = None
    digest = genesis(tenant, batch_id)
    for place, (number, line, said) in enumerate(lines, 1):
        digest = chained(digest, line)
        if broken_at is None and (number != place or digest != said):
            broken_at = place
        if differs_at is None and kept.get(place) != (line, said):
            differs_at = place
    if differs_at is None and head.get("lines") != len(lines):
        differs_at = len(lines) + 1
    return Checked(
        batch_id=batch_id,
        title=title,
        lines=len(lines),
        broken_at=broken_at,
        differs_at=differs_at,
        altered_here=verify(session, batch_id),
        newer=max(0, len(kept) - len(lines)),
    )


def verify(session: Session, batch_id: int) -> int | None:
    """Return the first line of a class that is not what was sealed; None when all are.

    Every line is made anew from its decision, and the chain from its beginning.
    """
    salt, digest = _salt(session), genesis(_tenant(session), batch_id)
    rows = session.connection().execute(
        sa.select(
            col(Seal.number),
            col(Seal.line),
            col(Seal.digest),
            col(Decision.at),
            col(Decision.rule),
            col(Decision.facts),
            col(Decision.actor_id),
            col(Registration.id).label("registration_id"),
            col(Registration.teacher_id),
            col(Registration.batch_id),
        )
        .join(Decision, col(Decision.id) == col(Seal.decision_id))
        .join(Registration, col(Registration.id) == col(Decision.registration_id))
        .where(col(Seal.batch_id) == batch_id)
        .order_by(col(Seal.number))
    )
    for place, row in enumerate(rows, 1):
        digest = chained(digest, row.line)
        is_kept = row.number == place and row.digest == digest and row.batch_id == batch_id
        if not is_kept or _line(place, row, salt) != row.line:
            return place
    return None


def _line(number: int, row: Any, salt: str) -> str:
    """A decision as it is sealed: keys in order, no spaces, without words about the person.

    Whatever somebody typed, such as a reason, is there as a fingerprint: altering it shows,
    reading it is for those who may. In clear are numbers, and the words of ``_PLAIN`` alone.
    """
    by = "clock"
    if row.actor_id is not None:
        by = "self" if row.actor_id == row.teacher_id else "office"
    person = pseudonym(salt, row.batch_id, row.registration_id)
    said = {
        "n": number,
        "at": row.at.astimezone(UTC).isoformat(),
        "who": person,
        "rule": row.rule,
        "by": by,
        "facts": {
            key: _said(key, value, row.batch_id, salt) for key, value in (row.facts or {}).items()
        },
    }
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _said(key: str, value: Any, batch_id: int, salt: str) -> Any:
    if key == "registration_id" and isinstance(value, int):
        return pseudonym(salt, batch_id, value)
    if key.endswith(("teacher_id", "teacher_ids", "name", "names")):
        return _fingerprint(salt, batch_id, value)
    if isinstance(value, str) and not (key in _PLAIN and _NAME.fullmatch(value)):
        return _fingerprint(salt, batch_id, value)
    if isinstance(value, dict):
        return {name: _said(name, part, batch_id, salt) for name, part in value.items()}
    if isinstance(value, list):
        return [_said(key, part, batch_id, salt) for part in value]
    return value


def _fingerprint(salt: str, batch_id: int, value: Any) -> str:
    text = json.dumps([batch_id, value], ensure_ascii=False, sort_keys=True)
    return "#" + hmac.new(salt.encode(), text.encode(), "sha256").hexdigest()[:16]


def _ends(session: Session, batch_ids: list[int]) -> dict[int, tuple[int, str]]:
    """The number and digest of each class's last line."""
    tenant = _tenant(session)
    ends = {batch_id: (0, genesis(tenant, batch_id)) for batch_id in batch_ids}
    last = (
        sa.select(col(Seal.batch_id), sa.func.max(Seal.number).label("number"))
        .where(col(Seal.batch_id).in_(batch_ids))
        .group_by(col(Seal.batch_id))
        .subquery()
    )
    for batch_id, number, digest in session.connection().execute(
        sa.select(col(Seal.batch_id), col(Seal.number), col(Seal.digest)).join(
            last,
            sa.and_(last.c.batch_id == col(Seal.batch_id), last.c.number == col(Seal.number)),
        )
    ):
        ends[batch_id] = number, digest
    return ends


def _salt(session: Session) -> str:
    return session.exec(select(Office.salt)).first() or ""


def _tenant(session: Session) -> str:
    return session.exec(select(Office.tenant)).first() or ""


def _check(session: Session, actor_id: int, batch_id: int, now: datetime) -> tuple[str, str]:
    """Return the class's title and the office; raise NotFound or NotAllowed."""
    title = session.exec(
        select(Programme.title)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).first()
    if title is None:
        raise NotFound("programme")
    if not may_see(session, actor_id, batch_id, now=now):
        raise NotAllowed
    return title, _tenant(session)


def may_see(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> bool:
    """Whether this person may read the log: the organiser, and each school that takes part."""
    today = local_day(now, offices.zone(session))
    if authority.may_with(session, actor_id, Act.SEE_PROGRAMME, batch_id, today=today):
        return True
    mine = authority.reaches(session, actor_id, Act.NOMINATE, today=today).subquery()
    units = sa.select(mine.c.id)
    takes_part = sa.or_(
        sa.exists().where(
            col(Registration.batch_id) == batch_id, col(Registration.unit_id_at).in_(units)
        ),
        sa.exists().where(
            col(Quota.batch_id) == batch_id,
            col(Quota.is_pool).is_(False),
            col(Quota.unit_id).in_(units),
        ),
    )
    return bool(session.connection().execute(sa.select(takes_part)).scalar())


def _own_names(session: Session, actor_id: int, batch_id: int, now: datetime) -> Mapping[str, str]:
    """Whose pseudonym is whose, for the people whom the actor may see by name."""
    today = local_day(now, offices.zone(session))
    mine = authority.reaches(session, actor_id, Act.SEE_PEOPLE, today=today)
    salt = _salt(session)
    rows = session.exec(
        select(Registration.id, Teacher.name)
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .where(Registration.batch_id == batch_id, col(Registration.unit_id_at).in_(mine))
        .order_by(col(Registration.id))
    ).all()
    return {pseudonym(salt, batch_id, one): name for one, name in rows}


def _read(content: bytes) -> tuple[dict[str, Any], list[tuple[int, str, str]]]:
    """Read a file's head and lines. Raises NotALog."""
    if len(content) > LARGEST:
        raise NotALog
    try:
        rows = [json.loads(row) for row in content.decode("utf-8-sig").split("\n") if row.strip()]
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise NotALog from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise NotALog
    head = rows[0]
    if head.get("qinglan") != "decision log" or head.get("edition") != EDITION:
        raise NotALog
    lines = []
    for row in rows[1:]:
        if "own" in row:
            continue
        number, line, digest = row.get("n"), row.get("line"), row.get("digest")
        if not (type(number) is int and isinstance(line, str) and isinstance(digest, str)):
            raise NotALog
        try:
            line.encode()
        except UnicodeEncodeError as error:  # half a character, which no line of ours has
            raise NotALog from error
        lines.append((number, line, digest))
    return head, lines
