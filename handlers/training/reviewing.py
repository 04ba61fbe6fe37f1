"""Reviewing what was handed in: one piece at a time, with keys."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, Keys, pager
from handlers.context import Context, hush, show, show_anew, tap
from handlers.training import tasks_words as words
from handlers.training.approvals_text import own_text
from handlers.training.tasks_buttons import (
    AcceptWork,
    EnterPaper,
    OpenPaper,
    OpenReview,
    OpenTask,
    OpenTasks,
    ReturnWork,
    ScorePaper,
    ScoreWork,
)
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates
from storage.moments import local_day
from storage.people import accounts
from storage.people.accounts import Reader
from storage.training import reviewing
from storage.training.reviewing import Paper, Piece
from storage.training.tables import Review
from storage.training.tasks import NoScore

AWAITED = "review"
SHOWN = 2500  # characters of a work that the card shows; a longer one comes before the card
DIGITS = 5  # of a typed score


def install(application: AnyApplication) -> None:
    on_tap(application, OpenReview, open_review)
    on_tap(application, AcceptWork, accept)
    on_tap(application, ScoreWork, score)
    on_tap(application, ReturnWork, ask_comment)
    on_text(application, AWAITED, comment_given)
    on_tap(application, OpenPaper, open_paper)
    on_tap(application, EnterPaper, enter_paper)
    on_tap(application, ScorePaper, score_paper)


# --- cards -------------------------------------------------------------------------------------


def piece_card(
    piece: Piece, language: str, zone: ZoneInfo, today: date, said: str = "", undo: Keys = ()
) -> Card:
    """One piece of work, and what can be said of it."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [html.escape(said)] if said else []
    lines += [
        ngettext(
            "<b>{task}</b> · {n} piece waits", "<b>{task}</b> · {n} pieces wait", piece.waiting
        ).format(task=html.escape(piece.task), n=piece.waiting),
        f"{html.escape(piece.name)} · {html.escape(piece.school)}",
        _("Handed in: {time}").format(time=dates.moment(piece.submitted_at, zone, language, today)),
    ]
    if piece.late:
        lines.append(_("It came after the due date."))
    if piece.comment:
        lines.append(
            _("Returned before with: {comment}").format(comment=html.escape(piece.comment))
        )
    if piece.file_id:
        lines.append(_("The file is above: {name}").format(name=html.escape(piece.file_name)))
    elif len(piece.text) > SHOWN:
        lines.append(_("The text is above."))
    else:
        lines += ["", html.escape(piece.text)]
    of = (piece.submission_id, piece.stamp)
    good: Button = ScoreWork(*of) if piece.review is Review.SCORE else AcceptWork(*of)
    label = _("Score") if piece.review is Review.SCORE else _("Pass")
    keys: list[tuple[Key, ...]] = [
        (Key(label, good, style="success"), Key(_("Return"), ReturnWork(*of)))
    ]
    if piece.waiting > 1:
        keys.append((Key(_("Next"), OpenReview(piece.batch_id, piece.submission_id)),))
    return Card("\n".join(lines), (*keys, *undo, (Key(_("Back"), OpenTasks(piece.batch_id)),)))


def done_card(batch_id: int, own: int, language: str, said: str = "", undo: Keys = ()) -> Card:
    """Nothing waits any more but the ``own`` work of whoever reviews."""
    _ = catalog(language).gettext
    lines = [html.escape(said)] if said else []
    lines.append(own_text(own, language) if own else _("Nothing is waiting to be reviewed."))
    return Card("\n".join(lines), (*undo, (Key(_("Back"), OpenTasks(batch_id)),)))


def keypad(
    title: str,
    typed: str,
    highest: float,
    press: Callable[[str, int], Button],
    back: Button,
    language: str,
) -> Card:
    """A keypad for a score: each key writes one digit more."""
    _ = catalog(language).gettext
    text = _("<b>{title}</b>\nScore: {score} of {highest}").format(
        title=html.escape(title), score=typed or "…", highest=words.score(highest, language)
    )
    can = len(typed) < DIGITS
    rows = [
        tuple(Key(d, press(typed + d if can else typed, 0)) for d in row)
        for row in ("123", "456", "789")
    ]
    point = "" if "." in typed or not typed or not can else "."
    rows.append(
        (
            Key(".", press(typed + point, 0)),
            Key("0", press(typed + "0" if can else typed, 0)),
            Key("⌫", press(typed[:-1], 0)),
        )
    )
    if typed:
        label = _("Give {score}").format(score=typed)
        rows.append((Key(label, press(typed, 1), style="success"),))
    return Card(text, (*rows, (Key(_("Back"), back),)))


