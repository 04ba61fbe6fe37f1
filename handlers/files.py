"""Files that people send in private: awaited ones, and tables known by their headers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from telegram import Message, Update
from telegram.error import BadRequest

from handlers import progress
from handlers.context import Context, take_away
from handlers.progress import Progress
from handlers.wiring import AnyApplication
from locales import catalog
from storage import sheets
from storage.people import imports
from storage.people.accounts import Reader
from storage.refusals import Refusal
from storage.sheets import Book, Unreadable, Wrong

LARGEST = 20 * 1024 * 1024  # what Telegram lets a bot fetch
TABLES = (".xlsx", ".xls", ".csv", ".ods", ".xlsm", ".xlsb", ".tsv")


class FileTooLarge(Refusal):
    """Larger than a bot can fetch."""


class NotATable(Refusal):
    """A file that nobody has asked for, and that is none of the tables known here."""


@dataclass(frozen=True)
class Attachment:
    """A file, photo or video as it was sent; ``file_id`` is Telegram's, and can be sent on."""

    file_id: str
    name: str
    size: int
    is_photo: bool
    mime: str = ""
    is_video: bool = False
    """From the gallery; one that was sent as a file is a file."""


@dataclass(frozen=True)
class Dropped:
    """A table that somebody dropped into the chat, fetched and read."""

    attachment: Attachment
    content: bytes
    book: Book
    progress: Progress = field(default_factory=Progress)
    """Shown in the chat while the route takes longer than a moment."""


FileRoute = Callable[[Update, Context, Reader, Attachment], Coroutine[Any, Any, None]]
TableRoute = Callable[[Update, Context, Reader, Dropped], Coroutine[Any, Any, None]]


def on_file(
    application: AnyApplication, awaited: str, route: FileRoute, *, takes_videos: bool = False
) -> None:
    """Call the route with a file that comes while ``awaiting`` is this, or this and more.

    With a video from the gallery only where it is said that those are taken.
    """
    routes: dict[str, FileRoute] = application.bot_data.setdefault("files", {})
    if awaited in routes:
        raise ValueError(f"two routes for the file {awaited!r}")
    routes[awaited] = route
    if takes_videos:
        application.bot_data.setdefault("videos", set()).add(awaited)


def on_table(application: AnyApplication, fits: Callable[[Book], bool], route: TableRoute) -> None:
    """Call the route with a dropped table that fits; the first topic that says so takes it."""
    tables: list[tuple[Callable[[Book], bool], TableRoute]] = application.bot_data.setdefault(
        "tables", []
    )
    tables.append((fits, route))


def on_document(application: AnyApplication, suffix: str, route: FileRoute) -> None:
    """Call the route with a file whose name ends like this, of whoever has linked."""
    documents: dict[str, FileRoute] = application.bot_data.setdefault("documents", {})
    if suffix in documents:
        raise ValueError(f"two routes for files that end in {suffix!r}")
    documents[suffix] = route


async def taken(update: Update, context: Context, reader: Reader) -> bool:
    """Take a file to whoever waits for it, or to the topic whose table it is.

    False for what is no file, and for a file of another kind that nobody waits for.
    """
    message = update.effective_message
    if message is None or not (message.document or message.photo or message.video):
        return False
    routes: dict[str, FileRoute] = context.bot_data.get("files", {})
    name = reader.awaiting.partition(":")[0]
    if message.video and name not in context.bot_data.get("videos", ()):
        return False
    attachment = attached(message)
    awaited = routes.get(name)
    if awaited is not None:
        await awaited(update, context, reader, attachment)
        return True
    if reader.teacher_id is None or attachment.is_photo:
        return False
    documents: dict[str, FileRoute] = context.bot_data.get("documents", {})
    for suffix, document in documents.items():
        if attachment.name.lower().endswith(suffix):
            await document(update, context, reader, attachment)
            return True
    await sort_out(update, context, reader)
    return True


async def sort_out(update: Update, context: Context, reader: Reader) -> None:
    """Take a table to the topic that knows it by its headers. Raises NotATable or Unreadable."""
    await with_bar(context, reader, lambda told: _sorted_out(update, context, reader, told))


