"""Tasks: set by the organiser, handed in by who takes part."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key
from handlers.context import Context, shortened, show, tap
from handlers.files import Attachment, on_file
from handlers.training import tasks_words as words
from handlers.training import times
from handlers.training.buttons import OpenProgramme, OpenRun
from handlers.training.reminding import TaskReminders
from handlers.training.tasks_buttons import (
    AddTask,
    HandInWork,
    OpenMyTask,
    OpenMyTasks,
    OpenPaper,
    OpenReview,
    OpenTask,
    OpenTasks,
    RemoveTask,
    RetypeTask,
    SetTask,
    ShapeTask,
    TaskMust,
)
from handlers.wiring import AnyApplication, on_run, on_tap, on_text
from locales import catalog, dates
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.training import tasks
from storage.training.tables import HandIn, Review, WorkState
from storage.training.tasks import (
    ClassOver,
    DueTooEarly,
    HandedIn,
    MyTask,
    MyTasks,
    NewTask,
    TaskLine,
    Tasks,
)

AWAITED = "task"
WORK = "work"
DRAFT = "task"
NEW = 0  # in place of a task's id: the one that is being written
LABEL = 40
SHOWN_WORK = 300  # characters of one's own text that the card shows


def install(application: AnyApplication) -> None:
    on_run(
        application,
        {Act.RUN_PROGRAMME, Act.REVIEW_WORK},
        _label,
        OpenTasks,
        prepares=True,
        kinds=["work"],
    )
    on_tap(application, OpenTasks, open_tasks)
    on_tap(application, OpenTask, open_task)
    on_tap(application, AddTask, add_task)
    on_tap(application, ShapeTask, shape_task)
    on_tap(application, SetTask, set_task)
    on_tap(application, RetypeTask, retype)
    on_tap(application, TaskMust, set_must)
    on_tap(application, RemoveTask, remove_task)
    on_text(application, AWAITED, typed)
    on_tap(application, OpenMyTasks, open_mine)
    on_tap(application, OpenMyTask, open_my_task)
    on_tap(application, HandInWork, ask_work)
    on_text(application, WORK, work_typed)
    on_file(application, WORK, work_sent)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Tasks")


# --- cards of the desk -------------------------------------------------------------------------


def tasks_card(facts: Tasks, language: str, zone: ZoneInfo, today: date) -> Card:
    """The tasks of a class in figures, each a key."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [_("<b>Tasks: {title}</b>").format(title=html.escape(facts.title))]
    if not facts.lines:
        lines.append(_("No task has been set yet."))
    keys: list[tuple[Key, ...]] = []
    for number, line in enumerate(facts.lines, 1):
        lines.append(
            _(
                "{number}. <b>{task}</b>, {before}\n"
                "Handed in: {done} of {all}, to review: {waiting}, accepted: {accepted}"
            ).format(
                number=number,
                task=html.escape(line.title),
                before=dates.before(line.due_at, zone, language, today),
                done=line.handed_in,
                all=line.expected,
                waiting=line.to_review,
                accepted=line.accepted,
            )
        )
        label = shortened(f"{number}. {line.title}", LABEL)
        keys.append((Key(label, OpenTask(facts.batch_id, line.task_id)),))
    if facts.reviews and facts.to_review:
        label = ngettext("Review {n} piece", "Review {n} pieces", facts.to_review)
        review = Key(label.format(n=facts.to_review), OpenReview(facts.batch_id), style="primary")
        keys.insert(0, (review,))
    if facts.runs_it:
        keys.append((Key(_("Set a task"), AddTask(facts.batch_id)),))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenRun(facts.batch_id)),)))


