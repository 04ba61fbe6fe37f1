"""Notices in words: as their readers get them (M04), and as whoever writes them sees them.

What the author wrote stays as it is in every language; what stands around it is the reader's.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, GroupCard, Key, Keys, pager
from handlers.context import shortened
from handlers.messaging import public
from handlers.messaging.notice_buttons import NoticeAsk, NoticeConfirm, Notices, NoticeShow
from handlers.messaging.notice_desk_buttons import (
    ApproveNotice,
    ClassNotices,
    CopyNotice,
    DiscardNotice,
    DropNoticeFile,
    EditNotice,
    NewNotice,
    NoticeAudience,
    NoticeEvent,
    NoticeEvents,
    NoticeFiles,
    NoticeGo,
    NoticeLost,
    NoticeOption,
    NoticeOptions,
    NoticePreview,
    NoticeSend,
    NoticeSet,
    NoticeWay,
    RecallNotice,
    ReturnNotice,
    SecondLook,
)
from handlers.people.buttons import OpenDesk
from handlers.training import words
from handlers.training.buttons import OpenRun
from locales import LANGUAGES, catalog, dates, numbers
from storage.messaging import audiences, notices
from storage.messaging.audiences import Described, Options, UnreachedUnit
from storage.messaging.notices import Asked, EventLine, Letter, Lines, Price, Released, Sheet
from storage.messaging.tables import NoticeState
from storage.refusals import Refusal

LABEL = 40
NAMES = 8  # that a list spells out
QUOTED = 300  # characters of the text that the writer's card shows
IN_GROUP, IN_PRIVATE = "group", "private"


# --- as it is read -------------------------------------------------------------------------------


def audience_text(facts: Described, language: str, *, in_group: bool = False) -> str:
    """For whom a notice is, escaped; what somebody has not done is not said in a group."""
    _ = catalog(language).gettext
    parts: list[str] = []
    if facts.units:
        parts.append(_several(facts.units, language))
    if facts.whom == audiences.COORDINATORS:
        parts.append(_("training coordinators"))
    elif facts.whom == audiences.PRINCIPALS:
        parts.append(_("principals"))
    parts += [
        words.joined(facts.facts[key], language) for key in audiences.FACTS if facts.facts.get(key)
    ]
    if facts.batch:
        title = html.escape(facts.batch)
        if in_group:
            parts.append(_("“{title}”").format(title=title))
        else:
            said = _("“{title}”, {state}")
            parts.append(said.format(title=title, state=state_text(facts.state, language)))
    if facts.owes and not in_group:
        parts.append(owes_text(facts.owes, facts.owed, language))
    separator = "; " if language == "en" else "；"
    return separator.join(parts) or _("all teachers")


def _several(names: Sequence[str], language: str, shown: int = 3) -> str:
    _ = catalog(language).gettext
    said = html.escape(numbers.joined(names[:shown], language))
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
    return sentence.format(title=html.escape(title))


def letter_text(
    facts: Letter, language: str, zone: ZoneInfo, today: date, *, in_group: bool = False
) -> str:
    """M04: what it says, for whom, when, where, and by when it is to be confirmed. HTML."""
    _ = catalog(language).gettext
    lines = [_("<b>[Notice] {title}</b>").format(title=html.escape(facts.title))]
    if facts.number:
        lines.append(_("Document no.: {number}").format(number=html.escape(facts.number)))
    lines.append(
        _("For: {audience}").format(
            audience=audience_text(facts.audience, language, in_group=in_group)
        )
    )
    if facts.text:
        lines.append(html.escape(facts.text))
    if facts.happens_at is not None:
        when = (
            dates.moment(facts.happens_at, zone, language, today)
            if facts.happens_until is None
            else dates.span(facts.happens_at, facts.happens_until, zone, language, today)
        )
        lines.append(_("When: {when}").format(when=when))
    if facts.place:
        lines.append(_("Where: {place}").format(place=html.escape(facts.place)))
    if facts.wants_answer and facts.answer_by is not None:
        lines.append(
            _("Please tap “Confirm receipt” {before}; no reply in the group is needed.").format(
                before=dates.before(facts.answer_by, zone, language, today)
            )
        )
    elif facts.wants_answer:
        lines.append(_("Please tap “Confirm receipt”; no reply in the group is needed."))
    if facts.contact:
        lines.append(_("Questions: {contact}").format(contact=html.escape(facts.contact)))
    day = today if facts.sent_at is None else facts.sent_at.astimezone(zone).date()
    lines.append(
        _("{issuer}, {day}").format(
            issuer=html.escape(facts.issuer), day=dates.day(day, language, today)
        )
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
    facts: Letter, language: str, zone: ZoneInfo, today: date, *, confirmed: bool = False
) -> Card:
    """M04 in private."""
    keys = letter_keys(facts, language, confirmed=confirmed)
    return Card(letter_text(facts, language, zone, today), (keys,))


# --- lists ---------------------------------------------------------------------------------------


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


def list_card(facts: Lines, language: str, zone: ZoneInfo, today: date) -> Card:
    """A page of notices, each a line and a key."""
    _ = catalog(language).gettext
    title = _("<b>Notices</b>")
    if facts.batch:
        title = _("<b>Notices</b>: {title}").format(title=html.escape(facts.batch))
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
        if not line.is_mine:
            said += " · " + html.escape(line.author)
        lines.append(f"{number}. <b>{html.escape(shortened(name, 60))}</b>\n{said}")
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


# --- writing -------------------------------------------------------------------------------------


def sheet_card(facts: Sheet, language: str, zone: ZoneInfo, today: date) -> Card:
    """The notice as it is being written, with a key for everything that can be said."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    letter = facts.letter
    none = "—"

    def said(text: str) -> str:
        return html.escape(shortened(text, QUOTED)) if text else none

    heading = html.escape(letter.title) or _("without a heading")
    lines = [f"<b>{heading}</b>"]
    if facts.state is not NoticeState.DRAFT:
        lines += _standing(facts, language, zone, today)
    if facts.returned:
        lines.append(_("Returned: {reason}").format(reason=said(facts.returned)))
    if facts.chooses_issuer:
        lines.append(_("In the name of: {unit}").format(unit=said(letter.issuer)))
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
    lines.append(_count_line(facts.count.people, facts.count.unreached, language))
    if letter.files:
        n = len(letter.files)
        lines.append(ngettext("{n} file goes with it.", "{n} files go with it.", n).format(n=n))
    if facts.chats:
        lines.append(_("Posted in: {groups}").format(groups=_several(facts.chats, language)))
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


