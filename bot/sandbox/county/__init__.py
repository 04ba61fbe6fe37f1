"""The sample county: 澄禾县, its 1,086 teachers and their training. None of it exists.

The plan is made by ``generate.py`` and kept beside it as ``chenghe.yaml``; this module says
who of it lives in the sandbox.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bot.sandbox.county.generate import CHATS
from bot.sandbox.county.people import people
from bot.sandbox.county.person import Person, dice

FIRST_ID = 7_100_000_001
"""The invented Telegram id of the first person; the others follow in the roster's order."""

UNLINKED = 0.05
BLOCKED = 0.02


@dataclass(frozen=True)
class SandboxPerson:
    """One of the county's people as the sandbox needs them."""

    name: str
    note: str
    phone: str
    pinned: bool
    language_code: str
    telegram_id: int
    staff_no: str


@dataclass(frozen=True)
class SandboxGroup:
    """A group of the county, with the Telegram ids of its members and administrators."""

    telegram_id: int
    title: str
    members: tuple[int, ...]
    admins: tuple[int, ...]


@dataclass(frozen=True)
class LinkedPerson:
    """A teacher who has linked before the newcomer arrives; a blocked one cannot be reached."""

    staff_no: str
    telegram_id: int
    blocked: bool


def plan_text() -> str:
    """Return the county's plan, as ``load`` reads it."""
    return files(__package__).joinpath("chenghe.yaml").read_text(encoding="utf-8")


@cache
def people_for_sandbox() -> tuple[SandboxPerson, ...]:
    """Return everybody on the roster, the listed cast first and pinned."""
    cast = [person for person in people() if person.listed]
    others = [person for person in people() if not person.listed]
    return tuple(
        SandboxPerson(
            name=person.name,
            note=person.note,
            phone=person.phone,
            pinned=person.listed,
            language_code=person.language_code,
            telegram_id=FIRST_ID + n,
            staff_no=person.no,
        )
        for n, person in enumerate([*cast, *others])
    )


def groups_for_sandbox() -> tuple[SandboxGroup, ...]:
    """Return the county's groups, as the plan binds them, with who is in them."""
    ids = {person.staff_no: person.telegram_id for person in people_for_sandbox()}
    heads = tuple(ids[person.no] for person in people() if person.unit in ("CH-DC", "CH-RO"))

    def among(members: list[Person]) -> tuple[int, ...]:
        return tuple(ids[person.no] for person in members if ids[person.no] not in heads)

    return tuple(
        SandboxGroup(
            telegram_id=chat.id,
            title=chat.name,
            members=among([person for person in people() if chat.holds(person)]),
            admins=heads,
        )
        for chat in CHATS
    )


def linked_people() -> tuple[LinkedPerson, ...]:
    """Return who has linked already: all but the cast, who are there to be tried, and 5 %."""
    draw_of = dice("links")
    linked = []
    for person in people_for_sandbox():
        draw = draw_of.random()
        if not person.pinned and draw >= UNLINKED:
            blocked = draw >= 1 - BLOCKED
            linked.append(LinkedPerson(person.staff_no, person.telegram_id, blocked))
    return tuple(linked)
