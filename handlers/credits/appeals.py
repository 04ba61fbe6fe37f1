"""Appeals: saying that a line is wrong or missing, and answering that in time."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import Context, alert, shortened, show, show_anew, tap
from handlers.credits.buttons import HourLines, OpenHours
from handlers.credits.claims_text import appeal_state, appeal_text
from handlers.credits.evidence import put_away, refuse, show_with
from handlers.credits.hours_text import LINES_A_PAGE, detail_pages, detail_text, lines_on
from handlers.credits.words import amount, category_name, level_name
from handlers.files import Attachment, on_file
from handlers.people.buttons import OpenDesk
from handlers.wiring import AnyApplication, on_desk, on_link, on_tap, on_text
from locales import catalog
from storage.credits import appeals, balance
from storage.credits.appeals import AppealFacts, Disputed, Queued
from storage.credits.balance import Balance
from storage.credits.claims import MOST_HOURS, NotAClaim
from storage.credits.hours import rounded
from storage.credits.papers import NotEvidence
from storage.credits.profiles import LEVELS
from storage.credits.tables import EntryState
from storage.moments import local_day
from storage.people import accounts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.sheets import as_number
from storage.training.tables import CATEGORIES

AWAITED = "appeal"
AWAITED_FILE = "appealfile"
AWAITED_VIEW = "appealview"
AWAITED_ANSWER = "appealno"
AWAITED_HOURS = "appealhours"
LABEL = 40
KEYS_A_ROW = 3
SHOWN = 8
MAY = (EntryState.POSTED, EntryState.REVERSED)
"""States of a line in which it can be appealed against."""


@dataclass(frozen=True)
class MyAppeals(Button):
    """My appeals."""

    tag = "ap"


@dataclass(frozen=True)
class PickLine(Button):
    """Which line is wrong? Page by page."""

    tag = "aqk"
    page: int = 0


@dataclass(frozen=True)
class NewAppeal(Button):
    """This line is wrong; 0: one is missing. What is wrong is typed."""

    tag = "aqn"
    entry_id: int = 0


@dataclass(frozen=True)
class OpenAppeal(Button):
    """One of my appeals."""

    tag = "apo"
    appeal_id: int


@dataclass(frozen=True)
class AddEvidence(Button):
    """I am going to send a photo or a file with it."""

    tag = "apf"
    appeal_id: int


@dataclass(frozen=True)
class WithdrawAppeal(Button):
    """Take my appeal back."""

    tag = "apw"
    appeal_id: int
    sure: int = 0


@dataclass(frozen=True)
class ReviewAppeals(Button):
    """The next appeal that waits for me, past this one."""

    tag = "aq"
    after: int = 0


@dataclass(frozen=True)
class ReviewAppeal(Button):
    """One appeal that waits for me."""

    tag = "aqo"
    appeal_id: int


@dataclass(frozen=True)
class GiveView(Button):
    """The school's view is typed."""

    tag = "aqv"
    appeal_id: int


@dataclass(frozen=True)
class UpholdLine(Button):
    """The line stands; the answer is typed."""

    tag = "aqu"
    appeal_id: int


@dataclass(frozen=True)
class PutRight(Button):
    """The right hours are typed."""

    tag = "aqr"
    appeal_id: int


@dataclass(frozen=True)
class AcceptAppeal(Button):
    """So many tenths of hours instead (or posted, of this level and category).

    With ``sure`` 0 what is missing is asked for, then whether it is right.
    """

    tag = "aqa"
    appeal_id: int
    tenths: int
    level: str = ""
    category: str = ""
    sure: int = 0