def _count_line(people: int, unreached: int, language: str) -> str:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = ngettext("{n} person", "{n} people", people).format(n=people)
    if not unreached:
        return text
    return _("{people}, {n} of them not reached by messages").format(people=text, n=unreached)


def _standing(facts: Sheet, language: str, zone: ZoneInfo, today: date) -> list[str]:
    """When it goes out, and what that hangs on."""
    _ = catalog(language).gettext
    lines = []
    if facts.send_at is not None and facts.state is NoticeState.AWAITING:
        lines.append(
            _("Waits for a second person; without one it goes out {when}.").format(
                when=dates.moment(facts.send_at, zone, language, today)
            )
        )
    elif facts.send_at is not None and facts.state is NoticeState.SCHEDULED:
        lines.append(
            _("Will be sent: {when}").format(
                when=dates.moment(facts.send_at, zone, language, today)
            )
        )
        if facts.event is not None:
            lines.append(event_text(facts.event.kind, facts.event.title, language))
    else:
        lines.append(state_words(facts.state, language))
    return lines


def _sheet_keys(facts: Sheet, language: str) -> Keys:
    _ = catalog(language).gettext
    id_ = facts.letter.notice_id
    back = (Key(_("Back"), Notices()),)
    look = Key(_("Preview"), NoticePreview(id_, language, IN_PRIVATE))
    if facts.state in (NoticeState.SCHEDULED, NoticeState.AWAITING):
        return ((look, Key(_("Make it a draft"), RecallNotice(id_))), back)
    if facts.state is not NoticeState.DRAFT:
        return ((look, Key(_("Write it again"), CopyNotice(id_))), back)

    def key(label: str, field: str) -> Key:
        return Key(label, NoticeSet(id_, field))

    urgent = _("✓ Urgent") if facts.urgent else _("Urgent")
    issuer = Key(_("In whose name"), NoticeOptions(id_, "issuer", 0))
    return (
        (key(_("Headline"), "title"), key(_("Wording"), "text"), key(_("Date"), "when")),
        (key(_("Place"), "place"), key(_("Contact"), "contact"), key(_("Document no."), "number")),
        (
            Key(_("Files ({n})").format(n=len(facts.letter.files)), NoticeFiles(id_)),
            key(_("Confirm by"), "answer"),
            key(urgent, "urgent"),
        ),
        (
            Key(_("For whom"), NoticeAudience(id_)),
            Key(_("Groups"), NoticeOptions(id_, "chats", 0)),
            *((issuer,) if facts.chooses_issuer and not facts.batch_id else ()),
        ),
        (look, Key(_("Send…"), NoticeSend(id_), style="primary")),
        (Key(_("Delete draft"), DiscardNotice(id_, 0)), *back),
    )