async def with_bar(
    context: Context, reader: Reader, work: Callable[[Progress], Coroutine[Any, Any, None]]
) -> None:
    """Do the work; while it lasts, one message in the chat says how far it is."""
    told = Progress(_reading(reader.language))
    messages: list[int] = []

    async def show(text: str) -> None:
        if messages:
            await context.bot.edit_message_text(
                text, chat_id=reader.tg_user_id, message_id=messages[0]
            )
        else:
            sent = await context.bot.send_message(
                reader.tg_user_id, text, disable_notification=True
            )
            messages.append(sent.message_id)

    try:
        await progress.shown(work(told), told, show)
    finally:
        for message_id in messages:
            await take_away(context, reader.tg_user_id, message_id)


def _reading(language: str) -> str:
    _ = catalog(language).gettext
    return _("Reading the file…")


async def _sorted_out(update: Update, context: Context, reader: Reader, told: Progress) -> None:
    """Read the table and hand it to the topic that knows it."""
    message = update.effective_message
    assert message is not None
    dropped = replace(await read_table(context, attached(message)), progress=told)
    tables: list[tuple[Callable[[Book], bool], TableRoute]] = context.bot_data.get("tables", [])
    for fits, route in tables:
        if fits(dropped.book):
            await route(update, context, reader, dropped)
            return
    raise NotATable


def attached(message: Message) -> Attachment:
    """The file of a message that has one."""
    if message.document is not None:
        document = message.document
        return Attachment(
            document.file_id,
            document.file_name or "",
            document.file_size or 0,
            False,
            document.mime_type or "",
        )
    if message.video is not None:
        video = message.video
        return Attachment(
            video.file_id,
            video.file_name or "",
            video.file_size or 0,
            False,
            video.mime_type or "video/mp4",
            is_video=True,
        )
    photo = max(message.photo, key=lambda size: size.width)
    return Attachment(photo.file_id, "", photo.file_size or 0, True)


async def fetch(context: Context, attachment: Attachment) -> bytes:
    """Fetch the file. Raises FileTooLarge before a byte is moved."""
    if attachment.size > LARGEST:
        raise FileTooLarge
    try:
        file = await context.bot.get_file(attachment.file_id)
    except BadRequest as error:
        if "too big" in str(error).lower():  # Telegram had not said how large it is
            raise FileTooLarge from error
        raise
    return bytes(await file.download_as_bytearray())


async def read_table(context: Context, attachment: Attachment) -> Dropped:
    """Fetch a table and read it, off the loop. Raises FileTooLarge, NotATable or Unreadable."""
    if not attachment.name.lower().endswith(TABLES):
        raise NotATable
    content = await fetch(context, attachment)
    book = await asyncio.to_thread(sheets.read, content, attachment.name)
    return Dropped(attachment, content, book)


async def kept_book(context: Context, reader: Reader, job_id: int, kind: str) -> Book:
    """Read the reader's own file again, off the loop and before any transaction.

    Raises NotFound, NotAllowed, or NoLongerWaiting once it is forgotten.
    """
    kept = await context.read(imports.content_of, reader.linked_teacher_id, job_id, kind)
    return await asyncio.to_thread(sheets.read, kept.content, kept.name)


def files_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why a file cannot be taken; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case FileTooLarge():
            return _(
                "This file is larger than 20 MB, which is more than I can fetch. "
                "Please send the table alone, without pictures."
            )
        case NotATable():
            return _(
                "I do not know what to do with this file. I can read tables as XLSX, XLS or "
                "CSV whose first row names the columns, such as staff number, name and school."
            )
        case Unreadable(why=Wrong.TOO_BIG):
            return _("This file holds far more than it seems to, so I have not opened it.")
        case Unreadable(why=Wrong.MACROS):
            return _(
                "This file contains macros, so I have not opened it. "
                "Please save it as XLSX or CSV and send it again."
            )
        case Unreadable(why=Wrong.FORMULAS):
            return _(
                "This table contains formulas, whose results may be out of date. Please paste "
                "it as values only (cell {cell} is the first) and send it again."
            ).format(cell=refusal.where)
        case Unreadable(why=Wrong.LOCKED):
            return _("This file is protected by a password. Please send it without one.")
        case Unreadable(why=Wrong.EMPTY):
            return _("There is nothing in this table.")
        case Unreadable():
            return _(
                "This file cannot be read as a table. "
                "Please save it as XLSX or CSV and send it again."
            )
        case _:
            return ""
