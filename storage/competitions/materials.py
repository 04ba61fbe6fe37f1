"""Materials: what an entry hands in for a round, version by version, until it is due.

One version of each piece stands; what it replaced stays known by its number, time and hash, and
its file is Telegram's to send again. Whoever hands in gets a receipt.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from storage.competitions import eligibility, entering
from storage.competitions.entering import BEFORE_JUDGING, TO_COME
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    Material,
    Round,
)
from storage.refusals import NotFound, Refusal

LINK = "link"
PHOTO = "photo.jpg"
"""What a photo is called, which Telegram gives no name."""
VIDEO = "video.mp4"
"""What a video from the gallery is called; Telegram has made an MP4 of whatever it was."""
VIDEOS = frozenset({"mp4", "mov", "avi", "mkv", "wmv"})
LONGEST_URL = 500
MB = 1024 * 1024
PREPARING = (CompetingState.DRAFT, CompetingState.RETURNED)

_URL = re.compile(r"https?://[^\s<>\"]+\.[^\s<>\"]+")


class WrongKind(Refusal):
    """It is to be handed in as one of these kinds."""

    def __init__(self, kinds: Collection[str]) -> None:
        super().__init__(f"one of {kinds}")
        self.kinds = tuple(kinds)


class TooLarge(Refusal):
    """It is larger than the round takes."""

    def __init__(self, most_mb: int) -> None:
        super().__init__(f"at most {most_mb} MB")
        self.most_mb = most_mb


class EmptyFile(Refusal):
    """There is nothing in the file."""


class MaterialsClosed(Refusal):
    """The time in which materials are handed in is over."""

    def __init__(self, due_at: datetime | None) -> None:
        super().__init__(f"materials were due {due_at}")
        self.due_at = due_at


class StillRequired(Refusal):
    """It is required, and the entry is in: it can be replaced and not taken away."""


@dataclass(frozen=True)
class Found:
    """A name that the check found: where in the file, and what it is. The entrant's alone.

    Without a ``what`` it is something that the check could not look into.
    """

    where: str
    what: str
    is_name: bool = True
    """False where the entrant has said that it is none."""


@dataclass(frozen=True)
class Piece:
    """One version of a piece of work."""

    material_id: int
    version: int
    file_id: str
    file_name: str
    url: str
    size: int
    content_hash: str
    uploaded_at: datetime
    checked_at: datetime | None
    found: tuple[Found, ...]
    mime: str = ""

    @property
    def is_video(self) -> bool:
        """Whether it came from the gallery, and goes out again as a video."""
        return is_video(self.file_name, self.mime)

    @property
    def to_look_at(self) -> int:
        """How many names stand in it that nobody has said anything about."""
        return sum(each.is_name and bool(each.what) for each in self.found)


@dataclass(frozen=True)
class Slot:
    """Something that a round asks for, and what stands for it."""

    key: str
    title: str
    kinds: tuple[str, ...]
    most_mb: int
    required: bool
    piece: Piece | None
    versions: int

    @property
    def takes_files(self) -> bool:
        return any(kind != LINK for kind in self.kinds)

    @property
    def takes_links(self) -> bool:
        return LINK in self.kinds


@dataclass(frozen=True)
class Folder:
    """Everything that an entry hands in for a round."""

    entry_id: int
    round_id: int
    competition: str
    round: str
    due_at: datetime | None
    is_blind: bool
    is_open: bool
    slots: tuple[Slot, ...]
    is_judged: bool
    """Whether it is closed because the judges of the round have begun."""
    before_id: int | None
    """The round before, where pieces asked for here are there already and not here."""


@dataclass(frozen=True)
class Receipt:
    """Word that something was handed in; ``is_new`` is False when this very thing was there."""

    number: str
    material_id: int
    title: str
    version: int
    at: datetime
    content_hash: str
    is_new: bool


def folder(
    session: Session, teacher_id: int, entry_id: int, round_id: int, *, now: datetime
) -> Folder:
    """Return the materials of a round for one of those who make the entry. Raises NotFound."""
    entry, competition = entering.made_by(session, teacher_id, entry_id, lock=False)
    round_, is_open = _of_round(session, entry, competition, round_id, now)
    slots = slots_of(session, entry_id, round_)
    lacking = {slot.key for slot in slots if slot.piece is None}
    first = eligibility.first_round(session, competition.id)
    before = _before(session, entry_id, round_, lacking) if is_open and lacking else None
    here, where = entering.standing(session, entry, first)
    return Folder(
        entry_id=entry_id,
        round_id=round_id,
        competition=competition.title,
        round=round_.name,
        due_at=entering.due_at(entry, round_, first),
        is_blind=competition.is_blind,
        is_open=is_open,
        slots=slots,
        is_judged=here.id == round_.id and where.venue_state not in (*BEFORE_JUDGING, None),
        before_id=before,
    )


def slots_of(session: Session, entry_id: int, round_: Round) -> tuple[Slot, ...]:
    """Return what the round asks for and what stands for it, in the order of the round."""
    rows = session.exec(
        select(Material)
        .where(Material.entry_id == entry_id, Material.round_id == round_.id)
        .order_by(col(Material.version))
        .execution_options(populate_existing=True)
    ).all()
    standing = {row.slot: row for row in rows if row.removed_at is None}
    return tuple(
        Slot(
            key=each["key"],
            title=each["title"],
            kinds=tuple(each.get("kinds", ())),
            most_mb=int(each.get("most_mb") or 20),
            required=bool(each.get("required", True)),
            piece=_piece(standing[each["key"]]) if each["key"] in standing else None,
            versions=sum(row.slot == each["key"] for row in rows),
        )
        for each in round_.materials
    )


def _piece(row: Material) -> Piece:
    return Piece(
        material_id=row.id,
        version=row.version,
        file_id=row.file_id,
        file_name=row.file_name,
        url=row.url,
        size=row.size,
        content_hash=row.content_hash,
        uploaded_at=row.uploaded_at,
        checked_at=row.checked_at,
        found=tuple(
            Found(each["where"], each["what"], not each.get("not_a_name", False))
            for each in row.findings
        ),
        mime=row.mime,
    )


def is_video(file_name: str, mime: str) -> bool:
    """Whether a piece is a video as Telegram knows them: a file has kept its name."""
    return not file_name and mime.startswith("video/")


def _of_round(
    session: Session, entry: Entry, competition: Competition, round_id: int, now: datetime
) -> tuple[Round, bool]:
    """Return the round, and whether the entry can hand in for it now. Raises NotFound."""
    round_ = session.exec(
        select(Round).where(Round.id == round_id, Round.competition_id == competition.id)
    ).first()
    if round_ is None:
        raise NotFound("round")
    first = eligibility.first_round(session, competition.id)
    here, where = entering.standing(session, entry, first)
    due = entering.due_at(entry, round_, first)
    is_open = (
        here.id == round_.id
        and competition.state is CompetitionState.PUBLISHED
        and entry.state in eligibility.LIVE
        and entry.agreed_at is not None
        and (
            where.state is None
            or (where.state in TO_COME and where.venue_state in (*BEFORE_JUDGING, None))
        )
        and (due is None or now < due)
    )
    return round_, is_open


def check_file(slot: Slot, name: str, size: int) -> str:
    """Return the kind of a file. Raises WrongKind, TooLarge or EmptyFile."""
    kind = name.rpartition(".")[2].lower() if "." in name else ""
    taken = {each.lower() for each in slot.kinds} - {LINK}
    # A photo is a JPEG whatever it is called, and a video from the gallery an MP4.
    alike = {"jpg", "jpeg"} if taken & {"jpg", "jpeg"} else set()
    if name == VIDEO and taken & VIDEOS:
        alike = {*alike, "mp4"}
    if kind not in taken | alike:
        raise WrongKind(slot.kinds)
    if size > slot.most_mb * MB:
        raise TooLarge(slot.most_mb)
    if size == 0:
        raise EmptyFile
    return kind


def fits(slot: Slot, name: str, size: int) -> bool:
    """Whether a file of this name and size can be this piece."""
    try:
        check_file(slot, name, size)
    except Refusal:
        return False
    return True


def check_link(slot: Slot, text: str) -> str:
    """Return the address in the text. Raises WrongKind."""
    found = _URL.search(text)
    if found is None or not slot.takes_links or len(found[0]) > LONGEST_URL:
        raise WrongKind(slot.kinds)
    return found[0]


def hand_in(
    session: Session,
    teacher_id: int,
    entry_id: int,
    round_id: int,
    key: str,
    *,
    file_id: str = "",
    file_name: str = "",
    mime: str = "",
    size: int = 0,
    content_hash: str = "",
    text: str = "",
    found: Collection[Found] = (),
    checked: bool = False,
    now: datetime,
) -> Receipt:
    """Hand in a file or a link for a slot, for the first time or in place of what stands there.

    ``found`` is what the check of the file has found; ``checked`` whether there was one. The
    same thing twice is handed in once. Raises NotFound, CompetitionOver, MaterialsClosed,
    NotAgreedYet, WrongKind, TooLarge or EmptyFile.
    """
    entry, competition = entering.made_by(session, teacher_id, entry_id)
    slot = _to_fill(session, entry, competition, round_id, key, now)
    if file_id:
        usual = VIDEO if is_video(file_name, mime) else PHOTO
        check_file(slot, file_name or usual, size)
        given: dict[str, Any] = {"file_name": file_name, "mime": mime, "size": size, "url": ""}
    else:
        given = {"file_name": "", "mime": "", "size": 0, "url": check_link(slot, text)}
    known = slot.piece
    if known is not None and _is_same(known, file_id, given["url"], content_hash):
        return _receipt(
            competition,
            slot,
            known.material_id,
            known.version,
            known.uploaded_at,
            known.content_hash,
            is_new=False,
        )
    if known is not None:
        session.exec(
            select(Material).where(Material.id == known.material_id)
        ).one().removed_at = now
    newest = session.exec(
        select(func.max(Material.version)).where(
            Material.entry_id == entry_id, Material.round_id == round_id, Material.slot == key
        )
    ).one()
    row = Material(
        entry_id=entry_id,
        round_id=round_id,
        slot=key,
        version=(newest or 0) + 1,
        file_id=file_id,
        content_hash=content_hash,
        uploaded_by=teacher_id,
        uploaded_at=now,
        checked_at=now if checked else None,
        findings=_kept(found),
        **given,
    )
    session.add(row)
    session.flush()
    return _receipt(competition, slot, row.id, row.version, now, content_hash, is_new=True)


def _to_fill(
    session: Session,
    entry: Entry,
    competition: Competition,
    round_id: int,
    key: str,
    now: datetime,
) -> Slot:
    eligibility.check_on(competition)
    if entry.agreed_at is None:
        raise entering.NotAgreedYet
    round_, is_open = _of_round(session, entry, competition, round_id, now)
    slot = next((each for each in slots_of(session, entry.id, round_) if each.key == key), None)
    if slot is None:
        raise NotFound("material")
    if not is_open:
        first = eligibility.first_round(session, competition.id)
        raise MaterialsClosed(entering.due_at(entry, round_, first))
    return slot


def _is_same(known: Piece, file_id: str, url: str, content_hash: str) -> bool:
    if url or known.url:
        return known.url == url
    return known.file_id == file_id or bool(content_hash and known.content_hash == content_hash)


def _receipt(
    competition: Competition,
    slot: Slot,
    material_id: int,
    version: int,
    at: datetime,
    content_hash: str,
    *,
    is_new: bool,
) -> Receipt:
    return Receipt(
        number=f"{competition.code}-{material_id:06}",
        material_id=material_id,
        title=slot.title,
        version=version,
        at=at,
        content_hash=content_hash,
        is_new=is_new,
    )


def remove(session: Session, teacher_id: int, material_id: int, *, now: datetime) -> None:
    """Take a piece away, as long as materials are open; taken away twice is once.

    Raises NotFound, CompetitionOver, MaterialsClosed, or StillRequired where the entry is in and
    the round wants it.
    """
    row, entry, competition = _own_piece(session, teacher_id, material_id)
    if row.removed_at is not None:
        return
    slot = _to_fill(session, entry, competition, row.round_id, row.slot, now)
    if slot.required and entry.state not in PREPARING:
        raise StillRequired
    row.removed_at = now
    session.flush()


def not_a_name(session: Session, teacher_id: int, material_id: int, number: int) -> None:
    """Say that a finding (from 0) is no name; the organiser sees how often, and not what.

    Raises NotFound.
    """
    row, _entry, _competition = _own_piece(session, teacher_id, material_id)
    if not 0 <= number < len(row.findings):
        raise NotFound("finding")
    findings = [dict(each) for each in row.findings]
    findings[number]["not_a_name"] = True
    row.findings = findings
    session.flush()


def keep_check(
    session: Session,
    teacher_id: int,
    material_id: int,
    found: Collection[Found],
    content_hash: str,
    *,
    now: datetime,
) -> None:
    """Keep what a later check of a piece has found. Raises NotFound."""
    row, _entry, _competition = _own_piece(session, teacher_id, material_id)
    said = {(each["where"], each["what"]) for each in row.findings if each.get("not_a_name")}
    row.findings = [
        each | ({"not_a_name": True} if (each["where"], each["what"]) in said else {})
        for each in _kept(found)
    ]
    row.checked_at, row.content_hash = now, content_hash
    session.flush()


def _kept(found: Collection[Found]) -> list[dict[str, Any]]:
    return [
        {"where": each.where, "what": each.what} | ({} if each.is_name else {"not_a_name": True})
        for each in found
    ]


def _own_piece(
    session: Session, teacher_id: int, material_id: int
) -> tuple[Material, Entry, Competition]:
    row = session.exec(
        select(Material)
        .where(Material.id == material_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("material")
    entry, competition = entering.made_by(session, teacher_id, row.entry_id)
    return row, entry, competition


def piece(session: Session, teacher_id: int, material_id: int) -> Piece:
    """Return a piece for one of those who make the entry. Raises NotFound."""
    return _piece(_own_piece(session, teacher_id, material_id)[0])


def bring_along(
    session: Session, teacher_id: int, entry_id: int, round_id: int, *, now: datetime
) -> int:
    """Hand in again, for this round, what it asks for and the round before has; how much.

    Raises as ``hand_in`` does.
    """
    entry, competition = entering.made_by(session, teacher_id, entry_id)
    eligibility.check_on(competition)
    round_, is_open = _of_round(session, entry, competition, round_id, now)
    if not is_open:
        first = eligibility.first_round(session, competition.id)
        raise MaterialsClosed(entering.due_at(entry, round_, first))
    lacking = {slot.key for slot in slots_of(session, entry_id, round_) if slot.piece is None}
    before_id = _before(session, entry_id, round_, lacking)
    if before_id is None:
        return 0
    rows = session.exec(
        select(Material).where(
            Material.entry_id == entry_id,
            Material.round_id == before_id,
            col(Material.removed_at).is_(None),
            col(Material.slot).in_(lacking),
        )
    ).all()
    for row in rows:
        newest = session.exec(
            select(func.max(Material.version)).where(
                Material.entry_id == entry_id,
                Material.round_id == round_id,
                Material.slot == row.slot,
            )
        ).one()
        session.add(
            Material(
                entry_id=entry_id,
                round_id=round_id,
                slot=row.slot,
                version=(newest or 0) + 1,
                file_id=row.file_id,
                file_name=row.file_name,
                mime=row.mime,
                size=row.size,
                content_hash=row.content_hash,
                url=row.url,
                uploaded_by=teacher_id,
                uploaded_at=now,
                checked_at=row.checked_at,
                findings=list(row.findings),
            )
        )
    session.flush()
    return len(rows)


def _before(session: Session, entry_id: int, round_: Round, lacking: set[str]) -> int | None:
    """Return the latest earlier round for which something that is lacking was handed in."""
    return session.exec(
        select(Round.id)
        .join(Material, col(Material.round_id) == col(Round.id))
        .where(
            Material.entry_id == entry_id,
            Round.competition_id == round_.competition_id,
            Round.position < round_.position,
            col(Material.removed_at).is_(None),
            col(Material.slot).in_(lacking),
        )
        .order_by(col(Round.position).desc())
        .limit(1)
    ).first()


def checks(session: Session, entry_id: int, round_: Round) -> tuple[int, int]:
    """Return how many names stand in an entry's materials, and how many were said to be none."""
    pieces = [slot.piece for slot in slots_of(session, entry_id, round_) if slot.piece is not None]
    every = [each for piece in pieces for each in piece.found if each.what]
    return sum(each.is_name for each in every), sum(not each.is_name for each in every)
