"""What an entrant is told after a round, in private: their own outcome, comments, award."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key
from handlers.competitions import words
from handlers.competitions.buttons import OpenEntry
from handlers.competitions.deciding_buttons import (
    AwardCertificate,
    CompetitionLists,
    MyAwards,
    MyObjection,
    OpenObjection,
    OpenOutcome,
    ShareWork,
    ShowPublicList,
)
from handlers.context import Context, House, shortened, show, tap
from handlers.messaging.voices import Nothing, Said, Say
from handlers.people.buttons import Home
from handlers.training import words as of_training
from handlers.wiring import AnyApplication, on_tap
from locales import catalog, dates, names, numbers
from storage.competitions import awarding, deciding, forwarding, objections, publicity
from storage.competitions.awarding import Award
from storage.competitions.deciding import Outcome
from storage.competitions.objections import Mine
from storage.competitions.tables import ObjectionState, RoundState, TierProposalState
from storage.messaging.outbox import Claimed
from storage.moments import local_day
from storage.refusals import Refusal

COMMENT = 500


def install(application: AnyApplication) -> None:
    on_tap(application, OpenOutcome, open_outcome)


# --- voices ---------------------------------------------------------------------------------------


async def outcome(house: House, row: Claimed) -> Said:
    """M21: what became of the entry, as it stands now."""
    if row.teacher_id is None:
        return Nothing("nobody to tell")
    now = house.clock()
    if "corrected" in row.facts:
        # It hangs from now on, and for how long this message says.
        await house.database.write(publicity.correct_due, now=now)
    try:
        facts = await house.database.read(
            deciding.outcome, row.teacher_id, row.facts["place_id"], now=now
        )
    except Refusal:
        return Nothing("the entry is gone")
    if not facts.is_decided or not facts.is_on:
        return Nothing("it is not decided any more")
    today = local_day(now, house.zone)
    lines = outcome_lines(facts, row.language, house.zone, today)
    if "corrected" in row.facts:
        lines.insert(0, _corrected(facts, row.facts, row.language))
    return Say(Card("\n".join(lines), outcome_keys(facts, row.language, today)))


def _corrected(facts: Outcome, said: Mapping[str, Any], language: str) -> str:
    """Why somebody hears of another result: kindly, with what it was."""
    _ = catalog(language).gettext
    state, award = said["was"]
    return _(
        "[Correction] After an objection the list of {title} · {round} was checked and put "
        "right, which changes your result. It was: {was}.\nReason: {reason}\nPlease excuse the "
        "change; the organiser gladly answers your questions.\n"
    ).format(
        title=html.escape(facts.title),
        round=html.escape(facts.round_name),
        was=html.escape(words.result(RoundState(state), award, language)),
        reason=html.escape(said["corrected"]),
    )


async def lapsed(house: House, row: Claimed) -> Said:
    """To organisers: how many entries were not forwarded in time."""
    found = await house.database.read(forwarding.round_name, row.facts["round_id"])
    if found is None:
        return Nothing("the round is gone")
    competition_id, title, name = found
    catalogue = catalog(row.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    n = row.facts["number"]
    text = ngettext(
        "{title} · {round}: the time of forwarding is over, and {n} entry was not forwarded.",
        "{title} · {round}: the time of forwarding is over, and {n} entries were not forwarded.",
        n,
    ).format(title=html.escape(title), round=html.escape(name), n=n)
    return Say(Card(text, ((Key(_("Lists"), CompetitionLists(competition_id)),),)))


async def raised(house: House, row: Claimed) -> Said:
    """To those who decide: an objection has come."""
    now = house.clock()
    if row.teacher_id is None:
        return Nothing("nobody to tell")
    try:
        facts = await house.database.read(
            objections.to_say, row.teacher_id, row.facts["objection_id"], now=now
        )
    except Refusal:
        return Nothing("somebody else decides")
    if facts is None:
        return Nothing("it is settled")
    _ = catalog(row.language).gettext
    text = _(
        "[Objection] {title} · {round}\nAn objection was raised to the list. Please answer it "
        "{before}. It is confidential: please do not pass it on."
    ).format(
        title=html.escape(facts.title),
        round=html.escape(facts.round_name),
        before=dates.before(facts.due_at, house.zone, row.language, local_day(now, house.zone)),
    )
    return Say(Card(text, ((Key(_("Look and decide"), OpenObjection(facts.id)),),)))


async def answered(house: House, row: Claimed) -> Said:
    """To whoever raised it: what was decided, and why."""
    if row.teacher_id is None:
        return Nothing("nobody to tell")
    try:
        facts = await house.database.read(
            objections.own, row.teacher_id, row.facts["objection_id"], now=house.clock()
        )
    except Refusal:
        return Nothing("it is gone")
    if facts.state not in (ObjectionState.UPHELD, ObjectionState.REFUSED):
        return Nothing("it is open")
    lines = answer_lines(facts, row.language)
    _ = catalog(row.language).gettext
    return Say(Card("\n".join(lines), ((Key(_("My objection"), MyObjection(facts.id)),),)))


async def award_given(house: House, row: Claimed) -> Said:
    """To a winner: congratulations, and what follows."""
    facts = await _award(house, row)
    if facts is None or facts.is_revoked:
        return Nothing("it does not stand")
    language = row.language
    _ = catalog(language).gettext
    lines = [
        _("{addressee}, congratulations: {award} in {title}.").format(
            addressee=html.escape(names.addressee(facts.own_name, language)),
            award=html.escape(facts.award),
            title=html.escape(facts.title),
        ),
        *award_lines(facts, language),
    ]
    return Say(Card("\n".join(lines), award_keys(facts, language)))


async def award_revoked(house: House, row: Claimed) -> Said:
    """To whoever had an award that was taken back: why."""
    facts = await _award(house, row)
    if facts is None or not facts.is_revoked:
        return Nothing("it stands")
    _ = catalog(row.language).gettext
    text = _(
        "{title}: your award ({award}) was taken back, with the hours for it.\n"
        "Reason: {reason}\nIf you have questions, the organiser answers them."
    ).format(
        title=html.escape(facts.title),
        award=html.escape(facts.award),
        reason=html.escape(row.facts.get("reason", "")),
    )
    return Say(Card(text))


async def tier_settled(house: House, row: Claimed) -> Said:
    """To whoever was proposed for a tier: what became of it."""
    if row.teacher_id is None:
        return Nothing("nobody to tell")
    try:
        facts = await house.database.read(
            awarding.own_proposal, row.teacher_id, row.facts["proposal_id"]
        )
    except Refusal:
        return Nothing("the proposal is gone")
    _ = catalog(row.language).gettext
    what = {
        "title": html.escape(facts.title),
        "award": html.escape(facts.award),
        "tier": html.escape(of_training.fact_value(facts.tier, row.language)),
        "reason": html.escape(facts.reason),
    }
    if facts.state is TierProposalState.COUNTY_OK:
        text = _(
            "{title}, {award}: your school and the county agree to propose you for the tier "
            "{tier}. Whether you are taken up is decided by the county's own procedure."
        )
    elif facts.state is not TierProposalState.REFUSED:
        return Nothing("it is not settled")
    elif facts.reason:
        text = _(
            "{title}, {award}: the proposal for the tier {tier} was not agreed to. "
            "Reason: {reason}\nYour award stands."
        )
    else:
        text = _(
            "{title}, {award}: the proposal for the tier {tier} was not agreed to. "
            "Your award stands."
        )
    return Say(Card(text.format(**what)))


# --- texts ----------------------------------------------------------------------------------------


def outcome_lines(facts: Outcome, language: str, zone: ZoneInfo, today: date) -> list[str]:
    """What became of an entry, warmly; no score, and nobody else's."""
    _ = catalog(language).gettext
    what = {
        "addressee": html.escape(names.addressee(facts.name, language)),
        "title": html.escape(facts.title),
        "round": html.escape(facts.round_name),
        "next": html.escape(facts.next_round),
        "award": html.escape(facts.award),
    }
    state = facts.state
    lines = []
    if state is RoundState.ADVANCED and facts.next_external:
        lines.append(
            (
                _("{addressee}, result of {title} · {round}: you are recommended for {next}.")
                if facts.forwarded
                else _(
                    "{addressee}, result of {title} · {round}: you go on, and wait to be "
                    "recommended for {next}."
                )
            ).format(**what)
        )
    elif state is RoundState.ADVANCED:
        lines.append(
            _("{addressee}, result of {title} · {round}: you go on to {next}.").format(**what)
        )
    elif state is RoundState.RESERVE:
        lines.append(
            _("{addressee}, result of {title} · {round}: you are a reserve for {next}.").format(
                **what
            )
        )
    elif state is RoundState.AWARDED or (facts.award and state is RoundState.LAPSED):
        lines.append(_("{addressee}, result of {title} · {round}: {award}.").format(**what))
    elif state is RoundState.LAPSED:
        lines.append(
            _(
                "{addressee}, {title} · {round}: your entry was not forwarded to {next}. "
                "Thank you for your work; your school or the organiser can tell you more."
            ).format(**what)
        )
    elif state is RoundState.NOMINATED:
        lines.append(_("{addressee}, your entry is nominated: {title} · {round}.").format(**what))
    elif state is RoundState.PUSHED:
        lines.append(_("{addressee}, your entry was sent up: {title} · {round}.").format(**what))
    elif state is RoundState.PUSHED_AWARDED:
        lines.append(_("{addressee}, congratulations: {title} · {round}, {award}.").format(**what))
    elif state is RoundState.ABSENT:
        lines.append(
            _(
                "{addressee}, we missed you at {title} · {round}. We hope to see you another time."
            ).format(**what)
        )
    elif state is RoundState.DISQUALIFIED:
        lines.append(
            _(
                "{addressee}, your entry is not on the list of {title} · {round} any more. "
                "The organiser can tell you why."
            ).format(**what)
        )
    elif state is RoundState.OUT and facts.next_round:
        lines.append(
            _(
                "{addressee}, thank you for taking part in {title} · {round}. You do not go on "
                "this time; what you have worked out stays yours and is worth sharing."
            ).format(**what)
        )
    else:
        lines.append(
            _(
                "{addressee}, thank you for taking part in {title} · {round}. What you have "
                "worked out stays yours and is worth sharing; we look forward to seeing you again."
            ).format(**what)
        )
    is_first = state in (RoundState.ADVANCED, RoundState.RESERVE)
    if facts.award and is_first:
        lines.append(_("Award: {award}").format(award=what["award"]))
    if state is RoundState.ADVANCED and not facts.forwarded and facts.forward_due_at is not None:
        lines.append(
            _("Next: the unit that holds the round forwards your entry, by {due}.").format(
                due=dates.moment(facts.forward_due_at, zone, language, today)
            )
        )
    elif state is RoundState.ADVANCED and facts.next_due_at is not None:
        step = (
            _("Next: hand in the materials for {round}, by {due}.")
            if facts.next_is_materials
            else _("Next: prepare for {round}, which begins {due}.")
        )
        due = dates.moment(facts.next_due_at, zone, language, today)
        lines.append(step.format(round=what["next"], due=due))
    if (
        facts.publicity_until is not None
        and not facts.is_confirmed
        and state
        in (
            RoundState.ADVANCED,
            RoundState.RESERVE,
            RoundState.AWARDED,
        )
    ):
        first = facts.publicity_from or today
        lines.append(
            _(
                "The list is on public display until {day}; results may still change until then."
            ).format(day=dates.day(facts.publicity_until, language, today))
            if facts.is_shown
            else _("Public display: {days}; results may still change until then.").format(
                days=dates.days(first, max(first, facts.publicity_until), language, today)
            )
        )
    return lines


