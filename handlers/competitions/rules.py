"""The rules of a round, for everybody: what they say, their hash, and the text that was hashed."""

from __future__ import annotations

import html
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key
from handlers.competitions import values_text, words
from handlers.competitions.buttons import ShowCompetition
from handlers.competitions.setup_buttons import RulesFile, RulesOf, ShowRules
from handlers.context import Context, send_file, shortened, show, tap
from handlers.wiring import AnyApplication, on_link, on_tap
from locales import catalog, dates
from storage.competitions import rules
from storage.competitions.editing import What, columns_of
from storage.competitions.rules import Rules
from storage.competitions.tables import RoundLevel
from storage.moments import local_day
from storage.people.accounts import Reader

LABEL = 40

OF_ALL = (What.AUDIENCE, What.BARRED, What.ONE_ENTRY, What.TEAM, What.BLIND, What.MIN_SHARE)
OF_ROUND = (
    What.MATERIALS,
    What.RUBRIC,
    What.JUDGES,
    What.DROPS,
    What.QUOTA,
    What.UNIT_MOST,
    What.TIES,
    What.NUMBERS,
)
OUTSIDE = (What.QUOTA, What.UNIT_MOST)
LISTS = (What.MATERIALS, What.RUBRIC)


def install(application: AnyApplication) -> None:
    on_tap(application, ShowRules, show_rules)
    on_tap(application, RulesFile, send_text)
    on_tap(application, RulesOf, choose_round)
    on_link(application, r"rules(\d{1,18})", by_link)


def rules_card(facts: Rules, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """What holds for a round, line by line, and how anybody can see that it still does."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    whole, own = facts.data["competition"], facts.data["round"]
    lines = [
        _("<b>Rules: {title} · {round}</b>").format(
            title=html.escape(facts.title), round=html.escape(facts.round_name)
        ),
        _("{what}: {value}").format(
            what=_("Level of the round"), value=words.levels(language)[RoundLevel(own["level"])]
        ),
    ]
    lines += [_line(what, whole, facts, language) for what in OF_ALL if _says(what, whole)]
    which = OUTSIDE if own["external"] else OF_ROUND
    lines += [_line(what, own, facts, language) for what in which]
    if whole["awards"]:
        lines.append(_line(What.AWARDS, whole, facts, language))
    if facts.changes:
        lines.append(_("<b>Changed since:</b>"))
    for change in facts.changes:
        names = [
            values_text.label(what, language)
            for what in What
            if set(columns_of(what)) & set(change.fields)
        ]
        lines.append(
            _("· {day}, {what}: {reason}").format(
                day=dates.moment(change.at, zone, language, today),
                what=", ".join(names) if language == "en" else "、".join(names),
                reason=html.escape(change.reason),
            )
        )
    if facts.hash:
        assert facts.frozen_at is not None
        lines += [
            "",
            _("Frozen {when}. SHA-256 of the rules:").format(
                when=dates.moment(facts.frozen_at, zone, language, today)
            ),
            f"<code>{facts.hash}</code>",
            _("They are as they were published.")
            if facts.intact
            else _(
                "⚠ What is kept now differs from what was published; please tell the organiser."
            ),
        ]
    keys = []
    if facts.hash:
        keys.append((Key(_("The text hashed"), RulesFile(facts.round_id)),))
    back = Key(_("Back"), RulesOf(facts.competition_id))
    return Card("\n".join(lines), (*keys, (back,)))


def _says(what: What, whole: dict[str, object]) -> bool:
    """Whether it asks for anything at all."""
    if what is What.MIN_SHARE:
        return whole["min_share"] is not None
    return what is not What.BARRED or bool(whole["barred_years"])


def _line(what: What, fields: dict[str, object], facts: Rules, language: str) -> str:
    _ = catalog(language).gettext
    text = values_text.value_text(
        what, fields, language, units=facts.units, rubric=facts.data["round"]["rubric"]
    )
    if what in LISTS:
        text = "".join(f"\n· {line}" for line in text.split("\n"))
        return _("{what}:{list}").format(what=values_text.label(what, language), list=text)
    return _("{what}: {value}").format(what=values_text.label(what, language), value=text)


def rounds_card(
    competition_id: int, title: str, rounds: tuple[tuple[int, str, str], ...], language: str
) -> Card:
    """Whose rules to read."""
    _ = catalog(language).gettext
    lines = [
        _("<b>Rules: {title}</b>").format(title=html.escape(title)),
        _("They were frozen when it was published. Of which round?"),
    ]
    keys = tuple(
        (Key(shortened(name, LABEL), ShowRules(round_id)),) for round_id, name, _hash in rounds
    )
    return Card("\n".join(lines), (*keys, (Key(_("Back"), ShowCompetition(competition_id)),)))


async def show_rules(update: Update, context: Context) -> None:
    """Show the rules of a round."""
    round_id = ShowRules.parse(tap(update).data).round_id
    await _show(update, context, await context.reader(update), round_id)


async def by_link(update: Update, context: Context, reader: Reader, payload: str) -> None:
    """The same, from the card of a group."""
    facts = await context.read(rules.of_competition, int(payload))
    await show(update, context, reader, rounds_card(int(payload), *facts, reader.language))


async def _show(update: Update, context: Context, reader: Reader, round_id: int) -> None:
    now = context.now()
    facts = await context.read(rules.rules, round_id)
    card = rules_card(facts, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def choose_round(update: Update, context: Context) -> None:
    """Show the rounds whose rules can be read."""
    competition_id = RulesOf.parse(tap(update).data).competition_id
    reader = await context.reader(update)
    facts = await context.read(rules.of_competition, competition_id)
    await show(update, context, reader, rounds_card(competition_id, *facts, reader.language))


async def send_text(update: Update, context: Context) -> None:
    """Send the text that was hashed, so that anybody can hash it again."""
    round_id = RulesFile.parse(tap(update).data).round_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.read(rules.rules, round_id)
    name = _("Rules {round}").format(round=facts.round_name) + ".json"
    caption = _(
        "SHA-256 of this file, as it is: <code>{hash}</code>\n"
        "Whoever computes it again sees whether the rules are those that were published."
    ).format(hash=rules.digest(facts.text))
    await send_file(update, context, reader, facts.text.encode(), name, caption)
