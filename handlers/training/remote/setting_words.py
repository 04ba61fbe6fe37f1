"""What counts in remote training, in words; and what is typed about it, read."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.training import times
from locales import catalog, dates, numbers
from storage import sheets
from storage.moments import local_day
from storage.refusals import Refusal
from storage.training.remote import plan, platforms, weighing
from storage.training.remote.plan import Item, Milestone, Settings
from storage.training.remote.tables import Measure


def item_kind(kind: str, language: str) -> str:
    """What is done on a platform."""
    _ = catalog(language).gettext
    return {
        "watch_minutes": _("watching lessons"),
        "homework": _("homework"),
        "forum": _("posts in discussions"),
        "seminar": _("seminar at school"),
        "peer_review": _("commenting on each other’s work"),
        "exam": _("test"),
    }.get(kind, _("other study"))


def amount(number: float, measure: Measure, language: str) -> str:
    """So much of it: 900 minutes, twice, 80 points, 60 %."""
    ngettext = catalog(language).ngettext
    _ = catalog(language).gettext
    # One and a half of anything is said like many.
    many = int(number) if float(number).is_integer() else 2
    said = f"{number:g}"
    match measure:
        case Measure.MINUTES:
            return ngettext("{n} minute", "{n} minutes", many).format(n=said)
        case Measure.TIMES:
            return ngettext("{n} time", "{n} times", many).format(n=said)
        case Measure.POINTS:
            return ngettext("{n} point", "{n} points", many).format(n=said)
        case _:
            return _("{n}%").format(n=said)


def share(item: Item, items: tuple[Item, ...]) -> int | None:
    """How much of the whole work an item is, in per cent; None of what does not count in it."""
    weighed = [one for one in items if one.mandatory] or items
    return weighing.shares({one.item_id: one.weight for one in weighed}).get(item.item_id)


def pace_text(facts: Settings, language: str, today: date) -> str:
    """What is expected by when, as a line."""
    _ = catalog(language).gettext
    if facts.milestones:
        steps = [
            _("{percent}% by {day}").format(
                percent=f"{each.percent:g}", day=dates.day(each.on, language, today)
            )
            for each in facts.milestones
        ]
        return numbers.joined(steps, language)
    if facts.minutes_a_day:
        return (
            catalog(language)
            .ngettext("{n} minute a working day", "{n} minutes a working day", facts.minutes_a_day)
            .format(n=facts.minutes_a_day)
        )
    return _("evenly over the working days")


# --- what is typed -----------------------------------------------------------------------------

_UNITS: dict[str, tuple[Measure, float]] = {
    **dict.fromkeys(("分钟", "分鐘", "min", "mins", "minute", "minutes"), (Measure.MINUTES, 1)),
    **dict.fromkeys(("小时", "小時", "学时", "學時", "h", "hour", "hours"), (Measure.MINUTES, 60)),
    **dict.fromkeys(
        ("次", "篇", "个", "個", "条", "條", "份", "time", "times", "x"), (Measure.TIMES, 1)
    ),
    **dict.fromkeys(("分", "point", "points"), (Measure.POINTS, 1)),
    **dict.fromkeys(("%", "percent"), (Measure.PERCENT, 1)),
}
_AMOUNT = re.compile(
    r"(?P<title>.*?)[\s,:;、]*(?P<number>\d{1,6}(?:\.\d{1,2})?)\s*(?P<unit>[^\d\s]{0,8})",
    re.DOTALL,
)


@dataclass(frozen=True)
class Typed:
    """A name, perhaps, and so much of it; the measure None when no unit was said."""

    title: str
    required: float
    measure: Measure | None


def read_amount(text: str) -> Typed | None:
    """Read "观看课程 900分钟", "作业2次", "60"; None when there is no number at the end."""
    found = _AMOUNT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        return None
    title, number, unit = found["title"].strip(), float(found["number"]), found["unit"].lower()
    if not unit:
        return Typed(title, number, None)
    if unit not in _UNITS:
        return None
    measure, factor = _UNITS[unit]
    return Typed(title, number * factor, measure)


def read_share(text: str) -> float | None:
    """Read 98, 98% or 0.98 as a part of one."""
    number = sheets.as_number(text)
    if number is None:
        return None
    return float(number if number <= 1 else number / 100)


def read_percent(text: str) -> float | None:
    """Read a share of the work as per cent: "30%", "30" and "0.3" are the same."""
    said = unicodedata.normalize("NFKC", text).strip()
    number = sheets.as_number(said.removesuffix("%"))
    if number is None:
        return None
    return float(number if said.endswith("%") or number >= 1 else 100 * number)


def read_milestones(text: str, now: datetime, zone: ZoneInfo) -> tuple[Milestone, ...] | None:
    """Read a line for each: "11月13日 40%"; None when one cannot be read."""
    found = []
    for line in re.split(r"[\n;；]", text):
        if not line.strip():
            continue
        parts = re.fullmatch(r"(.*?)[\s,，:：]*(\d{1,3}(?:\.\d)?)\s*[%％]\s*", line.strip())
        days = parts and times.days(parts[1], now, zone)
        if parts is None or days is None:
            return None
        found.append(Milestone(local_day(days.starts_at, zone), float(parts[2])))
    return tuple(sorted(found, key=lambda each: each.on)) or None


# --- refusals ----------------------------------------------------------------------------------


def field_name(field: str, language: str) -> str:
    """What a figure of the settings is called."""
    _ = catalog(language).gettext
    return {
        "required": _("what is required"),
        "weight": _("the weight"),
        "share": _("the share of the work, in per cent"),
        "percent": _("the share expected"),
        "minutes_a_day": _("minutes a day"),
        "start_threshold": _("what counts as a beginning"),
        "grace_days": _("days to begin"),
        "slack": _("points behind"),
        "idle_days": _("days without study"),
        "stale_days": _("days without new figures"),
        "participation_target": _("the target of taking part"),
        "pass_target": _("the target of passing"),
    }.get(field, field)


def settings_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why a class cannot study like that; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case plan.OutOfRange(field=field, least=least, most=most):
            return _("“{field}” may be from {least} to {most}.").format(
                field=field_name(field, language), least=f"{least:g}", most=f"{most:g}"
            )
        case plan.TooManyItems(most=most):
            return _("At most {n} things can count in a class.").format(n=most)
        case plan.NotRising():
            return _("Each milestone expects more than the one before it. Please check them.")
        case plan.MakeUpTooEarly(ends_at=ends_at):
            return _("What was missed is made up after the class, which ends {time}.").format(
                time=dates.moment(ends_at, zone, language, now.astimezone(zone).date())
            )
        case plan.MoreThanThere(modules=0):
            return _(
                "Nothing that counts belongs to a module yet. "
                "Please say at each item to which module it belongs."
            )
        case plan.MoreThanThere(modules=modules):
            return _(
                "Modules that something that counts belongs to: {n}. No more can be required."
            ).format(n=modules)
        case platforms.NoAddress():
            return _("This is no address of a site. Please send it as the browser shows it.")
        case platforms.GuideTooLong(longest=longest):
            return _("A guide has at most {n} characters.").format(n=longest)
        case platforms.NameTaken(name=name):
            return _("There is a platform called “{name}” already.").format(name=name)
    return ""
