"""A notice as whoever writes it sees it: its card, what is asked for, for whom, a preview."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from handlers.cards import Card, GroupCard, Key, Keys, pager
from handlers.context import shortened, typed_text
from handlers.messaging import public
from handlers.messaging.notice_buttons import Notices, NoticeShow
from handlers.messaging.notice_desk_buttons import (
    ClassNotices,
    CopyNotice,
    DiscardNotice,
    DropNoticeFile,
    EditNotice,
    NoticeAudience,
    NoticeFiles,
    NoticeLost,
    NoticeOption,
    NoticeOptionFind,
    NoticeOptions,
    NoticePreview,
    NoticeSample,
    NoticeSend,
    NoticeSet,
    RecallNotice,
)
from handlers.messaging.notice_text import (
    LABEL,
    audience_text,
    count_line,
    event_text,
    letter_card,
    letter_text,
    owes_text,
    riding_text,
    several,
    state_text,
    state_words,
)
from handlers.training import words
from locales import LANGUAGES, catalog, dates
from storage.messaging import audiences, drafting
from storage.messaging.audiences import Described, Options, UnreachedUnit
from storage.messaging.notice_posts import FEWEST
from storage.messaging.notices import Letter, Sheet
from storage.messaging.tables import NoticeState

NAMES = 8  # that a list spells out
QUOTED = 300  # characters of the text that the writer's card shows
FOUND_BY_NAME = ("units", "batch", "chats")  # options that may be many, and have names
IN_GROUP, IN_PRIVATE = "group", "private"
ASKS = ("title", "text", "place", "contact", "number", "when", "answer", "at")


# --- writing -------------------------------------------------------------------------------------


def start_card(batch_id: int, language: str) -> Card:
    """How to begin: one message is enough."""
    _ = catalog(language).gettext
    back = ClassNotices(batch_id) if batch_id else Notices()
    return Card(
        _(
            "Please send what is to be said, in one message: its first line is the heading. "
            "You can also forward a message here, or send a file or a photo. "
            "Everything else follows on a card."
        ),
        ((Key(_("Back"), back),),),
    )


def sheet_card(
    facts: Sheet, language: str, zone: ZoneInfo, today: date, seconds: Sequence[str] = ()
) -> Card:
    """The notice as it is being written, with a key for everything that can be said.

    ``seconds`` are those for whose word it waits.
    """
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    letter = facts.letter
    none = "—"

    def said(text: str) -> str:
        return typed_text(shortened(text, QUOTED)) if text else none

    heading = typed_text(letter.title) or _("without a heading")
    lines = [f"<b>{heading}</b>"]
    if facts.state is not NoticeState.DRAFT:
        lines += _standing(facts, language, zone, today, seconds)
    if facts.returned:
        lines.append(_("Returned: {reason}").format(reason=said(facts.returned)))
    if facts.chooses_issuer:
        lines.append(_("In the name of: {unit}").format(unit=said(letter.issuer)))
    if letter.urgent:
        lines.append(
            _(
                "Urgent: it goes before other messages; in quiet hours it goes at once if a "
                "second person agrees."
            )
        )
    lines.append(said(letter.text))
    when = none
    if letter.happens_at is not None:
        when = (
            dates.moment(letter.happens_at, zone, language, today)
            if letter.happens_until is None
            else dates.span(letter.happens_at, letter.happens_until, zone, language, today)
        )
    lines.append(_("When: {when}").format(when=when))
    lines.append(_("Where: {place}").format(place=said(letter.place)))
    lines.append(_("Questions: {contact}").format(contact=said(letter.contact)))
    if letter.number:
        lines.append(_("Document no.: {number}").format(number=said(letter.number)))
    lines.append(_answer_line(letter, language, zone, today))
    lines.append(_("For: {audience}").format(audience=audience_text(letter.audience, language)))
    lines.append(count_line(facts.count.people, facts.count.unreached, language))
    if letter.files:
        n = len(letter.files)
        lines.append(ngettext("{n} file goes with it.", "{n} files go with it.", n).format(n=n))
    if facts.chats:
        lines.append(_("Posted in: {groups}").format(groups=several(facts.chats, language)))
    return Card("\n".join(lines), _sheet_keys(facts, language))


def _answer_line(letter: Letter, language: str, zone: ZoneInfo, today: date) -> str:
    _ = catalog(language).gettext
    if not letter.wants_answer:
        return _("Nobody is asked to confirm it.")
    if letter.answer_by is None:
        return _("To be confirmed, without a date.")
    return _("To be confirmed {before}.").format(
        before=dates.before(letter.answer_by, zone, language, today)
    )


def _standing(
    facts: Sheet, language: str, zone: ZoneInfo, today: date, seconds: Sequence[str]
) -> list[str]:
    """When it goes out, and what that hangs on."""
    _ = catalog(language).gettext
    lines = []
    if facts.send_at is not None and facts.state is NoticeState.AWAITING:
        lines.append(
            _("Waits for the word of {names}; without it it goes out {when}.").format(
                names=several(seconds, language),
                when=dates.moment(facts.send_at, zone, language, today),
            )
        )
    elif facts.send_at is not None and facts.state is NoticeState.SCHEDULED:
        lines.append(
            _("Will be sent: {when}").format(
                when=dates.moment(facts.send_at, zone, language, today)
            )
        )
        if facts.event is not None:
            event = event_text(facts.event.kind, facts.event.title, language)
            lines.append(_("With: {event}").format(event=event))
    elif facts.rides_at is not None:
        lines.append(riding_text(facts.rides_at, language, zone, today))
    else:
        lines.append(state_words(facts.state, language))
    return lines


def _sheet_keys(facts: Sheet, language: str) -> Keys:
    _ = catalog(language).gettext
    id_ = facts.letter.notice_id
    back = (Key(_("Back"), Notices()),)
    look = Key(_("Preview"), NoticePreview(id_, language, IN_PRIVATE))
    if facts.state in (NoticeState.SCHEDULED, NoticeState.AWAITING):
        again = Key(_("Refresh"), NoticeShow(id_))  # a moment later it may be on its way
        return ((look, Key(_("Make it a draft"), RecallNotice(id_))), (again, *back))
    if facts.state is not NoticeState.DRAFT:
        report = Key(_("How it stands"), NoticeShow(id_))
        return ((look, Key(_("Write it again"), CopyNotice(id_))), (report, *back))

    def key(label: str, field: str) -> Key:
        return Key(label, NoticeSet(id_, field))

    urgent = _("✓ Urgent") if facts.letter.urgent else _("Urgent")
    issuer = Key(_("In whose name"), NoticeOptions(id_, "issuer"))
    return (
        (key(_("Headline"), "title"), key(_("Wording"), "text"), key(_("Date"), "when")),
        (
            key(_("Place"), "place"),
            key(_("Questions to"), "contact"),
            key(_("Document no."), "number"),
        ),
        (
            Key(_("Files ({n})").format(n=len(facts.letter.files)), NoticeFiles(id_)),
            key(_("Confirm by"), "answer"),
            key(urgent, "urgent"),
        ),
        (
            Key(_("For whom"), NoticeAudience(id_)),
            Key(_("Groups"), NoticeOptions(id_, "chats")),
            *((issuer,) if facts.chooses_issuer and not facts.batch_id else ()),
        ),
        (look, Key(_("Send…"), NoticeSend(id_), style="primary")),
        (Key(_("Delete draft"), DiscardNotice(id_, 0)), *back),
    )


def ask_card(notice_id: int, field: str, facts: Sheet, language: str) -> Card:
    """What to type for one field, with a key that takes away what is there."""
    _ = catalog(language).gettext
    letter = facts.letter
    asked = {
        "title": _("Please type the heading."),
        "text": _("Please send the wording, in one message of at most {n} characters."),
        "place": _("Please type the place."),
        "contact": _("Please type whom to ask, with a telephone number."),
        "number": _("Please type the number of the document."),
        "when": _("Please type when it happens, such as “4 Dec 14:00-17:00” or “4-6 Dec”."),
        "answer": _("Please type until when it is to be confirmed, such as “4 Dec 17:00”."),
        "at": _("Please type when it is to be sent, such as “4 Dec 9:00” or “15:00”."),
    }[field].format(n=drafting.TEXT)
    there = {
        "title": "",
        "text": letter.text,
        "place": letter.place,
        "contact": letter.contact,
        "number": letter.number,
        "when": letter.happens_at,
        "answer": letter.answer_by,
        "at": None,
    }[field]
    keys: list[tuple[Key, ...]] = []
    if field == "answer":
        keys.append(
            (
                Key(_("No confirmation"), NoticeSet(notice_id, "noanswer")),
                Key(_("Without a date"), NoticeSet(notice_id, "anyanswer")),
            )
        )
    elif there:
        keys.append((Key(_("Leave it out"), NoticeSet(notice_id, f"no{field}")),))
    back = NoticeSend(notice_id) if field == "at" else EditNotice(notice_id)
    return Card(asked, (*keys, (Key(_("Back"), back),)))


def files_card(facts: Sheet, language: str) -> Card:
    """The files, each with a key that takes it away; more can be sent at once."""
    _ = catalog(language).gettext
    id_ = facts.letter.notice_id
    lines = [_("<b>Files</b>")]
    keys = []
    for number, file in enumerate(facts.letter.files, 1):
        name = file.name or _("photo")
        if file.is_photo and file.name:
            name = _("photo: {caption}").format(caption=file.name)
        lines.append(f"{number}. {typed_text(shortened(name, 60))}")
        label = _("Take away {name}").format(name=f"{number}. {name}")
        keys.append((Key(shortened(label, LABEL), DropNoticeFile(id_, file.id)),))
    if not facts.letter.files:
        lines.append(_("None yet."))
    lines.append(
        _("Please send files or photos here, one after the other; at most {n}.").format(
            n=drafting.FILES
        )
    )
    lines.append(_("What people have to do should stand in the wording, not in a file alone."))
    return Card("\n".join(lines), (*keys, (Key(_("OK"), EditNotice(id_)),)))


def sure_card(notice_id: int, language: str) -> Card:
    """Whether the draft is really to go."""
    _ = catalog(language).gettext
    return Card(
        _("Delete this draft? It cannot be brought back."),
        (
            (
                Key(_("Delete draft"), DiscardNotice(notice_id, 1), style="danger"),
                Key(_("Back"), EditNotice(notice_id)),
            ),
        ),
    )


# --- for whom ------------------------------------------------------------------------------------


def audience_card(facts: Sheet, language: str) -> Card:
    """For whom it is, in words and numbers, with a key for each way to narrow it down."""
    _ = catalog(language).gettext
    letter, id_ = facts.letter, facts.letter.notice_id
    lines = [
        _("<b>For whom</b>"),
        audience_text(letter.audience, language),
        count_line(facts.count.people, facts.count.unreached, language),
    ]

    def key(label: str, what: str) -> Key:
        return Key(label, NoticeOptions(id_, what))

    rows: list[tuple[Key, ...]] = []
    if facts.batch_id:
        rows.append((key(_("How they stand"), "state"), key(_("Not done yet"), "owes")))
        rows.append((key(_("Stage"), "stage"), key(_("Subject"), "subject")))
    else:
        rows += [
            (key(_("Schools"), "units"), key(_("Class"), "batch"), key(_("Offices"), "whom")),
            (key(_("Stage"), "stage"), key(_("Subject"), "subject")),
            (key(_("Tier"), "tier"), key(_("Duty"), "duty")),
        ]
        narrow = [key(_("How they stand"), "state")] if letter.audience.batch else []
        rows.append((*narrow, key(_("Not done yet"), "owes")))
    if facts.count.unreached:
        rows.append((Key(_("Not reached"), NoticeLost(id_, 0)),))
    return Card("\n".join(lines), (*rows, (Key(_("OK"), EditNotice(id_)),)))


def options_card(
    facts: Sheet, what: str, options: Options, language: str, *, searched: bool = False
) -> Card:
    """A page of what can be chosen; a mark says what is. What was ``searched`` has one page."""
    _ = catalog(language).gettext
    id_ = facts.letter.notice_id
    heading = {
        "units": _("Which schools? Without a choice all that you may write to."),
        "batch": _("Those of which class?"),
        "state": _("How do they stand in the class?"),
        "whom": _("Only those who hold this office?"),
        "owes": _("Only those who have not done this yet?"),
        "stage": _("Which stage?"),
        "subject": _("Which subject?"),
        "tier": _("Which tier?"),
        "duty": _("Which duty?"),
        "chats": _("In which groups is it posted as well?"),
        "issuer": _("In the name of which of your units?"),
    }[what]
    lines = [heading]
    if not options.lines and what == "owes" and not facts.letter.audience.batch:
        lines.append(
            _(
                "At the moment nothing is open that these people could owe. For the work of a "
                "class please choose the class first."
            )
        )
    elif not options.lines:
        lines.append(_("There is nothing to choose here."))
    if what == "chats":
        lines.append(
            _("Everybody in the group reads all of it, whom to ask too; no recipient is named.")
        )
        if options.closed:
            lines.append(
                _("Closed now, so nothing can be posted there: {groups}").format(
                    groups=several(options.closed, language)
                )
            )
    elif what != "issuer":
        lines.append(count_line(facts.count.people, facts.count.unreached, language))
    keys: list[tuple[Key, ...]] = [
        (
            Key(
                shortened(f"{'✓' if each.chosen else '○'} {_label(what, each, language)}", LABEL),
                NoticeOption(id_, what, each.key, options.page),
            ),
        )
        for each in options.lines
    ]
    if searched and options.pages > 1:
        lines.append(_("These are the first; type more of the name to narrow it down."))
    elif turn := pager(options.page, options.pages, lambda page: NoticeOptions(id_, what, page)):
        keys.append(turn)
    if what in FOUND_BY_NAME and (searched or options.pages > 1):
        keys.append((Key(_("Find by name"), NoticeOptionFind(id_, what)),))
    back = EditNotice(id_) if what in ("chats", "issuer") else NoticeAudience(id_)
    return Card("\n".join(lines), (*keys, (Key(_("OK"), back),)))


def find_card(notice_id: int, what: str, language: str) -> Card:
    """What to type to find one of many."""
    _ = catalog(language).gettext
    back = Key(_("Back"), NoticeOptions(notice_id, what))
    return Card(_("Please type a part of the name."), ((back,),))


def _label(what: str, option: audiences.Option, language: str) -> str:
    _ = catalog(language).gettext
    match what:
        case "state":
            return state_text(option.label, language)
        case "whom":
            return audience_text(Described(whom=option.label), language)
        case "owes":
            kind = option.key.rpartition(".")[0]
            return html.unescape(owes_text(kind, option.label, language))
        case "stage" | "tier" | "duty" | "subject":
            return words.fact_value(option.label, language)
        case "chats" if option.key.startswith("-"):
            return _("{unit}: second channel").format(unit=option.label)
    return option.label


def lost_card(
    notice_id: int, lines_: Sequence[UnreachedUnit], page: int, pages: int, language: str
) -> Card:
    """Whom messages will not reach, unit by unit; names only of one's own people."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [_("<b>Not reached by messages</b>")]
    for line in lines_:
        text = ngettext(
            "<b>{unit}</b>: {n} person", "<b>{unit}</b>: {n} people", line.number
        ).format(unit=typed_text(line.unit), n=line.number)
        if line.names:
            text += "\n" + several(line.names, language, NAMES)
        lines.append(text)
    if not lines_:
        lines.append(_("Messages reach everybody."))
    elif not all(line.names for line in lines_):
        lines.append(_("The names are shown to the coordinator of each school."))
    lines.append(_("They are counted in the report, so that somebody can call them."))
    turn = pager(page, pages, lambda number: NoticeLost(notice_id, number))
    back = (Key(_("Back"), NoticeAudience(notice_id)),)
    return Card("\n".join(lines), (*((turn,) if turn else ()), back))


