"""The check of work that is judged blind: does a name stand in it, and where?

It looks for the names of those who make the entry, of everybody at their school, and of all
schools. What it finds is told to those who make the entry and to nobody else, while there is
time to send another file; they can also say that it is no name.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions import entering, materials
from storage.competitions.materials import Found
from storage.competitions.tables import Round
from storage.people.tables import OrgUnit, Posting, Teacher, UnitKind

READING_TAKES = 60  # seconds at most, by the wall
MOST_FOUND = 12
LONGEST_WHAT = 40

_READER = Path(__file__).parent.parent / "reading_materials.py"
_READING = threading.BoundedSemaphore(2)  # files at a time: each may fill its memory
_CJK = re.compile(r"[\u3400-\u9fff]")
_PACKED = (b"PK\x03\x04",)
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_SIGNS = (
    dict.fromkeys(("docx", "pptx", "xlsx"), _PACKED)
    | dict.fromkeys(("jpg", "jpeg", "png"), _PICTURES)
    | {"pdf": (b"%PDF-",)}
)
"""How a file of each ending begins; a picture may be of the other kind."""
_OF_PEOPLE = frozenset(
    {"creator", "lastmodifiedby", "author", "company", "manager", "artist", "copyright"}
)
"""Properties in which a program writes whose it is."""
_NOBODY = frozenset(
    (
        *("微软用户", "微軟使用者", "用户", "使用者", "windows用户", "microsoftoffice用户"),
        *("匿名", "作者", "微软中国", "管理员"),
    )
)
"""What programs write there by themselves."""


@dataclass(frozen=True)
class Reading:
    """What stands in a file: where, and what; and what could not be looked into, and why."""

    parts: tuple[tuple[str, str], ...]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """What must not stand in it, as it is looked for: without spaces."""

    people: frozenset[str]
    schools: frozenset[str]


def read(content: bytes, name: str) -> Reading:
    """Read the words of a file; what cannot be read is said and harms nothing.

    Takes a twentieth of a second and more: callers keep it off the event loop.
    """
    named = ("name", name.rpartition(".")[0] or name)
    with _READING:
        try:
            done = subprocess.run(  # noqa: S603  (our own program, started by its path)
                [sys.executable, "-I", str(_READER)],
                input=content,
                capture_output=True,
                timeout=READING_TAKES,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Reading((named,), ("too_big",))
    if done.returncode != 0:
        # It used more than it may, or is made to trip whoever reads it.
        return Reading((named,), ("too_big",))
    answer = json.loads(done.stdout)
    parts = ((where, text) for where, text in answer["parts"])
    unread = tuple(answer["unread"])
    if not unread and not _is_what_it_is_called(content, name):
        # Read as something else it may look clean, and nobody can open it.
        unread = ("broken",)
    return Reading((named, *parts), unread)


def _is_what_it_is_called(content: bytes, name: str) -> bool:
    signs = _SIGNS.get(name.rpartition(".")[2].casefold())
    return signs is None or any(sign in content[:1024] for sign in signs)


def names_for(session: Session, entry_id: int) -> Names:
    """Return whose names must not stand in an entry's materials."""
    entry, _competition = entering.entry_of(session, entry_id, lock=False)
    mates = [name for _id, name in entering.authors(session, entry_id)]
    own = session.exec(select(Teacher.name).where(Teacher.id == entry.teacher_id)).one()
    colleagues = session.exec(
        select(Teacher.name)
        .distinct()
        .join(Posting, col(Posting.teacher_id) == col(Teacher.id))
        .where(
            Posting.unit_id == entry.unit_id,
            sa.or_(col(Posting.until).is_(None), col(Posting.until) >= entry.created_at.date()),
        )
    ).all()
    schools = session.exec(
        select(OrgUnit.id, OrgUnit.name, OrgUnit.short_name).where(
            sa.or_(col(OrgUnit.kind) == UnitKind.SCHOOL, col(OrgUnit.id) == entry.unit_id)
        )
    ).all()
    called = {squeezed(name) for _id, name, _short in schools}
    # 一中 is a school, and a part of many other words: of others only the longer short names.
    called |= {
        squeezed(short)
        for id_, _name, short in schools
        if len(short) >= (2 if id_ == entry.unit_id else 4)
    }
    people = {squeezed(name) for name in (own, *mates, *colleagues)}
    return Names(
        frozenset(each for each in people if len(each) > 1),
        frozenset(each for each in called if len(each) > 1),
    )


def in_title(session: Session, entry_id: int) -> tuple[Found, ...]:
    """Return the names that stand in an entry's title, where it is judged blind."""
    entry, competition = entering.entry_of(session, entry_id, lock=False)
    if not competition.is_blind:
        return ()
    return find(Reading((("title", entry.title),)), names_for(session, entry_id))


def find(reading: Reading, names: Names) -> tuple[Found, ...]:
    """Return the names that stand in it, each once for each place; and what was not read."""
    pattern = _pattern(names)
    found: dict[Found, None] = {}
    for where, text in reading.parts:
        if where.startswith("gps:"):
            found[Found(where, "GPS")] = None
            continue
        said = squeezed(text)
        matches = set(pattern.findall(said)) if pattern is not None else set()
        if not matches and _is_of_people(where, said):
            matches = {said[:LONGEST_WHAT]}
        for match in sorted(matches, key=said.index):
            found[Found(where, match)] = None
    unread = [Found(f"unread:{why}", "") for why in reading.unread]
    return (*tuple(found)[:MOST_FOUND], *unread)


def _is_of_people(where: str, said: str) -> bool:
    """Whether a property says whose the file is, though it is nobody whom the roster knows."""
    kind, _, key = where.partition(":")
    return (
        kind == "property"
        and key.casefold() in _OF_PEOPLE
        and bool(_CJK.search(said))
        and said not in _NOBODY
    )


@lru_cache(maxsize=64)
def _pattern(names: Names) -> re.Pattern[str] | None:
    """All names in one expression, the longer ones first: 澄禾县第二小学 is not also 第二小学."""
    every = sorted(names.people | names.schools, key=lambda name: (-len(name), name))
    return re.compile("|".join(re.escape(name) for name in every)) if every else None


def squeezed(text: str) -> str:
    """Text as it is compared: one form of each sign, no spaces within a line.

    Forms ask for 姓 名 with a space between; whoever fills them in does the same with theirs.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "\n".join("".join(line.split()) for line in plain.splitlines())


def names_left(session: Session, teacher_id: int, entry_id: int, *, now: datetime) -> int:
    """Return how many names still stand in somebody's own entry, where it is judged blind.

    Those of its title count, and those of its materials of which nobody has said that they are
    none. Raises NotFound.
    """
    facts = entering.my_entry(session, teacher_id, entry_id, now=now)
    if not facts.is_blind:
        return 0
    round_ = session.get_one(Round, facts.now.round_id)
    return materials.checks(session, entry_id, round_)[0] + len(in_title(session, entry_id))
