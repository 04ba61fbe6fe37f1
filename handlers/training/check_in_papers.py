"""The code of the moment as a picture, and the kit for a room without a signal as a sheet."""

from __future__ import annotations

import io
from datetime import date
from zoneinfo import ZoneInfo

import segno

from handlers import documents
from locales import catalog, dates
from storage.training.attendance import Kit, Shown
from storage.training.check_codes import Box
from storage.training.windows import MeetingFacts


def payload(shown: Shown) -> str:
    """What the deep link of this code carries, within Telegram's 64 characters."""
    return f"c{shown.meeting.session_id}-{shown.code.token}"


def digits(code: str) -> str:
    """A code as it is read out: in two halves."""
    return f"{code[:3]} {code[3:]}"


def qr(text: str) -> str:
    """A QR code as SVG, of middling resistance to spots and glare."""
    made = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        made, kind="svg", border=2, xmldecl=False, nl=False
    )
    return made.getvalue().decode()


def code_png(shown: Shown, link: str, language: str, zone: ZoneInfo, today: date) -> bytes:
    """Draw the code of the moment; it bears nobody's name. Call it off the loop."""
    _ = catalog(language).gettext
    data = {
        "heading": _("Check out") if shown.box is Box.OUT else _("Check in"),
        "title": name_of(shown.meeting),
        "when": when_of(shown.meeting, zone, language, today),
        "qr": qr(link),
        "digits": digits(shown.code.digits),
        "how": _("Scan with the phone's camera, or send the six digits to the bot"),
        "changes": _("A new code comes at {time}").format(
            time=f"{shown.code.changes_at.astimezone(zone):%H:%M:%S}"
        ),
    }
    (page,) = documents.render("check_code", data, language=language)
    return page


def kit_pdf(kit: Kit, language: str, zone: ZoneInfo, today: date) -> bytes:
    """Set the kit: how to use it, the key, and the codes of every five minutes."""
    _ = catalog(language).gettext
    until = dates.moment(kit.until, zone, language, today)
    groups = [kit.key[n : n + 4] for n in range(0, len(kit.key), 4)]
    data = {
        "heading": _("Check-in without a signal"),
        "title": name_of(kit.meeting),
        "when": when_of(kit.meeting, zone, language, today),
        "steps": [
            _(
                "Before the meeting: scan the picture on the right with any authenticator app "
                "(or type in the key). The app then shows a new code every 30 seconds, also "
                "without a signal."
            ),
            _(
                "During the meeting: show the app's code, or write the code of the present five "
                "minutes from the table below on the board, at the beginning and again at the end."
            ),
            _(
                "Everybody notes the code that they see. As soon as they have a signal they send "
                "it to the bot, until {until}. It counts for the time at which it was shown."
            ).format(until=until),
            _(
                "This sheet is a key to the meeting. Please do not photograph it, post it or "
                "leave it behind, and tear it up afterwards."
            ),
        ],
        "qr": qr(kit.address),
        "key_label": _("Key (time-based, 30 seconds, 6 digits)"),
        "key": [" ".join(groups[:4]), " ".join(groups[4:])],
        "table_heading": _("Codes by the clock"),
        "slots": [[f"{slot.astimezone(zone):%H:%M}", digits(code)] for slot, code in kit.slots],
        "footer": _("Only for whoever leads this meeting."),
    }
    (sheet,) = documents.render("check_in_kit", data, language=language, form="pdf")
    return sheet


def name_of(meeting: MeetingFacts) -> str:
    """The class, and the meeting where it has a name of its own. Plain text."""
    return " · ".join(part for part in (meeting.title, meeting.name) if part)


def when_of(meeting: MeetingFacts, zone: ZoneInfo, language: str, today: date) -> str:
    """When and where. Plain text."""
    when = dates.span(meeting.starts_at, meeting.ends_at, zone, language, today)
    return " · ".join(part for part in (when, meeting.place) if part)
