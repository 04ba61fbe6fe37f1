"""Starting an office: its database, its plan, and then Telegram or the sandbox."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, date, datetime
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from sqlmodel import Session, select
from telegram.error import InvalidToken, TelegramError

from bot.clock import Clock
from bot.office import Office
from bot.settings import Settings
from storage import migrations
from storage.database import Database
from storage.moments import local_day
from storage.people import founding, linking, offices, roles, units
from storage.people.founding import AlreadyFounded, Founded
from storage.people.tables import OrgUnit, Role, Teacher
from storage.plan import LoadReport, load_plan, read_plan
from storage.refusals import NotFound

logger = logging.getLogger(__name__)


class CannotStart(Exception):
    """One readable sentence about what stands in the way."""


def prepare_database(settings: Settings) -> None:
    """Make the folder if need be and bring the tables to the present edition."""
    url = Database.address(settings.database_url)
    try:
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
        migrations.upgrade(url)
    except (sa.exc.OperationalError, sa.exc.DatabaseError, OSError) as error:
        shown = url.render_as_string(hide_password=True)
        raise CannotStart(f"The database {shown} cannot be opened: {_first_line(error)}") from None


def load(settings: Settings, plan_file: Path) -> LoadReport:
    """Load a plan file into the database. Raises PlanError with the line."""
    prepare_database(settings)
    plan = read_plan(plan_file.read_text(encoding="utf-8"), plan_file.name)
    database = Database(settings.database_url)
    try:
        return database.write_now(
            load_plan, plan, now=datetime.now(UTC), timezone=settings.timezone
        )
    finally:
        database.close()


def found(
    settings: Settings, *, code: str, county: str, office: str, staff_no: str, name: str
) -> Founded:
    """Make an office in an empty database, with its first administrator."""
    prepare_database(settings)
    database = Database(settings.database_url)
    try:
        return database.write_now(
            founding.found,
            county_code=code,
            county=county,
            office=office,
            staff_no=staff_no,
            name=name,
            timezone=settings.timezone,
            language=settings.language,
            now=datetime.now(UTC),
        )
    except AlreadyFounded as there:
        raise CannotStart(
            f"This database belongs to {there.name} already, and {staff_no} does not run it."
        ) from None
    finally:
        database.close()


def issue_code(settings: Settings, staff_no: str) -> str:
    """Issue a link code for the teacher with this staff number."""
    prepare_database(settings)
    database = Database(settings.database_url)

    def issue(session: Session) -> str:
        teacher_id = session.exec(
            select(Teacher.id).where(Teacher.staff_no == staff_no)
        ).one_or_none()
        if teacher_id is None:
            raise CannotStart(f"Nobody on the roster has the staff number {staff_no}.")
        return linking.issue_code(session, teacher_id, now=datetime.now(UTC))

    try:
        return database.write_now(issue)
    finally:
        database.close()


def change_role(
    settings: Settings, staff_no: str, role: Role, unit: str, until: date | None, *, ends: bool
) -> str:
    """Give a role to the teacher with this staff number, or end it; say in words what is so."""
    prepare_database(settings)
    database = Database(settings.database_url)

    def change(session: Session) -> str:
        teacher = session.exec(select(Teacher).where(Teacher.staff_no == staff_no)).one_or_none()
        if teacher is None:
            raise CannotStart(f"Nobody on the roster has the staff number {staff_no}.")
        now = datetime.now(UTC)
        today = local_day(now, offices.zone(session))
        unit_id: int | None = None
        if unit:
            unit_id = session.exec(select(OrgUnit.id).where(OrgUnit.code == unit)).one_or_none()
            if unit_id is None:
                raise CannotStart(f"There is no unit with the code {unit}.")
        else:
            try:
                unit_id = roles.usual_scope(session, teacher.id, role, today=today)
            except NotFound:
                raise CannotStart(f"{teacher.name} works nowhere; name a --unit.") from None
        where = units.name_of(session, unit_id)
        of = f"{role.value.replace('_', ' ')} of {where}" if where else role.value
        if ends:
            ended = roles.dismiss(session, teacher.id, role, unit_id, today=today, now=now)
            return f"{teacher.name} is no longer {of}." if ended else f"{teacher.name} is not {of}."
        if until is not None and until < today:
            raise CannotStart(f"{until} is over already.")
        roles.appoint(session, teacher.id, role, unit_id, today=today, now=now, until=until)
        return f"{teacher.name} is {of}" + (f", until {until}." if until else ".")

    try:
        return database.write_now(change)
    finally:
        database.close()


async def serve(settings: Settings, console: Console) -> None:
    """Run until stopped: on Telegram when there is a token, else in the sandbox."""
    await asyncio.to_thread(prepare_database, settings)
    if settings.token is None:
        from bot.sandbox.stage import serve_sandbox

        await serve_sandbox(settings, console)
        return
    database = Database(settings.database_url)
    try:
        await database.write(
            offices.settle_in, timezone=settings.timezone, language=settings.language
        )
        office = Office(
            settings,
            settings.token.get_secret_value(),
            database,
            Clock(),
            bot_api=settings.bot_api,
        )
        console.print("Qinglan is starting on Telegram. Ctrl-C ends it.")
        await office.run()
    except InvalidToken:
        raise CannotStart("Telegram does not know this token; see QINGLAN_TOKEN.") from None
    except TelegramError as error:
        raise CannotStart(
            f"{settings.bot_api} cannot be used: {type(error).__name__}: {error.message}"
        ) from None
    finally:
        database.close()


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]
