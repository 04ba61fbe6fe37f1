"""What a whole group sees. The only module that makes a ``GroupCard``.

Everything here is built from facts that have no field for a person: what may be posted in a
group is a type (domain, messages 8.2). A new public text is a new function here, from facts of
its own that are as safe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import GroupCard, Key, fitted
from handlers.competitions import values_text
from handlers.competitions.list_text import list_lines
from handlers.context import shortened, typed_text
from handlers.messaging.buttons import GroupDetails, GroupRegister
from handlers.messaging.group_buttons import BindHere
from handlers.messaging.notice_buttons import NoticeAsk, NoticeConfirm
from handlers.training import words
from locales import catalog, dates, numbers
from storage.competitions.publicity import PublicList
from storage.competitions.round_cards import Opening
from storage.competitions.tables import CompetitionState
from storage.competitions.timetable import PublicTimetable
from storage.kinds import Figures
from storage.messaging.correcting import GIVEN, Correction, Value, What
from storage.messaging.notice_views import NoticeText
from storage.training.programmes import FEWEST, BatchState, GroupProgramme
from storage.training.remote.bulletins import Bulletin

NOTICE = 2500  # characters of a notice's text that a group shows
TITLE = 120  # characters of a title, place or batch that a group card shows
REGISTRABLE = (BatchState.OPEN, BatchState.FULL)


def programme_group_card(
    facts: GroupProgramme,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    link: Callable[[str], str],
) -> GroupCard:
    """M05: a programme's public card, the same before, during and after registration."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [f"<b>{_heading(facts, language)}</b>"]
    if facts.batch_title and facts.batch_title != facts.title:
        lines.append(_escaped(facts.batch_title))
    lines.append(
        _("Mode: {mode}   Hours: {hours}").format(
            mode=typed_text(words.mode(facts.mode, language)),
            hours=numbers.hours(facts.hours, language),
        )
    )
    lines.append(
        _("When: {when}").format(
            when=dates.span(facts.starts_at, facts.ends_at, zone, language, today)
        )
    )
    if facts.place:
        lines.append(_("Where: {place}").format(place=_escaped(facts.place)))
    lines += _registration_lines(facts, language, zone, today)

    keys: list[tuple[Key, ...]] = []
    details = Key(_("Full details"), GroupDetails(facts.batch_id))
    if facts.state in REGISTRABLE:
        label = _("Register") if facts.state is BatchState.OPEN else _("Join the waiting list")
        keys.append((Key(label, GroupRegister(facts.batch_id), style="primary"), details))
    else:
        keys.append((details,))
    if facts.state is not BatchState.CANCELLED:
        keys.append((Key(_("Continue in private"), url=link(f"p{facts.batch_id}")),))
    return GroupCard("\n".join(lines), tuple(keys))


@dataclass(frozen=True)
class GroupDeadline:
    """What a group may know of a deadline: no field is about a person.

    ``number`` is of people, seats or schools as ``figures`` says, and None where it is too
    small to be said.
    """

    kind: str
    figures: Figures
    title: str
    at: datetime
    ends_at: datetime
    place: str
    bring: str
    number: int | None
    payload: str
    """Where the link into the private chat leads."""
    batch_id: int = 0


