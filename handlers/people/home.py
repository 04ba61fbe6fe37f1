"""The home card: one card, edited in place as the person moves."""

from __future__ import annotations

import html
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key
from handlers.competitions.buttons import Competitions, RunCompetitions
from handlers.competitions.judging_buttons import MyJudging
from handlers.context import Context, show, show_anew
from handlers.credits.buttons import OpenHours
from handlers.credits.words import amount, of_total
from handlers.messaging.notice_buttons import MyNotices
from handlers.people.buttons import Home, OpenDesk, OpenHelp, OpenSettings
from handlers.people.linking import link_card
from handlers.training.buttons import OpenDue, OpenMine, OpenProgrammes
from handlers.training.check_in import check_in_key
from handlers.training.due import when_text
from handlers.training.remote.study_buttons import MyStudies
from handlers.wiring import AnyApplication, on_command, on_link, on_tap
from locales import catalog, names
from storage.home import HomeFacts, home_facts
from storage.people.accounts import Reader

__all__ = ["home_card", "install", "show_home"]


def install(application: AnyApplication) -> None:
    on_command(application, "menu", open_home)
    on_link(application, "menu", _linked)
    on_tap(application, Home, open_home)


def home_card(facts: HomeFacts, reader: Reader, zone: ZoneInfo, now: datetime) -> Card:
    """What matters today in a few lines, and a key for each room."""
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        _("<b>{addressee}</b>, good to see you.").format(
            addressee=html.escape(
                names.addressee(reader.name, reader.language, reader.is_principal)
            )
        ),
        _year_text(facts, reader.language),
    ]
    if facts.next_due is not None:
        lines.append(
            _("Next: {title}, {time}").format(
                title=html.escape(facts.next_due.title),
                time=when_text(facts.next_due, zone, reader.language, now.astimezone(zone).date()),
            )
        )
    else:
        lines.append(_("Nothing is due at the moment."))
    if facts.open_programmes:
        lines.append(
            ngettext(
                "{n} training that fits you is open for registration.",
                "{n} trainings that fit you are open for registration.",
                facts.open_programmes,
            ).format(n=facts.open_programmes)
        )
    return Card(
        "\n".join(lines),
        (
            *check_in_key(facts.check_in, reader.language),
            (Key(_("Training for me"), OpenProgrammes(0), style="primary"),),
            *(((Key(_("My study"), MyStudies()),),) if facts.studies else ()),
            *(
                ((Key(_counted(_("Competitions"), facts.competitions), Competitions()),),)
                if facts.competitions
                else ()
            ),
            *(
                ((Key(_counted(_("My venues"), facts.venues), RunCompetitions(0)),),)
                if facts.venues and not facts.has_desk
                else ()
            ),
            *(
                ((Key(_counted(_("Judging"), facts.judging), MyJudging()),),)
                if facts.judging
                else ()
            ),
            (
                Key(_counted(_("My registrations"), facts.registrations), OpenMine(0)),
                Key(_("My hours"), OpenHours()),
            ),
            (
                Key(_counted(_("What is due"), facts.due), OpenDue(0)),
                Key(_counted(_("Notices to me"), facts.notices), MyNotices()),
            ),
            *(
                ((Key(_counted(_("My desk"), facts.waiting), OpenDesk()),),)
                if facts.has_desk
                else ()
            ),
            (Key(_("Settings"), OpenSettings()), Key(_("Help"), OpenHelp())),
        ),
    )


def _year_text(facts: HomeFacts, language: str) -> str:
    _ = catalog(language).gettext
    if not facts.year_floor:
        return _("This year ({year}): {counted}").format(
            year=facts.year, counted=amount(facts.year_counted, facts.unit, language)
        )
    return _("This year ({year}): {of_floor}").format(
        year=facts.year,
        of_floor=of_total(facts.year_counted, facts.year_floor, facts.unit, language),
    )


async def open_home(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    await show_home(update, context, reader)


async def show_home(update: Update, context: Context, reader: Reader) -> None:
    """Show the home card, or the way to link when there is nobody to show it to."""
    if reader.teacher_id is None:
        await show(update, context, reader, link_card(reader.language))
        return
    now = context.now()
    facts = await context.read(home_facts, reader.teacher_id, now=now)
    card = home_card(facts, reader, context.house.zone, now)
    if update.callback_query is None:
        await show_anew(context, reader, card)
    else:
        await show(update, context, reader, card)


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await show_home(update, context, reader)


def _counted(label: str, number: int) -> str:
    return f"{label} · {number}" if number else label
