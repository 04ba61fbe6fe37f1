"""Entering in words: the list, a competition, one's own entry, and why one cannot enter."""

from __future__ import annotations

import html
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, pager
from handlers.competitions import words
from handlers.competitions.buttons import (
    Competitions,
    OpenEntry,
    RunCompetition,
    ShowCompetition,
)
from handlers.competitions.deciding_buttons import MyAwards, OpenOutcome, ShowPublicList
from handlers.competitions.entering_buttons import (
    AnswerForward,
    AnswerMate,
    ChooseTrack,
    EnterTrack,
    OpenFolder,
    OpenTeam,
    PublishEntry,
    PutForward,
    SubmitEntry,
    TitleEntry,
    WithdrawEntry,
)
from handlers.competitions.setup_buttons import RulesOf
from handlers.context import shortened
from handlers.people.buttons import Home
from handlers.training.refusals_text import misfits_text
from locales import catalog, dates, numbers
from storage.competitions.eligibility import (
    CompetitionOver,
    EnteredAlready,
    EntriesClosed,
    EntriesNotOpen,
    NotForThem,
    WonLately,
)
from storage.competitions.entering import (
    BeingJudged,
    EntryIncomplete,
    EntryStands,
    Line,
    MyEntry,
    NoEntryTitle,
    NotAgreedYet,
    RoundLine,
    Shown,
)
from storage.competitions.putting_forward import Answered, NotPutForward
from storage.competitions.receiving import NoReason, OrderDrawn
from storage.competitions.tables import CompetingState, CompetitionState
from storage.competitions.teams import Asked, NotAsked, TeamFull
from storage.refusals import Refusal

PAGE = 6
LABEL = 40
SCHEME = 1200


def entering_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why not, in a plain sentence of an alert's length; empty for what is not ours."""
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    today = now.astimezone(zone).date()

    def at(moment: datetime) -> str:
        return dates.moment(moment, zone, language, today)

    match refusal:
        case CompetitionOver(state=CompetitionState.CANCELLED):
            return _("This competition does not take place.")
        case CompetitionOver():
            return _("This competition is over; nothing is entered or changed any more.")
        case EntriesNotOpen(opens_at=opens_at):
            return _("Entries open on {time}.").format(time=at(opens_at))
        case EntriesClosed(closed_at=closed_at):
            return _("Entries closed on {time}.").format(time=at(closed_at))
        case NotForThem(misfits=misfits, name=""):
            return _("This competition is not for you this time: {reasons}.").format(
                reasons=html.unescape(misfits_text(misfits, language))
            )
        case NotForThem(misfits=misfits, name=name):
            return _("This competition is not for {name} this time: {reasons}.").format(
                name=name, reasons=html.unescape(misfits_text(misfits, language))
            )
        case WonLately(award=award, years=years, name=""):
            return ngettext(
                "You won the award “{award}” not long ago. By the rules, whoever won it leaves "
                "the place to colleagues for {n} year.",
                "You won the award “{award}” not long ago. By the rules, whoever won it leaves "
                "the place to colleagues for {n} years.",
                years,
            ).format(award=award, n=years)
        case WonLately(award=award, years=years, name=name):
            return ngettext(
                "{name} won the award “{award}” not long ago. By the rules, whoever won it "
                "leaves the place to colleagues for {n} year.",
                "{name} won the award “{award}” not long ago. By the rules, whoever won it "
                "leaves the place to colleagues for {n} years.",
                years,
            ).format(name=name, award=award, n=years)
        case EnteredAlready(name=""):
            return _("You have an entry in this competition already; each person has one.")
        case EnteredAlready(name=name):
            return _("{name} has an entry in this competition already.").format(name=name)
        case NotAgreedYet():
            return _("Please say first whether you would like to enter.")
        case NoEntryTitle():
            return _("Please give your entry a title first, such as that of the lesson.")
        case EntryIncomplete(missing=missing):
            return _("Before it can be handed in, this is still missing: {what}.").format(
                what=numbers.joined(missing, language)
            )
        case BeingJudged():
            return _(
                "This entry is being judged, or has been. If something has come between, please "
                "talk to the organiser."
            )
        case EntryStands(state=state):
            return _("This can no longer be done; the entry is now: {state}.").format(
                state=words.entry_states(language)[state]
            )
        case OrderDrawn():
            return _("The order has been drawn already; nobody can be let in here any more.")
        case NoReason():
            return _("Please say in a few words why.")
        case TeamFull(most=most):
            return ngettext(
                "An entry of this competition is made by {n} person.",
                "An entry of this competition is made by {n} people at most.",
                most,
            ).format(n=most)
        case NotAsked():
            return _("This question is settled; nothing is left to answer.")
        case NotPutForward():
            return _("This has been answered already; nothing is left to do.")
    return ""


