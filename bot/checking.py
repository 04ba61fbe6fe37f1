"""``python -m bot check``: what is wrong, before a start."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import sqlalchemy as sa
from sqlmodel import Session, func, select

from bot.channels import is_installed
from bot.running import CannotStart, prepare_database
from bot.settings import Settings
from storage import migrations
from storage.database import Database
from storage.people.tables import Office, Teacher

ALLOWED_DRIFT = timedelta(seconds=30)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, in one sentence."""

    is_fine: bool
    text: str


async def check(settings: Settings) -> list[Finding]:
    """Look at settings, database, token and clock; nothing is changed but missing tables."""
    findings = [Finding(True, f"Settings: time zone {settings.timezone}, {settings.language}.")]
    if settings.webhook and not settings.webhook.startswith("https://"):
        findings.append(Finding(False, "QINGLAN_WEBHOOK must be an https address for Telegram."))
    findings.append(_channels(settings))
    findings += await asyncio.to_thread(_database, settings)
    if settings.token is None:
        findings.append(Finding(True, "No QINGLAN_TOKEN: `run` starts the sandbox."))
    else:
        findings += await _telegram(settings, settings.token.get_secret_value())
    return findings


def _channels(settings: Settings) -> Finding:
    if not is_installed():
        fine = settings.mail is None
        return Finding(fine, "Second channels are not installed: they take the package apprise.")
    mail = "with" if settings.mail is not None else "without"
    return Finding(True, f"Second channels: robots, {mail} an outgoing mailbox.")


def _database(settings: Settings) -> list[Finding]:
    try:
        prepare_database(settings)
    except CannotStart as reason:
        return [Finding(False, str(reason))]
    database = Database(settings.database_url)
    shown = database.url.render_as_string(hide_password=True)

    def look(session: Session) -> tuple[bool, str | None, int, str]:
        current = migrations.is_current(session.connection())
        name = session.exec(select(Office.name)).first()
        teachers = session.exec(select(func.count()).select_from(Teacher)).one()
        journal = ""
        if session.get_bind().dialect.name == "sqlite":
            journal = session.connection().exec_driver_sql("PRAGMA integrity_check").scalar_one()
        return current, name, teachers, journal

    try:
        current, name, teachers, integrity = database.write_now(look)
    except sa.exc.SQLAlchemyError as error:
        return [Finding(False, f"The database {shown} cannot be read: {type(error).__name__}.")]
    finally:
        database.close()
    findings = [Finding(current, f"Database: {shown}.")]
    if integrity not in ("", "ok"):
        findings.append(Finding(False, f"The database file is damaged: {integrity[:200]}"))
    if teachers:
        findings.append(Finding(True, f"Roster: {name}, {teachers} teachers."))
    elif settings.token is not None:
        findings.append(
            Finding(False, "The roster is empty: load a plan with `python -m bot load PLAN.yaml`.")
        )
    return findings


async def _telegram(settings: Settings, token: str) -> list[Finding]:
    timeout = aiohttp.ClientTimeout(total=15)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(f"{settings.bot_api}/bot{token}/getMe") as response,
        ):
            date = response.headers.get("Date")
            body = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return [Finding(False, f"{settings.bot_api} cannot be reached: {type(error).__name__}.")]
    if not isinstance(body, dict) or not body.get("ok"):
        return [Finding(False, f"{settings.bot_api} does not accept QINGLAN_TOKEN.")]
    me = body["result"]
    findings = [Finding(True, f"Token: @{me.get('username')} at {settings.bot_api}.")]
    if me.get("can_read_all_group_messages"):
        findings.append(
            Finding(True, "Privacy mode is off; it may be on, Qinglan does not need more.")
        )
    if date:
        drift = abs(parsedate_to_datetime(date) - datetime.now(UTC))
        findings.append(
            Finding(
                drift <= ALLOWED_DRIFT,
                "Clock: right."
                if drift <= ALLOWED_DRIFT
                else f"The clock is {int(drift.total_seconds())} seconds off; reminders would be.",
            )
        )
    return findings
