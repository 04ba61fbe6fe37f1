"""The command line: ``python -m bot``."""

from __future__ import annotations

import asyncio
import logging
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot import checking, running
from bot.logs import set_up_logs
from bot.settings import Settings, WrongSettings, read_settings
from storage.people.tables import Role
from storage.plan import PlanError

app = typer.Typer(
    help="Qinglan: a county's teacher-training office in the groups that its teachers read.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
StaffNo = Annotated[str, typer.Argument(help="the teacher's staff number")]
ARole = Annotated[Role, typer.Argument(help="the role")]
Unit = Annotated[str, typer.Option(help="code of the unit; the usual one unless given")]
console = Console()
errors = Console(stderr=True)


def _settings() -> Settings:
    try:
        settings = read_settings()
    except WrongSettings as wrong:
        errors.print(str(wrong), style="red", markup=False)
        raise typer.Exit(2) from None
    set_up_logs(settings)
    return settings


@app.command()
def run() -> None:
    """Start the bot: on Telegram with QINGLAN_TOKEN, else in the sandbox."""
    settings = _settings()
    try:
        asyncio.run(running.serve(settings, console))
    except running.CannotStart as reason:
        errors.print(str(reason), style="red", markup=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        pass


@app.command()
def load(
    plan: Annotated[Path, typer.Argument(help="the office's plan, a YAML file", exists=True)],
) -> None:
    """Load an office's plan: units, calendar, teachers, programmes, groups. All or nothing."""
    settings = _settings()
    try:
        report = running.load(settings, plan)
    except PlanError as wrong:
        errors.print(str(wrong), style="red", markup=False)
        raise typer.Exit(1) from None
    except running.CannotStart as reason:
        errors.print(str(reason), style="red", markup=False)
        raise typer.Exit(1) from None
    console.print(report, markup=False)


@app.command()
def found(
    county: Annotated[str, typer.Option(help="the county's name")],
    code: Annotated[str, typer.Option(help="its code, the beginning of its schools' codes")],
    staff_no: Annotated[str, typer.Option(help="the first administrator's staff number")],
    name: Annotated[str, typer.Option(help="the first administrator's name")],
    office: Annotated[str, typer.Option(help="the office's name; the county's unless given")] = "",
) -> None:
    """Found an office in an empty database; schools and teachers then come as files."""
    settings = _settings()
    try:
        made = running.found(
            settings, code=code, county=county, office=office, staff_no=staff_no, name=name
        )
    except running.CannotStart as reason:
        errors.print(str(reason), style="red", markup=False)
        raise typer.Exit(1) from None
    said = f"{made.office} is ready." if made.is_new else f"{made.office} is there already."
    console.print(said, markup=False, highlight=False)
    console.print(f"Link code of {made.name}, for 72 hours: {made.code}", markup=False)


@app.command()
def code(staff_no: StaffNo) -> None:
    """Issue a one-time link code for a teacher and print it."""
    settings = _settings()
    try:
        issued = running.issue_code(settings, staff_no)
    except running.CannotStart as reason:
        errors.print(str(reason), style="red", markup=False)
        raise typer.Exit(1) from None
    console.print(issued, markup=False)


@app.command()
def appoint(
    staff_no: StaffNo,
    role: ARole,
    unit: Unit = "",
    until: Annotated[
        datetime | None, typer.Option(help="the last day", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """Give a teacher a role; the first coordinator of an office is made so."""
    _change_role(staff_no, role, unit, until.date() if until else None, ends=False)


@app.command()
def dismiss(staff_no: StaffNo, role: ARole, unit: Unit = "") -> None:
    """End a teacher's role."""
    _change_role(staff_no, role, unit, None, ends=True)


def _change_role(staff_no: str, role: Role, unit: str, until: date | None, *, ends: bool) -> None:
    settings = _settings()
    try:
        said = running.change_role(settings, staff_no, role, unit, until, ends=ends)
    except running.CannotStart as reason:
        errors.print(str(reason), style="red", markup=False)
        raise typer.Exit(1) from None
    console.print(said, markup=False, highlight=False)


@app.command()
def check() -> None:
    """Say what is wrong with settings, database, token and clock, before a start."""
    settings = _settings()
    findings = asyncio.run(checking.check(settings))
    for finding in findings:
        sign, style = ("✓", "green") if finding.is_fine else ("✗", "red")
        console.print(f"{sign} {finding.text}", style=style, markup=False, highlight=False)
    if not all(finding.is_fine for finding in findings):
        raise typer.Exit(1)


@app.command()
def migrate() -> None:
    """Bring the database to the present tables; `run` does so by itself."""
    settings = _settings()
    running.prepare_database(settings)
    console.print("The database is up to date.")


if __name__ == "__main__":
    logging.captureWarnings(True)
    app()
