"""The other side of a question: who answers for a notice sees what is asked, and answers."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.context import Context, House, alert, shortened, show, tap, typed_text
from handlers.messaging import question_topics
from handlers.messaging.notice_buttons import (
    AnswerQuestion,
    CloseQuestion,
    NoticeShow,
    OpenQuestion,
    OpenQuestions,
)
from handlers.messaging.voices import Nothing, Said, Say
from handlers.people.buttons import OpenDesk
from handlers.wiring import AnyApplication, on_desk, on_link, on_tap, on_text
from locales import catalog, dates
from storage.messaging import questions
from storage.messaging.outbox import Claimed
from storage.messaging.questions import Thread, Topic
from storage.people import accounts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotAllowed, NotFound

AWAITED = "nans"
LABEL = 40
QUOTED = 120


def install(application: AnyApplication) -> None:
    on_tap(application, OpenQuestions, open_list)
    on_tap(application, OpenQuestion, open_one)
    on_tap(application, AnswerQuestion, ask_answer)
    on_tap(application, CloseQuestion, close)
    on_link(application, "questions", _linked)
    on_text(application, AWAITED, answer_given)
    on_desk(application, (Act.NOTIFY_UNIT, Act.NOTIFY_CLASS), _label, OpenQuestions, ("questions",))


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Questions")


def list_card(
    facts: questions.OpenQuestions, notice_id: int, language: str, zone: ZoneInfo, now: datetime
) -> Card:
    """A page of what is asked, each a key: what is open, the oldest first, then the answered."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    back = (Key(_("Back"), NoticeShow(notice_id) if notice_id else OpenDesk()),)
    lines = [_("No question waits for an answer.")]
    if facts.total:
        lines = [
            ngettext(
                "<b>{n} question waits for an answer</b>",
                "<b>{n} questions wait for an answer</b>",
                facts.total,
            ).format(n=facts.total)
        ]
    keys = []
    was_open = True
    today = now.astimezone(zone).date()
    for number, line in enumerate(facts.lines, facts.page * questions.PAGE + 1):
        if was_open and not line.is_open:
            lines.append(_("<b>Answered</b>"))
        was_open = line.is_open
        lines.append(
            f"{number}. {typed_text(line.asker)} · {typed_text(line.unit)} · "
            f"{dates.moment(line.at, zone, language, today)}\n"
            f"<i>{typed_text(shortened(line.title, QUOTED))}</i>\n"
            f"{typed_text(shortened(line.text, QUOTED))}"
        )
        keys.append(
            (Key(shortened(f"{number}. {line.asker}", LABEL), OpenQuestion(line.question_id)),)
        )
    turn = pager(facts.page, facts.pages, lambda page: OpenQuestions(notice_id, page))
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), back))


