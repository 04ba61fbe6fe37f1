"""Materials in words: what is asked for, what stands for it, the receipt, and what was found."""

from __future__ import annotations

import html
from datetime import datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key
from handlers.competitions.buttons import OpenEntry
from handlers.competitions.entering_buttons import (
    BringAlong,
    CheckPiece,
    FillSlot,
    NotAName,
    OpenFolder,
    OpenSlot,
    RemovePiece,
)
from handlers.context import shortened
from handlers.files import LARGEST
from locales import catalog, dates, numbers
from storage.competitions import materials
from storage.competitions.materials import (
    LINK,
    MB,
    EmptyFile,
    Folder,
    Found,
    MaterialsClosed,
    Piece,
    Receipt,
    Slot,
    StillRequired,
    TooLarge,
    WrongKind,
)
from storage.refusals import Refusal

LABEL = 40
SHOWN = 12
HASH = 16


def materials_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why a piece is not taken; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case WrongKind(kinds=kinds):
            return _(
                "Please send it as: {kinds}. Files are sent as a file, not as a video."
            ).format(kinds=kinds_text(kinds, language))
        case TooLarge(most_mb=most_mb):
            return _(
                "This file is larger than {n} MB. Please send a smaller one, for example with "
                "smaller pictures."
            ).format(n=most_mb)
        case EmptyFile():
            return _("There is nothing in this file. Please send it again.")
        case MaterialsClosed(due_at=due_at) if due_at is not None and due_at <= now:
            return _("Materials were due {before}; they stay as they are.").format(
                before=dates.before(due_at, zone, language, now.astimezone(zone).date())
            )
        case MaterialsClosed():
            return _("Materials of this round can no longer be changed.")
        case StillRequired():
            return _("Your entry is in, so this piece can be replaced and not taken away.")
    return ""


def kinds_text(kinds: tuple[str, ...], language: str) -> str:
    """In which forms something is handed in."""
    _ = catalog(language).gettext
    said = [_("a link") if kind == LINK else kind.upper() for kind in kinds]
    return numbers.joined(said, language)