def install(application: AnyApplication) -> None:
    on_desk(
        application,
        [Act.CONFIRM_HOURS, Act.SETTLE_HOURS],
        _label,
        ReviewAppeals,
        kinds=["appeals", "appeals_overdue"],
    )
    on_link(application, "appeals", _linked)
    on_tap(application, MyAppeals, open_mine)
    on_tap(application, PickLine, pick_line)
    on_tap(application, NewAppeal, ask_about)
    on_tap(application, OpenAppeal, open_appeal)
    on_tap(application, AddEvidence, ask_evidence)
    on_tap(application, WithdrawAppeal, withdraw)
    on_tap(application, ReviewAppeals, open_next)
    on_tap(application, ReviewAppeal, open_review)
    on_tap(application, GiveView, ask_view)
    on_tap(application, UpholdLine, ask_answer)
    on_tap(application, PutRight, ask_hours)
    on_tap(application, AcceptAppeal, accept)
    on_text(application, AWAITED, about_typed)
    on_file(application, AWAITED_FILE, evidence_sent)
    on_text(application, AWAITED_FILE, evidence_typed)
    on_text(application, AWAITED_VIEW, view_typed)
    on_text(application, AWAITED_ANSWER, answer_typed)
    on_text(application, AWAITED_HOURS, hours_typed)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Appeals")


# --- cards ----------------------------------------------------------------------------------------


def mine_card(found: tuple[AppealFacts, ...], language: str) -> Card:
    """My appeals with their states; each is a key."""
    _ = catalog(language).gettext
    lines = [_("<b>My appeals</b>")]
    if not found:
        lines.append(_("You have not appealed against anything."))
    lines += [
        "· "
        + _("{title}: {state}").format(
            title=html.escape(_title(one, language)), state=appeal_state(one.state, language)
        )
        for one in found[:SHOWN]
    ]
    keys = [
        (Key(shortened(_title(one, language), LABEL), OpenAppeal(one.appeal_id)),)
        for one in found[:SHOWN]
    ]
    return Card(
        "\n".join(lines),
        (
            *keys,
            (Key(_("Something is wrong"), PickLine()),),
            (Key(_("Back"), OpenHours()),),
        ),
    )


def _title(facts: AppealFacts, language: str) -> str:
    _ = catalog(language).gettext
    return facts.line.title if facts.line is not None else _("Hours that are missing")


def pick_card(facts: Balance, page: int, language: str) -> Card:
    """The entries of a page, each with a key that says it is wrong."""
    _ = catalog(language).gettext
    pages = detail_pages(facts)
    page = min(max(page, 0), pages - 1)
    first = page * LINES_A_PAGE + 1
    keys = [
        Key(str(number), NewAppeal(line.entry_id))
        for number, line in enumerate(lines_on(facts, page), first)
        if line.state in MAY
    ]
    rows = [tuple(keys[n : n + KEYS_A_ROW]) for n in range(0, len(keys), KEYS_A_ROW)]
    turn = pager(page, pages, PickLine)
    text = "\n\n".join([_("Which entry is wrong?"), detail_text(facts, page, language)])
    return Card(
        text,
        (
            *rows,
            *((turn,) if turn else ()),
            (Key(_("Hours are missing"), NewAppeal()),),
            (Key(_("Back"), HourLines(page)),),
        ),
    )


def appeal_card(facts: AppealFacts, language: str, today: date) -> Card:
    """One of my appeals, and what can be done about it."""
    _ = catalog(language).gettext
    rows: list[tuple[Key, ...]] = []
    if facts.state in appeals.UNDER_WAY:
        label = _("Other evidence") if facts.file_id else _("Add evidence")
        rows.append((Key(label, AddEvidence(facts.appeal_id)),))
        rows.append((Key(_("Withdraw it"), WithdrawAppeal(facts.appeal_id)),))
    rows.append((Key(_("Back"), MyAppeals()),))
    return Card(appeal_text(facts, language, today), tuple(rows))


def review_card(queued: Queued, language: str, today: date) -> Card:
    """One appeal for whoever answers it."""
    _ = catalog(language).gettext
    ngettext = catalog(language).ngettext
    facts = queued.appeal
    head = ngettext("<b>Appeals</b>: {n} waits", "<b>Appeals</b>: {n} wait", queued.waiting)
    lines = [head.format(n=queued.waiting)]
    if queued.overdue:
        lines.append(
            ngettext("{n} is overdue.", "{n} are overdue.", queued.overdue).format(n=queued.overdue)
        )
    lines.append(
        _("{name}, {school}").format(name=html.escape(facts.name), school=html.escape(facts.unit))
    )
    lines.append(appeal_text(facts, language, today))
    id_ = facts.appeal_id
    rows: list[tuple[Key, ...]] = []
    if queued.is_last_word:
        if not facts.school_view:
            lines.append(_("The school has not said anything yet."))
        label = _("Put it right") if facts.line is not None else _("Post hours")
        rows.append((Key(label, PutRight(id_)), Key(_("It stands"), UpholdLine(id_))))
    if not queued.is_last_word or not facts.school_view:
        rows.append((Key(_("The school's view"), GiveView(id_)),))
    rows.append((Key(_("Next ›"), ReviewAppeals(id_)), Key(_("Back"), OpenDesk())))
    return Card("\n".join(lines), tuple(rows))