def outcome_keys(facts: Outcome, language: str, today: date) -> tuple[tuple[Key, ...], ...]:
    """The entry itself, and the comments."""
    _ = catalog(language).gettext
    goes_on = facts.state is RoundState.ADVANCED
    row = [Key(_("Next step") if goes_on else _("My entry"), OpenEntry(facts.entry_id))]
    if facts.score is not None:
        row.append(Key(_("Comments"), OpenOutcome(facts.place_id)))
    keys: list[tuple[Key, ...]] = [tuple(row)]
    until = facts.publicity_until
    if facts.is_shown and until is not None and today <= until:
        keys.append((Key(_("The public list"), ShowPublicList(facts.round_id)),))
    return tuple(keys)


def outcome_card(facts: Outcome, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """One's own outcome with what the judges said, without their names."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    if not facts.is_decided:
        text = _("{title} · {round}: the list is not decided yet.").format(
            title=html.escape(facts.title), round=html.escape(facts.round_name)
        )
        return Card(text, ((Key(_("Back"), OpenEntry(facts.entry_id)),),))
    lines = outcome_lines(facts, language, zone, today)
    if facts.score is not None:
        lines.append(_("Your score (seen by you alone): {score}").format(score=f"{facts.score:g}"))
    if facts.comments:
        lines.append(_("<b>What the judges say</b>"))
        lines += ["· " + html.escape(shortened(each, COMMENT)) for each in facts.comments[:7]]
    elif facts.score is not None:
        lines.append(_("The judges have left no comment."))
    return Card("\n".join(lines), ((Key(_("Back"), OpenEntry(facts.entry_id)),),))


def answer_lines(facts: Mine, language: str) -> list[str]:
    """What was decided on one's objection."""
    _ = catalog(language).gettext
    head = {
        ObjectionState.UPHELD: _("Your objection to {title} · {round} was upheld. Thank you."),
        ObjectionState.REFUSED: _(
            "Your objection to {title} · {round} was looked into; the list stays as it is."
        ),
        ObjectionState.WITHDRAWN: _("You have taken your objection to {title} · {round} back."),
        ObjectionState.OPEN: _("Your objection to {title} · {round} is being looked into."),
    }[facts.state].format(title=html.escape(facts.title), round=html.escape(facts.round_name))
    lines = [head]
    if facts.answer:
        lines.append(_("Answer: {answer}").format(answer=html.escape(facts.answer)))
    return lines


def award_lines(facts: Award, language: str) -> list[str]:
    """What follows from an award."""
    _ = catalog(language).gettext
    lines = []
    if facts.certificate_no:
        lines.append(_("Certificate: {number}").format(number=html.escape(facts.certificate_no)))
    if facts.hours:
        lines.append(
            _("{n} hours are in your ledger.").format(n=numbers.hours(facts.hours, language))
        )
    if facts.tier:
        lines.append(
            _("You are proposed for the tier of {tier}; your school and the county decide.").format(
                tier=html.escape(of_training.fact_value(facts.tier, language))
            )
        )
    if facts.asks_to_share:
        lines.append(
            _(
                "May colleagues of the county learn from this work? Only with your yes is it "
                "suggested as a resource; your answer changes nothing about the award."
            )
        )
    elif facts.agreed is not None:
        lines.append(
            _("You agree to your work being shared.")
            if facts.agreed
            else _("Your work is not shared.")
        )
    return lines


def award_keys(facts: Award, language: str) -> tuple[tuple[Key, ...], ...]:
    """The certificate, and the answer about sharing."""
    _ = catalog(language).gettext
    keys: list[tuple[Key, ...]] = []
    if facts.certificate_no:
        keys.append((Key(_("Certificate"), AwardCertificate(facts.honour_id)),))
    if facts.asks_to_share:
        keys.append(
            (
                Key(_("Yes, share it"), ShareWork(facts.honour_id, 1), style="success"),
                Key(_("Rather not"), ShareWork(facts.honour_id, 0)),
            )
        )
    elif facts.agreed is not None:
        label = _("Share it no more") if facts.agreed else _("Share it after all")
        keys.append((Key(label, ShareWork(facts.honour_id, int(not facts.agreed))),))
    keys.append((Key(_("My awards"), MyAwards()), Key(_("Menu"), Home())))
    return tuple(keys)


# --- taps -----------------------------------------------------------------------------------------


async def open_outcome(update: Update, context: Context) -> None:
    """Show one's own outcome with its comments."""
    place_id = OpenOutcome.parse(tap(update).data).place_id
    reader = await context.reader(update)
    now = context.now()
    facts = await context.read(deciding.outcome, reader.linked_teacher_id, place_id, now=now)
    card = outcome_card(facts, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def _award(house: House, row: Claimed) -> Award | None:
    if row.teacher_id is None:
        return None
    try:
        return await house.database.read(awarding.award, row.teacher_id, row.facts["honour_id"])
    except Refusal:
        return None
