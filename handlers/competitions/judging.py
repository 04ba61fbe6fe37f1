"""The judge's phone: entries by number, the rubric on a keypad, and a sealed ballot.

Whose work it is a judge is not told: no name, no school, no file's own name.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from telegram import InputFile, Update
from telegram.constants import ParseMode

from handlers.buttons import StaleButton
from handlers.cards import Card, Key, pager
from handlers.competitions.buttons import OpenJudging
from handlers.competitions.judging_buttons import (
    AnswerInvitation,
    AskBack,
    ChaseBallots,
    CloseEarly,
    CommentBallot,
    CommitBallot,
    EnterPoints,
    GivePoints,
    MyJudging,
    OpenBallot,
    OpenInvitation,
    OpenScores,
    OpenTurns,
    RecuseBallot,
    ReopenBallot,
    RevealMarks,
    SendSheet,
    TurnJudging,
)
from handlers.competitions.judging_text import missing_lines, points_like
from handlers.competitions.venue import heading, local
from handlers.context import Context, alert, hush, safe_name, send_file, show, tap
from handlers.files import LARGEST, Attachment, fetch
from handlers.people.buttons import Home
from handlers.wiring import AnyApplication, on_command, on_tap, on_text
from locales import catalog, dates
from storage.competitions import ballots, panels, reopening
from storage.competitions.ballots import BallotFacts, Criterion, Judging
from storage.competitions.panels import Invitation
from storage.competitions.tables import BallotState, JudgeState, VenueState
from storage.moments import local_day
from storage.people import accounts
from storage.people.accounts import Reader

AWAITED = "kgmarks"
AWAITED_COMMENT = "kgcomment"
DIGITS = ("123", "456", "789")
IN_A_ROW = 4
MOST = 20  # venues that one judges, in a list
PAGE = 40
MARKS = {
    BallotState.OPEN: "○",
    BallotState.COMMITTED: "●",
    BallotState.REVEALED: "✓",
    BallotState.RECUSED: "—",
}


def install(application: AnyApplication) -> None:
    on_command(application, "judging", open_mine)
    on_tap(application, MyJudging, open_mine)
    on_tap(application, OpenInvitation, open_invitation)
    on_tap(application, AnswerInvitation, answer)
    on_tap(application, OpenJudging, open_judging)
    on_tap(application, TurnJudging, turn_judging)
    on_tap(application, OpenBallot, open_ballot)
    on_tap(application, GivePoints, open_keypad)
    on_tap(application, EnterPoints, enter)
    on_text(application, AWAITED, marks_typed)
    on_tap(application, CommentBallot, ask_comment)
    on_text(application, AWAITED_COMMENT, comment_typed)
    on_tap(application, CommitBallot, commit)
    on_tap(application, RecuseBallot, recuse)
    on_tap(application, AskBack, ask_back)
    on_tap(application, ReopenBallot, reopen)
    on_tap(application, SendSheet, send_sheet)


# --- cards ----------------------------------------------------------------------------------------


def invitation_card(
    facts: Invitation, language: str, zone: ZoneInfo, today: date, said: str = ""
) -> Card:
    """What somebody is asked to judge, with yes and no."""
    _ = catalog(language).gettext
    lines = [said, ""] if said else []
    lines.append(_("Would you be a judge?") if facts.state is JudgeState.INVITED else "")
    lines.append(heading(facts.competition, facts.round, facts.track, facts.unit))
    when = _when(facts, language, zone, today)
    if when:
        lines.append(_("When: {when}").format(when=when))
    if facts.place:
        lines.append(_("Where: {place}").format(place=html.escape(facts.place)))
    if facts.is_chief:
        lines.append(_("You lead the panel."))
    lines.append(
        _(
            "You hold this venue, so you know whose work each number is. Where you cannot be "
            "impartial, say so at that entry. Judges' names are not said before the round has "
            "closed."
        )
        if facts.knows_names
        else _(
            "You will see the entries by number alone. If you know whose work it is and cannot "
            "be impartial, say so at that entry. Judges' names are not said before the round "
            "has closed."
        )
    )
    yes = Key(_("I accept"), AnswerInvitation(facts.judge_id, 1), style="primary")
    no = Key(_("I decline"), AnswerInvitation(facts.judge_id, 0))
    home = (Key(_("Back"), Home()),)
    if facts.is_over:
        lines.append(_("This is over now. Thank you."))
        return Card(_text(lines), (home,))
    if facts.state is JudgeState.ACCEPTED:
        lines.append(_("You have accepted. Thank you."))
        go = Key(_("To judging"), OpenJudging(facts.venue_id), style="primary")
        leave = Key(_("Judge no more"), AnswerInvitation(facts.judge_id, 0))
        return Card(_text(lines), ((go,), (leave,), home))
    if facts.state is JudgeState.DECLINED:
        lines.append(_("You do not judge here. Should that change, you can still accept."))
        return Card(_text(lines), ((yes,), home))
    return Card(_text(lines), ((yes, no), home))


def _when(facts: Invitation, language: str, zone: ZoneInfo, today: date) -> str:
    if facts.first_turn_at is not None:
        return dates.moment(facts.first_turn_at, zone, language, today)
    if facts.starts_at is None:
        return ""
    if facts.ends_at is None:
        return dates.moment(facts.starts_at, zone, language, today)
    first, last = (local_day(moment, zone) for moment in (facts.starts_at, facts.ends_at))
    return dates.days(first, last, language, today)


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines).lstrip("\n")


def judging_card(
    facts: Judging, page: int, language: str, zone: ZoneInfo, today: date, said: str = ""
) -> Card:
    """The judge's entries, each a key by its number; the chief's keys below."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    id_ = facts.venue_id
    lines = [said, ""] if said else []
    lines.append(heading(facts.competition, facts.round, facts.track))
    lines.append(
        _("You are judge {number} and lead the panel.").format(number=facts.number)
        if facts.is_chief
        else _("You are judge {number}.").format(number=facts.number)
    )
    if facts.place:
        lines.append(_("Where: {place}").format(place=html.escape(facts.place)))
    if facts.is_over:
        lines.append(_("This is over now. Thank you."))
    elif facts.state in (VenueState.OPEN, VenueState.DRAWN):
        lines.append(_("Judging has not begun yet; the entries appear here when it does."))
    elif facts.state is VenueState.JUDGING:
        lines.append(
            ngettext(
                "{n} ballot of yours is still open.",
                "{n} ballots of yours are still open.",
                facts.open,
            ).format(n=facts.open)
            if facts.open
            else _("All your ballots are in. Thank you.")
        )
        lines.append(
            _("Ballots in: {received} of {wanted}").format(
                received=facts.received, wanted=facts.needed
            )
        )
        if facts.is_chief:
            lines += missing_lines(facts.missing, facts.lacking, language)
        lines.append(_("○ open  ◐ begun  ● handed in  — not judged by you"))
    elif facts.is_chief and not facts.is_signed:
        lines.append(
            _("The marks are revealed. As chief judge, please look at the scores and sign them.")
        )
    else:
        lines.append(_("The marks are revealed. Thank you for judging."))
    coming = next(
        (
            line
            for line in facts.lines
            if line.state is BallotState.OPEN and line.slot_at is not None
        ),
        None,
    )
    if coming is not None and coming.slot_at is not None and facts.state is VenueState.JUDGING:
        lines.append(
            _("Next of yours: no. {number}, {when}").format(
                number=coming.number, when=dates.moment(coming.slot_at, zone, language, today)
            )
        )

    pages = max(1, -(-len(facts.lines) // PAGE))
    page = min(max(0, page), pages - 1)

    def mark(state: BallotState, marked: int) -> str:
        return "◐" if state is BallotState.OPEN and marked else MARKS[state]

    keys = [
        Key(f"{mark(line.state, line.marked)} {line.number}", OpenBallot(line.ballot_id))
        for line in facts.lines[page * PAGE : (page + 1) * PAGE]
    ]
    rows = [tuple(keys[n : n + IN_A_ROW]) for n in range(0, len(keys), IN_A_ROW)]
    turn = pager(page, pages, lambda n: TurnJudging(id_, n))
    if turn:
        rows.append(turn)
    if facts.lines or facts.state is not VenueState.OPEN:
        rows.append((Key(_("Order of turns"), OpenTurns(id_)),))
    if facts.is_chief and not facts.is_over:
        rows += _chief_keys(facts, language)
    rows.append((Key(_("Back"), MyJudging()),))
    return Card("\n".join(lines), tuple(rows))


def _chief_keys(facts: Judging, language: str) -> list[tuple[Key, ...]]:
    _ = catalog(language).gettext
    id_ = facts.venue_id
    if facts.state is VenueState.JUDGING and facts.received < facts.needed:
        return [
            (Key(_("Remind judges"), ChaseBallots(id_)), Key(_("Close early"), CloseEarly(id_)))
        ]
    if facts.state is VenueState.JUDGING and facts.lacking:
        return [(Key(_("Close early"), CloseEarly(id_)),)]
    if facts.state is VenueState.JUDGING:
        reveal = Key(_("Reveal the marks"), RevealMarks(id_), style="primary")
        return [(reveal, Key(_("Close early"), CloseEarly(id_)))]
    if facts.state in (VenueState.REVEALED, VenueState.DECIDED, VenueState.CONFIRMED):
        style = None if facts.is_signed else "primary"
        return [(Key(_("Scores"), OpenScores(id_), style=style),)]
    return []


def ballot_card(
    facts: BallotFacts, language: str, zone: ZoneInfo, today: date, said: str = ""
) -> Card:
    """A ballot: the criteria with their points, the work, and what can be done now."""
    _ = catalog(language).gettext
    id_ = facts.ballot_id
    lines = [said, ""] if said else []
    lines.append(_("<b>No. {number}</b>").format(number=html.escape(facts.number)))
    back = (Key(_("Back"), OpenJudging(facts.venue_id)),)
    if facts.state is BallotState.RECUSED:
        lines.append(_("You do not judge this entry, and that is as it should be."))
        return Card("\n".join(lines), (back,))
    for one in facts.criteria:
        given = facts.marks.get(one.key)
        lines.append(
            _("{title}: {points} of {most}").format(
                title=html.escape(one.title),
                points="—" if given is None else given,
                most=one.most,
            )
        )
    lines.append(_("Together: {total}").format(total=facts.total))
    if facts.comment:
        lines.append(_("Your comment: {comment}").format(comment=html.escape(facts.comment)))
    rows: list[tuple[Key, ...]] = []
    for sheet in facts.sheets:
        if sheet.url:
            rows.append((Key(sheet.title, url=sheet.url),))
        else:
            rows.append(
                (
                    Key(
                        _("Send: {title}").format(title=sheet.title),
                        SendSheet(id_, sheet.material_id),
                    ),
                )
            )
    if facts.is_open:
        points = [
            Key(
                _("{title} {points}").format(title=one.title, points=facts.marks.get(one.key, "—")),
                GivePoints(id_, number),
            )
            for number, one in enumerate(facts.criteria)
        ]
        rows += [tuple(points[n : n + 2]) for n in range(0, len(points), 2)]
        rows.append(
            (
                Key(_("Comment"), CommentBallot(id_)),
                Key(_("Not mine to judge"), RecuseBallot(id_)),
            )
        )
        if facts.lacks:
            lines.append(
                _(
                    "You can also type all points in this order, such as <code>{points}</code>."
                ).format(points=points_like(facts.criteria))
            )
        else:
            rows.append((Key(_("Hand in"), CommitBallot(id_), style="primary"),))
    elif facts.state is BallotState.COMMITTED:
        lines += _receipt(facts, language, zone, today)
        if facts.asked_back:
            lines.append(_("The chief judge has been asked to give it back to you."))
        else:
            rows.append((Key(_("Change it"), AskBack(id_)),))
    elif facts.state is BallotState.REVEALED:
        lines += _receipt(facts, language, zone, today)
        lines.append(
            _("Revealed. The random number of your seal: <code>{nonce}</code>").format(
                nonce=facts.nonce
            )
        )
    return Card("\n".join(lines), (*rows, back))


def _receipt(facts: BallotFacts, language: str, zone: ZoneInfo, today: date) -> list[str]:
    _ = catalog(language).gettext
    if facts.committed_at is None:
        return []
    return [
        _("Handed in {when}. Your receipt:").format(
            when=dates.moment(facts.committed_at, zone, language, today)
        ),
        f"<code>{facts.seal}</code>",
    ]


def keypad_card(facts: BallotFacts, number: int, typed: str, language: str, said: str = "") -> Card:
    """The keypad at one criterion."""
    _ = catalog(language).gettext
    one: Criterion = facts.criteria[number]
    id_ = facts.ballot_id
    lines = [said, ""] if said else []
    lines.append(
        _("<b>No. {number}</b> · {title} ({n} of {of})").format(
            number=html.escape(facts.number),
            title=html.escape(one.title),
            n=number + 1,
            of=len(facts.criteria),
        )
    )
    if one.hint:
        lines.append(html.escape(one.hint))
    given = facts.marks.get(one.key)
    if given is not None:
        lines.append(_("So far: {points}").format(points=given))
    lines.append(
        _("Points: <b>{typed}</b> of {most}").format(typed=typed, most=one.most)
        if typed
        else _("Points from 0 to {most}").format(most=one.most)
    )

    def digit(char: str) -> Key:
        # What is more than there is begins anew.
        longer = (typed + char).lstrip("0") or "0"
        return Key(char, GivePoints(id_, number, longer if int(longer) <= one.most else char))

    fits = typed != "" and int(typed) <= one.most
    enter = EnterPoints(id_, number, int(typed)) if fits else GivePoints(id_, number)
    rows: list[tuple[Key, ...]] = [tuple(digit(char) for char in row) for row in DIGITS]
    rows.append(
        (
            Key("⌫", GivePoints(id_, number, typed[:-1])),
            digit("0"),
            Key("✓", enter, style="success" if fits else None),
        )
    )
    walk = []
    if number > 0:
        walk.append(Key(_("‹ Criterion before"), GivePoints(id_, number - 1)))
    if number < len(facts.criteria) - 1:
        walk.append(Key(_("Skip ›"), GivePoints(id_, number + 1)))
    rows.append(tuple(walk))
    return Card("\n".join(lines), (*rows, (Key(_("Back"), OpenBallot(id_)),)))


# --- what is tapped and typed ---------------------------------------------------------------------


def mine_card(
    mine: Sequence[tuple[Invitation, Judging | None]],
    language: str,
    zone: ZoneInfo,
    today: date,
) -> Card:
    """Where somebody judges or is asked to, with what is to be done there."""
    _ = catalog(language).gettext
    lines = [
        _("<b>Where you judge</b>")
        if mine
        else _("You are not asked to judge anything at the moment.")
    ]
    rows: list[tuple[Key, ...]] = []
    for number, (facts, judged) in enumerate(mine, 1):
        what = " · ".join(part for part in (facts.round, facts.track, facts.unit) if part)
        lines.append(
            _("{n}. <b>{title}</b> · {what}").format(
                n=number, title=html.escape(facts.competition), what=html.escape(what)
            )
        )
        lines.append("   " + _stands(facts, judged, language, zone, today))
        press = OpenInvitation(facts.judge_id) if judged is None else OpenJudging(facts.venue_id)
        label = _("{n}. {text}").format(n=number, text=what)
        rows.append((Key(label[:40], press),))
    return Card(_text(lines), (*rows, (Key(_("Back"), Home()),)))


def _stands(
    facts: Invitation, judged: Judging | None, language: str, zone: ZoneInfo, today: date
) -> str:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if judged is not None and judged.state is VenueState.REVEALED:
        return (
            _("The marks are revealed. As chief judge, please look at the scores and sign them.")
            if judged.is_chief
            else _("The marks are revealed. Thank you for judging.")
        )
    if judged is not None and judged.state is VenueState.JUDGING:
        if not judged.open:
            return _("All your ballots are in. Thank you.")
        return ngettext(
            "{n} ballot of yours is still open.",
            "{n} ballots of yours are still open.",
            judged.open,
        ).format(n=judged.open)
    when = _when(facts, language, zone, today) or _("without dates yet")
    if judged is None:
        return _("{when}; please say whether you can serve.").format(when=when)
    return _("You have accepted: {when}").format(when=when)


async def open_mine(update: Update, context: Context) -> None:
    """Show where this person judges, or is asked to."""
    reader = await context.reader(update)
    teacher_id, now = reader.linked_teacher_id, context.now()
    mine: list[tuple[Invitation, Judging | None]] = []
    for judge_id, venue_id, state in (await context.read(panels.judging, teacher_id))[:MOST]:
        asked = await context.read(panels.invitation, teacher_id, judge_id, now=now)
        judged = (
            await context.read(ballots.judging, teacher_id, venue_id)
            if state is JudgeState.ACCEPTED
            else None
        )
        mine.append((asked, judged))
    await show(update, context, reader, mine_card(mine, reader.language, *local(context)))


async def open_invitation(update: Update, context: Context) -> None:
    judge_id = OpenInvitation.parse(tap(update).data).judge_id
    reader = await context.reader(update)
    facts = await context.read(
        panels.invitation, reader.linked_teacher_id, judge_id, now=context.now()
    )
    await show(update, context, reader, invitation_card(facts, reader.language, *local(context)))


async def answer(update: Update, context: Context) -> None:
    """Take the yes or no to judging; a no after a yes is asked once more."""
    button = AnswerInvitation.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    teacher_id, now = reader.linked_teacher_id, context.now()
    before = await context.read(panels.invitation, teacher_id, button.judge_id, now=now)
    if not button.accepts and before.state is JudgeState.ACCEPTED and not button.sure:
        text = _("Do you really not want to judge there any more? Your ballots will not count.")
        sure = AnswerInvitation(button.judge_id, 0, 1)
        rows = (
            (Key(_("Judge no more"), sure, style="danger"),),
            (Key(_("Back"), OpenInvitation(button.judge_id)),),
        )
        await show(update, context, reader, Card(text, rows))
        return
    facts = await context.write(
        panels.answer, teacher_id, button.judge_id, accepts=bool(button.accepts), now=now
    )
    await show(update, context, reader, invitation_card(facts, reader.language, *local(context)))


async def open_judging(update: Update, context: Context) -> None:
    venue_id = OpenJudging.parse(tap(update).data).venue_id
    await _show_judging(update, context, await context.reader(update), venue_id)


async def turn_judging(update: Update, context: Context) -> None:
    button = TurnJudging.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_judging(update, context, reader, button.venue_id, page=button.page)


async def _show_judging(
    update: Update,
    context: Context,
    reader: Reader,
    venue_id: int,
    said: str = "",
    page: int = 0,
) -> None:
    facts = await context.read(ballots.judging, reader.linked_teacher_id, venue_id)
    card = judging_card(facts, page, reader.language, *local(context), said)
    await show(update, context, reader, card)


async def open_ballot(update: Update, context: Context) -> None:
    ballot_id = OpenBallot.parse(tap(update).data).ballot_id
    reader = await context.reader(update)
    facts = await context.read(ballots.ballot, reader.linked_teacher_id, ballot_id)
    await _show_ballot(update, context, reader, facts)


async def _show_ballot(
    update: Update, context: Context, reader: Reader, facts: BallotFacts, said: str = ""
) -> None:
    await _await_marks(context, reader, facts)
    card = ballot_card(facts, reader.language, *local(context), said)
    await show(update, context, reader, card)


async def _await_marks(context: Context, reader: Reader, facts: BallotFacts) -> None:
    """Take the next text as marks, as the card says, while marks can be given."""
    if facts.is_open:
        awaited = f"{AWAITED}:{facts.ballot_id}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())


async def open_keypad(update: Update, context: Context) -> None:
    button = GivePoints.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(ballots.ballot, reader.linked_teacher_id, button.ballot_id)
    typed = button.typed if button.typed.isascii() and button.typed.isdigit() else ""
    await _show_keypad(update, context, reader, facts, button.criterion, typed)


async def _show_keypad(
    update: Update,
    context: Context,
    reader: Reader,
    facts: BallotFacts,
    number: int,
    typed: str = "",
) -> None:
    if not facts.is_open or number >= len(facts.criteria):
        await _show_ballot(update, context, reader, facts)
        return
    if number < 0:
        raise StaleButton
    awaited = f"{AWAITED}:{facts.ballot_id}:{number}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    await show(update, context, reader, keypad_card(facts, number, typed, reader.language))


async def enter(update: Update, context: Context) -> None:
    """Note the points, and go on to the next criterion without any."""
    button = EnterPoints.parse(tap(update).data)
    reader = await context.reader(update)
    teacher_id = reader.linked_teacher_id
    before = await context.read(ballots.ballot, teacher_id, button.ballot_id)
    if not 0 <= button.criterion < len(before.criteria):
        raise StaleButton
    marks = {before.criteria[button.criterion].key: button.points}
    facts = await context.write(
        ballots.give, teacher_id, button.ballot_id, marks, now=context.now()
    )
    await _show_keypad(update, context, reader, facts, _next(facts, button.criterion))


def _next(facts: BallotFacts, number: int) -> int:
    """The next criterion without points; behind the last when all have some."""
    order = [*range(number + 1, len(facts.criteria)), *range(number)]
    lacking = (n for n in order if facts.criteria[n].key not in facts.marks)
    return next(lacking, len(facts.criteria))


def typed_marks(text: str, criteria: Sequence[Criterion]) -> dict[str, int] | None:
    """Read the points of all criteria in their order; None where it is not that."""
    plain = unicodedata.normalize("NFKC", text)  # digits of full width, too
    found = re.findall(r"\d+", plain, re.ASCII)
    if len(found) != len(criteria) or re.sub(r"[\d\s,、;/+]", "", plain):
        return None
    return {one.key: int(points) for one, points in zip(criteria, found, strict=True)}


async def marks_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take typed points: those of the criterion that is shown, or all in their order."""
    _prefix, ballot_id, *at = reader.awaiting.split(":")
    _ = catalog(reader.language).gettext
    teacher_id = reader.linked_teacher_id
    before = await context.read(ballots.ballot, teacher_id, int(ballot_id))
    single = unicodedata.normalize("NFKC", text).strip()
    if at and single.isascii() and single.isdigit() and len(before.criteria) > 1:
        number = int(at[0])
        marks = {before.criteria[number].key: int(single)}
        facts = await context.write(
            ballots.give, teacher_id, before.ballot_id, marks, now=context.now()
        )
        await _show_keypad(update, context, reader, facts, _next(facts, number))
        return
    all_marks = typed_marks(text, before.criteria)
    if all_marks is None:
        said = _("Please type {n} whole numbers, one for each criterion in this order.").format(
            n=len(before.criteria)
        )
        await _show_ballot(update, context, reader, before, said)
        return
    facts = await context.write(
        ballots.give, teacher_id, before.ballot_id, all_marks, now=context.now()
    )
    await _show_ballot(update, context, reader, facts)


async def ask_comment(update: Update, context: Context) -> None:
    """Take the next text as the comment."""
    ballot_id = CommentBallot.parse(tap(update).data).ballot_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.read(ballots.ballot, reader.linked_teacher_id, ballot_id)
    awaited = f"{AWAITED_COMMENT}:{ballot_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    text = _(
        "Please type your comment: what is good, and what could be tried. The entrant alone "
        "reads it, without your name, at most {n} characters."
    ).format(n=ballots.COMMENT)
    back = ((Key(_("Cancel"), OpenBallot(ballot_id)),),)
    await show(update, context, reader, Card(text, back))


async def comment_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    ballot_id = int(reader.awaiting.split(":")[1])
    _ = catalog(reader.language).gettext
    facts = await context.write(
        ballots.comment, reader.linked_teacher_id, ballot_id, text, now=context.now()
    )
    await _show_ballot(update, context, reader, facts, _("Your comment is noted."))


async def commit(update: Update, context: Context) -> None:
    """Show everything once more, then hand in and show the receipt."""
    button = CommitBallot.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    teacher_id = reader.linked_teacher_id
    if not button.sure:
        facts = await context.read(ballots.ballot, teacher_id, button.ballot_id)
        lines = [_("<b>No. {number}</b>: is everything right?").format(number=facts.number)]
        lines += [
            _("{title}: {points} of {most}").format(
                title=html.escape(one.title), points=facts.marks.get(one.key, "—"), most=one.most
            )
            for one in facts.criteria
        ]
        lines.append(_("Together: {total}").format(total=facts.total))
        if facts.comment:
            lines.append(_("Your comment: {comment}").format(comment=html.escape(facts.comment)))
        lines.append(
            _(
                "Handed in, it is sealed: nobody sees it before all are in, and only the chief "
                "judge can give it back to you."
            )
        )
        rows = (
            (Key(_("Yes, hand in"), CommitBallot(button.ballot_id, 1), style="primary"),),
            (Key(_("Back"), OpenBallot(button.ballot_id)),),
        )
        await show(update, context, reader, Card("\n".join(lines), rows))
        return
    now = context.now()
    facts = await context.write(ballots.commit, teacher_id, button.ballot_id, now=now)
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    mine = await context.read(ballots.judging, teacher_id, facts.venue_id)
    card = ballot_card(facts, reader.language, *local(context), _("Handed in and sealed."))
    following = next((one for one in mine.lines if one.state is BallotState.OPEN), None)
    if following is not None:
        label = _("Next: no. {number}").format(number=following.number)
        on = (Key(label, OpenBallot(following.ballot_id), style="primary"),)
        card = Card(card.text, (on, *card.keys))
    await show(update, context, reader, card)


async def recuse(update: Update, context: Context) -> None:
    """Ask once more, then set the ballot aside."""
    button = RecuseBallot.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.read(ballots.ballot, reader.linked_teacher_id, button.ballot_id)
    if not button.sure:
        text = _(
            "Do you stand in a conflict with no. {number}, because you are close to whoever "
            "made it or have worked on it? Then you do not judge it, now or later. "
            "Nobody will ask you why."
        ).format(number=html.escape(facts.number))
        rows = (
            (Key(_("Yes, set it aside"), RecuseBallot(button.ballot_id, 1), style="primary"),),
            (Key(_("Cancel"), OpenBallot(button.ballot_id)),),
        )
        await show(update, context, reader, Card(text, rows))
        return
    await context.write(
        ballots.recuse, reader.linked_teacher_id, button.ballot_id, now=context.now()
    )
    said = _("Set aside. Thank you for saying so.")
    await _show_judging(update, context, reader, facts.venue_id, said)


async def ask_back(update: Update, context: Context) -> None:
    """Ask the chief judge for a sealed ballot."""
    ballot_id = AskBack.parse(tap(update).data).ballot_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(reopening.ask_back, reader.linked_teacher_id, ballot_id, now=context.now())
    context.house.wake_delivery()
    facts = await context.read(ballots.ballot, reader.linked_teacher_id, ballot_id)
    await _show_ballot(update, context, reader, facts)


async def reopen(update: Update, context: Context) -> None:
    """Give a ballot back to its judge."""
    ballot_id = ReopenBallot.parse(tap(update).data).ballot_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    is_new = await context.write(
        reopening.reopen, reader.linked_teacher_id, ballot_id, now=context.now()
    )
    context.house.wake_delivery()
    await alert(update, _("Given back.") if is_new else _("It is open already."))


async def send_sheet(update: Update, context: Context) -> None:
    """Send a piece of work under a neutral name: the file's own may say whose it is."""
    button = SendSheet.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.write(
        ballots.material,
        reader.linked_teacher_id,
        button.ballot_id,
        button.material_id,
        now=context.now(),
    )
    # Whoever has looked at the work types the marks next.
    ballot = await context.read(ballots.ballot, reader.linked_teacher_id, button.ballot_id)
    await _await_marks(context, reader, ballot)
    caption = html.escape(facts.title)
    if facts.is_video:
        await hush(update)
        # The name that a phone gave it goes along where it is too large to be fetched.
        work: str | InputFile = facts.file_id
        if facts.size <= LARGEST:
            content = await fetch(context, Attachment(facts.file_id, "", facts.size, False))
            work = InputFile(content, filename=safe_name(facts.name))
        await context.bot.send_video(
            reader.tg_user_id, work, caption=caption, parse_mode=ParseMode.HTML
        )
        return
    content = await fetch(context, Attachment(facts.file_id, facts.name, facts.size, False))
    await send_file(update, context, reader, content, facts.name, caption)