ASKS = ("title", "text", "place", "contact", "number", "when", "answer", "at")


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
    }[field].format(n=notices.TEXT)
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
        lines.append(f"{number}. {html.escape(shortened(name, 60))}")
        label = _("Take away {name}").format(name=f"{number}. {name}")
        keys.append((Key(shortened(label, LABEL), DropNoticeFile(id_, file.id)),))
    if not facts.letter.files:
        lines.append(_("None yet."))
    lines.append(
        _("Please send files or photos here, one after the other; at most {n}.").format(
            n=notices.FILES
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
        _count_line(facts.count.people, facts.count.unreached, language),
    ]

    def key(label: str, what: str) -> Key:
        return Key(label, NoticeOptions(id_, what, 0))

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


def options_card(facts: Sheet, what: str, options: Options, language: str) -> Card:
    """A page of what can be chosen; a mark says what is."""
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
    if not options.lines:
        lines.append(_("There is nothing to choose here."))
    if what == "chats":
        lines.append(_("What is posted in a group has no names, and everybody there reads it."))
    elif what != "issuer":
        lines.append(_count_line(facts.count.people, facts.count.unreached, language))
    keys = [
        (
            Key(
                shortened(f"{'✓' if each.chosen else '○'} {_label(what, each, language)}", LABEL),
                NoticeOption(id_, what, each.key, options.page),
            ),
        )
        for each in options.lines
    ]
    turn = pager(options.page, options.pages, lambda page: NoticeOptions(id_, what, page))
    back = EditNotice(id_) if what in ("chats", "issuer") else NoticeAudience(id_)
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), (Key(_("OK"), back),)))


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
        ).format(unit=html.escape(line.unit), n=line.number)
        if line.names:
            text += "\n" + _several(line.names, language, NAMES)
        lines.append(text)
    if not lines_:
        lines.append(_("Messages reach everybody."))
    lines.append(_("They are counted in the report, so that somebody can call them."))
    turn = pager(page, pages, lambda number: NoticeLost(notice_id, number))
    back = (Key(_("Back"), NoticeAudience(notice_id)),)
    return Card("\n".join(lines), (*((turn,) if turn else ()), back))


# --- preview, price, sending ---------------------------------------------------------------------


def preview_card(
    facts: Sheet, shown: str, where: str, language: str, zone: ZoneInfo, today: date
) -> Card:
    """Exactly what readers of a language will see, in private or in a group.

    The keys of the notice stand below it and do nothing here.
    """
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    letter = facts.letter
    here = NoticePreview(letter.notice_id, shown, where)
    seen: Card | GroupCard
    if where == IN_GROUP:
        seen = public.notice_group_card(
            letter_text(letter, shown, zone, today, in_group=True),
            letter.notice_id,
            letter.wants_answer,
            shown,
        )
    else:
        seen = letter_card(letter, shown, zone, today)
    text = seen.text
    if letter.files:
        n = len(letter.files)
        said = ngettext("{n} file follows.", "{n} files follow.", n).format(n=n)
        text += f"\n\n<i>{said}</i>"
    sample = tuple(tuple(Key(each.label, here) for each in row) for row in seen.keys)
    names = {"zh_Hans": "简体", "zh_Hant": "繁體", "en": "English"}
    spoken = tuple(
        Key(
            f"· {names[each]}" if each == shown else names[each],
            NoticePreview(letter.notice_id, each, where),
        )
        for each in LANGUAGES
    )
    other = IN_PRIVATE if where == IN_GROUP else IN_GROUP
    label = _("As in private") if where == IN_GROUP else _("As in a group")
    turn = Key(label, NoticePreview(letter.notice_id, shown, other))
    back = Key(_("Back"), EditNotice(letter.notice_id))
    return Card(text, (*sample, spoken, (turn, back)))


