"""Sending a notice in words: its price, when it goes, the second person, and what came of it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, Keys, pager
from handlers.context import shortened, typed_text
from handlers.messaging.notice_buttons import Notices, NoticeShow
from handlers.messaging.notice_desk_buttons import (
    ApproveNotice,
    EditNotice,
    NoticeEvent,
    NoticeEvents,
    NoticeGo,
    NoticeSend,
    NoticeSet,
    NoticeWay,
    ReturnNotice,
    SecondLook,
)
from handlers.messaging.notice_text import (
    LABEL,
    audience_text,
    count_line,
    event_text,
    letter_text,
    several,
)
from handlers.offsets import offset_text
from handlers.people.roles import OpenRoles
from locales import catalog, dates
from storage.messaging import notices, releasing
from storage.messaging.notices import Sheet
from storage.messaging.releasing import EventLine, Offsets, Price, Released
from storage.messaging.seconding import Asked
from storage.messaging.tables import NoticeState

# --- price and moment ----------------------------------------------------------------------------


def price_card(facts: Sheet, price: Price, language: str, zone: ZoneInfo, today: date) -> Card:
    """What it costs in rings, and the ways to send it."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    id_ = facts.letter.notice_id
    heading = typed_text(facts.letter.title) or _("without a heading")
    lines = [
        f"<b>{heading}</b>",
        count_line(price.count.people, price.count.unreached, language),
    ]
    reached = price.count.reached
    lines.append(
        ngettext(
            "Sent by itself it rings {n} telephone.",
            "Sent by itself it rings {n} telephones.",
            reached,
        ).format(n=reached)
    )
    if price.briefed:
        lines.append(
            ngettext(
                "{n} of them had today's brief already.",
                "{n} of them had today's brief already.",
                price.briefed,
            ).format(n=price.briefed)
        )
    # What is urgent does not wait for the brief.
    if reached and not facts.letter.urgent:
        lines.append(
            _("In the brief of {when} it rides for free.").format(
                when=dates.moment(price.brief_at, zone, language, today)
            )
        )
    if price.riding and not facts.letter.urgent:
        lines.append(
            ngettext(
                "A brief waits for {n} of them anyway.",
                "A brief waits for {n} of them anyway.",
                price.riding,
            ).format(n=price.riding)
        )
    if price.opens is not None:
        opens = dates.moment(price.opens, zone, language, today)
        if not facts.letter.urgent:
            sentence = _("These are quiet hours: “Send now” means {time}.")
        elif _is_alone(facts, price):
            sentence = _alone_text(price, language, zone, today)
        else:
            sentence = _(
                "These are quiet hours. Urgent, it goes at once if a second person agrees; "
                "otherwise at {time}."
            )
        lines.append(sentence.format(time=opens))
    if _is_alone(facts, price):
        back = (Key(_("Back"), EditNotice(id_)),)
        return Card("\n".join(lines), (*_alone_keys(id_, language), back))
    ride = (Key(_("With the daily brief"), NoticeWay(id_, releasing.RIDE)),)
    return Card(
        "\n".join(lines),
        (
            (Key(_("Send now"), NoticeWay(id_, releasing.NOW)),),
            *(() if facts.letter.urgent else (ride,)),
            (
                Key(_("At a time"), NoticeWay(id_, releasing.AT)),
                Key(_("With an event"), NoticeEvents(id_, 0)),
            ),
            (Key(_("Back"), EditNotice(id_)),),
        ),
    )


def _is_alone(facts: Sheet, price: Price) -> bool:
    """Whether it is urgent in quiet hours, and nobody else could agree to it."""
    return price.opens is not None and facts.letter.urgent and not price.seconds


def _alone_text(price: Price, language: str, zone: ZoneInfo, today: date) -> str:
    _ = catalog(language).gettext
    assert price.opens is not None
    return _(
        "An urgent notice goes out now only if a second person agrees, and there is nobody else "
        "who could. Not urgent, it goes out {when}. So that somebody can next time, please name "
        "a deputy under “Roles, deputies”."
    ).format(when=dates.moment(price.opens, zone, language, today))


def _alone_keys(notice_id: int, language: str) -> Keys:
    """The ways on for who is alone with what is urgent."""
    _ = catalog(language).gettext
    return (
        (
            Key(_("Not urgent"), NoticeSet(notice_id, "noturgent")),
            Key(_("At a time"), NoticeWay(notice_id, releasing.AT)),
        ),
        (Key(_("Roles, deputies"), OpenRoles()),),
    )


