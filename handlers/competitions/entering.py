"""Entering, as a teacher does it: the list, a competition, and one's own entry."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key
from handlers.competitions.buttons import Competitions, OpenEntry, ShowCompetition
from handlers.competitions.entering_buttons import (
    AnswerForward,
    ChooseTrack,
    EnterTrack,
    PublishEntry,
    SubmitEntry,
    TitleEntry,
    WithdrawEntry,
)
from handlers.competitions.entering_text import (
    asked_card,
    competition_card,
    list_card,
    my_entry_card,
    tracks_card,
)
from handlers.competitions.receiving_text import held_card
from handlers.context import Context, alert, show, tap
from handlers.wiring import AnyApplication, on_command, on_link, on_tap, on_text
from locales import catalog, numbers
from storage.competitions import (
    anonymity,
    awarding,
    entering,
    putting_forward,
    receiving,
    rights,
    teams,
)
from storage.competitions.entering import MyEntry
from storage.competitions.materials import Found
from storage.competitions.receiving import Held
from storage.competitions.teams import Asked
from storage.people import accounts
from storage.people.accounts import Reader
from storage.refusals import NotFound

TITLE = "entrytitle"
WITHDRAWN = "entrywithdraw"


def install(application: AnyApplication) -> None:
    on_command(application, "competitions", open_list)
    on_link(application, "comp([0-9]{1,18})", _linked)
    on_link(application, "entry([0-9]{1,18})", _entry_linked)
    on_tap(application, Competitions, open_list)
    on_tap(application, ShowCompetition, open_competition)
    on_tap(application, ChooseTrack, choose_track)
    on_tap(application, EnterTrack, enter)
    on_tap(application, OpenEntry, open_entry)
    on_tap(application, TitleEntry, ask_title)
    on_text(application, TITLE, title_typed)
    on_tap(application, PublishEntry, publish)
    on_tap(application, SubmitEntry, submit)
    on_tap(application, WithdrawEntry, withdraw)
    on_text(application, WITHDRAWN, reason_typed)
    on_tap(application, AnswerForward, answer_forward)


def _local(context: Context) -> tuple[ZoneInfo, date]:
    zone = context.house.zone
    return zone, context.now().astimezone(zone).date()


async def open_list(update: Update, context: Context) -> None:
    """Show what I have entered and can enter."""
    page = 0
    if update.callback_query is not None:
        page = Competitions.parse(update.callback_query.data).page
    reader = await context.reader(update)
    await _show_list(update, context, reader, page)


async def open_competition(update: Update, context: Context) -> None:
    """Show a competition."""
    button = ShowCompetition.parse(tap(update).data)
    await _show_competition(update, context, await context.reader(update), button.competition_id)


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await _show_competition(update, context, reader, int(payload))


async def _show_competition(
    update: Update, context: Context, reader: Reader, competition_id: int
) -> None:
    now = context.now()
    teacher_id = reader.linked_teacher_id
    facts = await context.read(entering.shown, teacher_id, competition_id, now=now)
    puts = await context.read(putting_forward.tracks_of, teacher_id, competition_id, now=now)
    runs = await context.read(rights.organises, teacher_id, competition_id, now=now)
    card = competition_card(
        facts,
        reader.language,
        context.house.zone,
        now,
        puts_forward=bool(puts),
        organises=runs,
    )
    await show(update, context, reader, card)


async def choose_track(update: Update, context: Context) -> None:
    """Ask in which track."""
    button = ChooseTrack.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(
        entering.shown, reader.linked_teacher_id, button.competition_id, now=context.now()
    )
    await show(update, context, reader, tracks_card(facts, reader.language))


async def enter(update: Update, context: Context) -> None:
    """Begin an entry of mine."""
    button = EnterTrack.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    entry_id = await context.write(
        entering.enter,
        reader.linked_teacher_id,
        button.competition_id,
        button.track_id,
        now=context.now(),
    )
    said = _("Your entry is begun. Nobody sees it before you hand it in.")
    await show_mine(update, context, reader, entry_id, said)


# --- an entry ----------------------------------------------------------------------------------


def look(
    session: Session, reader_id: int, entry_id: int, *, now: datetime
) -> MyEntry | Asked | Held:
    """The entry as it concerns the reader: made by them, asked of them, or held by them."""
    try:
        return entering.my_entry(session, reader_id, entry_id, now=now)
    except NotFound:
        asked = teams.asked_of(session, reader_id, entry_id)
        if asked is not None:
            return asked
        return receiving.held_entry(session, reader_id, entry_id, now=now)


async def open_entry(update: Update, context: Context) -> None:
    """Show an entry to whomever it concerns."""
    button = OpenEntry.parse(tap(update).data)
    await _show_entry(update, context, await context.reader(update), button.entry_id)


async def _entry_linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await _show_entry(update, context, reader, int(payload))


async def _show_entry(update: Update, context: Context, reader: Reader, entry_id: int) -> None:
    now, zone = context.now(), context.house.zone
    facts = await context.write(look, reader.linked_teacher_id, entry_id, now=now)
    match facts:
        case MyEntry():
            card = my_entry_card(facts, reader.language, zone, now)
        case Asked():
            card = asked_card(facts, reader.language)
        case Held():
            card = held_card(facts, reader.language, zone, now)
    await show(update, context, reader, card)


async def show_mine(
    update: Update,
    context: Context,
    reader: Reader,
    entry_id: int,
    said: str = "",
    *,
    asks_consent: bool = False,
) -> None:
    """Show my entry, with a sentence about what was just done, or what may be published."""
    now, zone = context.now(), context.house.zone
    facts = await context.read(entering.my_entry, reader.linked_teacher_id, entry_id, now=now)
    asks = asks_consent and not facts.may_publish
    card = my_entry_card(facts, reader.language, zone, now, said, asks_consent=asks)
    await show(update, context, reader, card)


async def ask_title(update: Update, context: Context) -> None:
    """Take the next text as the title."""
    button = TitleEntry.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.read(
        entering.my_entry, reader.linked_teacher_id, button.entry_id, now=context.now()
    )
    await context.write(
        accounts.await_text, reader.account_id, f"{TITLE}:{button.entry_id}", now=context.now()
    )
    text = _("Please type the title of your entry, such as that of the lesson or the work.")
    await show(
        update, context, reader, Card(text, ((Key(_("Cancel"), OpenEntry(button.entry_id)),),))
    )


async def title_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Give the entry its title."""
    entry_id = int(reader.awaiting.partition(":")[2])

    def change(session: Session) -> tuple[Found, ...]:
        entering.set_title(session, reader.linked_teacher_id, entry_id, text, now=context.now())
        accounts.await_text(session, reader.account_id, "", now=context.now())
        return anonymity.in_title(session, entry_id)

    found = await context.write(change)
    said = ""
    if found:
        _ = catalog(reader.language).gettext
        said = _(
            "This competition is judged blind, and a name stands in the title: {names}. Only you "
            "are told. To change it, tap “Title of the entry” once more; if it is no name, leave "
            "it."
        ).format(names=numbers.joined([each.what for each in found], reader.language))
    await show_mine(update, context, reader, entry_id, said)