def price_card(facts: Sheet, price: Price, language: str, zone: ZoneInfo, today: date) -> Card:
    """What it costs in rings, and the ways to send it."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    id_ = facts.letter.notice_id
    heading = html.escape(facts.letter.title) or _("without a heading")
    lines = [
        f"<b>{heading}</b>",
        _count_line(price.count.people, price.count.unreached, language),
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
    if reached:
        lines.append(
            _("In the brief of {when} it rides for free.").format(
                when=dates.moment(price.brief_at, zone, language, today)
            )
        )
    if price.riding:
        lines.append(
            ngettext(
                "A brief waits for {n} of them anyway.",
                "A brief waits for {n} of them anyway.",
                price.riding,
            ).format(n=price.riding)
        )
    if price.opens is not None:
        opens = dates.moment(price.opens, zone, language, today)
        sentence = (
            _(
                "These are quiet hours. Urgent, it goes at once if a second person agrees; "
                "otherwise at {time}."
            )
            if facts.urgent
            else _("These are quiet hours: “Send now” means {time}.")
        )
        lines.append(sentence.format(time=opens))
    return Card(
        "\n".join(lines),
        (
            (Key(_("Send now"), NoticeWay(id_, notices.NOW)),),
            (Key(_("With the daily brief"), NoticeWay(id_, notices.RIDE)),),
            (
                Key(_("At a time"), NoticeWay(id_, notices.AT)),
                Key(_("With an event"), NoticeEvents(id_, 0)),
            ),
            (Key(_("Back"), EditNotice(id_)),),
        ),
    )


def confirm_card(
    facts: Sheet, price: Price, way: str, language: str, zone: ZoneInfo, today: date
) -> Card:
    """The last question, with the numbers."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    letter = facts.letter
    lines = [
        f"<b>{html.escape(letter.title)}</b>",
        _("For: {audience}").format(audience=audience_text(letter.audience, language)),
        _count_line(facts.count.people, facts.count.unreached, language),
    ]
    if facts.chats:
        n = len(facts.chats)
        lines.append(ngettext("and {n} group", "and {n} groups", n).format(n=n))
    match way:
        case notices.RIDE:
            lines.append(
                _("It goes with the daily brief, for most people at {when}.").format(
                    when=dates.moment(price.brief_at, zone, language, today)
                )
            )
        case notices.AT | notices.EVENT if facts.send_at is not None:
            when = dates.moment(facts.send_at, zone, language, today)
            lines.append(_("It goes out {when}.").format(when=when))
            if way == notices.EVENT and facts.event is not None:
                lines.append(event_text(facts.event.kind, facts.event.title, language))
                lines.append(_("If the date moves, the notice moves with it."))
        case _ if price.opens is not None:
            when = dates.moment(price.opens, zone, language, today)
            sentence = (
                _("A second person is asked now; without their word it goes out {when}.")
                if facts.urgent
                else _("These are quiet hours: it goes out {when}.")
            )
            lines.append(sentence.format(when=when))
        case _:
            lines.append(
                ngettext(
                    "It rings {n} telephone now.",
                    "It rings {n} telephones now.",
                    facts.count.reached,
                ).format(n=facts.count.reached)
            )
    return Card(
        "\n".join(lines),
        (
            (Key(_("Yes, send it"), NoticeGo(letter.notice_id, way), style="primary"),),
            (Key(_("Back"), NoticeSend(letter.notice_id)),),
        ),
    )


def event_text(kind: str, title: str, language: str) -> str:
    """What a notice goes with; escaped."""
    _ = catalog(language).gettext
    sentence = {
        "reg_close": _("With: registration closes, {title}"),
        "batch_start": _("With: the training begins, {title}"),
        "remote_start": _("With: remote training begins, {title}"),
        "remote_end": _("With: remote training ends, {title}"),
        "nomination": _("With: nominations close, {title}"),
    }[kind]
    return sentence.format(title=html.escape(shortened(title, 60)))


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
        label = shortened(f"{number}. {each.title}", LABEL)
        keys.append((Key(label, NoticeEvent(notice_id, each.deadline_id, "")),))
    if not events:
        lines.append(_("There is no event ahead."))
    turn = pager(page, pages, lambda number: NoticeEvents(notice_id, number))
    back = (Key(_("Back"), NoticeSend(notice_id)),)
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), back))


