"""The sandbox on stage: the sample county, its people and groups, and the office at work."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from sqlmodel import Session, col, select

from bot.clock import Clock
from bot.office import Office
from bot.sandbox import county, feed
from bot.sandbox.server import Sandbox
from bot.sandbox.tour import Tour
from bot.sandbox.world import World
from bot.settings import Settings
from storage.database import Database
from storage.inserting import insert_new
from storage.messaging import groups, reminders
from storage.messaging.tables import Chat
from storage.people import founding, linking
from storage.people.tables import Account, LinkedBy, Teacher
from storage.plan import is_loaded, load_plan, read_plan
from storage.training.tables import Batch, Enrolment, Programme

TODAY = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # Friday 9:00 in the sample county
CARDS_IN = -1000000000001  # the county's notice group

logger = logging.getLogger(__name__)


async def serve_sandbox(settings: Settings, console: Console) -> None:
    """Run the office against the sandbox until stopped."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url)
    try:
        # An office that was founded by hand lives today, the sample county on its own day.
        is_founded = await database.read(founding.is_founded)
        clock = Clock(None if is_founded else TODAY)
        world = World(clock)
        people_the(world)
        sandbox = Sandbox(
            world, port=settings.sandbox_port, state_file=settings.folder / "sandbox.json"
        )
        sandbox.next_event = lambda: database.read(reminders.next_event, now=clock())
        sandbox.tour = None if is_founded else Tour(world)
        sandbox.feed = lambda last: database.read(feed.recent, last)
        await start_listening(sandbox)
        try:
            if not is_founded:  # else it is to be built by hand
                await load_county(database, world, clock, console)
            office = Office(settings, sandbox.token, database, clock, bot_api=sandbox.bot_api)
            clock.on_moved(office.clock_moved)
            _announce(console, sandbox, clock, settings)
            await office.run()
        finally:
            await sandbox.stop()
    finally:
        database.close()


async def load_county(database: Database, world: World, clock: Clock, console: Console) -> None:
    """Load the sample county, once, and tell the page its people's link codes."""
    text = county.plan_text()
    if not await database.read(is_loaded, text):
        console.print("Loading the sample county 澄禾县 (once)…")
        plan = await asyncio.to_thread(read_plan, text, "chenghe.yaml")
        await database.write(load_plan, plan, now=clock())
    await database.write(settle_people, now=clock())
    await database.write(post_cards, now=clock())
    codes = await database.write(codes_for_cast, now=clock())
    for person in county.people_for_sandbox():
        if person.staff_no in codes:
            known = world.people[person.telegram_id]
            known.note = f"{person.note} · 邀请码 {codes[person.staff_no]}"


async def start_listening(sandbox: Sandbox) -> None:
    """Listen on the wanted port, or on a free one when somebody else is there."""
    try:
        await sandbox.start()
    except OSError:
        wanted, sandbox.port = sandbox.port, 0
        await sandbox.start()
        logger.warning("Port %d is taken; the sandbox is on %d", wanted, sandbox.port)


def people_the(world: World) -> None:
    """Put the county's people and groups into the world."""
    linked = {person.telegram_id: person for person in county.linked_people()}
    for person in county.people_for_sandbox():
        world.add_person(
            person.name,
            id=person.telegram_id,
            phone=person.phone,
            note=person.note,
            pinned=person.pinned,
            language_code=person.language_code,
            started=person.telegram_id in linked,
        )
        if person.telegram_id in linked and linked[person.telegram_id].blocked:
            world.people[person.telegram_id].blocked = True
    for group in county.groups_for_sandbox():
        world.add_group(
            group.title, id=group.telegram_id, members=group.members, admins=group.admins
        )


def settle_people(session: Session, *, now: datetime) -> None:
    """Link those of the county who have linked before the newcomer arrives."""
    teachers = dict(session.exec(select(Teacher.staff_no, Teacher.id)).all())
    rows = [
        {
            "tg_user_id": person.telegram_id,
            "teacher_id": teachers[person.staff_no],
            "started_at": now,
            "linked_at": now,
            "linked_by": LinkedBy.CODE,
            "consent_at": now,
            "reachable": not person.blocked,
            "unreachable_since": now if person.blocked else None,
        }
        for person in county.linked_people()
        if person.staff_no in teachers
    ]
    usual = Account(tg_user_id=0, started_at=now).model_dump(exclude={"id"})
    if rows:
        session.exec(insert_new(session, Account), params=[usual | row for row in rows])


def post_cards(session: Session, *, now: datetime) -> None:
    """Put a card of every programme that one can register for into the county's group."""
    chat_id = session.exec(
        select(Chat.id).where(Chat.tg_chat_id == CARDS_IN, Chat.thread_id == 0)
    ).first()
    if chat_id is None:
        return
    batches = session.exec(
        select(Batch.id)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(Programme.enrolment == Enrolment.OPEN, Batch.starts_at > now)
        .order_by(col(Batch.reg_close))
    ).all()
    for batch_id in batches:
        groups.post_card(session, chat_id, batch_id)


def codes_for_cast(session: Session, *, now: datetime) -> dict[str, str]:
    """Issue a fresh link code for each of the cast who has not linked, by staff number."""
    cast = [person.staff_no for person in county.people_for_sandbox() if person.pinned]
    unlinked = session.exec(
        select(Teacher.id, Teacher.staff_no)
        .outerjoin(Account, col(Account.teacher_id) == col(Teacher.id))
        .where(col(Teacher.staff_no).in_(cast), col(Account.id).is_(None))
    ).all()
    return {
        staff_no: linking.issue_code(session, teacher_id, now=now)
        for teacher_id, staff_no in unlinked
    }


def _announce(console: Console, sandbox: Sandbox, clock: Clock, settings: Settings) -> None:
    local = clock().astimezone(ZoneInfo(settings.timezone))
    console.print()
    console.print("[bold]Qinglan 青蓝[/bold] is running in its sandbox.")
    console.print(f"  Chat page   [bold]{sandbox.url}/[/bold]")
    console.print(f"  Its clock   {local:%Y-%m-%d %H:%M} ({settings.timezone})")
    console.print(f"  Data        {settings.folder}")
    console.print("  Ctrl-C ends it. With QINGLAN_TOKEN set, the same command runs on Telegram.")
    console.print()
