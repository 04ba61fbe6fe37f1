"""Delivery: claim a row, mark it as being sent, send it, settle it, one by one.

As many rows are claimed as can be in flight at once, so a kill leaves no more than these in
doubt. A failure is sorted by its remedy, and one row that cannot be put into words or sent
does not hold up the others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from telegram import Bot
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.pacer import Pacer, Refusals
from bot.relaying import Relaying
from bot.request import parameters
from handlers.cards import Card, GroupCard, drawn, plain
from handlers.competitions import list_cards, round_cards
from handlers.context import House
from handlers.messaging import group_cards, group_troubles
from handlers.messaging.voices import File, Later, Nothing, Say, Voice
from storage.messaging import groups, outbox, relays
from storage.messaging.outbox import Claimed

LEASE = timedelta(minutes=3)
GATHER = 16  # messages in flight from which on what has landed is written down together
SETTLE_TRIES = 15  # about two minutes, and the lease is three
SETTLE_PAUSE = 0.5  # seconds, twice as long each time, up to ten
FILE_TRIES = 3
FILE_PAUSE = 20.0  # seconds that a file is worth waiting; the lease is three minutes
LOOK = 1.0  # seconds between looks when nobody has woken us
RECOVER_EVERY = 10.0  # seconds between looks for what a dead process had in hand
# What Telegram says of a chat that will never accept a message from us again.
GONE = ("chat not found", "peer_id_invalid", "user_is_deactivated", "group is deactivated")

logger = logging.getLogger(__name__)


class PlaceWaits(Exception):
    """The group or topic takes no messages now; what is meant for it waits."""


@dataclass(frozen=True)
class _Landed:
    """A message that Telegram has taken and that is not written down yet."""

    outbox_id: int
    message_id: int
    file_id: int | None
    """The message that is its last file and bears its keys once more."""
    copy: str | None
    """What second channels are to get of it."""
    written: asyncio.Future[None]


def _passed_on(row: Claimed, said: Say) -> str | None:
    """The text of this message for second channels, if there is one and it is for them."""
    if not row.relayed or said.edits is not None:
        return None
    if isinstance(said.card, GroupCard):
        passes = row.kind not in relays.NOT_PASSED_ON
    else:
        passes = row.kind in relays.MAILED
    return plain(said.card.text) if passes else None


def _is_done(error: BadRequest) -> bool:
    """Whether a message reads so already, or is not there any more."""
    return "not modified" in str(error) or "not found" in str(error)


class Delivery:
    """Sends what is in the outbox, at the allowed rate."""

    def __init__(
        self,
        bot: Bot,
        house: House,
        voices: Mapping[str, Voice],
        *,
        rate: float,
        paid: bool = False,
        relaying: Relaying | None = None,
    ) -> None:
        """Deliver at ``rate`` a second; ``paid`` lets Telegram charge for what is above its own."""
        self._relaying = relaying
        self._bot = bot
        self._paid = paid
        self._refusals = Refusals()
        self._house = house
        self._voices = voices
        self._pacer = Pacer(rate)
        # Enough to keep the pace when an answer takes a tenth of a second and claiming as long,
        # and no more: what is in flight at a kill is in doubt.
        self._flight = max(32, int(rate / 5))
        self._in_flight: dict[asyncio.Task[None], int] = {}
        self._turns: dict[int, int] = {}  # by priority: the stream that went last
        self._to_settle: list[_Landed] = []
        self._settling: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._woken = asyncio.Event()
        self._stopping = False
        self.sent = 0

    def wake(self) -> None:
        """Look at once: something was put into the outbox, or the clock moved."""
        self._woken.set()
        if self._relaying is not None:
            self._relaying.wake()

    async def run(self) -> None:
        """Send until ``stop`` is called; then finish what is in flight."""
        if self._relaying is None:
            await self._run()
            return
        beside = asyncio.get_running_loop().create_task(self._relaying.run())
        try:
            await self._run()
        finally:
            self._relaying.stop()
            await beside

    async def _run(self) -> None:
        self._stopping = False
        looked = -RECOVER_EVERY
        while not self._stopping:
            if time.monotonic() - looked >= RECOVER_EVERY:
                looked = time.monotonic()
                await self._recover()
            try:
                claimed = await self._claim()
            except Exception:
                logger.exception("The outbox could not be read")
                claimed = []
            for row in claimed:
                task = asyncio.get_running_loop().create_task(self._deliver(row))
                self._in_flight[task] = row.tg_chat_id
                task.add_done_callback(self._landed)
            self._note_room()
            if not claimed:
                self._woken.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), LOOK)
        await asyncio.gather(*self._in_flight, return_exceptions=True)

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self._woken.set()

    async def drain(self) -> None:
        """Send all that is due now and return when it is out; for tests and rehearsals."""
        while True:
            claimed = await self._claim()
            if not claimed and not self._in_flight:
                if self._relaying is not None:
                    await self._relaying.drain()
                return
            await asyncio.gather(*(self._deliver(row) for row in claimed))

    async def _claim(self) -> list[Claimed]:
        # Claiming costs the same for one row as for many, so it waits for some places.
        await self._room.wait()
        free = self._flight - len(self._in_flight)
        claimed = await self._house.database.write(
            outbox.claim,
            now=self._house.clock(),
            lease=LEASE,
            limit=free,
            exclude_chats=list(self._in_flight.values()),
            turns=self._turns,
        )
        self._turns |= {row.priority: row.stream for row in claimed}
        return claimed

    async def _recover(self) -> None:
        try:
            found = await self._house.database.write(outbox.recover, now=self._house.clock())
        except Exception:
            logger.exception("Rows in doubt could not be recovered")
            return
        if found.again or found.doubtful:
            logger.warning(
                "%d messages were in hand at a crash and go out again, %d are held",
                found.again,
                found.doubtful,
            )

    def _note_room(self) -> None:
        if len(self._in_flight) > self._flight // 2:
            self._room.clear()
        else:
            self._room.set()

    def _landed(self, task: asyncio.Task[None]) -> None:
        del self._in_flight[task]
        self._note_room()
        self._woken.set()
        if not task.cancelled() and task.exception() is not None:
            logger.error("A delivery failed outside its guard", exc_info=task.exception())

    async def _deliver(self, row: Claimed) -> None:
        database, clock = self._house.database, self._house.clock
        try:
            said = await self._voices[row.kind](self._house, row)
        except Exception as error:
            # Whatever is wrong with this one must not hold up the rest.
            logger.exception("Message %d (%s) cannot be put into words", row.id, row.kind)
            await database.write(outbox.settle_broken, row.id, fault=repr(error))
            return
        if isinstance(said, Nothing):
            await database.write(outbox.settle_skipped, row.id, reason=said.reason)
            return
        if isinstance(said, Later):
            await database.write(outbox.try_later, row.id, said.until)
            return
        try:
            message_id, file_id = await self._send(row, said)
        except RetryAfter as error:
            after = error.retry_after
            pause = after if isinstance(after, timedelta) else timedelta(seconds=after)
            whole = self._refusals.concerns_all(row.tg_chat_id)
            what = "everything" if whole else f"chat {row.tg_chat_id}"
            logger.warning("Telegram asks for a pause of %s of %s", pause, what)
            await database.write(outbox.put_off, row.id, clock() + pause, whole=whole)
        except ChatMigrated as error:
            await database.write(groups.migrate, row.tg_chat_id, error.new_chat_id)
            await database.write(outbox.try_later, row.id, clock())
        except PlaceWaits as error:
            await database.write(outbox.try_later, row.id, clock(), fault=str(error))
        except Forbidden as error:
            await self._refused(row, said, error)
        except BadRequest as error:
            # Before NetworkError, which it is a kind of: or a chat that is not there would be
            # tried for ever.
            if any(sign in str(error).lower() for sign in GONE):
                await self._refused(row, said, error)
            else:
                logger.error("Message %d (%s) was refused: %s", row.id, row.kind, error)
                await database.write(outbox.settle_broken, row.id, fault=str(error))
        except (TimedOut, NetworkError) as error:
            wait = timedelta(seconds=min(600, 5 * 2 ** min(row.attempts, 7)))
            await database.write(
                outbox.try_later, row.id, clock() + wait, fault=type(error).__name__
            )
        except TelegramError as error:
            logger.error("Message %d (%s) failed: %s", row.id, row.kind, type(error).__name__)
            await database.write(outbox.settle_broken, row.id, fault=repr(error))
        else:
            self.sent += 1
            await self._settle(row, message_id, file_id, _passed_on(row, said))
            if row.kind == group_cards.KIND:
                await group_cards.posted(self._house, row, message_id)
            elif row.kind == round_cards.KIND:
                await round_cards.posted(self._house, row, message_id)
            elif row.kind == list_cards.KIND:
                await list_cards.posted(self._house, row, message_id)

    async def _refused(self, row: Claimed, said: Say, error: TelegramError) -> None:
        await self._house.database.write(
            relays.settle_refused,
            row.id,
            _passed_on(row, said),
            fault=str(error),
            now=self._house.clock(),
        )

    async def _settle(
        self, row: Claimed, message_id: int, file_id: int | None, copy: str | None
    ) -> None:
        """Write down a delivery, together with those that come while the last write is on."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._to_settle.append(_Landed(row.id, message_id, file_id, copy, written))
        if self._settling is None:
            self._settling = loop.create_task(self._settle_all())
        await written

    async def _settle_all(self) -> None:
        failures = 0
        try:
            while self._to_settle:
                if len(self._in_flight) > GATHER:
                    # A write costs the same for one row as for many, and more are landing.
                    await asyncio.sleep(0.01)
                landed, self._to_settle = self._to_settle, []
                rows = [(one.outbox_id, one.message_id) for one in landed]
                copies = [(one.outbox_id, one.copy) for one in landed if one.copy is not None]
                files = [(one.outbox_id, one.file_id) for one in landed if one.file_id is not None]
                fault: Exception | None = None
                try:
                    await self._house.database.write(
                        relays.settle, rows, copies, files, self._house.clock()
                    )
                    failures = 0
                except Exception as error:
                    failures += 1
                    if failures < SETTLE_TRIES:
                        # What is not written down goes out again: so it is written down, if
                        # the database comes back before the lease runs out.
                        logger.exception("Deliveries could not be written down, trying again")
                        self._to_settle = landed + self._to_settle
                        await asyncio.sleep(min(10.0, SETTLE_PAUSE * 2**failures))
                        continue
                    fault = error
                for one in landed:
                    if one.written.done():  # cancelled
                        continue
                    if fault is None:
                        one.written.set_result(None)
                    else:
                        one.written.set_exception(fault)
        finally:
            self._settling = None

    async def _send(self, row: Claimed, said: Say) -> tuple[int, int | None]:
        """Send a message and its files; return its number, and that of the file with keys."""
        if row.chat_id is not None and not isinstance(said.card, GroupCard):
            raise TypeError("only a group card may be posted to a group")
        if row.chat_id is None and not isinstance(said.card, Card):
            raise TypeError("a group card is not for one person")
        try:
            return await self._put(row, said)
        except (BadRequest, Forbidden) as error:
            if row.chat_id is not None and await group_troubles.noted(
                self._house, row.tg_chat_id, row.thread_id, error
            ):
                raise PlaceWaits(str(error)) from error
            raise

    async def _put(self, row: Claimed, said: Say) -> tuple[int, int | None]:
        if said.edits is not None:
            return await self._edit(row, said, said.edits), None
        # By hand: of the message that comes back only the number is wanted, and parsing all of
        # it costs as much as the rest of a delivery.
        what = parameters(
            chat_id=row.tg_chat_id,
            message_thread_id=said.thread or row.thread_id or None,
            text=said.card.text,
            parse_mode=ParseMode.HTML,
            reply_markup=said.card.markup(),
            disable_notification=not row.rings or None,
            allow_paid_broadcast=self._paid or None,
        )
        async with self._pacer.turn(row.tg_chat_id):
            sent = await self._bot.request.post(f"{self._bot.base_url}/sendMessage", what)
        assert isinstance(sent, dict)
        message_id = int(sent["message_id"])
        with_keys = None
        for file in said.files:
            file_id = await self._send_file(row, file, message_id)
            with_keys = file_id if file.keys else with_keys
        return message_id, with_keys

    async def _send_file(self, row: Claimed, file: File, message_id: int) -> int | None:
        """Let a file follow its message, at the same pace and without a ring; return its number.

        The message is out and must not go out again: a file that cannot be sent is left behind,
        and the log says so.
        """
        method, name = ("sendPhoto", "photo") if file.is_photo else ("sendDocument", "document")
        what = parameters(
            chat_id=row.tg_chat_id,
            message_thread_id=row.thread_id or None,
            reply_parameters={"message_id": message_id, "allow_sending_without_reply": True},
            disable_notification=True,
            caption=file.caption or None,
            reply_markup=drawn(file.keys),
            **{name: file.file_id},
        )
        for tries_left in reversed(range(FILE_TRIES)):
            try:
                async with self._pacer.turn(row.tg_chat_id):
                    sent = await self._bot.request.post(f"{self._bot.base_url}/{method}", what)
            except RetryAfter as error:
                after = error.retry_after
                pause = after.total_seconds() if isinstance(after, timedelta) else float(after)
                if not tries_left or pause > FILE_PAUSE:
                    logger.error("A file of message %d was left behind: %s", row.id, error)
                    return None
                await asyncio.sleep(pause)
            except TelegramError as error:
                passes = isinstance(error, NetworkError) and not isinstance(error, BadRequest)
                if not tries_left or not passes:
                    logger.error("A file of message %d was left behind: %s", row.id, error)
                    return None
            else:
                assert isinstance(sent, dict)
                return int(sent["message_id"])
        return None

    async def _edit(self, row: Claimed, said: Say, message_id: int) -> int:
        try:
            async with self._pacer.turn(row.tg_chat_id):
                await self._bot.edit_message_text(
                    said.card.text,
                    row.tg_chat_id,
                    message_id,
                    parse_mode=ParseMode.HTML,
                    reply_markup=said.card.markup(),
                )
        except BadRequest as error:
            # The person may have deleted it, and an edit is never worth a ring.
            if not _is_done(error):
                raise
        if said.bares is not None:
            try:
                async with self._pacer.turn(row.tg_chat_id):
                    await self._bot.edit_message_reply_markup(row.tg_chat_id, said.bares)
            except BadRequest as error:
                if not _is_done(error):
                    raise
        return message_id