def task_card(facts: Tasks, line: TaskLine, language: str, zone: ZoneInfo, today: date) -> Card:
    """One task with its figures, and what can be changed."""
    _ = catalog(language).gettext
    lines = words.task_lines(line, zone, language, today)
    if line.module:
        lines.append(_("Module: {title}").format(title=html.escape(line.module)))
    lines.append(
        _("Handed in: {done} of {all}, to review: {waiting}, accepted: {accepted}").format(
            done=line.handed_in, all=line.expected, waiting=line.to_review, accepted=line.accepted
        )
    )
    keys: list[tuple[Key, ...]] = []
    if facts.reviews and line.hand_in is HandIn.OFFLINE:
        keys.append((Key(_("Enter work on paper"), OpenPaper(line.task_id)),))
    if line.mandatory:
        keys.append((Key(_("Who owes it, and why"), TaskReminders(line.task_id)),))
    if facts.runs_it:
        of = (facts.batch_id, line.task_id)
        must = _("Make it optional") if line.mandatory else _("Make it mandatory")
        keys += [
            _retype_keys(*of, language),
            (
                Key(must, TaskMust(*of, int(not line.mandatory))),
                Key(_("Remove"), RemoveTask(*of)),
            ),
        ]
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenTasks(facts.batch_id)),)))


def draft_card(data: Mapping[str, Any], language: str, zone: ZoneInfo, today: date) -> Card:
    """The task that is being set: what is still to be chosen, or the whole."""
    _ = catalog(language).gettext
    batch_id = data["batch_id"]
    last = (_retype_keys(batch_id, NEW, language), (Key(_("Cancel"), OpenTasks(batch_id)),))
    head = [
        f"<b>{html.escape(data['title'])}</b>",
        _("Due {before}").format(
            before=dates.before(datetime.fromisoformat(data["due_at"]), zone, language, today)
        ),
    ]
    if data["about"]:
        head.append(html.escape(data["about"]))
    if not data.get("form"):
        head.append(_("In which form is it handed in?"))
        rows = [(Key(words.hand_in(x, language), ShapeTask("form", x.value)),) for x in HandIn]
        return Card("\n".join(head), (*rows, *last))
    head.append(words.hand_in(HandIn(data["form"]), language))
    if not data.get("review"):
        head.append(_("How is it judged?"))
        rows = [(Key(words.review(x, language), ShapeTask("review", x.value)),) for x in Review]
        return Card("\n".join(head), (*rows, *last))
    head.append(words.review(Review(data["review"]), language))
    if data["review"] == Review.SCORE:
        highest = words.score(data["max_score"], language)
        head.append(_("The highest score is {highest}.").format(highest=highest))
    head.append(_("mandatory") if data["must"] else _("optional"))
    keys: list[tuple[Key, ...]] = [
        (Key(_("Set this task"), SetTask(), style="primary"),),
        (
            Key(
                _("Make it optional") if data["must"] else _("Make it mandatory"),
                ShapeTask("must", "0" if data["must"] else "1"),
            ),
        ),
    ]
    if data["review"] == Review.SCORE:
        keys.append(tuple(Key(str(n), ShapeTask("highest", str(n))) for n in (5, 10, 20, 50, 100)))
    return Card("\n".join(head), (*keys, *last))


def _retype_keys(batch_id: int, task_id: int, language: str) -> tuple[Key, ...]:
    _ = catalog(language).gettext
    return (
        Key(_("Due date"), RetypeTask(batch_id, task_id, "due")),
        Key(_("Rename"), RetypeTask(batch_id, task_id, "title")),
        Key(_("Description"), RetypeTask(batch_id, task_id, "about")),
    )


# --- the desk ----------------------------------------------------------------------------------


def _local(context: Context) -> tuple[ZoneInfo, date]:
    return context.house.zone, local_day(context.now(), context.house.zone)


async def open_tasks(update: Update, context: Context) -> None:
    """Show the tasks of the class."""
    button = OpenTasks.parse(tap(update).data)
    await show_tasks(update, context, await context.reader(update), button.batch_id)