# --- the list ----------------------------------------------------------------------------------


def list_card(
    lines: tuple[Line, ...],
    page: int,
    language: str,
    zone: ZoneInfo,
    today: date,
    *,
    has_awards: bool = False,
) -> Card:
    """What I have entered and can enter, each a key."""
    _ = catalog(language).gettext
    text = [_("<b>Competitions</b>")]
    if not lines:
        text.append(_("Nothing is open for entries at the moment. You will be told in your group."))
    pages = max(1, -(-len(lines) // PAGE))
    page = min(max(0, page), pages - 1)
    keys: list[tuple[Key, ...]] = []
    for number, line in enumerate(lines[page * PAGE : (page + 1) * PAGE], page * PAGE + 1):
        title = html.escape(line.title)
        text.append(f"\n{number}. <b>{title}</b>\n{_line_state(line, language, zone, today)}")
        press = (
            ShowCompetition(line.competition_id)
            if line.entry_id is None
            else OpenEntry(line.entry_id)
        )
        label = shortened(f"{number}. {line.title}", LABEL)
        keys.append((Key(label, press, style="primary" if line.needs_me else None),))
    turn = pager(page, pages, Competitions)
    keys += [turn] if turn else []
    if has_awards:
        keys.append((Key(_("My awards"), MyAwards()),))
    return Card("\n".join(text), (*keys, (Key(_("Back"), Home()),)))


def _line_state(line: Line, language: str, zone: ZoneInfo, today: date) -> str:
    _ = catalog(language).gettext
    if line.asked_by:
        return _("{name} asks whether you make an entry together ({track})").format(
            name=html.escape(line.asked_by), track=html.escape(line.track)
        )
    if line.state is not None:
        return _("My entry ({track}): {state}").format(
            track=html.escape(line.track), state=words.entry_states(language)[line.state]
        )
    if not line.is_open and line.opens_at is not None:
        return _("Entries open {when}").format(
            when=dates.moment(line.opens_at, zone, language, today)
        )
    if line.closes_at is None:
        return _("Open for entries")
    return _("Please enter {before}").format(
        before=dates.before(line.closes_at, zone, language, today)
    )


# --- a competition -----------------------------------------------------------------------------


def competition_card(
    facts: Shown,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    *,
    puts_forward: bool = False,
    organises: bool = False,
) -> Card:
    """A competition as a teacher sees it, with what they have in it and can do."""
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    today = now.astimezone(zone).date()
    lines = [f"<b>{html.escape(facts.title)}</b>"]
    lines.append(
        _("{kind}, {year}, held by {unit}").format(
            kind=words.kinds(language)[facts.kind],
            year=facts.school_year,
            unit=html.escape(facts.owner),
        )
    )
    if facts.state is not CompetitionState.PUBLISHED:
        state = words.competition_states(language)[facts.state]
        lines.append(_("<b>Now: {state}</b>").format(state=state))
        if facts.reason:
            lines.append(html.escape(facts.reason))
    lines += _entry_lines(facts, language, zone, today)
    if facts.tracks:
        titles = numbers.joined([html.escape(each.title) for each in facts.tracks], language)
        lines.append(_("Tracks: {tracks}").format(tracks=titles))
    if facts.awards:
        names = numbers.joined([html.escape(each) for each in facts.awards], language)
        lines.append(_("Awards: {awards}").format(awards=names))
    if facts.team_most > 1:
        lines.append(
            ngettext(
                "An entry can be made by {n} person.",
                "An entry can be made by up to {n} people.",
                facts.team_most,
            ).format(n=facts.team_most)
        )
    if facts.is_blind:
        lines.append(_("Materials carry no name of a person or school: they are judged blind."))
    lines.append("")
    lines += [round_line(each, language, zone, today) for each in facts.rounds]
    if facts.scheme:
        lines += ["", html.escape(shortened(facts.scheme, SCHEME))]
    if facts.contact:
        lines.append(_("Questions: {contact}").format(contact=html.escape(facts.contact)))
    lines += _why_not_lines(facts, language, zone, now)
    return Card("\n".join(lines), _competition_keys(facts, language, puts_forward, organises))


def _entry_lines(facts: Shown, language: str, zone: ZoneInfo, today: date) -> list[str]:
    _ = catalog(language).gettext
    if facts.opens_at is None or facts.closes_at is None:
        return []
    when = dates.span(facts.opens_at, facts.closes_at, zone, language, today)
    if facts.opens_at.astimezone(zone).date() != facts.closes_at.astimezone(zone).date():
        closes = dates.before(facts.closes_at, zone, language, today)
        return [_("Entries: {when}; please enter {before}").format(when=when, before=closes)]
    return [_("Entries: {when}").format(when=when)]


def _why_not_lines(facts: Shown, language: str, zone: ZoneInfo, now: datetime) -> list[str]:
    _ = catalog(language).gettext
    lines = [
        _("My entry ({track}): {state}").format(
            track=html.escape(track), state=words.entry_states(language)[state]
        )
        for _id, track, state in facts.entries
    ]
    if facts.why_not is not None and not facts.entries:
        lines.append(html.escape(entering_text(facts.why_not, language, zone, now)))
    return ["", *lines] if lines else []


def _list_keys(round_id: int, language: str) -> list[tuple[Key, ...]]:
    """The list on public display, from which one objects, while there is one."""
    _ = catalog(language).gettext
    return [(Key(_("The public list"), ShowPublicList(round_id)),)] if round_id else []


def _competition_keys(
    facts: Shown, language: str, puts_forward: bool, organises: bool
) -> tuple[tuple[Key, ...], ...]:
    _ = catalog(language).gettext
    keys: list[tuple[Key, ...]] = []
    for entry_id, track, _state in facts.entries:
        label = shortened(_("My entry: {track}").format(track=track), LABEL)
        keys.append((Key(label, OpenEntry(entry_id), style="primary"),))
    keys += _list_keys(facts.hanging, language)
    fitting = [each for each in facts.tracks if not each.misfits]
    if facts.why_not is None and fitting:
        press = (
            EnterTrack(facts.competition_id, fitting[0].track_id)
            if len(fitting) == 1
            else ChooseTrack(facts.competition_id)
        )
        keys.append((Key(_("Enter the competition"), press, style="primary"),))
    if puts_forward and facts.state is CompetitionState.PUBLISHED:
        keys.append((Key(_("Put forward"), PutForward(facts.competition_id)),))
    if organises:
        keys.append((Key(_("Run it"), RunCompetition(facts.competition_id)),))
    if facts.state is not CompetitionState.DRAFT:
        keys.append((Key(_("Rules"), RulesOf(facts.competition_id)),))
    keys.append((Key(_("Back"), Competitions()),))
    return tuple(keys)


def round_line(each: RoundLine, language: str, zone: ZoneInfo, today: date) -> str:
    """A round with what it is held by and when, in one line. HTML."""
    _ = catalog(language).gettext
    said = []
    if each.material_due_at is not None:
        said.append(
            _("materials {before}").format(
                before=dates.before(each.material_due_at, zone, language, today)
            )
        )
    if each.starts_at is not None and each.ends_at is not None:
        said.append(
            dates.days(
                each.starts_at.astimezone(zone).date(),
                each.ends_at.astimezone(zone).date(),
                language,
                today,
            )
        )
    elif each.starts_at is not None:
        said.append(dates.moment(each.starts_at, zone, language, today))
    if each.publicity_from is not None and each.publicity_until is not None:
        said.append(
            _("publicity {days}").format(
                days=dates.days(each.publicity_from, each.publicity_until, language, today)
            )
        )
    name = _("<b>{round}</b> ({level})").format(
        round=html.escape(each.name), level=words.levels(language)[each.level]
    )
    if not said:
        return f"· {name}"
    return _("· {round}: {dates}").format(round=name, dates=_listed(said, language))


def _listed(said: Collection[str], language: str) -> str:
    return ("; " if language == "en" else "；").join(said)


def tracks_card(facts: Shown, language: str) -> Card:
    """Ask in which track to enter; those that are others' are left out."""
    _ = catalog(language).gettext
    keys = tuple(
        (Key(shortened(each.title, LABEL), EnterTrack(facts.competition_id, each.track_id)),)
        for each in facts.tracks
        if not each.misfits
    )
    back = (Key(_("Back"), ShowCompetition(facts.competition_id)),)
    return Card(_("In which track would you like to enter?"), (*keys, back))


# --- my entry ----------------------------------------------------------------------------------


def my_entry_card(
    facts: MyEntry,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    said: str = "",
    *,
    asks_consent: bool = False,
) -> Card:
    """My entry: where it stands, what is missing, and what I can do with it.

    With ``asks_consent`` it asks what may be published, should the entry win.
    """
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [html.escape(said), ""] if said else []
    lines.append(f"<b>{html.escape(facts.competition)}</b>")
    if facts.competition_state is CompetitionState.CANCELLED:
        lines.append(_("This competition does not take place."))
    lines.append(_("Track: {track}").format(track=html.escape(facts.track)))
    if not facts.is_own:
        lines.append(_("Entrant: {name}").format(name=html.escape(facts.teacher)))
    title = html.escape(facts.title) or _("not given yet")
    lines.append(_("Title: {title}").format(title=title))
    if facts.mates:
        names = numbers.joined([html.escape(name) for _id, name in facts.mates], language)
        lines.append(_("Together with: {names}").format(names=names))
    lines.append(_("<b>Now: {state}</b>").format(state=state_text(facts, language)))
    lines += _standing_lines(facts, language, zone, today)
    keys = (*_list_keys(facts.hanging, language), *_my_keys(facts, language))
    if not asks_consent:
        return Card("\n".join(lines), keys)
    lines += [
        "",
        _(
            "If it wins, may the groups be told who you are and what your work is called, to "
            "congratulate you? The official list names you in any case. You can change your "
            "answer at any time."
        ),
    ]
    answers = (
        Key(_("Yes, name me"), PublishEntry(facts.entry_id, 1)),
        Key(_("Do not name me"), PublishEntry(facts.entry_id, 0)),
    )
    # The question says what the key to change the answer would.
    others = tuple(
        row for row in keys if not any(isinstance(key.press, PublishEntry) for key in row)
    )
    return Card("\n".join(lines), (answers, *others))


def state_text(facts: MyEntry, language: str) -> str:
    """Where the entry stands, in a few words; of a round, once it is in one."""
    if facts.state is CompetingState.COMPETING and facts.now.state is not None:
        state = words.round_states(language)[facts.now.state]
        return f"{html.escape(facts.now.name)} · {state}"
    return words.entry_states(language)[facts.state]


def _standing_lines(facts: MyEntry, language: str, zone: ZoneInfo, today: date) -> list[str]:
    _ = catalog(language).gettext
    lines = []
    if not facts.agreed:
        by = html.escape(facts.put_forward_by)
        lines.append(
            _("{name} would like to put you forward. It is for you to say.").format(name=by)
        )
    if facts.reason and facts.state is CompetingState.RETURNED:
        lines.append(_("To be mended: {reason}").format(reason=html.escape(facts.reason)))
        lines.append(_("Please mend it and hand it in again."))
    if facts.reason and facts.state is CompetingState.DISQUALIFIED:
        lines.append(_("Reason: {reason}").format(reason=html.escape(facts.reason)))
    if facts.now.number:
        lines.append(_("Number: {number}").format(number=html.escape(facts.now.number)))
    if facts.now.slot_at is not None:
        when = dates.moment(facts.now.slot_at, zone, language, today)
        lines.append(_("Your turn: {when}").format(when=when))
        if facts.now.place:
            lines.append(_("Where: {place}").format(place=html.escape(facts.now.place)))
    if facts.now.award:
        lines.append(_("Award: {award}").format(award=html.escape(facts.now.award)))
    if facts.missing and facts.state in (
        CompetingState.DRAFT,
        CompetingState.RETURNED,
        CompetingState.SUBMITTED,
        CompetingState.COMPETING,
    ):
        what = numbers.joined([html.escape(each) for each in facts.missing], language)
        lines.append(_("Still missing: {what}").format(what=what))
    if facts.state is CompetingState.DRAFT and facts.closes_at is not None:
        before = dates.before(facts.closes_at, zone, language, today)
        lines.append(_("Please hand it in {before}.").format(before=before))
    elif facts.now.due_at is not None and facts.missing:
        before = dates.before(facts.now.due_at, zone, language, today)
        lines.append(_("Materials are due {before}.").format(before=before))
    return lines


def _my_keys(facts: MyEntry, language: str) -> tuple[tuple[Key, ...], ...]:
    _ = catalog(language).gettext
    here = facts.entry_id
    if facts.competition_state is not CompetitionState.PUBLISHED or facts.state in (
        CompetingState.WITHDRAWN,
        CompetingState.DISQUALIFIED,
    ):
        return ((Key(_("The competition"), ShowCompetition(facts.competition_id)),),)
    if not facts.agreed and facts.is_own:
        return (
            (
                Key(_("I enter"), AnswerForward(here, 1), style="success"),
                Key(_("Not this time"), AnswerForward(here, 0)),
            ),
            (Key(_("The competition"), ShowCompetition(facts.competition_id)),),
        )
    keys: list[tuple[Key, ...]] = []
    if facts.now.decided_at is not None:
        keys.append((Key(_("Outcome"), OpenOutcome(facts.now.place_id), style="primary"),))
    ready = facts.can_submit and bool(facts.title) and not facts.missing
    folder = Key(_("Materials"), OpenFolder(here, facts.now.round_id))
    if facts.missing:
        folder = replace(folder, style="primary")
    before = facts.state in (
        CompetingState.DRAFT,
        CompetingState.RETURNED,
        CompetingState.SUBMITTED,
    )
    keys.append((Key(_("Title of the entry"), TitleEntry(here)), folder) if before else (folder,))
    if facts.is_own and (facts.team_most > 1 or facts.mates):
        keys.append((Key(_("With whom"), OpenTeam(here)),))
    if facts.can_submit:
        style = "success" if ready else None
        keys.append((Key(_("Hand in my entry"), SubmitEntry(here), style=style),))
    if facts.is_own:
        label = _("Do not name me") if facts.may_publish else _("Name me if I win")
        keys.append((Key(label, PublishEntry(here, int(not facts.may_publish))),))
    last = [Key(_("The competition"), ShowCompetition(facts.competition_id))]
    if facts.can_withdraw:
        last.append(Key(_("Leave competition"), WithdrawEntry(here)))
    keys.append(tuple(last))
    keys.append((Key(_("Back"), Competitions()),))
    return tuple(keys)


def asked_card(facts: Asked, language: str) -> Card:
    """A colleague asks me to make an entry together."""
    _ = catalog(language).gettext
    text = _(
        "{name} would like to make an entry together with you: <b>{competition}</b>, "
        "track {track}, “{title}”. It is for you to say."
    ).format(
        name=html.escape(facts.teacher),
        competition=html.escape(facts.competition),
        track=html.escape(facts.track),
        title=html.escape(facts.title) or _("without a title yet"),
    )
    return Card(
        text,
        (
            (
                Key(_("Together"), AnswerMate(facts.entry_id, 1), style="success"),
                Key(_("Not this time"), AnswerMate(facts.entry_id, 0)),
            ),
        ),
    )


def put_forward_card(facts: Answered, language: str, zone: ZoneInfo, today: date) -> Card:
    """The school, or the head of the research group, puts me forward."""
    _ = catalog(language).gettext
    text = _(
        "{name} would like to put you forward for <b>{competition}</b>, track {track}. "
        "It is for you to say; if it does not suit you, nobody minds."
    ).format(
        name=html.escape(facts.by),
        competition=html.escape(facts.competition),
        track=html.escape(facts.track),
    )
    if facts.closes_at is not None:
        before = dates.before(facts.closes_at, zone, language, today)
        text += "\n" + _("Please answer {before}.").format(before=before)
    return Card(
        text,
        (
            (
                Key(_("I enter"), AnswerForward(facts.entry_id, 1), style="success"),
                Key(_("Not this time"), AnswerForward(facts.entry_id, 0)),
            ),
        ),
    )
