"""Publishing a competition, cancelling, finishing and putting it away: each says what it means."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key
from handlers.competitions import running
from handlers.competitions.buttons import RunCompetition
from handlers.competitions.setup_buttons import (
    ArchiveCompetition,
    CancelCompetition,
    CancelCompetitionSure,
    CheckCompetition,
    CopyCompetition,
    DiscardCompetition,
    FinishCompetition,
    MoreOfCompetition,
    PublishCompetition,
)
from handlers.context import Context, alert, show, tap
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates, numbers
from storage.competitions import making, publishing, views
from storage.competitions.publishing import BLOCKS, Check, Finding, Readiness, ReasonWrong
from storage.competitions.tables import CompetitionState
from storage.competitions.views import Desk
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader

AWAITED = "callcomp"


def install(application: AnyApplication) -> None:
    on_tap(application, CheckCompetition, check)
    on_tap(application, PublishCompetition, publish)
    on_tap(application, MoreOfCompetition, more)
    on_tap(application, CancelCompetition, ask_reason)
    on_tap(application, CancelCompetitionSure, cancel_surely)
    on_tap(application, FinishCompetition, finish)
    on_tap(application, ArchiveCompetition, archive)
    on_tap(application, DiscardCompetition, discard)
    on_text(application, AWAITED, reason_given)


# -- cards -----------------------------------------------------------------------------------------


def check_card(facts: Readiness, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """The check list before publishing."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        f"<b>{html.escape(facts.title)}</b>",
        ngettext("It is for {n} person.", "It is for {n} persons.", facts.people).format(
            n=facts.people
        ),
    ]
    stops = [each for each in facts.findings if each.check in BLOCKS]
    rest = [each for each in facts.findings if each.check not in BLOCKS]
    if stops:
        lines.append(_("<b>Please see to this first:</b>"))
        lines += _finding_lines(stops, language, zone, now)
    if rest:
        lines.append(_("<b>Worth a look:</b>"))
        lines += _finding_lines(rest, language, zone, now)
    back = Key(_("Back"), RunCompetition(facts.competition_id))
    if stops:
        return Card("\n".join(lines), ((back,),))
    lines.append(
        _(
            "With publishing the rules of each round are frozen, and everybody can read them. A "
            "later change needs a second organiser and is told to all. The card goes to the "
            "groups when entries open."
        )
    )
    key = Key(_("Publish"), PublishCompetition(facts.competition_id), style="primary")
    return Card("\n".join(lines), ((key, back),))


def _finding_lines(
    found: Sequence[Finding], language: str, zone: ZoneInfo, now: datetime
) -> list[str]:
    _ = catalog(language).gettext
    today = local_day(now, zone)
    lines = []
    for each in found:
        text = _finding(each.check, language)
        if each.days:
            days = [dates.day(day, language, today) for day in each.days]
            text = _("{text}: {days}").format(text=text, days=numbers.joined(days, language))
        if each.round_name:
            text = _("{round}: {text}").format(round=html.escape(each.round_name), text=text)
        lines.append(f"· {text}")
    return lines


def _finding(check_: Check, language: str) -> str:
    _ = catalog(language).gettext
    return {
        Check.NO_TRACKS: _("there is no track to enter in"),
        Check.NO_ROUNDS: _("there is no round of our own"),
        Check.NO_ENTRY: _("nobody knows until when to enter"),
        Check.ENTRY_OVER: _("the time to enter is over already"),
        Check.ORDER: _("its dates are not in order"),
        Check.NO_DAYS: _("its days are not said"),
        Check.NO_PUBLICITY: _("the list needs a time of public display"),
        Check.SHORT_PUBLICITY: _("public display is shorter than five working days"),
        Check.NO_RUBRIC: _("the rubric is missing"),
        Check.NO_MATERIALS: _("nothing is handed in"),
        Check.DROPS: _("as many marks are left out as there are"),
        Check.TIES: _("what decides between equals is not in the rubric"),
        Check.NO_TIES: _("equals would only draw lots"),
        Check.NO_QUOTA: _("all go on, without limit"),
        Check.NO_AWARDS: _("there are no awards"),
        Check.NO_FORWARD: _("nobody knows until when to forward"),
        Check.NOBODY: _("it is for nobody"),
        Check.ONE_ORGANISER: _(
            "nobody else organises it, so nobody could confirm a change of the rules"
        ),
        Check.DAYS_OFF: _("something is due on a day off"),
    }[check_]


