"""Settings: language, the hour of the daily brief, and the hours of quiet."""

from __future__ import annotations

from telegram import Update

from handlers.buttons import StaleButton
from handlers.cards import Card, Key, Keys
from handlers.context import Context, alert, show, tap
from handlers.messaging.relay_buttons import OpenRelays
from handlers.people.buttons import (
    ChooseBrief,
    ChooseLanguage,
    ChooseQuiet,
    Home,
    OpenSettings,
)
from handlers.wiring import AnyApplication, on_command, on_link, on_tap
from locales import LANGUAGE_NAMES, LANGUAGES, catalog, dates
from storage.people import accounts
from storage.people.accounts import Reader, Settings

BRIEFS = (8 * 60, 9 * 60, 12 * 60 + 10, 14 * 60, 16 * 60 + 40, 17 * 60 + 30, 19 * 60, 20 * 60)
QUIET = (
    (18 * 60, 8 * 60),
    (17 * 60, 9 * 60),
    (19 * 60, 7 * 60 + 30),
    (21 * 60, 7 * 60 + 30),
)


def install(application: AnyApplication) -> None:
    on_command(application, "settings", open_settings)
    on_link(application, "set", _linked)
    on_tap(application, OpenSettings, open_settings)
    on_tap(application, ChooseLanguage, choose_language)
    on_tap(application, ChooseBrief, choose_brief)
    on_tap(application, ChooseQuiet, choose_quiet)


def settings_card(kept: Settings) -> Card:
    """What is set, each with a key that changes it."""
    _ = catalog(kept.language).gettext
    text = _(
        "<b>Settings</b>\n"
        "Language: {language}\n"
        "Daily brief: {brief}, on working days, only when there is something to say\n"
        "Quiet: {starts} to {ends}, and always on days off"
    ).format(
        language=LANGUAGE_NAMES[kept.language],
        brief=dates.minute(kept.brief_minute),
        starts=dates.minute(kept.quiet_from),
        ends=dates.minute(kept.quiet_until),
    )
    return Card(
        text,
        (
            (Key(_("Language"), ChooseLanguage()),),
            (Key(_("Time of the brief"), ChooseBrief()), Key(_("Quiet hours"), ChooseQuiet())),
            (Key(_("Second channel"), OpenRelays()),),
            (Key(_("Back"), Home()),),
        ),
    )


def language_card(kept: Settings) -> Card:
    """The choice of a language, each in its own name."""
    _ = catalog(kept.language).gettext
    keys: Keys = tuple(
        (Key(_chosen(LANGUAGE_NAMES[code], code == kept.language), ChooseLanguage(code)),)
        for code in LANGUAGES
    )
    return Card("语言 · 語言 · Language", (*keys, (Key(_("Back"), OpenSettings()),)))


def brief_card(kept: Settings) -> Card:
    """The choice of the minute at which the day's brief comes."""
    _ = catalog(kept.language).gettext
    choices = sorted({*BRIEFS, kept.brief_minute})
    keys = [
        Key(_chosen(dates.minute(minute), minute == kept.brief_minute), ChooseBrief(minute))
        for minute in choices
    ]
    rows: Keys = tuple(tuple(keys[n : n + 4]) for n in range(0, len(keys), 4))
    text = _("When should the daily brief come? A choice in your quiet hours shortens them.")
    return Card(text, (*rows, (Key(_("Back"), OpenSettings()),)))


def quiet_card(kept: Settings) -> Card:
    """The choice of quiet hours."""
    _ = catalog(kept.language).gettext
    rows: Keys = tuple(
        (
            Key(
                _chosen(
                    f"{dates.minute(starts)} – {dates.minute(ends)}",
                    (starts, ends) == (kept.quiet_from, kept.quiet_until),
                ),
                ChooseQuiet(starts, ends),
            ),
        )
        for starts, ends in QUIET
    )
    text = _(
        "When shall I keep quiet? Only a freed seat, a cancellation or the last hours of "
        "something you owe may come outside the brief, and never in quiet hours."
    )
    return Card(text, (*rows, (Key(_("Back"), OpenSettings()),)))


async def open_settings(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    await _show(update, context, reader)


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _show(update, context, reader)


async def _show(update: Update, context: Context, reader: Reader) -> None:
    kept = await context.read(accounts.settings, reader.account_id)
    await show(update, context, reader, settings_card(kept))


async def choose_language(update: Update, context: Context) -> None:
    chosen = ChooseLanguage.parse(tap(update).data).language
    reader = await context.reader(update)
    if chosen in LANGUAGES:
        await context.write(accounts.choose_language, reader.account_id, chosen)
        await _show(update, context, reader)
        return
    if chosen:
        raise StaleButton
    kept = await context.read(accounts.settings, reader.account_id)
    await show(update, context, reader, language_card(kept))


async def choose_brief(update: Update, context: Context) -> None:
    chosen = ChooseBrief.parse(tap(update).data).minute
    reader = await context.reader(update)
    if 0 <= chosen < 24 * 60:
        before = await context.read(accounts.settings, reader.account_id)
        await context.write(accounts.choose_brief, reader.account_id, chosen)
        kept = await context.read(accounts.settings, reader.account_id)
        if (before.quiet_from, before.quiet_until) != (kept.quiet_from, kept.quiet_until):
            text = catalog(reader.language).gettext("Your quiet hours are now {starts} – {ends}.")
            starts, ends = dates.minute(kept.quiet_from), dates.minute(kept.quiet_until)
            await alert(update, text.format(starts=starts, ends=ends))
        await _show(update, context, reader)
        return
    if chosen != -1:
        raise StaleButton
    kept = await context.read(accounts.settings, reader.account_id)
    await show(update, context, reader, brief_card(kept))


async def choose_quiet(update: Update, context: Context) -> None:
    chosen = ChooseQuiet.parse(tap(update).data)
    reader = await context.reader(update)
    if 0 <= chosen.ends < chosen.starts < 24 * 60:
        before = await context.read(accounts.settings, reader.account_id)
        await context.write(accounts.choose_quiet, reader.account_id, chosen.starts, chosen.ends)
        kept = await context.read(accounts.settings, reader.account_id)
        if before.brief_minute != kept.brief_minute:
            text = catalog(reader.language).gettext("The daily brief now comes at {time}.")
            await alert(update, text.format(time=dates.minute(kept.brief_minute)))
        await _show(update, context, reader)
        return
    if chosen != ChooseQuiet():
        raise StaleButton
    kept = await context.read(accounts.settings, reader.account_id)
    await show(update, context, reader, quiet_card(kept))


def _chosen(label: str, is_chosen: bool) -> str:
    return f"✓ {label}" if is_chosen else label