def confirm_card(
    facts: Sheet,
    price: Price,
    way: str,
    language: str,
    zone: ZoneInfo,
    today: date,
    *,
    put_off: bool = False,
) -> Card:
    """The last question, with the numbers; ``put_off`` when quiet hours moved the moment.

    When people were to confirm before it is out, the way to that date is shown instead.
    """
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    letter = facts.letter
    lines = [
        f"<b>{typed_text(letter.title)}</b>",
        _("For: {audience}").format(audience=audience_text(letter.audience, language)),
        count_line(facts.count.people, facts.count.unreached, language),
    ]
    if facts.chats:
        n = len(facts.chats)
        lines.append(ngettext("and {n} group", "and {n} groups", n).format(n=n))
    match way:
        case releasing.RIDE:
            lines.append(
                _("It goes with the daily brief, for most people at {when}.").format(
                    when=dates.moment(price.brief_at, zone, language, today)
                )
            )
        case releasing.AT | releasing.EVENT if facts.send_at is not None:
            when = dates.moment(facts.send_at, zone, language, today)
            sentence = _("It goes out {when}.")
            if put_off:
                sentence = _("Nothing goes out at night or on days off, so it goes out {when}.")
            lines.append(sentence.format(when=when))
            if way == releasing.EVENT and facts.event is not None:
                event = event_text(facts.event.kind, facts.event.title, language)
                lines.append(_("With: {event}").format(event=event))
                lines.append(_("If the date moves, the notice moves with it."))
        case _ if _is_alone(facts, price):
            lines.append(_alone_text(price, language, zone, today))
            back = (Key(_("Back"), NoticeSend(letter.notice_id)),)
            return Card("\n".join(lines), (*_alone_keys(letter.notice_id, language), back))
        case _ if price.opens is not None:
            when = dates.moment(price.opens, zone, language, today)
            sentence = _("These are quiet hours: it goes out {when}.")
            if facts.letter.urgent:
                sentence = _("{names} will be asked; without their word it goes out {when}.")
            lines.append(sentence.format(when=when, names=several(price.seconds, language)))
        case _:
            lines.append(
                ngettext(
                    "It rings {n} telephone now.",
                    "It rings {n} telephones now.",
                    facts.count.reached,
                ).format(n=facts.count.reached)
            )
    goes = facts.send_at if way in (releasing.AT, releasing.EVENT) else price.opens
    first = Key(_("Yes, send it"), NoticeGo(letter.notice_id, way), style="primary")
    if goes is not None and letter.answer_by is not None and letter.answer_by <= goes:
        lines.append(_("The date to confirm by is over before the notice would be out."))
        first = Key(_("Confirm by"), NoticeSet(letter.notice_id, "answer"))
    return Card("\n".join(lines), ((first,), (Key(_("Back"), NoticeSend(letter.notice_id)),)))


def events_card(
    notice_id: int,
    events: Sequence[EventLine],
    page: int,
    pages: int,
    language: str,
    zone: ZoneInfo,
    today: date,
) -> Card:
    """The events that it can go with."""
    _ = catalog(language).gettext
    lines = [_("With which event? If it moves, the notice moves with it.")]
    keys = []
    for number, each in enumerate(events, page * notices.PAGE + 1):
        lines.append(
            f"{number}. {event_text(each.kind, each.title, language)}\n"
            f"{dates.moment(each.at, zone, language, today)}"
        )
        event = html.unescape(event_text(each.kind, each.title, language))
        label = shortened(f"{number}. {event}", LABEL)
        keys.append((Key(label, NoticeEvent(notice_id, each.deadline_id, "")),))
    if not events:
        lines.append(_("There is no event ahead."))
    turn = pager(page, pages, lambda number: NoticeEvents(notice_id, number))
    back = (Key(_("Back"), NoticeSend(notice_id)),)
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), back))


def offsets_card(
    notice_id: int, facts: Offsets, language: str, zone: ZoneInfo, today: date
) -> Card:
    """How far from the event, in working days, and which moment that is now."""
    _ = catalog(language).gettext
    event = facts.event
    lines = [
        f"<b>{event_text(event.kind, event.title, language)}</b>",
        dates.moment(event.at, zone, language, today),
        _("When, seen from the event?"),
    ]
    keys = []
    for offset, moment in facts.moments:
        said, when = offset_text(offset, language), dates.moment(moment, zone, language, today)
        lines.append(f"· {said} · {when}")
        keys.append((Key(said, NoticeEvent(notice_id, event.deadline_id, offset)),))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), NoticeEvents(notice_id, 0)),)))


