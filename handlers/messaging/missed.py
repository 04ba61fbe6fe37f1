"""What waited for somebody who could not be reached: one list, and each when it is asked for."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, plain
from handlers.context import Context, House, alert, shortened, tap
from handlers.messaging.voices import Nothing, Said, Say, Voice
from handlers.wiring import AnyApplication, on_tap
from locales import catalog
from storage.messaging import outbox, returning
from storage.messaging.outbox import Claimed

LISTED = 8
A_LINE = 80


@dataclass(frozen=True)
class ShowMissed(Button):
    """Send one message that waited, or all of them when it is 0."""

    tag = "missed"
    outbox_id: int


def install(application: AnyApplication) -> None:
    on_tap(application, ShowMissed, show_missed)


def voice(voices: Mapping[str, Voice]) -> Voice:
    """The voice that lists what the other voices would say now."""

    async def missed(house: House, row: Claimed) -> Said:
        lines: list[tuple[int, str]] = []
        for one in await house.database.read(outbox.look, row.facts["rows"]):
            said = await voices[one.kind](house, one)
            if isinstance(said, Say) and isinstance(said.card, Card):
                lines.append((one.id, plain(said.card.text).partition("\n")[0]))
        if not lines:
            return Nothing("nothing of it is worth saying any more")
        return Say(missed_card(lines, row.language))

    return missed


def missed_card(lines: list[tuple[int, str]], language: str) -> Card:
    """The list: rows of the outbox with the first line of what each would say."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = [_("I could not write to you for a while. This is still open:")]
    text += [
        f"{number}. {html.escape(shortened(line, A_LINE))}"
        for number, (_id, line) in enumerate(lines[:LISTED], 1)
    ]
    more = len(lines) - LISTED
    if more > 0:
        text.append(ngettext("and {n} more message", "and {n} more messages", more).format(n=more))
    numbers = [
        Key(str(number), ShowMissed(outbox_id))
        for number, (outbox_id, _line) in enumerate(lines[:LISTED], 1)
    ]
    rows = [tuple(numbers[first : first + 4]) for first in range(0, len(numbers), 4)]
    everything = Key(_("Show all of it"), ShowMissed(0), style="primary")
    return Card("\n".join(text), (*rows, (everything,)))


async def show_missed(update: Update, context: Context) -> None:
    """Send what was asked for; what is over or was sent already is said to be."""
    reader = await context.reader(update)
    outbox_id = ShowMissed.parse(tap(update).data).outbox_id
    sent = await context.write(returning.show, reader.account_id, outbox_id, now=context.now())
    context.house.wake_delivery()
    _ = catalog(reader.language).gettext
    await alert(update, _("Here it comes.") if sent else _("This is over, or was shown already."))
