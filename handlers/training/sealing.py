"""The decision log of a class as a file, and checking a file that comes back."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key
from handlers.context import Context, send_file, show, tap
from handlers.files import Attachment, fetch, on_document
from handlers.training.buttons import OpenRun
from handlers.wiring import AnyApplication, on_run, on_tap
from locales import catalog
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import Refusal
from storage.training import sealing
from storage.training.sealing import Checked, NotALog


@dataclass(frozen=True)
class OpenLog(Button):
    """What the decision log of a class is (0), or the log itself (1)."""

    tag = "log"
    batch_id: int
    send: int = 0


def install(application: AnyApplication) -> None:
    on_run(application, (Act.SEE_PROGRAMME, Act.NOMINATE, Act.DECIDE_FIRST), _label, OpenLog)
    on_tap(application, OpenLog, open_log)
    on_document(application, sealing.SUFFIX, check_log)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Decision log")


def log_card(batch_id: int, language: str) -> Card:
    """What the log is good for."""
    _ = catalog(language).gettext
    text = _(
        "<b>Decision log</b>\n"
        "Every decision on the seats of this class is a line; each line is chained to the one "
        "before, so that no line can be changed unnoticed. People stand in it under a "
        "pseudonym; with your file you get the names of your own people.\n"
        "Send a file back to me at any time, and I say whether it is still the same here."
    )
    return Card(
        text,
        (
            (Key(_("Get the file"), OpenLog(batch_id, 1), style="primary"),),
            (Key(_("Back"), OpenRun(batch_id)),),
        ),
    )


def checked_card(facts: Checked, language: str) -> Card:
    """What came of checking a file."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [_("<b>Decision log: {title}</b>").format(title=html.escape(facts.title))]
    if facts.broken_at is not None:
        lines.append(_("Line {n} of the file was altered.").format(n=facts.broken_at))
    elif facts.differs_at is not None:
        lines.append(
            _("The chain is unbroken, but line {n} is not as it is kept here.").format(
                n=facts.differs_at
            )
        )
    else:
        lines.append(
            ngettext(
                "{n} line, unbroken, the same as here.",
                "{n} lines, unbroken, the same as here.",
                facts.lines,
            ).format(n=facts.lines)
        )
        if facts.newer:
            lines.append(
                ngettext(
                    "Since then {n} line has been added.",
                    "Since then {n} lines have been added.",
                    facts.newer,
                ).format(n=facts.newer)
            )
    if facts.altered_here is not None:
        lines.append(
            _(
                "In this office's own records, line {n} is not what was sealed. "
                "Please tell the county's coordinator."
            ).format(n=facts.altered_here)
        )
    return Card("\n".join(lines), ((Key(_("Back"), OpenRun(facts.batch_id)),),))


def sealing_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why a file is not checked; empty for what is not ours."""
    _ = catalog(language).gettext
    if isinstance(refusal, NotALog):
        return _("This is not a decision log of this office.")
    return ""


async def open_log(update: Update, context: Context) -> None:
    """Say what the log is, or send it."""
    button = OpenLog.parse(tap(update).data)
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    if not button.send:
        await show(update, context, reader, log_card(button.batch_id, reader.language))
        return
    done = await context.write(
        sealing.export, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    caption = catalogue.ngettext(
        "{title}: {n} line; names of your own people: {names}.",
        "{title}: {n} lines; names of your own people: {names}.",
        done.lines,
    ).format(title=html.escape(done.title), n=done.lines, names=done.names)
    name = catalogue.gettext("{title} decision log").format(title=done.title) + sealing.SUFFIX
    await send_file(update, context, reader, done.content, name, caption)


async def check_log(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Check a log that came back."""
    content = await fetch(context, attachment)
    facts = await context.read(
        sealing.check_file, reader.linked_teacher_id, content, now=context.now()
    )
    await show(update, context, reader, checked_card(facts, reader.language))
