"""Materials: each piece a card, a file or link taken for it, and what its check has found."""

from __future__ import annotations

import asyncio
import hashlib
import html
import logging
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session
from telegram import Update
from telegram.constants import ParseMode
from telegram.error import BadRequest, NetworkError

from handlers.cards import Card, Key
from handlers.competitions.entering_buttons import (
    BringAlong,
    CheckPiece,
    FillSlot,
    NotAName,
    OpenFolder,
    OpenSlot,
    RemovePiece,
)
from handlers.competitions.handing_in_text import (
    ask_card,
    folder_card,
    receipt_text,
    slot_card,
)
from handlers.context import Context, alert, show, tap
from handlers.files import LARGEST, Attachment, FileTooLarge, fetch, on_file, with_bar
from handlers.progress import Progress
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog
from storage.competitions import anonymity, materials
from storage.competitions.materials import Folder, Found, Receipt, Slot
from storage.people import accounts
from storage.people.accounts import Reader
from storage.refusals import NotFound

WORK = "entrywork"
FOLDER = "entryfolder"  # all of them are looked at: a file is for the one that it fits
PAGE = "entrypage"  # a piece is looked at: a file is for it, and a text for whatever else

logger = logging.getLogger(__name__)


def install(application: AnyApplication) -> None:
    on_tap(application, OpenFolder, open_folder)
    on_tap(application, OpenSlot, open_slot)
    on_tap(application, FillSlot, ask_work)
    on_file(application, WORK, work_sent, takes_videos=True)
    on_file(application, PAGE, work_sent, takes_videos=True)
    on_file(application, FOLDER, sent_to_folder, takes_videos=True)
    on_text(application, WORK, work_typed)
    on_tap(application, RemovePiece, remove)
    on_tap(application, NotAName, not_a_name)
    on_tap(application, CheckPiece, check_again)
    on_tap(application, BringAlong, bring_along)


@dataclass(frozen=True)
class Looked:
    """What was learnt of a file: its hash, and what stands in it where it could be read."""

    content_hash: str = ""
    found: tuple[Found, ...] = ()
    checked: bool = False


async def open_folder(update: Update, context: Context) -> None:
    """Show what the entry hands in for a round."""
    button = OpenFolder.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_folder(update, context, reader, button.entry_id, button.round_id)


async def _show_folder(
    update: Update,
    context: Context,
    reader: Reader,
    entry_id: int,
    round_id: int,
    said: str = "",
) -> None:
    facts = await _folder(context, reader, entry_id, round_id)
    zone, now = context.house.zone, context.now()
    if facts.is_open:
        awaited = f"{FOLDER}:{entry_id}:{round_id}:0"
        await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    await show(update, context, reader, folder_card(facts, reader.language, zone, now, said))


async def _folder(context: Context, reader: Reader, entry_id: int, round_id: int) -> Folder:
    return await context.read(
        materials.folder, reader.linked_teacher_id, entry_id, round_id, now=context.now()
    )


def _slot(facts: Folder, number: int) -> Slot:
    if not 0 <= number < len(facts.slots):
        raise NotFound("material")
    return facts.slots[number]


async def open_slot(update: Update, context: Context) -> None:
    """Show one piece."""
    button = OpenSlot.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_slot(update, context, reader, button.entry_id, button.round_id, button.number)


async def _show_slot(
    update: Update,
    context: Context,
    reader: Reader,
    entry_id: int,
    round_id: int,
    number: int,
    said: str = "",
) -> None:
    facts = await _folder(context, reader, entry_id, round_id)
    zone, now = context.house.zone, context.now()
    _slot(facts, number)
    if facts.is_open:
        # Whoever sees what is asked for sends it, without a key before.
        awaited = f"{PAGE}:{entry_id}:{round_id}:{number}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    card = slot_card(facts, number, reader.language, zone, now, said)
    await show(update, context, reader, card)