async def show_tasks(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    """Show the tasks of the class, from wherever somebody comes back to them."""
    zone, today = _local(context)
    facts = await context.read(tasks.tasks, reader.linked_teacher_id, batch_id, now=context.now())
    await show(update, context, reader, tasks_card(facts, reader.language, zone, today))


async def open_task(update: Update, context: Context) -> None:
    """Show one task."""
    button = OpenTask.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_task(update, context, reader, button.batch_id, button.task_id)


async def _show_task(
    update: Update, context: Context, reader: Reader, batch_id: int, task_id: int
) -> None:
    zone, today = _local(context)
    facts = await context.read(tasks.tasks, reader.linked_teacher_id, batch_id, now=context.now())
    line = next((one for one in facts.lines if one.task_id == task_id), None)
    if line is None:
        raise NotFound("task")
    await show(update, context, reader, task_card(facts, line, reader.language, zone, today))


async def add_task(update: Update, context: Context) -> None:
    """Ask for the name and the due date."""
    button = AddTask.parse(tap(update).data)
    reader = await context.reader(update)
    await _await(context, reader, "new", button.batch_id, NEW)
    _ = catalog(reader.language).gettext
    text = _(
        "Please type the name of the task and by when it is due, such as\n"
        "<code>Lesson plan Dec 18 17:00</code>\n"
        "What is to be done can follow on further lines."
    )
    await show(
        update, context, reader, Card(text, ((Key(_("Cancel"), OpenTasks(button.batch_id)),),))
    )


async def _await(context: Context, reader: Reader, what: str, batch_id: int, task_id: int) -> None:
    awaited = f"{AWAITED}:{what}:{batch_id}:{task_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as a new task, or as what was asked for of one."""
    _prefix, what, batch, task = (reader.awaiting + ":::").split(":")[:4]
    batch_id, task_id = int(batch), int(task)
    now, zone, language = context.now(), context.house.zone, reader.language
    if what == "new":
        first, _sep, about = text.strip().partition("\n")
        title, due = named_due(first, now, zone)
        if due is None:
            await _again(update, context, reader, OpenTasks(batch_id), _unread(first, language))
            return
        data = {
            "batch_id": batch_id,
            "title": title,
            "about": about.strip(),
            "due_at": due.isoformat(),
            "form": "",
            "review": "",
            "max_score": 100,
            "must": True,
        }
        await _write_draft(update, context, reader, data)
        return
    changes: dict[str, Any] = {"title": text} if what == "title" else {"about": text.strip()}
    is_new = task_id == NEW
    back = ShapeTask("", "") if is_new else OpenTask(batch_id, task_id)
    if what == "due":
        due = times.due(text, now, zone)
        if due is None:
            await _again(update, context, reader, back, _unread(text, language))
            return
        changes = {"due_at": due.isoformat() if is_new else due}
    if is_new:
        data = await context.read(_draft, reader)
        await _write_draft(update, context, reader, data | changes)
        return
    try:
        await context.write(_change, reader, task_id, changes, now=now)
    except (ClassOver, DueTooEarly) as refusal:
        await _again(update, context, reader, back, words.tasks_text(refusal, language, zone, now))
        return
    await _show_task(update, context, reader, batch_id, task_id)


def named_due(text: str, now: datetime, zone: ZoneInfo) -> tuple[str, datetime | None]:
    """A name and by when it is due, in either order; None when the due date cannot be read."""
    parts = text.split()
    for cut in range(1, len(parts)):
        due = times.due(" ".join(parts[cut:]), now, zone)
        if due is not None:
            return " ".join(parts[:cut]), due
    for cut in range(len(parts) - 1, 0, -1):
        due = times.due(" ".join(parts[:cut]), now, zone)
        if due is not None:
            return " ".join(parts[cut:]), due
    return text, None


def _unread(text: str, language: str) -> str:
    _ = catalog(language).gettext
    return _(
        "I could not find in “{text}” by when it is due. "
        "Please type it like Dec 18 17:00, behind the name."
    ).format(text=html.escape(shortened(text, LABEL)))


async def _again(
    update: Update, context: Context, reader: Reader, back: Button, sentence: str
) -> None:
    """Ask again; the next text is still awaited."""
    _ = catalog(reader.language).gettext
    await show(update, context, reader, Card(sentence, ((Key(_("Cancel"), back),),)))


async def _write_draft(
    update: Update, context: Context, reader: Reader, data: Mapping[str, Any]
) -> None:
    """Keep the task that is being written and show it; a wrong due date is asked anew.

    What else was typed is not lost: only the due date is awaited then.
    """
    now, zone = context.now(), context.house.zone
    refusal = await context.write(_keep, reader, data, now=now)
    if refusal is None:
        await _show_draft(update, context, reader, data)
        return
    _ = catalog(reader.language).gettext
    why = words.tasks_text(refusal, reader.language, zone, now)
    asks = _("By when is it due? Such as Dec 18 17:00.")
    await _again(update, context, reader, ShapeTask("", ""), f"{why}\n{asks}")


def _keep(
    session: Session, reader: Reader, data: Mapping[str, Any], *, now: datetime
) -> ClassOver | DueTooEarly | None:
    """Keep what has been typed; returns what is wrong with the due date, which is awaited then.

    Otherwise the same may be typed once more and better.
    """
    batch_id = data["batch_id"]
    refusal: ClassOver | DueTooEarly | None = None
    due = datetime.fromisoformat(data["due_at"])
    me = reader.linked_teacher_id
    try:
        tasks.check_task(session, me, batch_id, data["title"], due, now=now)
    except (ClassOver, DueTooEarly) as wrong:
        refusal = wrong
        awaited = f"{AWAITED}:due:{batch_id}:{NEW}"
        accounts.await_text(session, reader.account_id, awaited, now=now)
    drafts.keep(session, reader.account_id, DRAFT, data, now=now)
    return refusal


def _change(
    session: Session, reader: Reader, task_id: int, changes: dict[str, Any], *, now: datetime
) -> None:
    tasks.change_task(session, reader.linked_teacher_id, task_id, changes, now=now)
    accounts.await_text(session, reader.account_id, "", now=now)


async def _show_draft(
    update: Update, context: Context, reader: Reader, data: Mapping[str, Any]
) -> None:
    zone, today = _local(context)
    await show(update, context, reader, draft_card(data, reader.language, zone, today))


async def shape_task(update: Update, context: Context) -> None:
    """Choose something of the task that is being set."""
    button = ShapeTask.parse(tap(update).data)
    reader = await context.reader(update)
    data = await context.write(_shape, reader, button.field, button.value, now=context.now())
    await _show_draft(update, context, reader, data)


def _draft(session: Session, reader: Reader) -> dict[str, Any]:
    data = drafts.read(session, reader.account_id, DRAFT)
    if data is None:
        raise NotFound("draft")
    return data


def _shape(
    session: Session, reader: Reader, field: str, value: str, *, now: datetime
) -> dict[str, Any]:
    data = _draft(session, reader)
    if field == "form" and value in set(HandIn):
        data["form"] = value
    elif field == "review" and value in set(Review):
        data["review"] = value
    elif field == "must":
        data["must"] = value == "1"
    elif field == "highest" and value.isdecimal() and 0 < int(value) < 10_000:
        data["max_score"] = int(value)
    accounts.await_text(session, reader.account_id, "", now=now)
    drafts.keep(session, reader.account_id, DRAFT, data, now=now)
    return data


async def set_task(update: Update, context: Context) -> None:
    """Set the task as it was shown; tapped twice it is set once."""
    reader = await context.reader(update)
    batch_id, task_id = await context.write(_set, reader, now=context.now())
    await _show_task(update, context, reader, batch_id, task_id)


def _set(session: Session, reader: Reader, *, now: datetime) -> tuple[int, int]:
    data = _draft(session, reader)
    if not data["form"] or not data["review"]:
        raise NotFound("draft")
    task = NewTask(
        title=data["title"],
        due_at=datetime.fromisoformat(data["due_at"]),
        about=data["about"],
        hand_in=HandIn(data["form"]),
        review=Review(data["review"]),
        max_score=data["max_score"],
        mandatory=data["must"],
    )
    task_id = tasks.add_task(session, reader.linked_teacher_id, data["batch_id"], task, now=now)
    drafts.drop(session, reader.account_id, DRAFT)
    return data["batch_id"], task_id


async def retype(update: Update, context: Context) -> None:
    """Take the next text as the due date, the name or the description."""
    button = RetypeTask.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    prompts = {
        "due": _("By when is it due? Such as Dec 18 17:00."),
        "title": _("Please type the name of the task."),
        "about": _("Please type what is to be done."),
    }
    if button.what not in prompts:
        raise NotFound("field")
    await _await(context, reader, button.what, button.batch_id, button.task_id)
    is_new = button.task_id == NEW
    back = ShapeTask("", "") if is_new else OpenTask(button.batch_id, button.task_id)
    keys = ((Key(_("Cancel"), back),),)
    await show(update, context, reader, Card(prompts[button.what], keys))


async def set_must(update: Update, context: Context) -> None:
    """Make the task mandatory, or optional."""
    button = TaskMust.parse(tap(update).data)
    reader = await context.reader(update)
    changes = {"mandatory": bool(button.on)}
    await context.write(_change, reader, button.task_id, changes, now=context.now())
    await _show_task(update, context, reader, button.batch_id, button.task_id)


async def remove_task(update: Update, context: Context) -> None:
    """Ask once more, then take the task away."""
    button = RemoveTask.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.sure:
        text = _("Take this task away? Nobody is reminded of it any more.")
        keys = (
            (
                Key(
                    _("Remove"),
                    RemoveTask(button.batch_id, button.task_id, 1),
                    style="danger",
                ),
            ),
            (Key(_("Back"), OpenTask(button.batch_id, button.task_id)),),
        )
        await show(update, context, reader, Card(text, keys))
        return
    await context.write(
        tasks.remove_task, reader.linked_teacher_id, button.task_id, now=context.now()
    )
    await show_tasks(update, context, reader, button.batch_id)


# --- who takes part ----------------------------------------------------------------------------


def my_tasks_card(facts: MyTasks, language: str, zone: ZoneInfo, today: date) -> Card:
    """My tasks with where they stand, each a key."""
    _ = catalog(language).gettext
    lines = [_("<b>Tasks: {title}</b>").format(title=html.escape(facts.title))]
    if not facts.tasks:
        lines.append(_("No task has been set yet."))
    keys = []
    for number, task in enumerate(facts.tasks, 1):
        before = dates.before(task.due_at, zone, language, today)
        name = html.escape(task.title)
        state = words.my_state(task, language)
        lines.append(f"{number}. <b>{name}</b> · {before}\n{state}")
        keys.append((Key(shortened(f"{number}. {task.title}", LABEL), OpenMyTask(task.task_id)),))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenProgramme(facts.batch_id)),)))


