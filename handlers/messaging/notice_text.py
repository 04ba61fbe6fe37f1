"""Notices in words: as their readers get them (M04), in lists, and why one cannot be like that.

What the author wrote stays as it is in every language; what stands around it is the reader's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, pager
from handlers.context import shortened, typed_text
from handlers.messaging.notice_buttons import NoticeAsk, NoticeConfirm, Notices, NoticeShow
from handlers.messaging.notice_desk_buttons import ClassNotices, EditNotice, NewNotice, SecondLook
from handlers.people.buttons import OpenDesk
from handlers.training import words
from handlers.training.buttons import OpenRun
from locales import catalog, dates, numbers
from storage.calendar.saying import YearLeftOut
from storage.messaging import audiences, drafting, notices, releasing, seconding
from storage.messaging.audiences import Described
from storage.messaging.notices import Letter, Lines
from storage.messaging.tables import NoticeState
from storage.refusals import Refusal

LABEL = 40


# --- as it is read -------------------------------------------------------------------------------


def audience_text(facts: Described, language: str, *, in_group: bool = False) -> str:
    """For whom a notice is, escaped; what somebody has not done is not said in a group."""
    _ = catalog(language).gettext
    parts: list[str] = []
    if facts.units:
        parts.append(several(facts.units, language))
    if facts.whom == audiences.COORDINATORS:
        parts.append(_("training coordinators"))
    elif facts.whom == audiences.PRINCIPALS:
        parts.append(_("principals"))
    parts += [
        words.joined(facts.facts[key], language) for key in audiences.FACTS if facts.facts.get(key)
    ]
    if facts.batch:
        title = typed_text(facts.batch)
        if in_group:
            parts.append(_("“{title}”").format(title=title))
        else:
            said = _("“{title}”, {state}")
            parts.append(said.format(title=title, state=state_text(facts.state, language)))
    if facts.owes and not in_group:
        parts.append(owes_text(facts.owes, facts.owed, language))
    # Each narrows down what stands before it; a semicolon would read as one more circle.
    return " · ".join(parts) or _("all teachers")


def several(names: Sequence[str], language: str, shown: int = 3) -> str:
    """The first of these names, escaped, and whether there are others."""
    _ = catalog(language).gettext
    said = typed_text(numbers.joined(names[:shown], language))
    return said if len(names) <= shown else _("{names} and others").format(names=said)


def state_text(state: str, language: str) -> str:
    """How those stand in a class whom a notice is for."""
    _ = catalog(language).gettext
    return {
        audiences.IN: _("who take part"),
        audiences.ASKED: _("who have registered and are not decided on"),
        audiences.WAITING: _("who wait for a seat"),
        audiences.COMPLETED: _("who have completed it"),
        audiences.UNFINISHED: _("who have not completed it"),
    }[state]


def owes_text(kind: str, title: str, language: str) -> str:
    """What those have not done yet whom a notice is for; escaped."""
    _ = catalog(language).gettext
    sentence = {
        audiences.TASK: _("not handed in yet: {title}"),
        audiences.MENU: _("not chosen yet: {title}"),
        audiences.NOTICE: _("not confirmed yet: {title}"),
    }[kind]
    return sentence.format(title=typed_text(title))


def letter_text(
    facts: Letter,
    language: str,
    zone: ZoneInfo,
    today: date,
    *,
    in_group: bool = False,
    is_overdue: bool = False,
) -> str:
    """M04: what it says, for whom, when, where, and by when it is to be confirmed. HTML.

    ``is_overdue``: it is read by somebody who has not confirmed it, after its date.
    """
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    match facts.urgent, facts.is_corrected:
        case True, True:
            heading = _("<b>[Urgent notice, corrected] {title}</b>")
        case True, False:
            heading = _("<b>[Urgent notice] {title}</b>")
        case False, True:
            heading = _("<b>[Notice, corrected] {title}</b>")
        case _:
            heading = _("<b>[Notice] {title}</b>")
    lines = [heading.format(title=typed_text(facts.title))]
    if facts.number:
        lines.append(_("Document no.: {number}").format(number=typed_text(facts.number)))
    lines.append(
        _("For: {audience}").format(
            audience=audience_text(facts.audience, language, in_group=in_group)
        )
    )
    if facts.text:
        lines.append(typed_text(facts.text))
    if facts.happens_at is not None:
        when = (
            dates.moment(facts.happens_at, zone, language, today)
            if facts.happens_until is None
            else dates.span(facts.happens_at, facts.happens_until, zone, language, today)
        )
        lines.append(_("When: {when}").format(when=when))
    if facts.place:
        lines.append(_("Where: {place}").format(place=typed_text(facts.place)))
    if facts.wants_answer and facts.answer_by is not None and is_overdue:
        lines.append(
            _(
                "It was to be confirmed by {when}. Please tap “Confirm receipt” soon; no reply in "
                "the group is needed."
            ).format(when=dates.moment(facts.answer_by, zone, language, today))
        )
    elif facts.wants_answer and facts.answer_by is not None:
        lines.append(
            _("Please tap “Confirm receipt” {before}; no reply in the group is needed.").format(
                before=dates.before(facts.answer_by, zone, language, today)
            )
        )
    elif facts.wants_answer:
        lines.append(_("Please tap “Confirm receipt”; no reply in the group is needed."))
    if facts.files and in_group:
        number = len(facts.files)
        lines.append(
            ngettext(
                "{n} file goes with it, in private.", "{n} files go with it, in private.", number
            ).format(n=number)
        )
    if facts.contact:
        lines.append(_("Questions: {contact}").format(contact=typed_text(facts.contact)))
    day = today if facts.sent_at is None else facts.sent_at.astimezone(zone).date()
    lines.append(
        _("{issuer}, {day}").format(issuer=typed_text(facts.issuer), day=dates.dated(day, language))
    )
    return "\n".join(lines)


def letter_keys(facts: Letter, language: str, *, confirmed: bool = False) -> tuple[Key, ...]:
    """Confirm, where that is wanted and not done, and ask."""
    _ = catalog(language).gettext
    ask = Key(_("Ask a question"), NoticeAsk(facts.notice_id))
    if not facts.wants_answer or confirmed:
        return (ask,)
    return (Key(_("Confirm receipt"), NoticeConfirm(facts.notice_id), style="primary"), ask)


def letter_card(
    facts: Letter,
    language: str,
    zone: ZoneInfo,
    today: date,
    *,
    confirmed: bool = False,
    is_overdue: bool = False,
) -> Card:
    """M04 in private."""
    keys = letter_keys(facts, language, confirmed=confirmed)
    return Card(letter_text(facts, language, zone, today, is_overdue=is_overdue), (keys,))


# --- in lists and on cards -----------------------------------------------------------------------


def state_words(state: NoticeState, language: str) -> str:
    """Where a notice stands."""
    _ = catalog(language).gettext
    return {
        NoticeState.DRAFT: _("draft"),
        NoticeState.AWAITING: _("waits for a second person"),
        NoticeState.SCHEDULED: _("will be sent"),
        NoticeState.SENDING: _("is being sent"),
        NoticeState.SENT: _("sent"),
        NoticeState.WITHDRAWN: _("withdrawn"),
    }[state]


def riding_text(at: datetime, language: str, zone: ZoneInfo, today: date) -> str:
    """Where one stands that waits for the daily brief."""
    _ = catalog(language).gettext
    return _("waits for the daily brief, {time}").format(
        time=dates.moment(at, zone, language, today)
    )


def count_line(people: int, unreached: int, language: str) -> str:
    """How many people it is for, and how many of them messages do not reach."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = ngettext("{n} person", "{n} people", people).format(n=people)
    if not unreached:
        return text
    return _("{people}, {n} of them not reached by messages").format(people=text, n=unreached)