async def ask_work(update: Update, context: Context) -> None:
    """Take the next file or link as this piece."""
    button = FillSlot.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await _folder(context, reader, button.entry_id, button.round_id)
    _slot(facts, button.number)
    if not facts.is_open:
        raise materials.MaterialsClosed(facts.due_at)
    awaited = f"{WORK}:{button.entry_id}:{button.round_id}:{button.number}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    await show(update, context, reader, ask_card(facts, button.number, reader.language))


def _awaited(reader: Reader) -> tuple[int, int, int]:
    entry_id, round_id, number = (int(part) for part in reader.awaiting.split(":")[1:4])
    return entry_id, round_id, number


async def work_sent(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Take a file as the piece."""
    await _take(update, context, reader, attachment, _awaited(reader))


async def sent_to_folder(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Take a file as the one piece that is still missing and that it can be."""
    entry_id, round_id, _number = _awaited(reader)
    facts = await _folder(context, reader, entry_id, round_id)
    name = _name_of(attachment)
    fits = [
        number
        for number, slot in enumerate(facts.slots)
        if slot.piece is None and materials.fits(slot, name, attachment.size)
    ]
    if len(fits) == 1:
        await _take(update, context, reader, attachment, (entry_id, round_id, fits[0]))
        return
    _ = catalog(reader.language).gettext
    said = _("Please tap first which of these the file is, and then send it.")
    await _show_folder(update, context, reader, entry_id, round_id, said)


def _name_of(attachment: Attachment) -> str:
    """What the file is called; of a photo or a video, which have no name, what is usual."""
    if attachment.is_video:
        return materials.VIDEO
    return materials.PHOTO if attachment.is_photo else attachment.name


async def _take(
    update: Update,
    context: Context,
    reader: Reader,
    attachment: Attachment,
    where: tuple[int, int, int],
) -> None:
    """Take a file as a piece; where names must not be in it, look for them first."""
    entry_id, round_id, number = where
    facts = await _folder(context, reader, entry_id, round_id)
    slot = _slot(facts, number)
    # Neither a photo nor a video keeps a name: the file's own may say whose it is.
    unnamed = attachment.is_photo or attachment.is_video
    name = _name_of(attachment)
    # Before a byte is moved: what is refused is awaited once more, in the right form.
    materials.check_file(slot, name, attachment.size)
    looked = await _look(context, reader, facts, attachment, name)
    receipt = await _hand_in(
        context,
        reader,
        (entry_id, round_id, slot.key),
        {
            "file_id": attachment.file_id,
            "file_name": "" if unnamed else name,
            "mime": attachment.mime,
            "size": attachment.size,
            "content_hash": looked.content_hash,
            "found": looked.found,
            "checked": looked.checked,
        },
    )
    await _acknowledge(update, context, reader, (entry_id, round_id, number), receipt)


async def work_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a link as the piece."""
    entry_id, round_id, number = _awaited(reader)
    facts = await _folder(context, reader, entry_id, round_id)
    slot = _slot(facts, number)
    receipt = await _hand_in(context, reader, (entry_id, round_id, slot.key), {"text": text})
    await _acknowledge(update, context, reader, (entry_id, round_id, number), receipt)


async def _acknowledge(
    update: Update, context: Context, reader: Reader, where: tuple[int, int, int], receipt: Receipt
) -> None:
    """Give the receipt, as a message that stays while cards come and go; then the piece."""
    said = receipt_text(receipt, reader.language, context.house.zone, context.now())
    if receipt.is_new:
        await context.bot.send_message(reader.tg_user_id, said, parse_mode=ParseMode.HTML)
        said = ""
    await _show_slot(update, context, reader, *where, said)


async def _hand_in(
    context: Context, reader: Reader, where: tuple[int, int, str], given: dict[str, Any]
) -> Receipt:
    now = context.now()

    def change(session: Session) -> Receipt:
        receipt = materials.hand_in(session, reader.linked_teacher_id, *where, **given, now=now)
        accounts.await_text(session, reader.account_id, "", now=now)
        return receipt

    return await context.write(change)


async def _look(
    context: Context, reader: Reader, facts: Folder, attachment: Attachment, name: str
) -> Looked:
    """Fetch the file, and read it where names must not be in it; nothing of it is kept.

    What cannot be fetched or read is handed in all the same, and is not checked.
    """
    names = await context.read(anonymity.names_for, facts.entry_id) if facts.is_blind else None
    if attachment.size > LARGEST:
        # It cannot be fetched: of all that it holds its name alone is known.
        if names is None:
            return Looked()
        named = anonymity.Reading((("name", attachment.name.rpartition(".")[0]),))
        return Looked(found=anonymity.find(named, names))
    looked: list[Looked] = []

    async def work(_told: Progress) -> None:
        try:
            content = await fetch(context, attachment)
        except (FileTooLarge, BadRequest, NetworkError):
            logger.warning("A piece of work could not be fetched")
            looked.append(Looked())
            return
        digest = hashlib.sha256(content).hexdigest()
        if names is None:
            looked.append(Looked(digest))
            return
        called = attachment.name or name
        reading = await asyncio.to_thread(anonymity.read, content, called)
        found = anonymity.find(reading, names)
        looked.append(Looked(digest, found, checked=True))

    await with_bar(context, reader, work)
    return looked[0]


async def remove(update: Update, context: Context) -> None:
    """Ask once more, then take the piece away."""
    button = RemovePiece.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await _folder(context, reader, button.entry_id, button.round_id)
    slot = _slot(facts, button.number)
    if not button.sure and slot.piece is not None:
        text = _("Take “{title}” away? You can hand it in again as long as it is not due.").format(
            title=html.escape(slot.title)
        )
        keys = (
            (
                Key(
                    _("Remove"),
                    RemovePiece(
                        button.entry_id, button.round_id, button.number, button.material_id, 1
                    ),
                    style="danger",
                ),
            ),
            (Key(_("Back"), OpenSlot(button.entry_id, button.round_id, button.number)),),
        )
        await show(update, context, reader, Card(text, keys))
        return
    await context.write(
        materials.remove, reader.linked_teacher_id, button.material_id, now=context.now()
    )
    await _show_slot(update, context, reader, button.entry_id, button.round_id, button.number)


async def not_a_name(update: Update, context: Context) -> None:
    """Say that what was found is no name."""
    button = NotAName.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        materials.not_a_name, reader.linked_teacher_id, button.material_id, button.finding
    )
    await _show_slot(update, context, reader, button.entry_id, button.round_id, button.number)


async def check_again(update: Update, context: Context) -> None:
    """Fetch the file once more and look for names in it."""
    button = CheckPiece.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await _folder(context, reader, button.entry_id, button.round_id)
    piece = await context.read(materials.piece, reader.linked_teacher_id, button.material_id)
    looked = await _look(
        context,
        reader,
        facts,
        Attachment(
            piece.file_id,
            piece.file_name,
            piece.size,
            not (piece.file_name or piece.is_video),
            is_video=piece.is_video,
        ),
        piece.file_name or (materials.VIDEO if piece.is_video else materials.PHOTO),
    )
    if not looked.checked:
        await alert(update, _("The file could not be fetched just now. Please try again later."))
        return
    await context.write(
        materials.keep_check,
        reader.linked_teacher_id,
        button.material_id,
        looked.found,
        looked.content_hash,
        now=context.now(),
    )
    await _show_slot(update, context, reader, button.entry_id, button.round_id, button.number)


async def bring_along(update: Update, context: Context) -> None:
    """Hand in what the round before has."""
    button = BringAlong.parse(tap(update).data)
    reader = await context.reader(update)
    _, ngettext = catalog(reader.language).gettext, catalog(reader.language).ngettext
    number = await context.write(
        materials.bring_along,
        reader.linked_teacher_id,
        button.entry_id,
        button.round_id,
        now=context.now(),
    )
    said = (
        ngettext(
            "{n} piece of the round before is handed in for this round.",
            "{n} pieces of the round before are handed in for this round.",
            number,
        ).format(n=number)
        if number
        else _("Nothing of the round before is missing here.")
    )
    await _show_folder(update, context, reader, button.entry_id, button.round_id, said)