def more_card(facts: Desk, language: str) -> Card:
    """What else can be done with it, as it stands."""
    _ = catalog(language).gettext
    id_ = facts.competition_id
    keys = [Key(_("Hold it again"), CopyCompetition(id_))]
    if facts.state is CompetitionState.DRAFT:
        keys.append(Key(_("Throw away"), DiscardCompetition(id_), style="danger"))
    if facts.state is CompetitionState.PUBLISHED:
        keys.append(Key(_("Close it"), FinishCompetition(id_)))
        keys.append(Key(_("Cancel the competition"), CancelCompetition(id_), style="danger"))
    if facts.state in (CompetitionState.FINISHED, CompetitionState.CANCELLED):
        keys.append(Key(_("Put away"), ArchiveCompetition(id_)))
    rows = tuple(tuple(keys[n : n + 2]) for n in range(0, len(keys), 2))
    text = f"<b>{html.escape(facts.title)}</b>\n" + _("What would you like to do?")
    return Card(text, (*rows, (Key(_("Back"), RunCompetition(id_)),)))


def _told(people: int, language: str) -> list[str]:
    """How many would hear of it; nothing where nobody would."""
    if not people:
        return []
    text = catalog(language).ngettext(
        "{n} person is told, once.", "{n} people are told, once each.", people
    )
    return [text.format(n=people)]


def reason_card(facts: Desk, people: int, language: str, trouble: str = "") -> Card:
    """Ask why it is cancelled."""
    _ = catalog(language).gettext
    lines = [
        f"<b>{html.escape(facts.title)}</b>",
        *([trouble] if trouble else []),
        _("Why is it cancelled? Please type the reason; those concerned will read it."),
        *_told(people, language),
    ]
    back = Key(_("Back"), MoreOfCompetition(facts.competition_id))
    return Card("\n".join(lines), ((back,),))


def finish_card(facts: Desk, away: int, language: str) -> Card:
    """Ask once more before it is closed, and say what nobody has heard of yet."""
    catalogue = catalog(language)
    _ = catalogue.gettext
    lines = [
        _("Close “{title}”? Nothing of it can be changed afterwards; the results stay.").format(
            title=html.escape(facts.title)
        )
    ]
    if away:
        lines.append(
            catalogue.ngettext(
                "⚠ The outcome of {n} entry sent up is still unknown.",
                "⚠ The outcome of {n} entries sent up is still unknown.",
                away,
            ).format(n=away)
        )
    sure = Key(_("Yes, close it"), FinishCompetition(facts.competition_id, 1), style="primary")
    back = Key(_("Back"), MoreOfCompetition(facts.competition_id))
    return Card("\n".join(lines), ((sure, back),))


def sure_card(facts: Desk, people: int, reason: str, language: str) -> Card:
    """Ask once more before it is cancelled for good."""
    _ = catalog(language).gettext
    lines = [
        _("Cancel “{title}”? This cannot be undone.").format(title=html.escape(facts.title)),
        _("Reason: {reason}").format(reason=html.escape(reason)),
        *_told(people, language),
    ]
    sure = Key(
        _("Cancel the competition"), CancelCompetitionSure(facts.competition_id), style="danger"
    )
    back = Key(_("Back"), MoreOfCompetition(facts.competition_id))
    return Card("\n".join(lines), ((sure, back),))


# -- taps ------------------------------------------------------------------------------------------


async def check(update: Update, context: Context) -> None:
    """Show the check list."""
    competition_id = CheckCompetition.parse(tap(update).data).competition_id
    reader = await context.reader(update)
    now = context.now()
    facts = await context.read(publishing.check, reader.linked_teacher_id, competition_id, now=now)
    if facts.state is not CompetitionState.DRAFT:
        await running.show_desk(update, context, reader, competition_id)
        return
    await show(update, context, reader, check_card(facts, reader.language, context.house.zone, now))


async def publish(update: Update, context: Context) -> None:
    """Publish it."""
    competition_id = PublishCompetition.parse(tap(update).data).competition_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    is_new = await context.write(
        publishing.publish, reader.linked_teacher_id, competition_id, now=context.now()
    )
    context.house.wake_delivery()
    if is_new:
        await alert(update, _("Published; the rules are frozen."))
    await running.show_desk(update, context, reader, competition_id)


async def more(update: Update, context: Context) -> None:
    """Show what else can be done."""
    competition_id = MoreOfCompetition.parse(tap(update).data).competition_id
    reader = await context.reader(update)
    facts = await context.read(
        views.desk, reader.linked_teacher_id, competition_id, now=context.now()
    )
    await show(update, context, reader, more_card(facts, reader.language))


