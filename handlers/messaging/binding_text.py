"""Groups in words, for those who tend them: cards, and what happened to a group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, pager
from handlers.context import shortened, typed_text
from handlers.messaging.group_buttons import (
    Bind,
    BindFind,
    BindLanguage,
    BindPurpose,
    BindTarget,
    Dissolve,
    GroupSubject,
    KeepLonger,
    OpenGroup,
    OpenGroups,
    OpenHanging,
    PostAllTheSame,
    SpeakThere,
    Unbind,
    UrgeThere,
)
from handlers.people.buttons import OpenDesk
from handlers.training import words
from locales import LANGUAGE_NAMES, LANGUAGES, catalog, dates
from storage.messaging import presence
from storage.messaging.addressing import mark
from storage.messaging.binding import PAGE, BoundMeanwhile, Choices, Place, Places, SecondPlace
from storage.messaging.groups import Group
from storage.messaging.presence import Turn
from storage.messaging.tables import ChatPurpose
from storage.moments import local_day
from storage.refusals import Refusal

LABEL, TITLE = 40, 60


def purpose_name(purpose: ChatPurpose, language: str) -> str:
    """What a group is for, in a few words."""
    _ = catalog(language).gettext
    return {
        ChatPurpose.ALL_STAFF: _("All staff"),
        ChatPurpose.COORDINATORS: _("Coordinators"),
        ChatPurpose.SUBJECT: _("Subject group"),
        ChatPurpose.PROGRAMME: _("One training class"),
        ChatPurpose.COMPETITION: _("Competition"),
        ChatPurpose.STUDIO: _("Studio"),
        ChatPurpose.COHORT: _("Cohort"),
        ChatPurpose.TEST: _("Trying things out"),
    }[purpose]


def name_of(place: Place) -> str:
    """A group's title, and behind it the topic's. Plain text."""
    return group_name(place.group)


def group_name(group: Group) -> str:
    """The same, of a place as others see it. Plain text."""
    if not group.thread_id:
        return shortened(group.title, TITLE)
    topic = group.topic or f"#{group.thread_id}"
    return f"{shortened(group.title, TITLE)} › {shortened(topic, TITLE)}"


def stands_for(place: Place, language: str) -> str:
    """What it stands for, in a line; empty where it stands for nothing. Plain text."""
    _ = catalog(language).gettext
    if place.group.purpose is None:
        return ""
    said = _("{purpose}: {name}").format(
        purpose=purpose_name(place.group.purpose, language), name=place.programme or place.unit
    )
    if place.group.subject:
        subject = words.fact_value(place.group.subject, language)
    elif place.group.purpose is ChatPurpose.SUBJECT:
        subject = _("subject not chosen yet")
    else:
        return said
    return _("{group}, {what}").format(group=said, what=subject)


def places_card(found: Places, language: str, add_link: str) -> Card:
    """The groups that somebody tends, each a key, and how to add one more."""
    _ = catalog(language).gettext
    lines = [_("<b>Groups</b>")]
    keys: list[tuple[Key, ...]] = []
    for place in found.lines:
        what = stands_for(place, language) or _("not connected yet")
        mark = "○" if place.group.purpose is None else "✓" if place.group.is_open else "✗"
        line = _("{group}, {what}").format(group=name_of(place), what=what)
        lines.append(f"{mark} {typed_text(line)}")
        target = OpenGroup if place.group.purpose is not None else BindPurpose
        label = shortened(f"{mark} {name_of(place)}", LABEL)
        keys.append((Key(label, target(place.id)),))
    if not found.lines:
        lines.append(_("No group is connected yet."))
    lines += [
        "",
        _(
            "To connect a group, add me to it with the key below. "
            "For one topic of it, send /bind in that topic."
        ),
    ]
    turn = pager(found.page, found.pages, OpenGroups)
    keys += [turn] if turn else []
    return Card(
        "\n".join(lines),
        (*keys, (Key(_("Add to a group"), url=add_link),), (Key(_("Back"), OpenDesk()),)),
    )


def purposes_card(place: Place, purposes: tuple[ChatPurpose, ...], language: str) -> Card:
    """What is this group for?"""
    _ = catalog(language).gettext
    lines = [
        _("<b>{group}</b>: what is it for?").format(group=typed_text(name_of(place))),
        _("I post there what concerns these people, and nothing personal."),
    ]
    if place.group.is_forum and not place.group.thread_id:
        lines.append(
            _("The group has topics. If I am to use one of them only, send /bind in that topic.")
        )
    each = [
        Key(purpose_name(purpose, language), BindTarget(place.id, purpose.value))
        for purpose in purposes
    ]
    keys = [tuple(each[n : n + 2]) for n in range(0, len(each), 2)]
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenGroups()),)))


def targets_card(
    found: Choices, purpose: ChatPurpose, language: str, *, searched: bool = False
) -> Card:
    """Of which unit, or which class? What was ``searched`` for has one page."""
    _ = catalog(language).gettext
    group = typed_text(name_of(found.place))
    of_programme = purpose is ChatPurpose.PROGRAMME
    of_competition = purpose is ChatPurpose.COMPETITION
    if of_programme:
        text = _("<b>{group}</b>: which training is it for?").format(group=group)
    elif of_competition:
        text = _("<b>{group}</b>: which competition is it for?").format(group=group)
    else:
        text = _("<b>{group}</b>: whose group is it?").format(group=group)
    if not found.lines:
        text += "\n" + _("There is nothing to choose from.")
    chat_id = found.place.id
    keys: list[tuple[Key, ...]] = [
        (Key(shortened(line.name, LABEL), BindLanguage(chat_id, purpose.value, line.id)),)
        for line in found.lines
    ]
    if not searched:
        turn = pager(found.page, found.pages, lambda n: BindTarget(chat_id, purpose.value, n))
        keys += [turn] if turn else []
    elif found.pages > 1:
        text += "\n" + _("These are the first; type more of the name to narrow it down.")
    back = Key(_("Back"), BindPurpose(chat_id))
    if of_programme or of_competition or (found.pages == 1 and not searched):
        return Card(text, (*keys, (back,)))
    return Card(text, (*keys, (Key(_("Find a unit"), BindFind(chat_id, purpose.value)), back)))


def subjects_card(
    place: Place, subjects: Sequence[str], page: int, language: str, *, first: str
) -> Card:
    """Of which subject?"""
    _ = catalog(language).gettext
    lines = [first] if first else []
    lines.append(
        _("<b>{group}</b>: of which subject is it?").format(group=typed_text(name_of(place)))
    )
    pages = max(1, -(-len(subjects) // PAGE))
    page = min(max(0, page), pages - 1)
    if not subjects:
        lines.append(_("There is nothing to choose from."))
    each = [
        Key(words.fact_value(subject, language), GroupSubject(place.id, mark(subject)))
        for subject in subjects[page * PAGE : (page + 1) * PAGE]
    ]
    keys = [tuple(each[n : n + 2]) for n in range(0, len(each), 2)]
    turn = pager(page, pages, lambda to: GroupSubject(place.id, "", to))
    back = Key(_("Back"), OpenGroup(place.id))
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), (back,)))


def language_card(place: Place, asked: BindLanguage, language: str) -> Card:
    """In which language?"""
    _ = catalog(language).gettext
    text = _("<b>{group}</b>: which language shall I use there?").format(
        group=typed_text(name_of(place))
    )
    keys = [
        (
            Key(
                LANGUAGE_NAMES[code],
                Bind(place.id, asked.purpose, asked.target_id, code, place.seen),
            ),
        )
        for code in LANGUAGES
    ]
    back = Key(_("Back"), BindTarget(place.id, asked.purpose))
    return Card(text, (*keys, (back,)))


def second_card(place: Place, asked: Bind, other: str, language: str) -> Card:
    """There is a group for this already."""
    _ = catalog(language).gettext
    text = _(
        "There is a group for this already: {other}. One group for one purpose is enough, and "
        "whoever is in both reads everything twice. Connect {group} all the same?"
    ).format(other=typed_text(shortened(other, TITLE)), group=typed_text(name_of(place)))
    again = Bind(place.id, asked.purpose, asked.target_id, asked.language, asked.seen, 1)
    keys = (
        (Key(_("Connect all the same"), again),),
        (Key(_("Back"), BindPurpose(place.id)),),
    )
    return Card(text, keys)


def place_card(
    place: Place, language: str, zone: ZoneInfo, now: datetime, *, first: str = "", undo: Key | None
) -> Card:
    """One group: what it stands for, what I may do there, and what can be changed."""
    _ = catalog(language).gettext
    group, today = place.group, local_day(now, zone)
    lines = [first] if first else []
    lines.append(f"<b>{typed_text(name_of(place))}</b>")
    if group.purpose is None:
        lines.append(_("It stands for nothing now. I stay silent there, and leave after a week."))
        keys: list[tuple[Key, ...]] = [(Key(_("Connect"), BindPurpose(place.id)),)]
        keys += [(Key(_("Leave it now"), Dissolve(place.id)),)] if group.active else []
        keys += [(undo,)] if undo else []
        return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenGroups()),)))
    lines.append(typed_text(stands_for(place, language)))
    if place.by and group.bound_at is not None:
        lines.append(
            _("Connected by {name}, {day}").format(
                name=typed_text(place.by),
                day=dates.day(local_day(group.bound_at, zone), language, today),
            )
        )
    lines.append(_("Language: {language}").format(language=LANGUAGE_NAMES[group.language]))
    if group.dissolve_at is not None:
        day = local_day(group.dissolve_at, zone)
        lines.append(_("To be closed: {day}").format(day=dates.day(day, language, today)))
    lines += _standing_lines(place, language)
    return Card("\n".join(lines), _place_keys(place, language, zone, undo))


def _standing_lines(place: Place, language: str) -> list[str]:
    """What I may do there, with a mark, and what the missing right is good for."""
    _ = catalog(language).gettext
    group = place.group
    if not group.active:
        return [_("✗ I am not in this group. Add me again, and everything goes on.")]
    rights = [
        (
            presence.POST,
            _("post messages"),
            _("✗ post messages: not granted. Without it nothing of mine can be read there."),
        ),
        (
            presence.PIN,
            _("pin messages"),
            _("✗ pin messages: not granted. With it the newest notice is easier to find."),
        ),
        (
            presence.DELETE,
            _("delete messages"),
            _("✗ delete messages: not granted. With it I tidy away commands typed in the group."),
        ),
    ]
    if group.is_forum:
        rights.append(
            (
                presence.TOPICS,
                _("manage topics"),
                _("✗ manage topics: not granted. With it each question gets a topic of its own."),
            )
        )
    has = [name for right, name, _why in rights if right in group.rights]
    lacks = [why for right, _name, why in rights if right not in group.rights]
    lines = [f"✓ {name}" for name in has]
    if group.closed and presence.POST in group.rights:
        lines.append(_("✗ The topic is closed or gone; what I have for it waits."))
    return [*lines, *lacks]


def _place_keys(
    place: Place, language: str, zone: ZoneInfo, undo: Key | None
) -> tuple[tuple[Key, ...], ...]:
    _ = catalog(language).gettext
    group = place.group
    keys: list[tuple[Key, ...]] = [(undo,)] if undo else []
    if group.is_open is False and group.active and group.bot_is_admin:
        keys.append((Key(_("Post all the same"), PostAllTheSame(place.id)),))
    keys.append((Key(_("Change"), BindPurpose(place.id)), Key(_("Language"), SpeakThere(place.id))))
    if group.purpose is ChatPurpose.SUBJECT:
        keys.append((Key(_("Subject"), GroupSubject(place.id, "")),))
    label = _("Do not count unconfirmed") if group.urges else _("Count unconfirmed there")
    keys.append((Key(label, UrgeThere(place.id, int(not group.urges))),))
    if place.cards:
        label = _("Cards there ({n})").format(n=place.cards)
        keys.append((Key(label, OpenHanging(place.id)),))
    if group.dissolve_at is not None:
        day = local_day(group.dissolve_at, zone).toordinal()
        keys.append(
            (
                Key(_("14 days more"), KeepLonger(place.id, day)),
                Key(_("Close and leave"), Dissolve(place.id)),
            )
        )
    keys.append(
        (Key(_("Check again"), OpenGroup(place.id)), Key(_("Disconnect"), Unbind(place.id)))
    )
    keys.append((Key(_("Back"), OpenGroups()),))
    return tuple(keys)


def sure_card(place: Place, *, leaves: bool, language: str) -> Card:
    """Once more, before a group is disconnected or left."""
    _ = catalog(language).gettext
    group = typed_text(name_of(place))
    if leaves:
        text = _("I say goodbye in {group} and leave it. Shall I?").format(group=group)
        yes = Key(_("Yes, leave"), Dissolve(place.id, 1), style="danger")
    else:
        text = _(
            "{group} will stand for nothing: I post nothing there, and what waits for it is "
            "dropped. For ten minutes you can undo this. Shall I?"
        ).format(group=group)
        yes = Key(_("Yes, disconnect"), Unbind(place.id, 1), style="danger")
    back = OpenGroup(place.id) if place.group.purpose is not None else OpenGroups()
    return Card(text, ((yes,), (Key(_("Back"), back),)))


def speak_card(place: Place, language: str) -> Card:
    """Another language for the group."""
    _ = catalog(language).gettext
    text = _("<b>{group}</b>: which language shall I use there?").format(
        group=typed_text(name_of(place))
    )
    keys = [
        (
            Key(
                f"✓ {LANGUAGE_NAMES[code]}"
                if code == place.group.language
                else LANGUAGE_NAMES[code],
                SpeakThere(place.id, code),
            ),
        )
        for code in LANGUAGES
    ]
    return Card(text, (*keys, (Key(_("Back"), OpenGroup(place.id)),)))


def turn_card(turn: Turn, title: str, topic: str, chat_id: int, language: str) -> Card:
    """What has happened to a group, for whoever answers for it."""
    _ = catalog(language).gettext
    named = shortened(title, TITLE)
    if topic:
        named = f"{named} › {shortened(topic, TITLE)}"
    text = {
        Turn.REMOVED: _(
            "I am not in the group {group} any more. It stays connected; nothing is sent there "
            "until somebody adds me again."
        ),
        Turn.BACK: _("I am in the group {group} again, and everything goes on."),
        Turn.SILENCED: _(
            "In the group {group} I may not write any more. What I have for it waits. An "
            "administrator of the group can allow it again."
        ),
        Turn.SPEAKS: _("In the group {group} I may write again; whatever has waited goes out."),
        Turn.RIGHTS_LOST: _(
            "In the group {group} I may do less than before. Notices still go there; the card of "
            "the group says what is missing."
        ),
        Turn.CLOSED: _(
            "The topic {group} has been closed. What I have for it waits, and goes nowhere else. "
            "Please open it again, or choose another topic with /bind."
        ),
        Turn.DELETED: _(
            "The topic {group} is not there any more. What I have for it goes nowhere else. "
            "Please choose another topic with /bind."
        ),
        Turn.REOPENED: _("The topic {group} is open again; whatever has waited goes out."),
    }[turn].format(group=typed_text(named))
    return Card(text, ((Key(_("View"), OpenGroup(chat_id)),),))


def binding_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why a group cannot be connected like that; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case BoundMeanwhile():
            return _(
                "A colleague has said meanwhile what this group stands for. "
                "Nothing was changed; please look at it again."
            )
        case SecondPlace():
            return _("There is a group for this already: {other}.").format(other=refusal.title)
        case _:
            return ""


def ended(day: int) -> date | None:
    """The day behind an ordinal; None for one that no calendar has."""
    try:
        return date.fromordinal(day)
    except (ValueError, OverflowError):
        return None