def event_text(kind: str, title: str, language: str) -> str:
    """What a notice goes with; escaped."""
    _ = catalog(language).gettext
    sentence = {
        "reg_close": _("registration closes: {title}"),
        "batch_start": _("the training begins: {title}"),
        "remote_start": _("remote training begins: {title}"),
        "remote_end": _("remote training ends: {title}"),
        "nomination": _("nominations close: {title}"),
    }[kind]
    return sentence.format(title=typed_text(shortened(title, 60)))


def list_card(facts: Lines, language: str, zone: ZoneInfo, today: date) -> Card:
    """A page of notices, each a line and a key."""
    _ = catalog(language).gettext
    title = _("<b>Notices</b>")
    if facts.batch:
        title = _("<b>Notices</b>: {title}").format(title=typed_text(facts.batch))
    lines = [title]
    if not facts.lines:
        lines.append(_("There is no notice yet."))
    if not facts.writes:
        lines.append(_("You write to a class from its own card, under Programmes."))
    keys: list[tuple[Key, ...]] = []
    for number, line in enumerate(facts.lines, facts.page * notices.PAGE + 1):
        name = line.title or _("without a heading")
        said = _("{when} · {state}").format(
            when=dates.moment(line.at, zone, language, today),
            state=state_words(line.state, language),
        )
        if line.rides_at is not None:
            said = riding_text(line.rides_at, language, zone, today)
        if line.is_corrected:
            said += " · " + _("corrected")
        if not line.is_mine:
            said += " · " + typed_text(line.author)
        lines.append(f"{number}. <b>{typed_text(shortened(name, 60))}</b>\n{said}")
        keys.append((Key(shortened(f"{number}. {name}", LABEL), _opens(line)),))
    here = (lambda page: ClassNotices(facts.batch_id, page)) if facts.batch_id else Notices
    turn = pager(facts.page, facts.pages, here)
    new = (
        ((Key(_("New notice"), NewNotice(facts.batch_id), style="primary"),),)
        if facts.writes
        else ()
    )
    back = OpenRun(facts.batch_id) if facts.batch_id else OpenDesk()
    return Card(
        "\n".join(lines),
        (*new, *keys, *((turn,) if turn else ()), (Key(_("Back"), back),)),
    )


