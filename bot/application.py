"""Assembly: every topic in its order, and nothing done at import."""

from __future__ import annotations

from typing import Any, cast

from telegram.ext import Application, ApplicationBuilder, ContextTypes
from telegram.request import BaseRequest

import handlers.errors
import handlers.people.starting
from bot.inbox import Inbox
from bot.request import AiohttpRequest
from handlers import undoing
from handlers.competitions import (
    awards as competition_awards,
)
from handlers.competitions import (
    deciding as competition_lists,
)
from handlers.competitions import (
    editing as competition_editing,
)
from handlers.competitions import (
    entering,
    handing_in,
    judging,
    lists,
    objections,
    outcomes,
    outside,
    panel,
    paper_ballots,
    putting_forward,
    receiving,
    round_cards,
    rules,
    running,
    teaming,
    turns,
    venue,
)
from handlers.competitions import (
    making as competition_making,
)
from handlers.competitions import (
    plan_sheet as competition_plan,
)
from handlers.competitions import (
    publishing as competition_publishing,
)
from handlers.competitions import (
    reporting as competition_report,
)
from handlers.context import Context, House
from handlers.credits import appeals, claims, hours, posting
from handlers.messaging import (
    binding,
    card_places,
    groups,
    missed,
    notice_answers,
    notice_correcting,
    notice_overdue,
    notice_questions,
    notice_report,
    notices,
    question_topics,
    relays,
    reminders,
    upward,
    work_calendar,
)
from handlers.people import desk, home, linking, privacy, roles, roster, settings, slips, starting
from handlers.training import (
    absences,
    allotting,
    approvals,
    attendance,
    changing,
    check_in,
    completion,
    conditions,
    due,
    hosting,
    making,
    menus,
    my_timetable,
    nominating,
    plan_sheet,
    programmes,
    publishing,
    registration,
    rehearsal,
    reminding,
    results,
    reviewing,
    runs,
    sealing,
    staffing,
    structure,
    tasks,
    timetables,
)
from handlers.training.remote import (
    importing as progress_importing,
)
from handlers.training.remote import (
    last_mile,
    setting,
    studying,
    surveying,
)
from handlers.wiring import AnyApplication

TOPICS = (
    starting,
    home,
    linking,
    settings,
    privacy,
    desk,
    undoing,
    runs,
    making,
    changing,
    publishing,
    staffing,
    plan_sheet,
    structure,
    timetables,
    setting,
    my_timetable,
    tasks,
    reviewing,
    studying,
    conditions,
    rehearsal,
    allotting,
    nominating,
    sealing,
    menus,
    programmes,
    registration,
    approvals,
    absences,
    check_in,
    attendance,
    hosting,
    progress_importing,  # before the marks: its tables may have a column of scores too
    results,
    completion,
    surveying,
    last_mile,
    posting,
    claims,
    appeals,
    due,
    hours,
    reminders,
    running,
    competition_making,
    competition_editing,
    competition_publishing,
    competition_plan,
    rules,
    round_cards,
    venue,
    panel,
    turns,
    judging,
    paper_ballots,
    competition_lists,
    lists,
    objections,
    outcomes,
    competition_awards,
    outside,
    competition_report,
    notice_questions,
    notice_overdue,
    notice_report,
    notice_correcting,
    notice_answers,
    question_topics,
    entering,
    handing_in,
    teaming,
    putting_forward,
    receiving,
    notices,
    upward,
    reminding,
    work_calendar,
    groups,
    binding,
    card_places,
    relays,
    missed,
    slips,
    roles,
    roster,  # last of those that know tables: a roster has columns that others have too
)
"""In this order their keys stand on the desks."""


def build(
    token: str,
    house: House,
    *,
    bot_api: str,
    request: BaseRequest | None = None,
) -> AnyApplication:
    """Put the application together; nothing is sent yet.

    The updater and the job queue of python-telegram-bot are left out on purpose: updates come
    through the inbox, and what is due is a row.
    """
    application = (
        ApplicationBuilder()
        .token(token)
        .base_url(f"{bot_api}/bot")
        .base_file_url(f"{bot_api}/file/bot")
        .request(request or AiohttpRequest())
        .get_updates_request(request or AiohttpRequest(connections=1))
        .context_types(ContextTypes(context=Context))
        .updater(None)
        .job_queue(None)
        .concurrent_updates(False)
        .build()
    )
    application.bot_data["house"] = house
    made = cast(AnyApplication, application)
    handlers.errors.install(made)
    for topic in TOPICS:
        topic.install(made)
    handlers.people.starting.install_last(made)
    return made


def inbox_of(application: AnyApplication, house: House) -> Inbox:
    """The inbox that feeds this application, told of failed handlers by it."""
    made = Inbox(
        cast(Application[Any, Any, Any, Any, Any, Any], application), house.database, house.clock
    )
    application.bot_data["report_fault"] = made.failed
    return made