def nothing_card(skipped: bool, language: str) -> Card:
    """Nothing waits, or nothing after those that were skipped."""
    _ = catalog(language).gettext
    back = (Key(_("Back"), OpenDesk()),)
    if skipped:
        again = (Key(_("From the beginning"), ReviewAppeals()),)
        return Card(_("That was the last one."), (again, back))
    return Card(_("No appeal waits for you."), (back,))


def sure_card(facts: AppealFacts, given: AcceptAppeal, language: str) -> Card:
    """Ask once more: what will stand there instead."""
    _ = catalog(language).gettext
    hours = amount(Decimal(given.tenths) / 10, "hour", language)
    line = facts.line
    if line is None:
        text = _("Post {hours} for {name} ({level}, {category})?").format(
            hours=hours,
            name=html.escape(facts.name),
            level=level_name(given.level, language),
            category=html.escape(category_name(given.category, language)),
        )
    elif given.tenths:
        text = _("{title}: {hours} instead of {before}?").format(
            title=html.escape(line.title),
            hours=hours,
            before=amount(line.hours, "hour", language),
        )
    else:
        text = _("{title}: take back all {before}?").format(
            title=html.escape(line.title), before=amount(line.hours, "hour", language)
        )
    text += "\n" + _("The ledger keeps both lines; the teacher is told with the next brief.")
    sure = AcceptAppeal(given.appeal_id, given.tenths, given.level, given.category, 1)
    return Card(
        text,
        (
            (
                Key(_("Yes"), sure, style="primary"),
                Key(_("Back"), ReviewAppeal(given.appeal_id)),
            ),
        ),
    )


# --- the teacher ----------------------------------------------------------------------------------


async def open_mine(update: Update, context: Context) -> None:
    await _show_mine(update, context, await context.reader(update))


async def _show_mine(update: Update, context: Context, reader: Reader) -> None:
    found = await context.read(appeals.mine, reader.linked_teacher_id, now=context.now())
    await show(update, context, reader, mine_card(found, reader.language))


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _show_mine(update, context, reader)


async def pick_line(update: Update, context: Context) -> None:
    page = PickLine.parse(tap(update).data).page
    reader = await context.reader(update)
    facts = await context.read(balance.balance_of, reader.linked_teacher_id, now=context.now())
    await show(update, context, reader, pick_card(facts, page, reader.language))


async def ask_about(update: Update, context: Context) -> None:
    """Ask what is wrong with the line, or what is missing."""
    entry_id = NewAppeal.parse(tap(update).data).entry_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if entry_id:
        line: Disputed = await context.read(appeals.line_of, reader.linked_teacher_id, entry_id)
        text = _(
            "<b>{title}</b>, {hours}: what is wrong? Please send it in one message. "
            "Until it is answered the entry is shown as under review."
        ).format(title=html.escape(line.title), hours=amount(line.hours, "hour", reader.language))
    else:
        text = _(
            "Which hours are missing? Please send the training, its date and the hours in "
            "one message."
        )
    await context.write(
        accounts.await_text, reader.account_id, f"{AWAITED}:{entry_id}", now=context.now()
    )
    keys = ((Key(_("Cancel"), PickLine()),),)
    await show(update, context, reader, Card(text, keys))