async def publish(update: Update, context: Context) -> None:
    """Say whether the congratulations may name me and my work."""
    button = PublishEntry.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        entering.set_publish,
        reader.linked_teacher_id,
        button.entry_id,
        may=bool(button.on),
        now=context.now(),
    )
    said = (
        _("Thank you. If you win, the groups congratulate you by name.")
        if button.on
        else _("If you win, the groups' congratulations do not name you.")
    )
    await show_mine(update, context, reader, button.entry_id, said)


async def submit(update: Update, context: Context) -> None:
    """Hand my entry in."""
    button = SubmitEntry.parse(tap(update).data)
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not button.sure:
        number = await context.read(
            anonymity.names_left, reader.linked_teacher_id, button.entry_id, now=context.now()
        )
        if number:
            text = ngettext(
                "{n} name of a person or a school was found in your entry, which is judged "
                "without names. Hand it in all the same?",
                "{n} names of people or schools were found in your entry, which is judged "
                "without names. Hand it in all the same?",
                number,
            ).format(n=number)
            keys = (
                (Key(_("Back to my entry"), OpenEntry(button.entry_id), style="primary"),),
                (Key(_("Hand it in as it is"), SubmitEntry(button.entry_id, 1)),),
            )
            await show(update, context, reader, Card(text, keys))
            return
    is_new = await context.write(
        entering.submit, reader.linked_teacher_id, button.entry_id, now=context.now()
    )
    said = (
        _("Thank you, your entry is in. You will hear when it has been accepted.")
        if is_new
        else _("Your entry is in already; nothing is left to do.")
    )
    await show_mine(update, context, reader, button.entry_id, said, asks_consent=is_new)


