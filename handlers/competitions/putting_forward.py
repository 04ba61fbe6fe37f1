"""Putting colleagues forward, as the school or the head of a research group does it."""

from __future__ import annotations

import html
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.competitions import words
from handlers.competitions.buttons import ShowCompetition
from handlers.competitions.entering_buttons import PickEntrant, PutForward, TakeBackEntrant
from handlers.context import Context, shortened, show, tap
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates
from storage.competitions import putting_forward
from storage.competitions.putting_forward import Candidate, Candidates
from storage.people import accounts
from storage.people.accounts import Reader

LABEL = 40
PAGE = putting_forward.PAGE
AWAITED = "kbvname"


def install(application: AnyApplication) -> None:
    on_tap(application, PutForward, open_people)
    on_tap(application, PickEntrant, pick)
    on_tap(application, TakeBackEntrant, take_back)
    on_text(application, AWAITED, name_typed)


def tracks_card(competition_id: int, tracks: tuple[tuple[int, str], ...], language: str) -> Card:
    """Ask in which track."""
    _ = catalog(language).gettext
    keys = tuple(
        (Key(shortened(title, LABEL), PutForward(competition_id, track_id)),)
        for track_id, title in tracks
    )
    text = (
        _("In which track would you like to put somebody forward?")
        if tracks
        else _("There is no track in which you could put somebody forward.")
    )
    return Card(text, (*keys, (Key(_("Back"), ShowCompetition(competition_id)),)))


def people_card(
    facts: Candidates,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    said: str = "",
    *,
    searched: bool = False,
) -> Card:
    """A page of my unit's people for a track, and what they have in it."""
    _ = catalog(language).gettext
    lines = [html.escape(said), ""] if said else []
    lines.append(
        _("<b>Put forward: {competition}</b>\n{track}, {unit}").format(
            competition=html.escape(facts.competition),
            track=html.escape(facts.track),
            unit=html.escape(facts.unit),
        )
    )
    if facts.is_open and facts.closes_at is not None:
        before = dates.before(facts.closes_at, zone, language, now.astimezone(zone).date())
        lines.append(
            _("Please do so {before}; each colleague says yes first.").format(before=before)
        )
    elif not facts.is_open:
        lines.append(_("Entries are not open now."))
    if searched and not facts.people:
        lines.append(_("Nobody in this list is called so. You can type another name."))
    elif not facts.people:
        lines.append(_("Nobody of your unit is in the audience of this track."))
    elif facts.pages > 1:
        lines.append(_("You can also type a name, or a part of it."))
    keys: list[tuple[Key, ...]] = []
    for number, each in enumerate(facts.people, facts.page * PAGE + 1):
        lines.append(f"{number}. " + _line(each, language))
        here = facts.competition_id, facts.track_id, facts.page
        label = shortened(f"{number}. {each.name}", LABEL)
        if each.entry_id is None and facts.is_open:
            keys.append((Key(label, PickEntrant(*here, each.teacher_id)),))
        elif each.awaits_answer and each.entry_id is not None:
            text = shortened(_("Take back: {name}").format(name=each.name), LABEL)
            keys.append((Key(text, TakeBackEntrant(*here, each.entry_id)),))
    turn = None
    if not searched:  # pages of what was searched for are found by a name that says more
        turn = pager(
            facts.page,
            facts.pages,
            lambda page: PutForward(facts.competition_id, facts.track_id, page),
        )
    back = (
        PutForward(facts.competition_id)
        if facts.has_tracks
        else ShowCompetition(facts.competition_id)
    )
    press = PutForward(facts.competition_id, facts.track_id) if searched else back
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), (Key(_("Back"), press),)))


def _line(each: Candidate, language: str) -> str:
    _ = catalog(language).gettext
    name = html.escape(each.name)
    if each.state is None:
        return name
    if each.awaits_answer:
        return _("{name}: asked, no answer yet").format(name=name)
    return _("{name}: {state}").format(name=name, state=words.entry_states(language)[each.state])


async def open_people(update: Update, context: Context) -> None:
    """Show my people for a track; first ask for the track, where there are several."""
    button = PutForward.parse(tap(update).data)
    reader = await context.reader(update)
    track_id = button.track_id
    if not track_id:
        tracks = await context.read(
            putting_forward.tracks_of,
            reader.linked_teacher_id,
            button.competition_id,
            now=context.now(),
        )
        if len(tracks) != 1:
            card = tracks_card(button.competition_id, tracks, reader.language)
            await show(update, context, reader, card)
            return
        track_id = tracks[0][0]
    await _show(update, context, reader, button.competition_id, track_id, button.page)


async def _show(
    update: Update,
    context: Context,
    reader: Reader,
    competition_id: int,
    track_id: int,
    page: int,
    said: str = "",
) -> None:
    now = context.now()
    facts = await context.read(
        putting_forward.candidates,
        reader.linked_teacher_id,
        competition_id,
        track_id,
        page=page,
        now=now,
    )
    if facts.pages > 1:
        awaited = f"{AWAITED}:{competition_id}:{track_id}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    card = people_card(facts, reader.language, context.house.zone, now, said)
    await show(update, context, reader, card)


async def name_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show who in the list is called so; another name can be typed at once."""
    competition_id, track_id = map(int, reader.awaiting.split(":")[1:])
    now = context.now()
    facts = await context.read(
        putting_forward.candidates,
        reader.linked_teacher_id,
        competition_id,
        track_id,
        like=text.strip(),
        now=now,
    )
    zone = context.house.zone
    await show(
        update, context, reader, people_card(facts, reader.language, zone, now, searched=True)
    )


async def pick(update: Update, context: Context) -> None:
    """Put this colleague forward."""
    button = PickEntrant.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        putting_forward.put_forward,
        reader.linked_teacher_id,
        button.competition_id,
        button.track_id,
        button.teacher_id,
        now=context.now(),
    )
    context.house.wake_delivery()
    said = (
        _("The entry is yours; you find it among your competitions.")
        if button.teacher_id == reader.teacher_id
        else _("Your colleague is asked, and enters with their yes.")
    )
    await _show(update, context, reader, button.competition_id, button.track_id, button.page, said)


async def take_back(update: Update, context: Context) -> None:
    """Do not put this colleague forward after all."""
    button = TakeBackEntrant.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        putting_forward.take_back,
        reader.linked_teacher_id,
        button.entry_id,
        now=context.now(),
    )
    said = _("Taken back; your colleague is not asked any more.")
    await _show(update, context, reader, button.competition_id, button.track_id, button.page, said)