async def about_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Open the appeal with what was typed."""
    entry_id = int(reader.awaiting.partition(":")[2])
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    facts = await context.write(
        appeals.open_, reader.linked_teacher_id, entry_id or None, text, now=now
    )
    await show(update, context, reader, appeal_card(facts, reader.language, _today(context)))


async def open_appeal(update: Update, context: Context) -> None:
    appeal_id = OpenAppeal.parse(tap(update).data).appeal_id
    reader = await context.reader(update)
    facts = await context.write(appeals.own, reader.linked_teacher_id, appeal_id, now=context.now())
    await show(update, context, reader, appeal_card(facts, reader.language, _today(context)))


async def ask_evidence(update: Update, context: Context) -> None:
    appeal_id = AddEvidence.parse(tap(update).data).appeal_id
    reader = await context.reader(update)
    now = context.now()
    await context.write(appeals.own, reader.linked_teacher_id, appeal_id, now=now)
    await context.write(
        accounts.await_text, reader.account_id, f"{AWAITED_FILE}:{appeal_id}", now=now
    )
    _ = catalog(reader.language).gettext
    text = _("Please send a photo or a file. Only your school and the county see it.")
    keys = ((Key(_("Cancel"), OpenAppeal(appeal_id)),),)
    await show(update, context, reader, Card(text, keys))


async def evidence_sent(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Put the photo or file to the appeal."""
    appeal_id = int(reader.awaiting.partition(":")[2])
    now = context.now()
    name = "" if attachment.is_photo else attachment.name or "file"
    try:
        facts = await context.write(
            appeals.add_evidence,
            reader.linked_teacher_id,
            appeal_id,
            attachment.file_id,
            name,
            now=now,
        )
    except NotEvidence:
        await refuse(context, reader)
        return
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    await show(update, context, reader, appeal_card(facts, reader.language, _today(context)))


async def evidence_typed(_update: Update, context: Context, reader: Reader, _text: str) -> None:
    """A text is no evidence: the file is still awaited."""
    appeal_id = int(reader.awaiting.partition(":")[2])
    _ = catalog(reader.language).gettext
    text = _("Please send a photo or a file. Only your school and the county see it.")
    await show_anew(context, reader, Card(text, ((Key(_("Cancel"), OpenAppeal(appeal_id)),),)))


async def withdraw(update: Update, context: Context) -> None:
    """Ask once more, then take the appeal back."""
    button = WithdrawAppeal.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.sure:
        keys = (
            (
                Key(_("Yes, withdraw"), WithdrawAppeal(button.appeal_id, 1), style="danger"),
                Key(_("Back"), OpenAppeal(button.appeal_id)),
            ),
        )
        text = _("Withdraw this appeal? The entry counts again as it is.")
        await show(update, context, reader, Card(text, keys))
        return
    facts = await context.write(
        appeals.withdraw, reader.linked_teacher_id, button.appeal_id, now=context.now()
    )
    await show(update, context, reader, appeal_card(facts, reader.language, _today(context)))


# --- who answers ----------------------------------------------------------------------------------


async def open_next(update: Update, context: Context) -> None:
    """Show the next appeal that waits, overdue ones first, with its evidence."""
    after = ReviewAppeals.parse(tap(update).data).after
    await _show_next(update, context, await context.reader(update), after)


async def _show_next(update: Update, context: Context, reader: Reader, after: int = 0) -> None:
    queued = await context.write(
        appeals.queue, reader.linked_teacher_id, now=context.now(), after=after
    )
    if queued is None:
        await put_away(context, reader)
        await show(update, context, reader, nothing_card(after > 0, reader.language))
        return
    facts = queued.appeal
    card = review_card(queued, reader.language, _today(context))
    await show_with(update, context, reader, facts.file_id, facts.file_name, card)


async def open_review(update: Update, context: Context) -> None:
    appeal_id = ReviewAppeal.parse(tap(update).data).appeal_id
    reader = await context.reader(update)
    queued = await _reviewed(context, reader, appeal_id)
    await show(update, context, reader, review_card(queued, reader.language, _today(context)))


async def _reviewed(context: Context, reader: Reader, appeal_id: int) -> Queued:
    return await context.write(
        appeals.review, reader.linked_teacher_id, appeal_id, now=context.now()
    )