def _opens(line: notices.Line) -> EditNotice | SecondLook | NoticeShow:
    if line.state is NoticeState.AWAITING and not line.is_mine:
        return SecondLook(line.notice_id)
    if line.state in (NoticeState.DRAFT, NoticeState.SCHEDULED, NoticeState.AWAITING):
        return EditNotice(line.notice_id)
    return NoticeShow(line.notice_id)


# --- why not -------------------------------------------------------------------------------------


def notices_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why a notice cannot be like that; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case drafting.TooLong():
            return _(
                "That is too long: there is room for {n} characters. "
                "What does not fit can go as a file."
            ).format(n=refusal.limit)
        case drafting.TooManyFiles():
            return _("There is room for {n} files.").format(n=drafting.FILES)
        case drafting.IsProgram():
            return _("A program is not passed on. Please send documents or pictures.")
        case YearLeftOut():
            return _(
                "This year's day is over; {day} is almost a year ahead. If that is meant, "
                "please type the year, too."
            ).format(day=dates.day(refusal.day, language, now.astimezone(zone).date()))
        case drafting.PastMoment(what="answer"):
            return _("The date to confirm by is over before the notice would be out.")
        case drafting.PastMoment(what="when"):
            return _("What the notice is about is over before it would be out.")
        case drafting.PastMoment():
            return _("That moment is over.")
        case drafting.Incomplete(what="title"):
            return _("It has no heading yet.")
        case drafting.Incomplete(what="people"):
            return _("At the moment it is for nobody. Please look at “For whom”.")
        case drafting.Incomplete(what="reason"):
            return _("Please type a reason.")
        case drafting.Incomplete():
            return _("Please say first when it is to go out.")
        case notices.NotADraft():
            return _("It cannot be changed here: {state}.").format(
                state=state_words(refusal.state, language)
            )
        case seconding.NoSecond():
            return _(
                "There is nobody else who could agree to it now. Not urgent, it goes out {when}."
            ).format(when=dates.moment(refusal.opens, zone, language, now.astimezone(zone).date()))
        case releasing.EventGone():
            return _("That moment is over, or the event does not take place any more.")
    return ""