def deadline_group_card(
    facts: GroupDeadline,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    link: Callable[[str], str],
) -> GroupCard:
    """A reminder to a whole group: what and when, and at most one figure."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    heading = _("[Reminder] {title}").format(title=_escaped(facts.title))
    lines = [f"<b>{heading}</b>"]
    if facts.figures is Figures.EVENT:
        when = dates.span(facts.at, facts.ends_at, zone, language, today)
        lines.append(_("When: {when}").format(when=when))
        if facts.place:
            lines.append(_("Where: {place}").format(place=_escaped(facts.place)))
        if facts.bring:
            lines.append(_("Please bring: {bring}").format(bring=_escaped(facts.bring)))
    else:
        lines.append(_until(facts, language, zone, today))
    number = facts.number
    if number is not None and facts.figures is Figures.SEATS:
        lines.append(ngettext("{n} seat is left.", "{n} seats are left.", number).format(n=number))
    elif number is not None and facts.figures is Figures.SCHOOLS:
        lines.append(
            ngettext(
                "{n} school has not finished its list.",
                "{n} schools have not finished their lists.",
                number,
            ).format(n=number)
        )
    elif number is not None:
        lines.append(
            ngettext("{n} is not done yet.", "{n} are not done yet.", number).format(n=number)
        )
    lines.append(_("Each person sees their own state in the private chat."))
    return GroupCard("\n".join(lines), ((Key(_("Continue in private"), url=link(facts.payload)),),))


TURNS = 60  # turns that a group's card spells out


def turns_group_card(
    facts: PublicTimetable,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    link: Callable[[str], str],
) -> GroupCard:
    """When which number has its turn, or who where the rules name people."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    if facts.state is CompetitionState.CANCELLED:
        heading = _("[Cancelled] {title}").format(title=_escaped(facts.competition))
        return GroupCard(f"<b>{heading}</b>")
    heading = _("[Timetable] {title}").format(title=_escaped(facts.competition))
    beside = " · ".join(_escaped(part) for part in (facts.round, facts.track) if part)
    lines = [f"<b>{heading}</b>", beside]
    if facts.place:
        lines.append(_("Where: {place}").format(place=_escaped(facts.place)))
    for one in facts.turns[:TURNS]:
        when = (
            _("no time yet")
            if one.slot_at is None
            else dates.moment(one.slot_at, zone, language, today)
        )
        if one.room:
            when = _("{when} ({place})").format(when=when, place=_escaped(one.room))
        lines.append(
            _("{when}  {name}, {unit}").format(
                when=when, name=_escaped(one.name), unit=_escaped(one.school)
            )
            if facts.has_names
            else _("{number}  {when}").format(number=_escaped(one.number), when=when)
        )
    more = len(facts.turns) - TURNS
    if more > 0:
        lines.append(ngettext("and {n} more", "and {n} more", more).format(n=more))
    if not facts.has_names:
        lines.append(_("Entries are named by their numbers; each entrant knows their own."))
    return GroupCard(
        fitted("\n".join(lines)), ((Key(_("Continue in private"), url=link("menu")),),)
    )


