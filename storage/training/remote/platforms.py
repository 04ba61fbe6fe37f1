"""Platforms: sites of somebody else's where people study, kept by the units that use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from storage import audit
from storage.people import offices, units
from storage.people.authority import Act, check, check_with
from storage.refusals import NotFound, Refusal
from storage.training import structure
from storage.training.classes import batch_of
from storage.training.remote import plan
from storage.training.remote.tables import Platform

LONGEST_NAME, LONGEST_URL, LONGEST_GUIDE = 60, 500, 600


class NoAddress(Refusal):
    """What was given is no address of a site."""


class GuideTooLong(Refusal):
    """The guide is longer than a card; nothing is cut."""

    def __init__(self, longest: int) -> None:
        super().__init__(f"more than {longest} characters")
        self.longest = longest


class NameTaken(Refusal):
    """The unit has another platform of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is there already")
        self.name = name


@dataclass(frozen=True)
class PlatformFacts:
    """One platform; ``is_chosen`` by the class that was asked about."""

    platform_id: int
    name: str
    url: str
    guide: str
    owner: str
    is_chosen: bool


def platforms(
    session: Session, actor_id: int, batch_id: int, *, now: datetime
) -> tuple[PlatformFacts, ...]:
    """Return the platforms that the class can study on: its organiser's and those above.

    Raises NotFound or NotAllowed.
    """
    today = offices.today(session, now)
    check_with(session, actor_id, Act.SEE_PROGRAMME, batch_id, today=today)
    _batch, programme = batch_of(session, batch_id)
    row = plan.of_batch(session, batch_id)
    chosen = row.platform_id if row else None
    within = units.with_all_above(session, [programme.owner_unit_id])
    rows = session.exec(
        select(Platform)
        .where((col(Platform.owner_unit_id).in_(within)) | (col(Platform.id) == chosen))
        .order_by(col(Platform.name), col(Platform.id))
    ).all()
    return tuple(
        PlatformFacts(
            one.id,
            one.name,
            one.url,
            one.guide,
            units.name_of(session, one.owner_unit_id),
            one.id == chosen,
        )
        for one in rows
    )


def choose(
    session: Session, actor_id: int, batch_id: int, platform_id: int | None, *, now: datetime
) -> None:
    """Let the class study on this platform, or on none.

    Raises NotAllowed, ProgrammeCancelled, or NotFound for a platform of another county.
    """
    batch, programme = structure.to_change(session, actor_id, batch_id, now)
    if platform_id is not None:
        within = units.with_all_above(session, [programme.owner_unit_id])
        owner = session.exec(
            select(Platform.owner_unit_id).where(Platform.id == platform_id)
        ).first()
        if owner not in within:
            raise NotFound("platform")
    row = plan.made(session, batch_id, now=now)
    before, row.platform_id = row.platform_id, platform_id
    session.add(row)
    session.flush()
    if before != platform_id:
        structure.note(
            session,
            actor_id,
            "choose_platform",
            f"batch:{batch_id}",
            batch,
            now=now,
            before={"platform_id": before},
            after={"platform_id": platform_id},
        )


def create(
    session: Session,
    actor_id: int,
    batch_id: int,
    name: str,
    *,
    url: str = "",
    guide: str = "",
    now: datetime,
) -> int:
    """Write down a platform of the class's organiser, and let the class study on it.

    One of the same name is the one that is there. Raises NotAllowed, NotFound, NoTitle,
    TitleTooLong, NoAddress, GuideTooLong or ProgrammeCancelled.
    """
    _batch, programme = structure.to_change(session, actor_id, batch_id, now)
    name = _named(name)
    url, guide = _address(url), _guide(guide)
    known = session.exec(
        select(Platform.id).where(
            Platform.owner_unit_id == programme.owner_unit_id, Platform.name == name
        )
    ).first()
    if known is None:
        row = Platform(name=name, owner_unit_id=programme.owner_unit_id, url=url, guide=guide)
        session.add(row)
        session.flush()
        known = row.id
        after = {"name": name, "url": url}
        audit.record(
            session, actor_id, "create_platform", f"platform:{known}", now=now, after=after
        )
    choose(session, actor_id, batch_id, known, now=now)
    return known


_OF_PLATFORM = frozenset({"name", "url", "guide"})


def change(
    session: Session,
    actor_id: int,
    platform_id: int,
    changes: Mapping[str, str],
    *,
    now: datetime,
) -> None:
    """Change its name, address or guide, as the unit that keeps it.

    Raises NotAllowed, NotFound, NoTitle, TitleTooLong, NoAddress, GuideTooLong or NameTaken.
    """
    row = session.exec(select(Platform).where(Platform.id == platform_id)).first()
    if row is None:
        raise NotFound("platform")
    today = offices.today(session, now)
    check(session, actor_id, Act.RUN_PROGRAMME, row.owner_unit_id, today=today)
    wanted = structure.checked(changes, _OF_PLATFORM)
    if "name" in wanted:
        wanted["name"] = _named(wanted["name"])
        other = session.exec(
            select(Platform.id).where(
                Platform.owner_unit_id == row.owner_unit_id,
                Platform.name == wanted["name"],
                col(Platform.id) != platform_id,
            )
        ).first()
        if other is not None:
            raise NameTaken(wanted["name"])
    if "url" in wanted:
        wanted["url"] = _address(wanted["url"])
    if "guide" in wanted:
        wanted["guide"] = _guide(wanted["guide"])
    before = {name: getattr(row, name) for name in wanted}
    for name, value in wanted.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    if before != wanted:
        thing = f"platform:{platform_id}"
        audit.record(
            session, actor_id, "change_platform", thing, now=now, before=before, after=wanted
        )


def _named(name: str) -> str:
    name = structure.titled(name)
    if len(name) > LONGEST_NAME:
        raise structure.TitleTooLong(LONGEST_NAME)
    return name


def completed(url: str) -> str | None:
    """Return the address that is meant by one without a scheme; None where it has one, or is none.

    Raises NoAddress.
    """
    return None if not url.strip() or "://" in url else _address(url)


def _address(url: str) -> str:
    """An address as it is kept; without a scheme it is meant to be safe. Raises NoAddress."""
    url = url.strip()
    if not url:
        return ""
    if "://" not in url:
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise NoAddress from None
    is_site = parts.scheme in ("http", "https") and "." in host and " " not in url
    if not is_site or len(url) > LONGEST_URL:
        raise NoAddress
    return url


def _guide(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_GUIDE:
        raise GuideTooLong(LONGEST_GUIDE)
    return text
