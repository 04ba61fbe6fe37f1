"""A running office: database, application, inbox, delivery and scheduler, started and stopped."""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from aiohttp import web
from telegram.error import TelegramError
from telegram.request import BaseRequest

from bot.application import build, inbox_of
from bot.channels import is_installed
from bot.delivery import Delivery
from bot.menus import set_menus
from bot.polling import ALLOWED, poll
from bot.relaying import Relaying
from bot.request import AiohttpRequest
from bot.scheduler import Ticks
from bot.settings import Settings
from bot.webhook import webhook_application
from handlers.competitions import list_cards, round_cards
from handlers.context import Channels, House
from handlers.messaging import group_cards, leaving, notice_posts, question_topics
from handlers.messaging.voices_of_all import VOICES
from storage.competitions import forwarding, publicity
from storage.database import Database
from storage.messaging import brief_edits, confirming, correcting, filling, leases, sweeping
from storage.messaging import inbox as inbox_rows
from storage.people import accounts, imports, offices
from storage.training import (
    absences,
    meeting_end,
    planning,
    sealing,
    settling,
    thinning,
    waiting,
    worklist,
)
from storage.training.remote import bulletins

logger = logging.getLogger(__name__)

LEADS_FOR = timedelta(seconds=45)


class Office:
    """Everything that runs for one office in one process."""

    def __init__(
        self,
        settings: Settings,
        token: str,
        database: Database,
        clock: Callable[[], datetime],
        *,
        bot_api: str,
        request: BaseRequest | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        self.house = House(
            database=database,
            clock=clock,
            zone=ZoneInfo(settings.timezone),
            language=settings.language,
            channels=Channels(is_installed(), settings.mail is not None),
        )
        self.application = build(token, self.house, bot_api=bot_api, request=request)
        self.inbox = inbox_of(self.application, self.house)
        self.delivery = Delivery(
            self.application.bot,
            self.house,
            VOICES,
            rate=settings.rate,
            paid=settings.paid_broadcast,
            relaying=Relaying(
                self.house,
                VOICES,
                mailbox=settings.mail.get_secret_value() if settings.mail else "",
            ),
        )
        self.house.wake_delivery = self.delivery.wake
        self.ticks = Ticks()
        self.ticks.every(timedelta(seconds=30), "offers", self._offers)
        self.ticks.every(timedelta(seconds=10), "notices", self._notices)
        self.ticks.every(timedelta(seconds=30), "reminders", self._reminders)
        self.ticks.every(timedelta(minutes=2), "late notices", self._late_notices)
        self.ticks.every(timedelta(minutes=1), "approvals", self._approvals)
        self.ticks.every(timedelta(seconds=60), "thin classes", self._thin_classes)
        self.ticks.every(timedelta(seconds=60), "seals", self._seals)
        self.ticks.every(timedelta(minutes=1), "lists of competitions", self._lists)
        self.ticks.every(timedelta(seconds=5), "group cards", self._group_cards)
        self.ticks.every(timedelta(minutes=1), "leaving groups", self._leaving_groups)
        self.ticks.every(timedelta(minutes=1), "bulletins", self._bulletins)
        self.ticks.every(timedelta(seconds=30), "notices that are out", self._notices_out)
        self.ticks.every(timedelta(seconds=5), "live screens", self._live_screens)
        self.ticks.every(timedelta(minutes=1), "meetings", self._meetings)
        self.ticks.every(timedelta(minutes=10), "calendar", self._calendar)
        self.ticks.every(timedelta(minutes=3), "brief edits", self._brief_edits)
        self.ticks.every(timedelta(hours=1), "housekeeping", self._housekeeping)
        self._holder = secrets.token_hex(8)
        self._jumped = asyncio.Event()

    async def leads(self) -> bool:
        """Whether this process is the one that sweeps and delivers, among several."""
        return await self.database.write(
            leases.take, "machine", self._holder, now=self.clock(), length=LEADS_FOR
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Get ready to handle updates, and finish what is in hand at the end."""
        await self.application.initialize()
        me = self.application.bot.bot
        self.house.bot_username = cast(str, me.username)
        # What is said follows the clock by which the rules run, which a plan may have set.
        self.house.zone = await self.database.read(offices.zone)
        await self.application.start()
        try:
            yield
        finally:
            await self.inbox.finish()
            self.house.rush.give_up()
            await self.application.stop()
            await self.application.shutdown()

    async def sweep(self) -> None:
        """Run every sweep once."""
        await self.ticks.run_all()

    async def run(self) -> None:
        """Serve until told to stop by SIGINT or SIGTERM."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):
                loop.add_signal_handler(sign, stopping.set)
        async with self.open():
            with suppress(TelegramError):
                await set_menus(self.application.bot, self.settings.language)
            again = await self.inbox.recover()
            if again:
                logger.warning("%d updates of the last run are handled again", again)
            tasks = [
                loop.create_task(self._lead(stopping), name="delivery"),
                loop.create_task(self._receive(), name="receiving"),
                loop.create_task(stopping.wait(), name="stopping"),
                loop.create_task(self._watch(), name="watching"),
            ]
            self.ticks.start()
            gc.collect()
            gc.freeze()  # what was loaded to start with stays
            logger.info("@%s is at work", self.house.bot_username)
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                stopping.set()
                self.ticks.stop()
                self.delivery.stop()
                for task in tasks[1:]:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self.database.write(leases.give_back, "machine", self._holder)

    def clock_moved(self) -> None:
        """The sandbox's clock jumped: look at once at what has come due."""
        self._jumped.set()

    async def _watch(self) -> None:
        """Say so when sweeps have stopped: a dead scheduler looks just like a quiet day."""
        while True:
            await asyncio.sleep(60)
            late = self.ticks.late()
            if late:
                logger.error("These sweeps have not gone through for long: %s", ", ".join(late))

    async def _lead(self, stopping: asyncio.Event) -> None:
        """Deliver while this process leads; another takes over when it ends."""
        while not stopping.is_set():
            if await self.leads():
                keeping = asyncio.get_running_loop().create_task(self._keep_leading())
                following = asyncio.get_running_loop().create_task(self._follow_clock())
                try:
                    await self.sweep()  # what came due while nobody led does not wait for a tick
                    if not stopping.is_set():
                        await self.delivery.run()
                finally:
                    keeping.cancel()
                    following.cancel()
                    await asyncio.gather(keeping, following, return_exceptions=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 5)

    async def _keep_leading(self) -> None:
        while True:
            await asyncio.sleep(10)
            if not await self.leads():
                logger.error("Another process has taken the lead; this one stops delivering")
                self.delivery.stop()
                return

    async def _follow_clock(self) -> None:
        while True:
            await self._jumped.wait()
            self._jumped.clear()
            await self.leads()
            await self.sweep()
            self.delivery.wake()

    async def _receive(self) -> None:
        bot, settings = self.application.bot, self.settings
        if not settings.webhook:
            await bot.delete_webhook()
            request = AiohttpRequest(connections=1)
            await request.initialize()
            try:
                await poll(bot, request, self.inbox)
            finally:
                await request.shutdown()
            return
        secret = settings.webhook_secret
        token = secret.get_secret_value() if secret else secrets.token_urlsafe(32)
        path = urlsplit(settings.webhook).path or "/"
        runner = web.AppRunner(
            webhook_application(self.inbox, path, token, self.ticks.late), access_log=None
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "0.0.0.0", settings.webhook_port).start()  # noqa: S104
            await bot.set_webhook(
                settings.webhook, secret_token=token, allowed_updates=ALLOWED, max_connections=40
            )
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _offers(self) -> None:
        if not await self.leads():
            return
        await self.database.write(waiting.lapse_due, now=self.clock())
        await self.database.write(waiting.promote, now=self.clock())
        while await self.database.write(settling.settle_due, now=self.clock()) is not None:
            pass
        self.delivery.wake()

    async def _reminders(self) -> None:
        if not await self.leads():
            return
        more = True
        while more:
            swept = await self.database.write(sweeping.sweep, now=self.clock())
            more = swept.more
        self.delivery.wake()

    async def _notices(self) -> None:
        """Send what is due, in bounded steps, after it has moved along with its event."""
        if not await self.leads():
            return
        await self.database.write(filling.follow_events, now=self.clock())
        while (await self.database.write(filling.fill, now=self.clock())).more:
            self.delivery.wake()

    async def _late_notices(self) -> None:
        """Tell those who have joined what still concerns them; looking holds up nobody."""
        if not await self.leads():
            return
        for joined in await self.database.read(filling.joined, now=self.clock()):
            await self.database.write(filling.add_late, joined, now=self.clock())
            self.delivery.wake()

    async def _brief_edits(self) -> None:
        """Put right, without a ring, what today's briefs do not say any more as it is."""
        if not await self.leads():
            return
        queued = await self.database.write(brief_edits.queue, now=self.clock())
        if queued:
            self.delivery.wake()

    async def _bulletins(self) -> None:
        """Post the bulletins that are due, and keep true what hangs in groups."""
        if not await self.leads():
            return
        if await self.database.write(bulletins.tend, now=self.clock()):
            self.delivery.wake()

    async def _calendar(self) -> None:
        """Set the deadlines that follow from the calendar alone."""
        if await self.leads():
            while await self.database.write(planning.plan_calendar, now=self.clock()):
                pass

    async def _thin_classes(self) -> None:
        if await self.leads():
            await self.database.write(thinning.thin_out, now=self.clock())
            self.delivery.wake()

    async def _seals(self) -> None:
        if not await self.leads():
            return
        while await self.database.write(sealing.seal):
            pass

    async def _lists(self) -> None:
        """Let decided lists of competitions stand, and what was not forwarded in time lapse."""
        if not await self.leads():
            return
        done = await self.database.write(forwarding.settle_due, now=self.clock())
        done += await self.database.write(publicity.correct_due, now=self.clock())
        if done:
            self.delivery.wake()

    async def _group_cards(self) -> None:
        if await self.leads():
            await group_cards.refresh(self.application.bot, self.house)
            await round_cards.refresh(self.application.bot, self.house)
            await list_cards.refresh(self.application.bot, self.house)
            await notice_posts.refresh(self.application.bot, self.house)

    async def _notices_out(self) -> None:
        """Tell corrections on, do what a notice's date asks for, make topics for questions."""
        if not await self.leads():
            return
        while await self.database.write(correcting.spread, now=self.clock()):
            pass
        await self.database.write(confirming.come_due, now=self.clock())
        await question_topics.make_topics(self.application.bot, self.house)
        self.delivery.wake()

    async def _leaving_groups(self) -> None:
        if await self.leads():
            await leaving.tend(self.application.bot, self.house)
            self.delivery.wake()

    async def _approvals(self) -> None:
        """Put the card of the day for whoever has something to decide."""
        if not await self.leads():
            return
        while due := await self.database.read(worklist.due, now=self.clock()):
            await self.database.write(worklist.put, due, now=self.clock())
            self.delivery.wake()

    async def _live_screens(self) -> None:
        # Each process keeps the screens that it has shown up to date, leading or not.
        await self.house.live.refresh(self.application.bot, self.clock())

    async def _meetings(self) -> None:
        if await self.leads():
            await self.database.write(meeting_end.settle, now=self.clock())

    async def _housekeeping(self) -> None:
        """Forget what the privacy card promises to forget, in small transactions."""
        if not await self.leads():
            return
        await self.database.write(inbox_rows.forget_old, now=self.clock())
        await self.database.write(imports.forget_old, now=self.clock())
        while await self.database.write(accounts.erase_unlinked, now=self.clock()):
            pass
        while await self.database.write(absences.forget_reasons, now=self.clock()):
            pass