def number_of(typed: str, highest: float) -> float:
    """The typed score. Raises NoScore."""
    try:
        return float(typed)
    except ValueError as error:
        raise NoScore(highest) from error


# --- the queue ---------------------------------------------------------------------------------


def _local(context: Context) -> tuple[ZoneInfo, date]:
    return context.house.zone, local_day(context.now(), context.house.zone)


async def open_review(update: Update, context: Context) -> None:
    """Show the next piece that waits."""
    button = OpenReview.parse(tap(update).data)
    reader = await context.reader(update)
    await show_next(update, context, reader, button.batch_id, after=button.after)


async def show_next(
    update: Update,
    context: Context,
    reader: Reader,
    batch_id: int,
    *,
    after: int = 0,
    said: str = "",
    deed_id: int | None = None,
) -> None:
    """Show the piece that waits behind this one, with its file before it."""
    undo: Keys = ((undo_key(deed_id, reader.language),),) if deed_id is not None else ()
    piece = await context.write(
        reviewing.next_piece,
        reader.linked_teacher_id,
        batch_id,
        after=after,
        now=context.now(),
    )
    if piece is None:
        me = reader.linked_teacher_id
        own = await context.read(reviewing.own_waiting, me, batch_id)
        await show(update, context, reader, done_card(batch_id, own, reader.language, said, undo))
        return
    zone, today = _local(context)
    card = piece_card(piece, reader.language, zone, today, said, undo)
    if not piece.file_id and len(piece.text) <= SHOWN:
        await show(update, context, reader, card)
        return
    if update.callback_query is not None:
        await hush(update)
    await _send_work(context, reader, piece)
    await show_anew(context, reader, card)


async def _send_work(context: Context, reader: Reader, piece: Piece) -> None:
    """Send the file on as Telegram keeps it, or a text that is too long for the card."""
    if not piece.file_id:
        await context.bot.send_message(reader.tg_user_id, piece.text)
    elif piece.file_name:
        await context.bot.send_document(reader.tg_user_id, piece.file_id, caption=piece.name)
    else:
        await context.bot.send_photo(reader.tg_user_id, piece.file_id, caption=piece.name)


async def accept(update: Update, context: Context) -> None:
    """Accept the piece and show the next."""
    button = AcceptWork.parse(tap(update).data)
    await _accept(update, context, button.submission_id, button.seen, None)


async def score(update: Update, context: Context) -> None:
    """Show the keypad, or take the score and show the next piece."""
    button = ScoreWork.parse(tap(update).data)
    reader = await context.reader(update)
    piece = await context.write(
        reviewing.piece, reader.linked_teacher_id, button.submission_id, now=context.now()
    )
    if button.sure:
        given = number_of(button.typed, piece.max_score)
        await _accept(update, context, button.submission_id, button.seen, given)
        return
    card = keypad(
        f"{piece.task} · {piece.name}",
        button.typed,
        piece.max_score,
        lambda typed, sure: ScoreWork(button.submission_id, button.seen, typed, sure),
        OpenReview(piece.batch_id),
        reader.language,
    )
    await show(update, context, reader, card)


async def _accept(
    update: Update, context: Context, submission_id: int, seen: int, given: float | None
) -> None:
    reader = await context.reader(update)
    now = context.now()
    piece = await context.write(reviewing.piece, reader.linked_teacher_id, submission_id, now=now)
    deed_id = await context.write(
        reviewing.accept,
        reader.linked_teacher_id,
        submission_id,
        seen=seen,
        score=given,
        now=now,
    )
    _ = catalog(reader.language).gettext
    said = _("Accepted: {name}.").format(name=piece.name)
    await show_next(
        update,
        context,
        reader,
        piece.batch_id,
        said=said,
        deed_id=deed_id,
    )


async def ask_comment(update: Update, context: Context) -> None:
    """Take the next text as what is to be improved."""
    button = ReturnWork.parse(tap(update).data)
    reader = await context.reader(update)
    now = context.now()
    piece = await context.write(
        reviewing.piece, reader.linked_teacher_id, button.submission_id, now=now
    )
    awaited = f"{AWAITED}:{button.submission_id}:{button.seen}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    _ = catalog(reader.language).gettext
    text = _(
        "Please type what {name} should improve in <b>{task}</b>. "
        "Only {name} and those who review here see it."
    ).format(name=html.escape(piece.name), task=html.escape(piece.task))
    keys = ((Key(_("Cancel"), OpenReview(piece.batch_id)),),)
    await show(update, context, reader, Card(text, keys))