async def ask_reason(update: Update, context: Context) -> None:
    """Ask why it is cancelled."""
    competition_id = CancelCompetition.parse(tap(update).data).competition_id
    await _ask(update, context, await context.reader(update), competition_id)


async def _ask(
    update: Update, context: Context, reader: Reader, competition_id: int, trouble: str = ""
) -> None:
    facts, people = await context.write(_awaiting, reader, competition_id, now=context.now())
    await show(update, context, reader, reason_card(facts, people, reader.language, trouble))


async def reason_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Keep the reason and ask once more."""
    _ = catalog(reader.language).gettext
    competition_id = int(reader.awaiting.partition(":")[2])
    reason = " ".join(text.split())
    if not reason or len(reason) > publishing.LONGEST_REASON:
        trouble = _("Please type a reason of at most 300 characters.")
        await _ask(update, context, reader, competition_id, trouble)
        return
    facts, people = await context.write(
        _keep_reason, reader, competition_id, reason, now=context.now()
    )
    await show(update, context, reader, sure_card(facts, people, reason, reader.language))


async def cancel_surely(update: Update, context: Context) -> None:
    """Cancel it for the reason that was typed."""
    catalogue = catalog((reader := await context.reader(update)).language)
    competition_id = CancelCompetitionSure.parse(tap(update).data).competition_id
    told = await context.write(_cancel, reader, competition_id, now=context.now())
    context.house.wake_delivery()
    if told:
        text = catalogue.ngettext(
            "Cancelled; {n} person is told.", "Cancelled; {n} people are told.", told
        )
        await alert(update, text.format(n=told))
    await running.show_desk(update, context, reader, competition_id)


async def finish(update: Update, context: Context) -> None:
    """Say that it is over, once it has been asked."""
    button = FinishCompetition.parse(tap(update).data)
    competition_id = button.competition_id
    reader = await context.reader(update)
    if not button.sure:
        teacher_id, now = reader.linked_teacher_id, context.now()
        facts = await context.read(views.desk, teacher_id, competition_id, now=now)
        away = await context.read(publishing.away, teacher_id, competition_id, now=now)
        await show(update, context, reader, finish_card(facts, away, reader.language))
        return
    await context.write(
        publishing.finish, reader.linked_teacher_id, competition_id, now=context.now()
    )
    await running.show_desk(update, context, reader, competition_id)


async def archive(update: Update, context: Context) -> None:
    """Put it away."""
    competition_id = ArchiveCompetition.parse(tap(update).data).competition_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        publishing.archive, reader.linked_teacher_id, competition_id, now=context.now()
    )
    await alert(update, _("Put away; what it led to stays."))
    await running.show_list(update, context, reader)


async def discard(update: Update, context: Context) -> None:
    """Throw a draft away."""
    competition_id = DiscardCompetition.parse(tap(update).data).competition_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(making.discard, reader.linked_teacher_id, competition_id, now=context.now())
    await alert(update, _("Thrown away."))
    await running.show_list(update, context, reader)


# -- in one transaction each -----------------------------------------------------------------------


def _awaiting(
    session: Session, reader: Reader, competition_id: int, *, now: datetime
) -> tuple[Desk, int]:
    people = publishing.concerned(session, reader.linked_teacher_id, competition_id, now=now)
    accounts.await_text(session, reader.account_id, f"{AWAITED}:{competition_id}", now=now)
    return views.desk(session, reader.linked_teacher_id, competition_id, now=now), people


def _keep_reason(
    session: Session, reader: Reader, competition_id: int, reason: str, *, now: datetime
) -> tuple[Desk, int]:
    accounts.await_text(session, reader.account_id, "", now=now)
    people = publishing.concerned(session, reader.linked_teacher_id, competition_id, now=now)
    data = {"competition_id": competition_id, "reason": reason}
    drafts.keep(session, reader.account_id, AWAITED, data, now=now)
    return views.desk(session, reader.linked_teacher_id, competition_id, now=now), people


def _cancel(session: Session, reader: Reader, competition_id: int, *, now: datetime) -> int:
    kept = drafts.read(session, reader.account_id, AWAITED)
    if kept is None or kept["competition_id"] != competition_id:
        raise ReasonWrong
    return publishing.cancel(
        session, reader.linked_teacher_id, competition_id, kept["reason"], now=now
    )