def round_opening_card(
    facts: Opening,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    link: Callable[[str], str],
) -> GroupCard:
    """M19: a competition's entries are open; how many there are, and never whose."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    names = {"title": _escaped(facts.title), "round": _escaped(facts.round_name)}
    if facts.state is CompetitionState.CANCELLED:
        heading = _("[Cancelled] {title}").format(title=names["title"])
        return GroupCard(f"<b>{heading}</b>")
    closes = facts.entry_closes_at
    is_open = facts.state is CompetitionState.PUBLISHED and (closes is None or closes > now)
    heading = (
        _("[Competition] {title} · {round}: entries are open")
        if is_open
        else _("[Competition] {title} · {round}: entries are closed")
    ).format(**names)
    lines = [f"<b>{heading}</b>"]
    lines.append(
        _("Tracks: {tracks}").format(
            tracks=_escaped(numbers.joined(facts.tracks[:TRACKS], language))
        )
    )
    if closes is not None:
        lines.append(
            _("Entries close: {time}").format(time=dates.moment(closes, zone, language, today))
        )
    schedule = values_text.schedule(facts.schedule[:ROUNDS], language, zone, today)
    if schedule:
        lines.append(_("Schedule: {schedule}").format(schedule=schedule))
    if facts.quota:
        lines.append(
            _("Places in the next round: {quota}").format(
                quota=values_text.quota(facts.quota, language, {})
            )
        )
    if facts.entries is not None:
        lines.append(ngettext("{n} entry", "{n} entries", facts.entries).format(n=facts.entries))
    if facts.rules_changed is not None:
        lines.append(
            _("The rules were changed on {day}; everybody can read how and why.").format(
                day=dates.day(facts.rules_changed, language, today)
            )
        )
    keys: list[tuple[Key, ...]] = []
    rules = Key(_("Rules"), url=link(f"rules{facts.competition_id}"))
    if is_open:
        lines.append(_("Please tap the button to enter in the private chat."))
        keys.append(
            (Key(_("Enter the competition"), url=link(f"comp{facts.competition_id}")), rules)
        )
    else:
        keys.append((rules,))
    return GroupCard("\n".join(lines), tuple(keys))


TRACKS = 30  # tracks and rounds that a group's card spells out
ROUNDS = 8

LISTED = 3600  # characters of a list that a group's card spells out; the rest in private


def public_list_card(
    facts: PublicList, language: str, today: date, link: Callable[[str], str]
) -> GroupCard:
    """A list on public display: name, school and award, and how one objects."""
    _ = catalog(language).gettext
    names = {"title": _escaped(facts.title), "round": _escaped(facts.round_name)}
    if facts.is_cancelled:
        heading = _("[Cancelled] {title}").format(title=names["title"])
        return GroupCard(f"<b>{heading}</b>")
    heading = (
        _("[Public display] {title} · {round}")
        if facts.version == 1
        else _("[Public display, corrected] {title} · {round}")
    ).format(**names)
    head = [f"<b>{heading}</b>"]
    if facts.version > 1:
        head.append(_("This list (version {n}) replaces the earlier one.").format(n=facts.version))
    foot = []
    if facts.until is not None:
        foot.append(
            _("On public display until {day}, 17:00.").format(
                day=dates.day(facts.until, language, today)
            )
        )
    foot.append(
        _("Whoever has an objection raises it in private by the key below; it is confidential.")
    )
    if facts.contact:
        foot.append(_("Contact: {contact}").format(contact=_escaped(facts.contact)))
    text = "\n".join((*head, fitted("\n".join(list_lines(facts, language)), LISTED), *foot))
    keys = (
        Key(_("Full list"), url=link(f"list{facts.round_id}")),
        Key(_("Objection"), url=link(f"list{facts.round_id}")),
    )
    return GroupCard(text, (keys,))


def winners_card(facts: PublicList, language: str) -> GroupCard:
    """Congratulations, once the result stands: name, school and award."""
    _ = catalog(language).gettext
    heading = _("[Congratulations] {title} · {round}").format(
        title=_escaped(facts.title), round=_escaped(facts.round_name)
    )
    body = fitted("\n".join(list_lines(facts, language)), LISTED)
    thanks = _("Warm congratulations, and thanks to all who took part.")
    return GroupCard(f"<b>{heading}</b>\n{body}\n{thanks}")


def list_taken_down_card(title: str, round_name: str, language: str) -> GroupCard:
    """What stays of a list that was on display, where the message itself cannot be deleted."""
    _ = catalog(language).gettext
    text = _(
        "<b>{title} · {round}</b>: the time of public display is over, and the list was taken down."
    )
    return GroupCard(text.format(title=_escaped(title), round=_escaped(round_name)))


BARS = 30  # schools that a bulletin spells out
BOXES = 10


def bulletin_group_card(
    facts: Bulletin,
    batch_id: int,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    link: Callable[[str], str],
    ends_at: datetime | None = None,
) -> GroupCard:
    """M17: how far the schools of a class are; thanks, and neither ranks nor anybody by name.

    ``ends_at`` is said where the bulletin goes out as a reminder of the end.
    """
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    heading = (
        _("[Progress bulletin] {title}, no. {number}")
        if facts.number
        else _("[Progress bulletin] {title}")
    ).format(title=_escaped(facts.title), number=facts.number)
    whole = facts.whole
    lines = [
        f"<b>{heading}</b>",
        _("As of {when}").format(when=dates.moment(facts.as_of, zone, language, today)),
        _("Due: {due}; taking part {part}%; study finished {learned}%.").format(
            due=whole.due,
            part=numbers.percent(whole.participating, whole.due, facts.target),
            learned=numbers.percent(whole.learned, whole.due),
        ),
    ]
    if facts.corrected:
        lines.append(_("These figures were corrected; please go by them as they stand here now."))
    if ends_at is not None:
        when = dates.moment(ends_at, zone, language, today)
        lines.append(_("Remote training ends {when}.").format(when=when))
    reached = facts.reached
    if reached:
        names = [_escaped(name) for name in reached[:BARS]]
        lines.append(
            ngettext(
                "At {target}% taking part ({n} school): {schools}",
                "At {target}% taking part ({n} schools): {schools}",
                len(reached),
            ).format(
                target=f"{facts.target * 100:.4g}",
                n=len(reached),
                schools=numbers.joined(names, language),
            )
        )
    if facts.bars:
        lines.append(_("Study finished, in the order of the roster:"))
    lines += [
        _("{bar} {percent}% {school}").format(
            bar=bar(one.learned, one.due),
            percent=numbers.percent(one.learned, one.due),
            school=_escaped(one.name),
        )
        for one in facts.bars[:BARS]
    ]
    more = len(facts.bars) - BARS
    if more > 0:
        lines.append(ngettext("and {n} more school", "and {n} more schools", more).format(n=more))
    if facts.others is not None:
        lines.append(
            _("{bar} {percent}% small schools together").format(
                bar=bar(facts.others.learned, facts.others.due),
                percent=numbers.percent(facts.others.learned, facts.others.due),
            )
        )
    lines.append(_("Each person sees their own state in the private chat. Thank you all."))
    keys = ((Key(_("Continue in private"), url=link(f"p{batch_id}")),),)
    return GroupCard(fitted("\n".join(lines)), keys)


def bulletin_withdrawn_card(facts: Bulletin, language: str) -> GroupCard:
    """Stands where a bulletin stood whose table was taken back, until there is another."""
    _ = catalog(language).gettext
    heading = _("[Progress bulletin] {title}, no. {number}").format(
        title=_escaped(facts.title), number=facts.number
    )
    text = _("These figures were taken back. New ones follow with the next table.")
    return GroupCard(f"<b>{heading}</b>\n{text}")


def bar(done: int, of: int) -> str:
    """So many of so many, as boxes; all of them are full only when all is done."""
    full = BOXES * done // of if of else 0
    return f"{'▰' * full}{'▱' * (BOXES - full)}"


def _until(facts: GroupDeadline, language: str, zone: ZoneInfo, today: date) -> str:
    _ = catalog(language).gettext
    before = dates.before(facts.at, zone, language, today)
    sentences = {
        "reg_close": _("Registration closes {when}."),
        "nominate_close": _("The list of nominations closes {when}."),
        "menu_open": _("Choosing from the menu is open."),
        "menu_close": _("Choosing from the menu closes {when}."),
        "remote_start": _("Remote training begins {when}."),
        "remote_end": _("Remote training ends {when}."),
        "year_hours": _("The year's training hours are counted until {when}."),
    }
    when = dates.moment(facts.at, zone, language, today)
    if facts.kind in sentences:
        return sentences[facts.kind].format(when=when)
    return _("Due {before}.").format(before=before)


def intro_card(unit: str, language: str, link: Callable[[str], str]) -> GroupCard:
    """M01: what the assistant does in a group that is bound to a unit or programme."""
    _ = catalog(language).gettext
    text = _(
        "Hello, I am the teacher-training assistant of {unit}.\n"
        "In this group I post only public notices, course openings and competition news.\n"
        "For registration, credits and progress, tap the button and talk to me in private. "
        "There is no need to reply here."
    ).format(unit=_escaped(unit))
    return GroupCard(text, ((Key(_("Continue in private"), url=link("menu")),),))


def unbound_card(language: str) -> GroupCard:
    """What is said once in a group that nobody has bound yet."""
    _ = catalog(language).gettext
    text = _(
        "Hello, I am a teacher-training assistant. This group is not connected to a unit or "
        "programme yet; the training coordinator does that with the key below. Until then I "
        "post nothing here, and after a week I leave."
    )
    return GroupCard(text, ((Key(_("Connect this group"), BindHere()),),))


def bind_card(is_topic: bool, language: str) -> GroupCard:
    """The key by which a coordinator shows which group, or which topic of it, is meant."""
    _ = catalog(language).gettext
    if is_topic:
        text = _("Shall I post in this topic? The training coordinator presses the key.")
        return GroupCard(text, ((Key(_("Use this topic"), BindHere()),),))
    text = _("Shall I post in this group? The training coordinator presses the key.")
    return GroupCard(text, ((Key(_("Connect this group"), BindHere()),),))


def goodbye_card(language: str) -> GroupCard:
    """What is said before the bot leaves a group that stands for nothing."""
    _ = catalog(language).gettext
    return GroupCard(
        _(
            "There is nothing for me to post in this group, so I leave it now. "
            "The training coordinator can add me again at any time. Thank you."
        )
    )


def closing_card(over: date, language: str, today: date) -> GroupCard:
    """``chat_close``: a group for one task is told when it is to be over."""
    _ = catalog(language).gettext
    text = _(
        "This course is over; thank you all. This group will be closed on {date}. "
        "Your own records stay in the private chat."
    )
    return GroupCard(text.format(date=dates.day(over, language, today)))


def anonymous_card(language: str, link: Callable[[str], str]) -> GroupCard:
    """What an anonymous administrator or a channel is told: there is no person to answer."""
    _ = catalog(language).gettext
    text = _("I cannot see who is asking here. Please open the private chat.")
    return GroupCard(text, ((Key(_("Open private chat"), url=link("menu")),),))


def _heading(facts: GroupProgramme, language: str) -> str:
    _ = catalog(language).gettext
    match facts.state:
        case BatchState.NOT_YET_OPEN:
            heading = _("[Coming soon] {title}")
        case BatchState.OPEN | BatchState.FULL:
            heading = _("[Registration] {title}")
        case BatchState.CANCELLED:
            heading = _("[Cancelled] {title}")
        case BatchState.FINISHED:
            heading = _("[Finished] {title}")
        case BatchState.PAUSED:
            heading = _("[Paused] {title}")
        case _:
            heading = _("[Training] {title}")
    return heading.format(title=_escaped(facts.title))


def _registration_lines(
    facts: GroupProgramme, language: str, zone: ZoneInfo, today: date
) -> list[str]:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines: list[str] = []
    if facts.state is BatchState.NOT_YET_OPEN and facts.reg_open is not None:
        lines.append(
            _("Registration opens: {time}").format(
                time=dates.moment(facts.reg_open, zone, language, today)
            )
        )
    if facts.state in (BatchState.NOT_YET_OPEN, *REGISTRABLE) and facts.reg_close is not None:
        lines.append(
            _("Registration closes: {time}").format(
                time=dates.moment(facts.reg_close, zone, language, today)
            )
        )
    if facts.state in REGISTRABLE and facts.seats is not None:
        lines.append(
            _("Seats: {seats}, left: {left}").format(seats=facts.seats, left=facts.seats_left or 0)
        )
    elif facts.state is BatchState.NOT_YET_OPEN and facts.seats is not None:
        lines.append(_("Seats: {seats}").format(seats=facts.seats))
    if facts.registered is not None and facts.registered >= FEWEST:
        lines.append(
            ngettext("{n} registered", "{n} registered", facts.registered).format(
                n=facts.registered
            )
        )
    match facts.state:
        case BatchState.OPEN:
            lines.append(_("Tap the button to register; the answer is for you alone."))
        case BatchState.FULL:
            lines.append(_("All seats are taken; the waiting list is open."))
        case BatchState.CLOSED if facts.door is not None:
            lines.append(_("Enrolment: {how}").format(how=words.enrolment(facts.door, language)))
        case BatchState.CLOSED:
            lines.append(_("Registration is closed."))
        case BatchState.RUNNING:
            lines.append(_("The training is under way."))
        case BatchState.CANCELLED:
            lines.append(_("This training does not take place."))
        case BatchState.PAUSED:
            lines.append(_("This training stands still for the moment; it will be told here."))
        case _:
            pass
    return lines


def _escaped(text: str) -> str:
    return typed_text(shortened(text, TITLE))


# --- notices ---------------------------------------------------------------------------------


def notice_group_card(
    text: str,
    notice_id: int,
    wants_answer: bool,
    language: str,
    *,
    counted: tuple[int, int] | None = None,
) -> GroupCard:
    """M04: a notice as a group sees it; its text names nobody but whom its author names.

    ``counted`` is how many have confirmed, and of how many; never who.
    """
    _ = catalog(language).gettext
    if counted is not None:
        confirmed, of = counted
        text += "\n" + _("Confirmed: {confirmed}/{of}").format(confirmed=confirmed, of=of)
    return GroupCard(text, (notice_keys(notice_id, wants_answer, language),))


def notice_withdrawn_card(said: NoticeText, language: str) -> GroupCard:
    """That a notice in the group is withdrawn."""
    return GroupCard(withdrawn_text(said, language))


def notice_urge_card(said: NoticeText, missing: int, language: str) -> GroupCard:
    """How many have not confirmed; only of at least five, and never who."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = ngettext(
        "[Reminder] {title}: {n} person has not confirmed yet. Please tap “Confirm receipt”.",
        "[Reminder] {title}: {n} people have not confirmed yet. Please tap “Confirm receipt”.",
        missing,
    ).format(title=_escaped(said.title), n=missing)
    return GroupCard(text, (notice_keys(said.notice_id, said.letter.wants_answer, language),))