async def comment_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Return the piece with the typed comment and show the next."""
    _prefix, submission, seen = (reader.awaiting + "::").split(":")[:3]
    now = context.now()
    piece, deed_id = await context.write(_return, reader, int(submission), int(seen), text, now=now)
    context.house.wake_delivery()
    _ = catalog(reader.language).gettext
    said = _("Returned to {name}, who is told.").format(name=piece.name)
    await show_next(update, context, reader, piece.batch_id, said=said, deed_id=deed_id)


def _return(
    session: Session, reader: Reader, submission_id: int, seen: int, text: str, *, now: datetime
) -> tuple[Piece, int | None]:
    accounts.await_text(session, reader.account_id, "", now=now)
    actor_id = reader.linked_teacher_id
    piece = reviewing.piece(session, actor_id, submission_id, now=now)
    deed_id = reviewing.return_work(
        session, actor_id, submission_id, seen=seen, comment=text, now=now
    )
    return piece, deed_id


# --- on paper ----------------------------------------------------------------------------------


def paper_card(facts: Paper, language: str) -> Card:
    """The people whose work comes on paper; a tap enters it, or takes the entry back."""
    _ = catalog(language).gettext
    text = _(
        "<b>{task}</b>\nPlease tap whoever has handed in on paper; tap again to take it back."
    ).format(task=html.escape(facts.title))
    if not facts.lines:
        text += "\n" + _("Nobody takes part yet.")
    keys = []
    for line in facts.lines:
        of = (facts.task_id, facts.page, line.registration_id)
        press: Button
        if line.accepted or facts.review is not Review.SCORE:
            press = EnterPaper(*of, int(not line.accepted))
        else:
            press = ScorePaper(*of)
        label = f"{'✓' if line.accepted else '○'} {line.name} · {line.school}"
        if line.score is not None:
            label += f" · {words.score(line.score, language)}"
        keys.append((Key(label, press),))
    turn = pager(facts.page, facts.pages, lambda page: OpenPaper(facts.task_id, page))
    back = (Key(_("Back"), OpenTask(facts.batch_id, facts.task_id)),)
    return Card(text, (*keys, *((turn,) if turn else ()), back))


async def open_paper(update: Update, context: Context) -> None:
    """Show who hands in on paper."""
    button = OpenPaper.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_paper(update, context, reader, button.task_id, button.page)


async def _show_paper(
    update: Update, context: Context, reader: Reader, task_id: int, page: int
) -> None:
    facts = await context.write(
        reviewing.paper, reader.linked_teacher_id, task_id, page=page, now=context.now()
    )
    await show(update, context, reader, paper_card(facts, reader.language))


async def enter_paper(update: Update, context: Context) -> None:
    """Enter somebody's work on paper, or take the entry back."""
    button = EnterPaper.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        reviewing.enter_paper,
        reader.linked_teacher_id,
        button.task_id,
        button.registration_id,
        accepted=bool(button.on),
        now=context.now(),
    )
    await _show_paper(update, context, reader, button.task_id, button.page)


async def score_paper(update: Update, context: Context) -> None:
    """Show the keypad for somebody's work on paper, or enter the score."""
    button = ScorePaper.parse(tap(update).data)
    reader = await context.reader(update)
    now = context.now()
    facts = await context.write(
        reviewing.paper, reader.linked_teacher_id, button.task_id, page=button.page, now=now
    )
    if button.sure:
        await context.write(
            reviewing.enter_paper,
            reader.linked_teacher_id,
            button.task_id,
            button.registration_id,
            accepted=True,
            score=number_of(button.typed, facts.max_score),
            now=now,
        )
        await _show_paper(update, context, reader, button.task_id, button.page)
        return
    of = (button.task_id, button.page, button.registration_id)
    name = next(
        (one.name for one in facts.lines if one.registration_id == button.registration_id), ""
    )
    card = keypad(
        f"{facts.title} · {name}",
        button.typed,
        facts.max_score,
        lambda typed, sure: ScorePaper(*of, typed, sure),
        OpenPaper(button.task_id, button.page),
        reader.language,
    )
    await show(update, context, reader, card)