def offsets_card(notice_id: int, deadline_id: int, language: str) -> Card:
    """How far from the event, in working days."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext

    def label(offset: str) -> str:
        n = int(offset[2:])
        if offset == "T-0":
            return _("the same day")
        if offset.startswith("T+"):
            return ngettext("{n} working day after", "{n} working days after", n).format(n=n)
        return ngettext("{n} working day before", "{n} working days before", n).format(n=n)

    keys = [
        (Key(label(offset), NoticeEvent(notice_id, deadline_id, offset)),)
        for offset in notices.OFFSETS
    ]
    return Card(
        _("When, seen from the event?"), (*keys, (Key(_("Back"), NoticeEvents(notice_id, 0)),))
    )


def released_text(facts: Released, language: str, zone: ZoneInfo, today: date) -> str:
    """What became of it, in one sentence."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    when = dates.moment(facts.send_at, zone, language, today)
    n = facts.count.people
    if facts.state is NoticeState.AWAITING:
        return _("A second person has been asked. Without their word it goes out {when}.").format(
            when=when
        )
    if facts.queued:
        return _(
            "These are quiet hours; the notice is queued for {time}. For an emergency mark it "
            "as urgent and choose “Send now”, which needs a second person."
        ).format(time=when)
    if facts.state is NoticeState.SCHEDULED and facts.rides:
        return ngettext(
            "It goes with the daily brief to {n} person.",
            "It goes with the daily brief to {n} people.",
            n,
        ).format(n=n)
    return ngettext(
        "It goes out {when} to {n} person.", "It goes out {when} to {n} people.", n
    ).format(when=when, n=n)


def released_card(facts: Released, language: str, zone: ZoneInfo, today: date) -> Card:
    """What became of it, with the ways on."""
    _ = catalog(language).gettext
    return Card(
        released_text(facts, language, zone, today),
        ((Key(_("View"), EditNotice(facts.notice_id)), Key(_("Notices"), Notices())),),
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
    ).format(name=html.escape(facts.author), n=number)
    rest = _("Without your word it goes out {when}.").format(
        when=dates.moment(facts.opens, zone, language, today)
    )
    text = letter_text(facts.letter, language, zone, today)
    id_ = facts.letter.notice_id
    heading = _("[To do] Urgent notice")
    return Card(
        f"{heading}\n{ask} {rest}\n\n{text}",
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
    title, by = html.escape(str(facts["title"])), html.escape(str(facts["by"]))
    if facts["approved"]:
        text = _("<b>{title}</b>: {name} has agreed; it is going out.").format(title=title, name=by)
    else:
        text = _("<b>{title}</b>: {name} has returned it. {reason}").format(
            title=title, name=by, reason=html.escape(str(facts["reason"]))
        )
    opens = EditNotice(int(str(facts["notice_id"])))
    return Card(text, ((Key(_("View"), opens),),))


def stopped_card(facts: dict[str, object], language: str) -> Card:
    """Why a notice did not go out."""
    _ = catalog(language).gettext
    title = html.escape(str(facts["title"]))
    if facts["why"] == "event":
        text = _(
            "<b>{title}</b> was to go out with “{event}”, which does not take place then any "
            "more. It is a draft again."
        ).format(title=title, event=html.escape(str(facts["event"])))
    else:
        text = _(
            "<b>{title}</b> of {unit} was stopped: {name} has no right to send it any more."
        ).format(
            title=title,
            unit=html.escape(str(facts["unit"])),
            name=html.escape(str(facts["author"])),
        )
    opens = EditNotice(int(str(facts["notice_id"])))
    return Card(text, ((Key(_("View"), opens),),))


def notices_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why a notice cannot be like that; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case notices.TooLong():
            return _(
                "That is too long: there is room for {n} characters. "
                "What does not fit can go as a file."
            ).format(n=refusal.limit)
        case notices.TooManyFiles():
            return _("There is room for {n} files.").format(n=notices.FILES)
        case notices.PastMoment(what="answer"):
            return _("The date to confirm by is over before the notice would be out.")
        case notices.PastMoment(what="when"):
            return _("What the notice is about is over before it would be out.")
        case notices.PastMoment():
            return _("That moment is over.")
        case notices.Incomplete(what="title"):
            return _("It has no heading yet.")
        case notices.Incomplete(what="people"):
            return _("At the moment it is for nobody. Please look at “For whom”.")
        case notices.Incomplete(what="reason"):
            return _("Please type a reason.")
        case notices.Incomplete():
            return _("Please say first when it is to go out.")
        case notices.NotADraft():
            return _("It cannot be changed here: {state}.").format(
                state=state_words(refusal.state, language)
            )
        case notices.NoSecond():
            return _(
                "There is nobody else who could agree to it now. Not urgent, it goes out {when}."
            ).format(when=dates.moment(refusal.opens, zone, language, now.astimezone(zone).date()))
        case notices.EventGone():
            return _("That moment is over, or the event does not take place any more.")
    return ""