def notice_corrected_card(
    said: NoticeText,
    corrections: Sequence[Correction],
    language: str,
    zone: ZoneInfo,
    now: datetime,
) -> GroupCard:
    """What has changed in a notice that stands in the group."""
    lines = corrected_lines(said, corrections, language, zone, now)
    keys = notice_keys(said.notice_id, said.letter.wants_answer, language)
    return GroupCard("\n".join(lines), (keys,))


def notice_keys(notice_id: int, wants_answer: bool, language: str) -> tuple[Key, ...]:
    """Confirm, where that is asked for, and ask."""
    _ = catalog(language).gettext
    ask = Key(_("Ask a question"), NoticeAsk(notice_id))
    if not wants_answer:
        return (ask,)
    return Key(_("Confirm receipt"), NoticeConfirm(notice_id), style="primary"), ask


def withdrawn_text(said: NoticeText, language: str) -> str:
    """That a notice is withdrawn, and why. HTML."""
    _ = catalog(language).gettext
    if not said.reason:
        return _("[Withdrawn] {title} was withdrawn.").format(title=_escaped(said.title))
    return _("[Withdrawn] {title} was withdrawn. Reason: {reason}").format(
        title=_escaped(said.title), reason=_escaped(said.reason)
    )


def corrected_lines(
    said: NoticeText,
    corrections: Sequence[Correction],
    language: str,
    zone: ZoneInfo,
    now: datetime,
) -> list[str]:
    """What has changed, part by part: from what to what, or the new text alone. HTML."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = []
    for one in corrections:
        if one.what is What.TEXT:
            lines.append(
                _("[Correction] {title}: what is to be done has changed.").format(
                    title=_escaped(said.title)
                )
            )
            lines.append(typed_text(shortened(said.letter.text, NOTICE)))
            continue
        lines.append(
            _(
                "[Correction] {title}: {field} changed from “{old}” to “{new}”. "
                "Please go by this message."
            ).format(
                title=_escaped(said.title),
                field=part_name(one.what, language),
                old=value_text(one.old, language, zone, today),
                new=value_text(one.new, language, zone, today),
            )
        )
    return lines


def part_name(what: What, language: str) -> str:
    """What a part of a notice is called within a sentence."""
    pgettext = catalog(language).pgettext
    return {
        What.TITLE: pgettext("part of a notice", "title"),
        What.TEXT: pgettext("part of a notice", "text"),
        What.NUMBER: pgettext("part of a notice", "document number"),
        What.HAPPENS_AT: pgettext("part of a notice", "time"),
        What.PLACE: pgettext("part of a notice", "place"),
        What.CONTACT: pgettext("part of a notice", "contact"),
        What.ANSWER_BY: pgettext("part of a notice", "date of confirmation"),
    }[what]


def value_text(value: Value, language: str, zone: ZoneInfo, today: date) -> str:
    """What a part of a notice says or said; a dash where that is nothing. HTML."""
    if isinstance(value, datetime):
        return dates.moment(value, zone, language, today)
    return typed_text(shortened(" ".join((value or "").split()), GIVEN)) or "—"