def my_task_card(task: MyTask, language: str, zone: ZoneInfo, today: date, said: str = "") -> Card:
    """One task and my work for it; ``said`` is a sentence about what was just done."""
    _ = catalog(language).gettext
    lines = [html.escape(said), ""] if said else []
    lines += words.task_lines(task, zone, language, today)
    lines.append(_("<b>You: {state}</b>").format(state=words.my_state(task, language)))
    if task.submitted_at is not None:
        lines.append(
            _("Handed in: {time}").format(
                time=dates.moment(task.submitted_at, zone, language, today)
            )
        )
    if task.text:
        lines.append(html.escape(shortened(task.text, SHOWN_WORK)))
    elif task.has_file:
        lines.append(html.escape(task.file_name) or _("a photo"))
    if task.comment and task.state is WorkState.RETURNED:
        lines.append(_("Comment: {comment}").format(comment=html.escape(task.comment)))
    keys: list[tuple[Key, ...]] = []
    if task.can_hand_in:
        label = _("Hand in") if task.state is None else _("Hand in again")
        keys.append((Key(label, HandInWork(task.task_id), style="primary"),))
    keys.append((Key(_("Back"), OpenMyTasks(task.batch_id)),))
    return Card("\n".join(lines), tuple(keys))


async def open_mine(update: Update, context: Context) -> None:
    """Show my tasks in a class."""
    button = OpenMyTasks.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today = _local(context)
    facts = await context.read(
        tasks.my_tasks, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    await show(update, context, reader, my_tasks_card(facts, reader.language, zone, today))


async def open_my_task(update: Update, context: Context) -> None:
    """Show one task of mine."""
    button = OpenMyTask.parse(tap(update).data)
    await _show_mine(update, context, await context.reader(update), button.task_id)


async def _show_mine(
    update: Update, context: Context, reader: Reader, task_id: int, said: str = ""
) -> None:
    zone, today = _local(context)
    task = await context.read(tasks.my_task, reader.linked_teacher_id, task_id, now=context.now())
    await show(update, context, reader, my_task_card(task, reader.language, zone, today, said))


async def ask_work(update: Update, context: Context) -> None:
    """Take the next text or file as the work."""
    button = HandInWork.parse(tap(update).data)
    reader = await context.reader(update)
    now = context.now()
    task = await context.read(tasks.my_task, reader.linked_teacher_id, button.task_id, now=now)
    _ = catalog(reader.language).gettext
    await context.write(accounts.await_text, reader.account_id, f"{WORK}:{button.task_id}", now=now)
    asks = {
        HandIn.TEXT: _("Please type your work for <b>{task}</b> and send it in one message."),
        HandIn.LINK: _("Please send the link to your work for <b>{task}</b>."),
        HandIn.FILE: _("Please send your work for <b>{task}</b> as a file or a photo."),
        HandIn.OFFLINE: _("Your work for <b>{task}</b> is handed in on paper."),
    }
    text = asks[task.hand_in].format(task=html.escape(task.title))
    keys = ((Key(_("Cancel"), OpenMyTask(button.task_id)),),)
    await show(update, context, reader, Card(text, keys))


async def work_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as the work."""
    await _hand_in(update, context, reader, {"text": text})


async def work_sent(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Take a file or a photo as the work."""
    name = "" if attachment.is_photo else attachment.name or "file"
    await _hand_in(update, context, reader, {"file_id": attachment.file_id, "file_name": name})


async def _hand_in(
    update: Update, context: Context, reader: Reader, given: Mapping[str, str]
) -> None:
    task_id = int(reader.awaiting.partition(":")[2])
    done = await context.write(_handed_in, reader, task_id, given, now=context.now())
    await _show_mine(update, context, reader, task_id, handed_in_text(done, reader.language))


def _handed_in(
    session: Session, reader: Reader, task_id: int, given: Mapping[str, str], *, now: datetime
) -> HandedIn:
    """Hand in; what is refused is awaited once more, in the right form."""
    done = tasks.hand_in(session, reader.linked_teacher_id, task_id, now=now, **given)
    accounts.await_text(session, reader.account_id, "", now=now)
    return done


def handed_in_text(done: HandedIn, language: str) -> str:
    """What came of handing in, in a sentence."""
    _ = catalog(language).gettext
    if not done.is_new:
        return _("This is here already; nothing is left to do.")
    if done.state is WorkState.ACCEPTED:
        return _("Thank you, your work is in and counts.")
    if done.late:
        return _("Thank you, your work is in. It is marked as late and will be looked at.")
    return _("Thank you, your work is in. You will hear when it has been looked at.")
