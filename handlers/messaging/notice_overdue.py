"""Notices whose date is over and that somebody has not confirmed, from the desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import Context, shortened, show, tap, typed_text
from handlers.messaging.notice_buttons import NoticeShow
from handlers.people.buttons import OpenDesk
from handlers.wiring import AnyApplication, on_desk, on_tap
from locales import catalog, dates
from storage.messaging import overdue
from storage.messaging.overdue import Overdue
from storage.people.authority import Act

PAGE = 8
LABEL = 40


@dataclass(frozen=True)
class OverdueNotices(Button):
    """The notices whose date is over and that people of whoever taps have not confirmed."""

    tag = "nov"
    page: int = 0


def install(application: AnyApplication) -> None:
    on_tap(application, OverdueNotices, open_list)
    acts = (Act.NOTIFY_UNIT, Act.NOTIFY_CLASS)
    on_desk(application, acts, _label, OverdueNotices, ("overdue",), if_any=True)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Not confirmed in time")


def list_card(
    lines: Sequence[Overdue], page: int, language: str, zone: ZoneInfo, now: datetime
) -> Card:
    """A page of such notices, each with how many are missing and a key to its report."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    text = [_("<b>Not confirmed in time</b>")]
    if not lines:
        text.append(_("Everybody has confirmed."))
    pages = max(1, -(-len(lines) // PAGE))
    page = min(max(0, page), pages - 1)
    keys: list[tuple[Key, ...]] = []
    for number, line in enumerate(lines[page * PAGE : (page + 1) * PAGE], page * PAGE + 1):
        said = ngettext(
            "{n} has not confirmed, due {when}", "{n} have not confirmed, due {when}", line.missing
        ).format(n=line.missing, when=dates.moment(line.answer_by, zone, language, today))
        text.append(f"{number}. {typed_text(shortened(line.title, LABEL))}\n{said}")
        label = shortened(f"{number}. {line.title}", LABEL)
        keys.append((Key(label, NoticeShow(line.notice_id)),))
    turn = pager(page, pages, OverdueNotices)
    return Card("\n".join(text), (*keys, *((turn,) if turn else ()), (Key(_("Back"), OpenDesk()),)))


async def open_list(update: Update, context: Context) -> None:
    """Show the notices that are overdue."""
    page = OverdueNotices.parse(tap(update).data).page
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    lines = await context.read(overdue.notices, reader.linked_teacher_id, now=now)
    await show(update, context, reader, list_card(lines, page, reader.language, zone, now))