async def ask_view(update: Update, context: Context) -> None:
    appeal_id = GiveView.parse(tap(update).data).appeal_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _("What does the school know about it? Please send it in one message.")
    await _ask(update, context, reader, appeal_id, AWAITED_VIEW, text)


async def ask_answer(update: Update, context: Context) -> None:
    appeal_id = UpholdLine.parse(tap(update).data).appeal_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _("Why does it stand? Please send the answer in one message; the teacher reads it.")
    await _ask(update, context, reader, appeal_id, AWAITED_ANSWER, text)


async def ask_hours(update: Update, context: Context) -> None:
    appeal_id = PutRight.parse(tap(update).data).appeal_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _("How many hours are right? Please type the number; 0 takes the entry back.")
    await _ask(update, context, reader, appeal_id, AWAITED_HOURS, text)


async def _ask(
    update: Update, context: Context, reader: Reader, appeal_id: int, awaited: str, text: str
) -> None:
    await _reviewed(context, reader, appeal_id)
    await context.write(
        accounts.await_text, reader.account_id, f"{awaited}:{appeal_id}", now=context.now()
    )
    _ = catalog(reader.language).gettext
    keys = ((Key(_("Cancel"), ReviewAppeal(appeal_id)),),)
    await show(update, context, reader, Card(text, keys))


async def view_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    appeal_id = int(reader.awaiting.partition(":")[2])
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    await context.write(appeals.give_view, reader.linked_teacher_id, appeal_id, text, now=now)
    await _show_next(update, context, reader)


async def answer_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    appeal_id = int(reader.awaiting.partition(":")[2])
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    await context.write(appeals.uphold, reader.linked_teacher_id, appeal_id, text, now=now)
    await _show_next(update, context, reader)


async def hours_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take the right hours; what is missing yet is asked for, then whether it is right."""
    appeal_id = int(reader.awaiting.partition(":")[2])
    number = as_number(text)
    if number is None or not 0 <= number <= MOST_HOURS:
        raise NotAClaim("hours")
    queued = await _reviewed(context, reader, appeal_id)
    if queued.appeal.line is None and not number:
        raise NotAClaim("hours")
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    given = AcceptAppeal(appeal_id, int(rounded(number) * 10))
    await _go_on(update, context, reader, queued.appeal, given)


async def _go_on(
    update: Update, context: Context, reader: Reader, facts: AppealFacts, given: AcceptAppeal
) -> None:
    _ = catalog(reader.language).gettext
    if facts.line is None and not given.level:
        keys = [
            Key(
                level_name(level, reader.language),
                AcceptAppeal(given.appeal_id, given.tenths, level),
            )
            for level in reversed(LEVELS)
        ]
        text = _("Of which level was it?")
    elif facts.line is None and not given.category:
        keys = [
            Key(
                shortened(category_name(name, reader.language), LABEL),
                AcceptAppeal(given.appeal_id, given.tenths, given.level, name),
            )
            for name in CATEGORIES
        ]
        text = _("What was it about?")
    else:
        await show(update, context, reader, sure_card(facts, given, reader.language))
        return
    rows = tuple(tuple(keys[n : n + 2]) for n in range(0, len(keys), 2))
    back = (Key(_("Back"), ReviewAppeal(given.appeal_id)),)
    await show(update, context, reader, Card(text, (*rows, back)))


async def accept(update: Update, context: Context) -> None:
    """Ask for what is missing, then put the line right."""
    given = AcceptAppeal.parse(tap(update).data)
    reader = await context.reader(update)
    if not given.sure:
        queued = await _reviewed(context, reader, given.appeal_id)
        await _go_on(update, context, reader, queued.appeal, given)
        return
    await context.write(
        appeals.accept,
        reader.linked_teacher_id,
        given.appeal_id,
        Decimal(given.tenths) / 10,
        now=context.now(),
        level=given.level,
        category=given.category if given.category in CATEGORIES else "",
    )
    context.house.wake_delivery()
    _ = catalog(reader.language).gettext
    await alert(update, _("Put right. The teacher is told."))
    await _show_next(update, context, reader)


def _today(context: Context) -> date:
    return local_day(context.now(), context.house.zone)