def size_text(size: int, language: str) -> str:
    """How large a file is: ``3.4 MB``, ``12 KB``."""
    _ = catalog(language).gettext
    if size >= MB:
        return _("{n} MB").format(n=f"{size / MB:.1f}")
    return _("{n} KB").format(n=max(1, size // 1024))


def folder_card(
    facts: Folder, language: str, zone: ZoneInfo, now: datetime, said: str = ""
) -> Card:
    """What a round asks for, and what stands for it, each piece a key."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [html.escape(said), ""] if said else []
    lines.append(
        _("<b>Materials: {round}</b>\n{competition}").format(
            round=html.escape(facts.round), competition=html.escape(facts.competition)
        )
    )
    if facts.due_at is not None:
        if facts.is_open:
            text = _("They can be handed in, replaced and taken away {before}.")
        else:
            text = _("They were due {before}.") if facts.due_at <= now else ""
        before = dates.before(facts.due_at, zone, language, today)
        lines += [text.format(before=before)] if text else _closed_lines(facts, language)
    if facts.is_blind:
        lines.append(_("They are judged blind: please leave out names of people and schools."))
    if not facts.slots:
        lines.append(_("Nothing has to be handed in for this round."))
    lines.append("")
    keys: list[tuple[Key, ...]] = []
    for number, slot in enumerate(facts.slots):
        lines.append(_slot_line(slot, language, zone, now))
        style = "primary" if slot.piece is None and slot.required and facts.is_open else None
        press = OpenSlot(facts.entry_id, facts.round_id, number)
        keys.append((Key(shortened(slot.title, LABEL), press, style=style),))
    if facts.before_id is not None:
        keys.append((Key(_("As in last round"), BringAlong(facts.entry_id, facts.round_id)),))
    keys.append((Key(_("Back"), OpenEntry(facts.entry_id)),))
    return Card("\n".join(lines), tuple(keys))


def _slot_line(slot: Slot, language: str, zone: ZoneInfo, now: datetime) -> str:
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    title = html.escape(slot.title)
    if slot.piece is None:
        if slot.required:
            return _("▫️ {title}: missing").format(title=title)
        return _("▫️ {title}: not handed in, may be left out").format(title=title)
    when = dates.moment(slot.piece.uploaded_at, zone, language, now.astimezone(zone).date())
    text = _("✅ {title}: version {n}, {time}").format(title=title, n=slot.piece.version, time=when)
    if slot.piece.to_look_at:
        text += "\n" + ngettext(
            "🟡 {n} name found, please have a look",
            "🟡 {n} names found, please have a look",
            slot.piece.to_look_at,
        ).format(n=slot.piece.to_look_at)
    return text


def slot_card(
    facts: Folder, number: int, language: str, zone: ZoneInfo, now: datetime, said: str = ""
) -> Card:
    """One piece: what is asked for, what stands for it, and what was found in it."""
    _ = catalog(language).gettext
    slot = facts.slots[number]
    lines = [said, ""] if said else []
    lines.append(f"<b>{html.escape(slot.title)}</b>")
    lines.append(_asked(slot, language))
    keys: list[tuple[Key, ...]] = []
    here = facts.entry_id, facts.round_id, number
    if slot.piece is None:
        lines.append(_("Not handed in yet."))
    else:
        lines += _piece_lines(slot.piece, language, zone, now)
        lines += found_lines(facts, slot.piece, language)
        keys += _found_keys(facts, number, slot.piece, language)
    if facts.is_open:
        label = _("Hand in") if slot.piece is None else _("Replace")
        row = [Key(label, FillSlot(*here), style="primary")]
        if slot.piece is not None:
            row.append(Key(_("Remove"), RemovePiece(*here, slot.piece.material_id)))
        keys.append(tuple(row))
    lines += _closed_lines(facts, language)
    keys.append((Key(_("Back"), OpenFolder(facts.entry_id, facts.round_id)),))
    return Card("\n".join(lines), tuple(keys))


def _closed_lines(facts: Folder, language: str) -> list[str]:
    """Why nothing can be replaced though it may not be due yet."""
    _ = catalog(language).gettext
    if not facts.is_judged:
        return []
    return [_("Judging has begun, so what is handed in can no longer be replaced.")]


def _asked(slot: Slot, language: str) -> str:
    _ = catalog(language).gettext
    must = _("required") if slot.required else _("may be left out")
    if not slot.takes_files:
        return _("As {kinds}, {must}").format(kinds=kinds_text(slot.kinds, language), must=must)
    return _("As {kinds}, up to {n} MB, {must}").format(
        kinds=kinds_text(slot.kinds, language), n=slot.most_mb, must=must
    )


def _piece_lines(piece: Piece, language: str, zone: ZoneInfo, now: datetime) -> list[str]:
    _ = catalog(language).gettext
    when = dates.moment(piece.uploaded_at, zone, language, now.astimezone(zone).date())
    lines = [_("Handed in: version {n}, {time}").format(n=piece.version, time=when)]
    if piece.url:
        lines.append(html.escape(piece.url))
    else:
        name = html.escape(piece.file_name) or (_("a video") if piece.is_video else _("a photo"))
        lines.append(_("{name}, {size}").format(name=name, size=size_text(piece.size, language)))
    return lines


def found_lines(facts: Folder, piece: Piece, language: str) -> list[str]:
    """What the check found, for those who make the entry and nobody else."""
    _ = catalog(language).gettext
    if not facts.is_blind:
        return []
    if piece.url:
        return [
            _(
                "A link cannot be checked for names. Please look yourself whether names of people "
                "or schools can be seen behind it."
            )
        ]
    lines: list[str] = []
    is_large = piece.checked_at is None and piece.size > LARGEST
    if is_large:
        lines.append(
            _(
                "It is larger than 20 MB, which is more than I can fetch, and so has not been "
                "checked for names. Please look yourself that none is seen or heard in it."
            )
        )
        if not piece.found:
            return lines
    elif piece.checked_at is None:
        return [
            _(
                "This file has not been checked for names. Please look yourself, also into its "
                "properties."
            )
        ]
    found = [each for each in piece.found if each.what]
    lines.append("")
    if not found:
        lines.append(_("The check found no name in it."))
    else:
        lines.append(_("The check found this. Only you are told:"))
    for n, each in enumerate(found[:SHOWN], 1):
        text = _("{n}. “{what}”, {where}").format(
            n=n, what=html.escape(each.what), where=place_text(each.where, language)
        )
        lines.append(text if each.is_name else _("{text} (no name, you say)").format(text=text))
    if any(each.is_name for each in found):
        lines.append(
            _("Please send another file without it, or say that it is not a name.")
            if facts.is_open
            else _("If one of these is not a name, you can say so.")
        )
    lines += [unread_text(each.where, language) for each in piece.found if not each.what]
    return lines


def _found_keys(facts: Folder, number: int, piece: Piece, language: str) -> list[tuple[Key, ...]]:
    _ = catalog(language).gettext
    if not facts.is_blind or piece.url:
        return []
    here = facts.entry_id, facts.round_id, number, piece.material_id
    keys = []
    shown: list[tuple[int, Found]] = [
        (at, each) for at, each in enumerate(piece.found) if each.what
    ][:SHOWN]
    for n, (at, each) in enumerate(shown, 1):
        if each.is_name:
            keys.append(Key(_("{n}: not a name").format(n=n), NotAName(*here, at)))
    rows = [tuple(keys[n : n + 2]) for n in range(0, len(keys), 2)]
    if piece.checked_at is None and piece.size <= LARGEST:
        rows.append((Key(_("Check for names"), CheckPiece(*here)),))
    return rows


def place_text(where: str, language: str) -> str:
    """Where in a file something stands. HTML."""
    _ = catalog(language).gettext
    kind, _colon, detail = where.partition(":")
    shown = html.escape(shortened(detail, LABEL))
    match kind:
        case "name":
            return _("in the name of the file")
        case "header":
            return _("in the header of the pages")
        case "footer":
            return _("in the footer of the pages")
        case "comment":
            return _("in a comment, or as whoever wrote one")
        case "note":
            return _("in a footnote")
        case "slide":
            return _("on slide {n}").format(n=shown)
        case "notes":
            return _("in the speaker's notes of slide {n}").format(n=shown)
        case "master":
            return _("in the template of the slides")
        case "drawing":
            return _("in a drawing or chart")
        case "link":
            return _("in the address of a link")
        case "sheet":
            return _("on sheet {n}").format(n=shown)
        case "sheets":
            return _("in the name of a sheet")
        case "page":
            return _("on page {n}").format(n=shown)
        case "property":
            return _("in the properties of the file ({name})").format(
                name=_property(detail, language) or shown
            )
        case "xmp":
            return _("in the properties of the file")
        case "picture":
            return _("in the data of a picture ({name})").format(name=shown or "—")
        case "gps":
            return _("a picture says where it was taken")
        case _:
            return _("in the text")


def _property(key: str, language: str) -> str:
    """What people know a property as; empty for one that they named themselves."""
    _ = catalog(language).gettext
    return {
        "creator": _("author"),
        "author": _("author"),
        "lastmodifiedby": _("last saved by"),
        "company": _("unit"),
        "manager": _("head"),
        "title": _("title of the file"),
        "subject": _("topic"),
        "keywords": _("keywords"),
        "description": _("remarks"),
    }.get(key.casefold(), "")


def unread_text(where: str, language: str) -> str:
    """What the check could not look into, and what to do."""
    _ = catalog(language).gettext
    match where.partition(":")[2]:
        case "pages":
            return _("Pages that are pictures cannot be checked. Please look at them yourself.")
        case "locked":
            return _("The file is protected by a password. Please send it without one.")
        case "media":
            return _("This kind of file cannot be checked for names. Please look yourself.")
        case "too_big":
            return _("The file is too large to be checked as a whole. Please look yourself.")
        case _:
            return _("A part of the file could not be read. Please see whether it opens.")


def ask_card(facts: Folder, number: int, language: str) -> Card:
    """Ask for the piece."""
    _ = catalog(language).gettext
    slot = facts.slots[number]
    title = html.escape(slot.title)
    if slot.takes_files and slot.takes_links:
        text = _("Please send “{title}” as a file, or a link to it.").format(title=title)
    elif slot.takes_links:
        text = _("Please send the link to “{title}”.").format(title=title)
    else:
        text = _("Please send “{title}” as a file.").format(title=title)
    lines = [text, _asked(slot, language)]
    if materials.VIDEOS & {kind.lower() for kind in slot.kinds}:
        lines.append(_("A video can come from the gallery or as a file."))
    if facts.is_blind:
        lines.append(
            _("It is checked for names of people and schools; what is found is told to you alone.")
        )
    back = OpenSlot(facts.entry_id, facts.round_id, number)
    return Card("\n".join(lines), ((Key(_("Cancel"), back),),))


def receipt_text(receipt: Receipt, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Word that something was handed in, to be kept. HTML."""
    _ = catalog(language).gettext
    if not receipt.is_new:
        return _("This is here already (receipt {number}); nothing is left to do.").format(
            number=html.escape(receipt.number)
        )
    when = dates.moment(receipt.at, zone, language, now.astimezone(zone).date())
    text = _("Thank you, “{title}” is in: version {n}, {time}. Receipt {number}").format(
        title=html.escape(receipt.title),
        n=receipt.version,
        time=when,
        number=html.escape(receipt.number),
    )
    if receipt.content_hash:
        text += "\n" + _("SHA-256 {hash}…").format(hash=receipt.content_hash[:HASH])
    return text