# --- preview -------------------------------------------------------------------------------------


def preview_card(
    facts: Sheet, shown: str, where: str, language: str, zone: ZoneInfo, today: date
) -> Card:
    """Exactly what readers of a language will see, in private or in a group.

    The keys of the notice stand below it and only say here that they are a sample.
    """
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    letter = facts.letter
    counts = letter.wants_answer and facts.count.people >= FEWEST
    seen: Card | GroupCard
    if where == IN_GROUP:
        seen = public.notice_group_card(
            letter_text(letter, shown, zone, today, in_group=True),
            letter.notice_id,
            letter.wants_answer,
            shown,
            counted=(0, facts.count.people) if counts else None,
        )
    else:
        seen = letter_card(letter, shown, zone, today)
    text = seen.text
    if letter.files and where != IN_GROUP:  # there the letter says it
        n = len(letter.files)
        said = ngettext("{n} file follows.", "{n} files follow.", n).format(n=n)
        text += f"\n\n<i>{said}</i>"
    sample = tuple(tuple(Key(each.label, NoticeSample()) for each in row) for row in seen.keys)
    names = {"zh_Hans": "简体", "zh_Hant": "繁體", "en": "English"}
    spoken = tuple(
        Key(
            f"· {names[each]}" if each == shown else names[each],
            NoticePreview(letter.notice_id, each, where),
        )
        for each in LANGUAGES
    )
    places = tuple(
        Key(f"· {name}" if each == where else name, NoticePreview(letter.notice_id, shown, each))
        for each, name in ((IN_PRIVATE, _("As in private")), (IN_GROUP, _("As in a group")))
    )
    back = Key(_("Back"), EditNotice(letter.notice_id))
    return Card(text, (*sample, spoken, places, (back,)))