async def withdraw(update: Update, context: Context) -> None:
    """Ask once more, where a reason can be typed; then take my entry back."""
    button = WithdrawEntry.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now = context.now()
    if button.sure:
        await _withdraw(update, context, reader, button.entry_id, "")
        return
    facts = await context.read(
        entering.my_entry, reader.linked_teacher_id, button.entry_id, now=now
    )
    await context.write(
        accounts.await_text, reader.account_id, f"{WITHDRAWN}:{button.entry_id}", now=now
    )
    text = _(
        "Take back your entry for <b>{competition}</b>? You can type a reason, which is shown to "
        "nobody, or leave it without one."
    ).format(competition=html.escape(facts.competition))
    keys = (
        (Key(_("Leave competition"), WithdrawEntry(button.entry_id, 1), style="danger"),),
        (Key(_("Back"), OpenEntry(button.entry_id)),),
    )
    await show(update, context, reader, Card(text, keys))


async def reason_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take my entry back for this reason."""
    await _withdraw(update, context, reader, int(reader.awaiting.partition(":")[2]), text)


async def _withdraw(
    update: Update, context: Context, reader: Reader, entry_id: int, reason: str
) -> None:
    _ = catalog(reader.language).gettext
    now = context.now()

    def change(session: Session) -> int:
        entering.withdraw(session, reader.linked_teacher_id, entry_id, reason, now=now)
        accounts.await_text(session, reader.account_id, "", now=now)
        return entering.my_entry(
            session, reader.linked_teacher_id, entry_id, now=now
        ).competition_id

    competition_id = await context.write(change)
    text = _("Your entry is taken back. You can enter again as long as entries are open.")
    keys = ((Key(_("The competition"), ShowCompetition(competition_id)),),)
    await show(update, context, reader, Card(text, keys))


async def answer_forward(update: Update, context: Context) -> None:
    """Say whether I enter, having been put forward."""
    button = AnswerForward.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        putting_forward.answer,
        reader.linked_teacher_id,
        button.entry_id,
        yes=bool(button.yes),
        now=context.now(),
    )
    context.house.wake_delivery()
    if button.yes:
        said = _("Thank you. The entry is yours now; nobody sees it before you hand it in.")
        await show_mine(update, context, reader, button.entry_id, said)
        return
    await alert(update, _("Thank you for your answer. Nothing is entered."))
    await _show_list(update, context, reader)


async def _show_list(update: Update, context: Context, reader: Reader, page: int = 0) -> None:
    teacher_id = reader.linked_teacher_id
    lines = await context.read(entering.lines, teacher_id, now=context.now())
    has_awards = await context.read(awarding.has_awards, teacher_id)
    card = list_card(lines, page, reader.language, *_local(context), has_awards=has_awards)
    await show(update, context, reader, card)