def thread_card(
    facts: Thread, language: str, zone: ZoneInfo, now: datetime, said: str = ""
) -> Card:
    """One question with what was said so far."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [typed_text(said)] if said else []
    lines += [
        f"<b>{typed_text(facts.title)}</b>",
        _("{name}, {unit}").format(name=typed_text(facts.asker), unit=typed_text(facts.unit)),
    ]
    for line in facts.lines:
        when = dates.moment(line.at, zone, language, today)
        sentence = _("Question, {time}: {text}") if line.by_asker else _("Answer, {time}: {text}")
        lines.append(sentence.format(time=when, text=typed_text(line.text)))
    if facts.is_open:
        lines.append(_answer_asked(facts, language))
    keys: list[Key] = [
        Key(
            _("Answer") if facts.is_open else _("Answer once more"),
            AnswerQuestion(facts.question_id),
            style="primary" if facts.is_open else None,
        )
    ]
    if facts.is_open:
        keys.append(Key(_("Settled"), CloseQuestion(facts.question_id)))
    others = (
        Key(_("All questions"), OpenQuestions()),
        Key(_("The notice"), NoticeShow(facts.notice_id)),
    )
    return Card("\n".join(lines), (tuple(keys), others))


def _answer_asked(facts: Thread, language: str) -> str:
    _ = catalog(language).gettext
    return _(
        "Please type the answer; it goes to {name} in private, in the name of the unit."
    ).format(name=typed_text(facts.asker))


async def open_list(update: Update, context: Context) -> None:
    """Show what waits for an answer."""
    button = OpenQuestions.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_list(update, context, reader, button.notice_id, button.page)


async def _show_list(
    update: Update, context: Context, reader: Reader, notice_id: int, page: int
) -> None:
    now = context.now()
    facts = await context.read(
        questions.open_questions,
        reader.linked_teacher_id,
        notice_id=notice_id,
        page=page,
        now=now,
    )
    card = list_card(facts, notice_id, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _show_list(update, context, reader, 0, 0)


async def open_one(update: Update, context: Context) -> None:
    """Show one question."""
    question_id = OpenQuestion.parse(tap(update).data).question_id
    await _show_thread(update, context, await context.reader(update), question_id)


async def _show_thread(
    update: Update, context: Context, reader: Reader, question_id: int, said: str = ""
) -> None:
    now = context.now()
    facts = await context.read(questions.thread, reader.linked_teacher_id, question_id, now=now)
    if facts.is_open:
        # Whoever has read a question types the answer, whether they have tapped a key or not.
        awaited = f"{AWAITED}:{question_id}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    card = thread_card(facts, reader.language, context.house.zone, now, said)
    await show(update, context, reader, card)


async def ask_answer(update: Update, context: Context) -> None:
    """Take the next text as the answer."""
    question_id = AnswerQuestion.parse(tap(update).data).question_id
    reader = await context.reader(update)
    now = context.now()
    facts = await context.read(questions.thread, reader.linked_teacher_id, question_id, now=now)
    await context.write(accounts.await_text, reader.account_id, f"{AWAITED}:{question_id}", now=now)
    _ = catalog(reader.language).gettext
    asked = next((line.text for line in reversed(facts.lines) if line.by_asker), "")
    text = _("{name} asks: {text}").format(name=typed_text(facts.asker), text=typed_text(asked))
    text += "\n" + _answer_asked(facts, reader.language)
    await show(
        update,
        context,
        reader,
        Card(text, ((Key(_("Cancel"), OpenQuestion(question_id)),),)),
    )


async def answer_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Pass the typed answer on."""
    question_id = int(reader.awaiting.partition(":")[2] or 0)
    topic = await context.write(_answer, reader, question_id, text, now=context.now())
    context.house.wake_delivery()
    if topic is not None:
        await question_topics.close(context.bot, topic)
    _ = catalog(reader.language).gettext
    await _show_thread(update, context, reader, question_id, _("Your answer is on its way."))


def _answer(
    session: Session, reader: Reader, question_id: int, text: str, *, now: datetime
) -> Topic | None:
    topic = questions.answer(session, reader.linked_teacher_id, question_id, text, now=now)
    accounts.await_text(session, reader.account_id, "", now=now)
    return topic


async def close(update: Update, context: Context) -> None:
    """Settle the question without an answer."""
    question_id = CloseQuestion.parse(tap(update).data).question_id
    reader = await context.reader(update)
    topic = await context.write(
        questions.close, reader.linked_teacher_id, question_id, now=context.now()
    )
    if topic is not None:
        await question_topics.close(context.bot, topic)
    _ = catalog(reader.language).gettext
    await alert(update, _("This question is settled."))
    await _show_list(update, context, reader, 0, 0)


async def asked(house: House, row: Claimed) -> Said:
    """That questions have come in; how many is asked when it is said."""
    if row.teacher_id is None:
        return Nothing("this is for a person")
    now, notice_id = house.clock(), row.facts["notice_id"]
    try:
        facts = await house.database.read(
            questions.open_questions,
            row.teacher_id,
            notice_id=notice_id,
            answered=False,
            now=now,
        )
    except (NotAllowed, NotFound):
        return Nothing("somebody else answers for this notice now")
    if not facts.total:
        return Nothing("all questions are answered")
    return Say(list_card(facts, notice_id, row.language, house.zone, now))
