"""Link codes of a school on paper: a slip a teacher, with the code and its QR code."""

from __future__ import annotations

import asyncio
import html
import io
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import segno
from telegram import Update

from handlers import documents, progress
from handlers.buttons import Button
from handlers.cards import Card, Key
from handlers.context import Context, edit_in_place, send_file, show, show_anew, tap
from handlers.people.buttons import OpenPeople
from handlers.progress import Progress
from handlers.wiring import AnyApplication, on_tap
from locales import catalog, dates, names
from storage.moments import local_day
from storage.people import slips
from storage.people.slips import SheetMade, Slips, Unlinked
from storage.refusals import Refusal


@dataclass(frozen=True)
class AskSlips(Button):
    """Link codes for everybody of a unit who has not linked; asked once more."""

    tag = "slip"
    unit_id: int


@dataclass(frozen=True)
class PrintSlips(Button):
    """Make the sheet; ``stamp`` tells a second tap from the first."""

    tag = "slips"
    unit_id: int
    stamp: int


def install(application: AnyApplication) -> None:
    on_tap(application, AskSlips, ask)
    on_tap(application, PrintSlips, make)


def slips_key(unit_id: int, language: str) -> Key:
    """The key that leads to a unit's printed codes."""
    _ = catalog(language).gettext
    return Key(_("Print link codes"), AskSlips(unit_id))


def ask_card(facts: Unlinked, language: str) -> Card:
    """What the sheet would be, and what it does to codes that were issued before."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    back = Key(_("Back"), OpenPeople(facts.unit_id, 0, 1))
    lines = [f"<b>{html.escape(facts.unit)}</b>"]
    if not facts.people:
        lines.append(_("Everybody has linked."))
    else:
        lines.append(
            ngettext(
                "A sheet to print and cut, with a slip for {n} teacher who has not linked yet: "
                "name, link code and QR code. Each code works once, for 72 hours from now.",
                "A sheet to print and cut, with a slip for each of {n} teachers who have not "
                "linked yet: name, link code and QR code. Each code works once, for 72 hours "
                "from now.",
                facts.people,
            ).format(n=facts.people)
        )
        if facts.with_code:
            lines.append(
                ngettext(
                    "{n} of them has a code already, which will not work any more.",
                    "{n} of them have a code already, which will not work any more.",
                    facts.with_code,
                ).format(n=facts.with_code)
            )
    lines += _left_out(facts.left_out, language)
    if not facts.people:
        return Card("\n".join(lines), ((back,),))
    press = PrintSlips(facts.unit_id, facts.stamp)
    return Card("\n".join(lines), ((Key(_("Make the sheet"), press, style="primary"),), (back,)))


def _left_out(people: tuple[str, ...], language: str) -> list[str]:
    _ = catalog(language).gettext
    if not people:
        return []
    between = ", " if language == "en" else "、"
    return [
        _(
            "Left out, because their roles reach further than yours: {names}. "
            "They get their codes from the county office."
        ).format(names=html.escape(between.join(people)))
    ]


def sheet(made: Slips, language: str, zone: ZoneInfo, now: datetime, link: str) -> bytes:
    """The sheet as PDF; ``link`` is the deep link of the code ``CODE``."""
    _ = catalog(language).gettext
    until = dates.moment(made.until, zone, language, now.astimezone(zone).date())
    labels = {
        "cut": _("Please cut along the dashed lines."),
        "care": _("Each slip is for one person: please hand it over in person."),
        "code": _("Link code"),
        "how": _("Scan the code with your phone, or open the assistant and type the link code."),
        "until": _("Works once, until {time}.").format(time=until),
        "scan": _("opens the assistant in Telegram"),
    }
    data = {
        "title": _("{unit}: link codes for the training assistant").format(unit=made.unit),
        "unit": made.unit,
        "bot": f"@{urlsplit(link).path.strip('/')}",
        "labels": labels,
        "slips": [
            {
                "name": each.name,
                "staff_no": names.mask_staff_no(each.staff_no),
                "code": f"{each.code[:4]} {each.code[4:]}",
                "qr": _qr(link.replace("CODE", each.code)),
            }
            for each in made.slips
        ],
    }
    (pdf,) = documents.render("slips", data, language=language, form="pdf")
    return pdf


def _qr(text: str) -> str:
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, border=2, omitsize=True
    )
    return drawn.getvalue().decode()


async def ask(update: Update, context: Context) -> None:
    """Say what the sheet would do before it is made."""
    unit_id = AskSlips.parse(tap(update).data).unit_id
    reader = await context.reader(update)
    facts = await context.read(slips.unlinked, reader.linked_teacher_id, unit_id, now=context.now())
    await show(update, context, reader, ask_card(facts, reader.language))


async def make(update: Update, context: Context) -> None:
    """Issue the codes and send the sheet."""
    button = PrintSlips.parse(tap(update).data)
    reader = await context.reader(update)
    now, zone, language = context.now(), context.house.zone, reader.language
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    made = await context.write(
        slips.make, reader.linked_teacher_id, button.unit_id, button.stamp, now=now
    )
    link = context.house.link("LCODE")

    async def bar(text: str) -> None:
        await edit_in_place(update, context, Card(text))

    # A large school's takes seconds: a QR code a teacher.
    drawn = asyncio.to_thread(sheet, made, language, zone, now, link)
    pdf = await progress.shown(drawn, Progress(_("Making the sheet…")), bar)
    what = _("Link code")
    name = f"{made.unit}-{what}-{local_day(now, zone).isoformat()}.pdf"
    until = dates.moment(made.until, zone, language, local_day(now, zone))
    lines = [
        ngettext(
            "The sheet with {n} link code. It works until {time}. Please print it, cut it, hand "
            "the slips over in person, and delete this file afterwards.",
            "The sheet with {n} link codes. They work until {time}. Please print it, cut it, hand "
            "the slips over in person, and delete this file afterwards.",
            len(made.slips),
        ).format(n=len(made.slips), time=until),
        *_left_out(made.left_out, language),
    ]
    await send_file(update, context, reader, pdf, name, "\n".join(lines))
    done = _("The sheet is above. It cannot be shown again; another one makes new codes.")
    back = Key(_("Back"), OpenPeople(button.unit_id, 0, 1))
    # Below the file: in place, the card would stand above it.
    await show_anew(context, reader, Card(done, ((back,),)))


def slips_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why a sheet is not made; empty for what is not ours."""
    _ = catalog(language).gettext
    if isinstance(refusal, SheetMade):
        return _(
            "Codes have been issued since you opened this card, so no second sheet was made: it "
            "would make them useless. Open the list again for another sheet."
        )
    return ""