def released_text(facts: Released, language: str, zone: ZoneInfo, today: date) -> str:
    """What became of it, in one sentence."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    when = dates.moment(facts.send_at, zone, language, today)
    if facts.state is NoticeState.AWAITING:
        return _("{names} has been asked to agree. Without their word it goes out {when}.").format(
            names=several(facts.seconds, language), when=when
        )
    if facts.queued:
        return _(
            "These are quiet hours; the notice is queued for {time}. For an emergency mark it "
            "as urgent and choose “Send now”, which needs a second person."
        ).format(time=when)
    n = facts.count.reached
    if facts.state is NoticeState.SCHEDULED and facts.rides:
        text = ngettext(
            "It goes with the daily brief to {n} person.",
            "It goes with the daily brief to {n} people.",
            n,
        ).format(n=n)
    elif facts.at_once:
        text = ngettext(
            "It is going out now, to {n} person.", "It is going out now, to {n} people.", n
        ).format(n=n)
    else:
        text = ngettext(
            "It goes out {when} to {n} person.", "It goes out {when} to {n} people.", n
        ).format(when=when, n=n)
    if facts.count.unreached:
        text += "\n" + ngettext(
            "{n} more is not reached by messages; the report says who.",
            "{n} more are not reached by messages; the report says who.",
            facts.count.unreached,
        ).format(n=facts.count.unreached)
    return text


def released_card(facts: Released, language: str, zone: ZoneInfo, today: date) -> Card:
    """What became of it, with the ways on."""
    _ = catalog(language).gettext
    return Card(
        released_text(facts, language, zone, today),
        ((Key(_("View"), NoticeShow(facts.notice_id)), Key(_("Notices"), Notices())),),
    )


# --- the second person, and what is told ---------------------------------------------------------


def second_card(facts: Asked, language: str, zone: ZoneInfo, today: date) -> Card:
    """An urgent notice that somebody else is to agree to, as its readers would get it."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    number = facts.count.people
    ask = ngettext(
        "{name} would like to send this now, in quiet hours, to {n} person.",
        "{name} would like to send this now, in quiet hours, to {n} people.",
        number,
    ).format(name=typed_text(facts.author), n=number)
    rest = _("Without your word it goes out {when}.").format(
        when=dates.moment(facts.opens, zone, language, today)
    )
    text = letter_text(facts.letter, language, zone, today)
    id_ = facts.letter.notice_id
    heading = _("[To do] Urgent notice")
    return Card(
        f"{heading}\n{ask}\n{rest}\n\n{text}",
        (
            (
                Key(_("Approve"), ApproveNotice(id_, facts.stamp), style="success"),
                Key(_("Return"), ReturnNotice(id_, facts.stamp)),
            ),
        ),
    )


def reason_card(notice_id: int, language: str) -> Card:
    """Why it is returned."""
    _ = catalog(language).gettext
    return Card(
        _("Please type the reason in one message; the author reads it."),
        ((Key(_("Back"), SecondLook(notice_id)),),),
    )


def settled_card(language: str) -> Card:
    """Nothing waits for a second person any more."""
    _ = catalog(language).gettext
    return Card(
        _("This notice does not wait for a second person any more."),
        ((Key(_("Notices"), Notices()),),),
    )


def answered_card(facts: dict[str, object], language: str) -> Card:
    """What the second person said, told to the author."""
    _ = catalog(language).gettext
    title, by = typed_text(str(facts["title"])), typed_text(str(facts["by"]))
    if facts["approved"]:
        text = _("<b>{title}</b>: {name} has agreed; it is going out.").format(title=title, name=by)
    else:
        text = _("<b>{title}</b>: {name} has returned it. {reason}").format(
            title=title, name=by, reason=typed_text(str(facts["reason"]))
        )
    opens = NoticeShow(int(str(facts["notice_id"])))
    return Card(text, ((Key(_("View"), opens),),))


def stopped_card(facts: dict[str, object], language: str) -> Card:
    """Why a notice did not go out."""
    _ = catalog(language).gettext
    title = typed_text(str(facts["title"]))
    if facts["why"] == "event":
        text = _(
            "<b>{title}</b> was to go out with “{event}”, which does not take place then any "
            "more. It is a draft again."
        ).format(title=title, event=typed_text(str(facts["event"])))
    elif facts["why"] == "past":
        text = _(
            "<b>{title}</b> could not go out in time with “{event}”, which is over by now. It is "
            "a draft again."
        ).format(title=title, event=typed_text(str(facts["event"])))
    elif facts["why"] == "recalled":
        text = _(
            "<b>{title}</b>, to which you have agreed, did not go out: {name} has made it a draft "
            "again."
        ).format(title=title, name=typed_text(str(facts["author"])))
    else:
        text = _(
            "<b>{title}</b> of {unit} was stopped: {name} has no right to send it any more."
        ).format(
            title=title,
            unit=typed_text(str(facts["unit"])),
            name=typed_text(str(facts["author"])),
        )
    opens = EditNotice(int(str(facts["notice_id"])))
    return Card(text, ((Key(_("View"), opens),),))
