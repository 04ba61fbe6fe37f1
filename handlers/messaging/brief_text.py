"""Briefs and reminders in words: what, when with weekday and hour, and what to do.

Pure functions of facts and the reader's language; all texts are HTML for Telegram, within its
4096 characters whatever the titles.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from handlers.buttons import Button
from handlers.cards import Card, Key, Keys
from handlers.competitions import due_text as of_competitions
from handlers.competitions.buttons import (
    OpenEntry,
    OpenJudging,
    OpenRound,
    OpenVenue,
    ShowCompetition,
)
from handlers.competitions.entering_buttons import OpenFolder, WithdrawEntry
from handlers.competitions.judging_buttons import MyJudging
from handlers.context import shortened
from handlers.credits.buttons import OpenHours
from handlers.credits.words import amount, of_total
from handlers.messaging.buttons import ChooseReminder, ReminderDone, ReminderLater, ReminderMute
from handlers.messaging.group_buttons import OpenGroup
from handlers.messaging.notice_buttons import NoticeAsk, NoticeConfirm, NoticeRead
from handlers.people.buttons import Home, OpenDesk
from handlers.training.buttons import (
    AcceptOffer,
    AnswerNomination,
    OpenDue,
    OpenProgramme,
    OpenProgrammes,
    OpenRun,
    OpenSurvey,
    PassOffer,
)
from handlers.training.hosting_buttons import OpenHosted, OpenHosting
from handlers.training.menu_buttons import OpenMenu
from handlers.training.reasons_text import reason_text
from handlers.training.remote.last_mile_buttons import OpenLastMile
from handlers.training.remote.setting_words import amount as study_amount
from handlers.training.remote.study_buttons import MyObstacle, MyStudy, NotUpdated, OpenStudyClaims
from handlers.training.remote.study_text import brief_text as study_text
from handlers.training.remote.study_text import due_text, obstacle_text
from handlers.training.results_text import lacks_text
from handlers.training.tasks_buttons import OpenMyTask
from locales import catalog, dates, names, numbers
from storage.competitions.completeness import Lacking
from storage.competitions.timetable import MyTurn
from storage.messaging.briefs import Item, NewsItem
from storage.training.changing import News
from storage.training.remote.my_study import Study
from storage.training.remote.tables import Measure, ObstacleReason
from storage.training.subjects import Subject

SHOWN = 8  # items, and news, that a brief spells out
TITLE, DETAIL = 80, 60  # characters of a title, and of a place or what to bring
REASON = 300  # characters of why something does not take place
KEY = 20  # characters of a title on a key
CAN_BE_DONE = (
    "reg_open",
    "reg_close",
    "menu_open",
    "menu_close",
    "offer",
    "nomination",
    "remote_end",
    "remote_not_started",
    "remote_behind",
    "remote_idle",
    "remote_idle_long",
    "task_due",
    "material_due",
    "item_due",
    "ballots_due",
    "judge_answer",
)
"""Kinds that are over once the person has done something; to the others one simply goes."""

GOES = ("batch_start", "session", "remote_start", "phase_end", "round_day")
"""Kinds of what begins or ends by itself: there is nothing to be done before."""

OF_THE_DESK = (
    "nominate_close",
    "quota_unfilled",
    "release",
    "roster",
    "grade_due",
    "review_due",
    "session_lead",
    "appeal",
    "role_gap",
    "import_stale",
    "result_due",
    "venue_materials",
    "forward_due",
    "publicity",
    "external_close",
)
"""Kinds that whoever holds an office owes, and does at the desk."""

BEFORE_THE_END = ("remote_not_started", "remote_behind", "remote_idle", "remote_idle_long")
OF_STUDY = (*BEFORE_THE_END, "remote_end", "item_due")
"""Kinds that say how far somebody's own study is."""

SHORT = ("year_hours", "cycle_hours", "new_teacher_hours")
"""Kinds in which the person wants to know how the hours stand."""

OF_CLAIMS = ("study_claims_wait", "study_claims_again", "study_claims_left")
OF_ONES_STUDY = ("study_asked", "study_claim_decided")
APPOINTED = ("appointed_class_teacher", "appointed_tutor")
OF_HOSTS = ("hosting", "hosting_off")
OF_LAST_MILE = ("obstacle", "bulletin_skipped")
HOURS = ("credit_posted", "credit_reversed")
"""News after which the person wants to know the new total."""

Subjects = Mapping[tuple[str, int], Subject]


@dataclass(frozen=True)
class Standing:
    """How the hours of this year stand, or of the cycle where a year has no reference.

    ``unit`` is that of the profile: hour or credit.
    """

    counted: Decimal
    of: Decimal
    unit: str
    is_year: bool


@dataclass(frozen=True)
class Told:
    """What a brief, or a reminder that breaks out, tells."""

    items: Sequence[Item]
    news: Sequence[NewsItem]
    subjects: Subjects
    breaks_out: bool = False
    standing: Standing | None = None
    studies: Mapping[int, Study] = field(default_factory=dict)
    """How far the person's own study is, by class."""
    day: date | None = None
    """Of a brief that has been sent: on which day that was."""
    lacking: Mapping[int, Lacking] = field(default_factory=dict)
    """What the person's own entry lacks, by round of a competition."""
    turns: Mapping[int, MyTurn | None] = field(default_factory=dict)
    """The person's own turn, by venue; None where they judge. Who runs it has none."""

    @property
    def known(self) -> list[tuple[Item, Subject]]:
        """The items whose subject is still there, in order.

        What is left to study before the end says all that the other words on studying do.
        """
        ends = {item.subject_id for item in self.items if item.kind == "remote_end"} & set(
            self.studies
        )
        pairs = [(item, self.subjects.get((item.kind, item.subject_id))) for item in self.items]
        return [
            (item, subject)
            for item, subject in pairs
            if subject is not None
            and (item.kind not in BEFORE_THE_END or item.subject_id not in ends)
        ]


def brief_card(
    told: Told, language: str, zone: ZoneInfo, now: datetime, *, choosing: str = ""
) -> Card:
    """The daily brief, or a reminder by itself.

    ``choosing`` (done, later, mute) puts the keys for choosing an item in place of the usual.
    """
    known = told.known
    lines = [f"<b>{_heading(told, language, zone, now)}</b>"]
    lines += _item_lines(known, told, language, zone, now)
    happened = _news_lines(told.news, language)
    if told.standing is not None:
        happened.append(_standing_text(told.standing, language))
    if known and happened:
        lines.append("")
    lines += happened
    if not known and not told.news:
        lines.append(catalog(language).gettext("Everything in this brief is settled."))
    keys = _choice_keys(known, choosing, language) if choosing else ()
    if keys:
        lines += ["", f"<b>{_choice_text(choosing, language)}</b>"]
    return Card("\n".join(lines), keys or _usual_keys(known, told, language))


def item_text(
    item: Item, subject: Subject, language: str, zone: ZoneInfo, now: datetime, breaks_out: bool
) -> str:
    """One deadline in a line: what, when, and what to do."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    when = dates.moment(item.at, zone, language, today)
    if breaks_out and item.at > now:
        when = _("{time} (in {left})").format(
            time=when, left=dates.duration(item.at - now, language)
        )
    if not subject.takes_place:
        sentence = _("<b>{title}</b> does not take place.")
    elif item.kind == "ack_due":
        sentence = _confirm_sentence(item, subject, language, now)
    elif item.kind == "session_lead":
        sentence = (
            _("<b>{title}</b>, in which you teach, begins {when}, {place}.")
            if subject.place
            else _("<b>{title}</b>, in which you teach, begins {when}.")
        )
    elif item.kind in ("batch_start", "session"):
        sentence = _event_sentence(subject, language)
    else:
        sentences = {
            "reg_open": _("<b>{title}</b>: registration is open until {close}."),
            "reg_close": _("<b>{title}</b>: registration closes {when}, and you are not in yet."),
            "menu_open": _("<b>{title}</b>: please choose from the menu until {close}."),
            "menu_close": _(
                "<b>{title}</b>: choosing closes {when}, and you have not chosen enough yet."
            ),
            "offer": _(
                "<b>{title}</b>: a seat is held for you until {when}. Please accept it or pass."
            ),
            "task_due": _("<b>{title}</b> is due {when}. Please hand it in.")
            if item.at > now
            else _("<b>{title}</b> was due {when}. It can still be handed in."),
            "nominate_close": _(
                "<b>{title}</b>: the list of nominations closes {when}, and seats of your school "
                "have nobody yet."
            ),
            "quota_unfilled": _(
                "<b>{title}</b>: seats of your school are still free; registration closes {when}."
            ),
            "roster": _(
                "<b>{title}</b>: the list is reported {when}, and not everybody on yours is "
                "settled."
            ),
            "phase_end": _("<b>{title}</b> ends {when}. Please finish what belongs to it."),
            "survey_close": _(
                "<b>{title}</b>: what did you think of it? Three taps, open until {when}; nobody "
                "can tell who answered what."
            ),
            "gate": _(
                "<b>{title}</b> is over, and something of it is still missing. The next part "
                "begins for you once that is made good; until then nothing of it is expected."
            ),
            "shadowing": _(
                "<b>{title}</b>: participants come to {place}, {span}. People: {people}."
            ),
            "grade_due": _("<b>{title}</b> is over. Please decide by {when} who completed it.")
            if item.at > now
            else _("<b>{title}</b>: who completed it was to be decided by {when}."),
            "phase_help": _(
                "<b>{title}</b> ends {when}, and not everybody is done. Please help them finish."
            ),
            "review_due": _(
                "<b>{title}</b> is over, and work handed in waits for you. Please judge it by "
                "{when}."
            )
            if item.at > now
            else _("<b>{title}</b>: work handed in was to be judged by {when} and still waits."),
            "makeup": _("<b>{title}</b>: what is missing can be made good until {when}."),
            "makeup_window": _("<b>{title}</b>: what is missing can be made good until {when}."),
            "year_hours": _(
                "Your hours of the year {title} do not reach the reference yet; it ends {when}."
            ),
            "cycle_hours": _(
                "Your hours of the cycle {title} are not complete yet; it ends {when}."
            ),
            "new_teacher_hours": _(
                "{title}: the training of your first year is not complete yet; the year "
                "ends {when}."
            ),
            "appeal": _("An appeal waits for your answer until {when}: {title}")
            if item.at > now
            else _("An appeal still waits for an answer that was due {when}: {title}"),
            "role_gap": _(
                "School year {title}: some schools have nobody who looks after their training."
            ),
            "nomination": _(
                "<b>{title}</b>: your school would like to send you. Please answer by {when}."
            ),
            "release": _(
                "<b>{title}</b>: seats of your school are still unused. They go to everybody "
                "on {when}."
            ),
            "chat_dissolve": _(
                "The group <b>{title}</b> is for one class that is over, and is to be closed "
                "{when}. Please close it or keep it longer."
            ),
            "import_stale": _(
                "<b>{title}</b>: the figures of its platform are old. Please bring new ones: send "
                "me the platform's table here."
            ),
            "remote_start": _("<b>{title}</b>: remote training from {when} to {end}."),
            "remote_end": _(
                "<b>{title}</b> ends {when}. Without completing it the {hours} hours "
                "cannot be credited."
            ),
        }
        of_round = of_competitions.sentence(item.kind, language, has_place=bool(subject.place))
        sentence = sentences.get(item.kind) or of_round or _("<b>{title}</b>: {when}")
    return sentence.format(
        title=_escaped(subject.title, TITLE),
        when=when,
        span=dates.span(subject.at, subject.ends_at, zone, language, today),
        close=dates.moment(subject.closes_at, zone, language, today),
        end=dates.moment(subject.ends_at, zone, language, today),
        hours=numbers.hours(subject.hours, language),
        people=subject.people,
        place=_escaped(subject.place, DETAIL),
        bring=_escaped(subject.bring, DETAIL),
    )


def _standing_text(standing: Standing, language: str) -> str:
    _ = catalog(language).gettext
    sentence = (
        _("Together this year: {of_total}") if standing.is_year else _("Together: {of_total}")
    )
    return sentence.format(
        of_total=of_total(standing.counted, standing.of, standing.unit, language)
    )


def news_text(item: NewsItem, language: str) -> str:
    """One thing that has happened, in a line; empty for what we have no words for."""
    _ = catalog(language).gettext
    if item.kind.startswith("menu_"):
        return _menu_news(item, language)
    appointed = {
        "appointed_class_teacher": _("You are class teacher of the training {title}."),
        "appointed_tutor": _("You are tutor of the training {title}."),
    }
    if item.kind in appointed:
        title = _escaped(str(item.facts["title"]), TITLE)
        return appointed[item.kind].format(title=title)
    if item.kind == "work_accepted":
        return accepted_text(item, language)
    if item.kind == "date_extended":
        until = datetime.fromisoformat(str(item.facts["until"]))  # by the office's clock
        assert until.tzinfo is not None
        return _("{title}: you have until {when}.").format(
            title=_escaped(str(item.facts["title"]), TITLE),
            when=dates.moment(until, until.tzinfo, language),
        )
    if item.kind == "nomination_declined":
        return _("{name} cannot go to {title}; the seat is your school's again.").format(
            name=_escaped(str(item.facts["name"]), TITLE),
            title=_escaped(str(item.facts["title"]), TITLE),
        )
    if item.kind == "study_claim_decided":
        return _study_news(item, language)
    if item.kind in OF_CLAIMS:
        sentence = {
            "study_claims_wait": _(
                "{title}: study that its platform does not show yet waits for your look."
            ),
            "study_claims_again": _(
                "{title}: study that its platform does not show yet has waited for your look for "
                "days."
            ),
            "study_claims_left": _(
                "{title}: nobody has looked for days at study that its platform does not show yet."
            ),
        }[item.kind]
        return sentence.format(title=_escaped(str(item.facts["title"]), TITLE))
    if item.kind == "study_asked":
        return _asked_text(item, language)
    if item.kind in OF_HOSTS:
        return _hosting_news(item, language)
    if item.kind == "bulletin_skipped":
        return _(
            "{title}: this fortnight's bulletin was not posted, its figures are old. Once new ones "
            "are imported, you can post it from the last mile."
        ).format(title=_escaped(str(item.facts["title"]), TITLE))
    if item.kind == "obstacle":
        return _("{name}, {title}: something is in the way of studying, {reason}.").format(
            name=_escaped(str(item.facts["name"]), TITLE),
            title=_escaped(str(item.facts["title"]), TITLE),
            reason=obstacle_text(ObstacleReason(item.facts["reason"]), language),
        )
    if item.kind == "notice":
        return _("[Notice] <b>{title}</b>, {issuer}").format(
            title=_escaped(str(item.facts["title"]), TITLE),
            issuer=_escaped(str(item.facts["issuer"]), DETAIL),
        )
    if item.kind not in HOURS:
        return _decided_text(item, language)
    sentences = {
        "credit_posted": _("+{hours}: {title}"),
        "credit_reversed": _("−{hours}, taken back by a correction: {title}"),
    }
    return sentences[item.kind].format(
        hours=amount(Decimal(str(item.facts["hours"])), "hour", language),
        title=_escaped(str(item.facts["title"]), TITLE),
    )


def _asked_text(item: NewsItem, language: str) -> str:
    """Something is asked for in remote study, or more of it, or by another day."""
    _ = catalog(language).gettext
    due_at = item.facts["due_at"]
    if not item.facts["moves"]:
        sentence = _("{title}: “{item}” now asks for {amount}.")
    elif item.facts["more"] and due_at is not None:
        sentence = _("{title}: “{item}” now asks for {amount}, {before}.")
    elif due_at is None:
        sentence = _("{title}: “{item}” is now due with the end of the class.")
    else:
        sentence = _("{title}: “{item}” is now due {before}.")
    due = None if due_at is None else datetime.fromisoformat(str(due_at))  # by the office's clock
    zone = None if due is None else due.tzinfo
    return sentence.format(
        title=_escaped(str(item.facts["title"]), TITLE),
        item=_escaped(str(item.facts["item"]), TITLE),
        amount=study_amount(
            float(item.facts["required"]), Measure(item.facts["measure"]), language
        ),
        before="" if due is None or zone is None else dates.before(due, zone, language),
    )


def _hosting_news(item: NewsItem, language: str) -> str:
    """A stretch of a training takes place at one's school, or no longer does."""
    _ = catalog(language).gettext
    sentence = (
        _("<b>{title}</b>, {phase}: your school receives the participants, {when}.")
        if item.kind == "hosting"
        else _("<b>{title}</b>, {phase}: it is not held, and nobody comes to your school.")
    )
    when = ""
    if item.kind == "hosting":
        begins, ends = (
            datetime.fromisoformat(str(item.facts[name])) for name in ("starts_at", "ends_at")
        )
        # A stretch ends with its last day, at midnight.
        last = (ends - timedelta(microseconds=1)).date()
        when = dates.days(begins.date(), last, language)
    return sentence.format(
        title=_escaped(str(item.facts["title"]), TITLE),
        phase=_escaped(str(item.facts["phase"]), TITLE),
        when=when,
    )


def _study_news(item: NewsItem, language: str) -> str:
    """What became of "studied, not updated yet"."""
    _ = catalog(language).gettext
    sentence = (
        _("{title}: what you have studied is accepted; the figures follow with an import.")
        if item.facts["accepted"]
        else _("{title}: what you said you have studied is not accepted. {answer}")
    )
    return sentence.format(
        title=_escaped(str(item.facts["title"]), TITLE),
        answer=_escaped(str(item.facts["answer"]), REASON),
    )


def accepted_text(item: NewsItem, language: str) -> str:
    """Work was accepted, with its score where there is one."""
    _ = catalog(language).gettext
    title = _escaped(str(item.facts["title"]), TITLE)
    task = _escaped(str(item.facts["task"]), TITLE)
    if item.facts.get("score") is None:
        return _("Your work was accepted: {title}, {task}").format(title=title, task=task)
    return _("Your work was accepted with {score}: {title}, {task}").format(
        score=f"{float(item.facts['score']):g}", title=title, task=task
    )


def _decided_text(item: NewsItem, language: str) -> str:
    """What was decided about somebody's training, claim or appeal, with the reason."""
    _ = catalog(language).gettext
    facts = item.facts
    reason = _escaped(str(facts.get("reason") or facts.get("answer") or ""), REASON)
    match item.kind:
        case "not_completed" if reason:
            sentence = _("<b>{title}</b>: not completed. {reason}")
        case "not_completed":
            reason = lacks_text(facts.get("lacks", ()), language)
            if not facts.get("make_up"):
                sentence = _("<b>{title}</b>: not completed: {reason}.")
            elif "window" in facts and {"failed", "absent"}.issuperset(facts.get("lacks", ())):
                sentence = _("<b>{title}</b>: not completed: {reason}. Assessment again: {window}.")
            elif "window" in facts:
                sentence = _("<b>{title}</b>: not completed: {reason}. Make-up: {window}.")
            elif {"failed", "absent"} & set(facts.get("lacks", ())):
                sentence = _("<b>{title}</b>: not completed: {reason}. A make-up is possible.")
            else:
                sentence = _(
                    "<b>{title}</b>: not completed: {reason}. What is missing can be made up."
                )
        case "make_up":
            reason = dates.day(date.fromisoformat(str(facts["until"])), language)
            sentence = _("<b>{title}</b>: what is missing may be made good until {reason}.")
        case "completion_revoked":
            sentence = _("<b>{title}</b>: the completion was revoked. {reason}")
        case "claim_returned":
            sentence = _("<b>{title}</b>: your claim was returned to be corrected. {reason}")
        case "claim_refused":
            sentence = _("<b>{title}</b>: your claim was not accepted. {reason}")
        case "appeal_decided" if facts.get("accepted"):
            sentence = _("Your appeal “{title}” was accepted and the entry put right. {reason}")
        case "appeal_decided":
            sentence = _("Your appeal “{title}” was answered; the entry stands. {reason}")
        case _:
            return ""
    days = [date.fromisoformat(day) for day in facts.get("window", ())]
    window = dates.days(days[0], days[-1], language, item.at.date()) if days else ""
    return sentence.format(
        title=_escaped(str(facts["title"]), TITLE), reason=reason, window=window
    ).rstrip()


def _menu_news(item: NewsItem, language: str) -> str:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    title = _escaped(str(item.facts["title"]), TITLE)
    if item.kind == "menu_cancelled":
        return _("<b>{title}</b>: the menu was cancelled; your wishes are void.").format(
            title=title
        )
    given, waiting = list(item.facts["given"]), int(item.facts["waiting"])
    if given:
        classes = _escaped(names.titles(map(str, given), language), 3 * TITLE)
        text = _("<b>{title}</b>: you have a seat in {given}.").format(title=title, given=classes)
    else:
        text = _("<b>{title}</b>: no seat was left for your wishes.").format(title=title)
    if waiting:
        text += " " + ngettext(
            "You are on {n} waiting list.", "You are on {n} waiting lists.", waiting
        ).format(n=waiting)
    return text


def offer_card(subject: Subject, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """M10: a freed seat, held for this person until it lapses."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    text = _(
        "A seat is free in <b>{title}</b>, and you are next on the waiting list.\n"
        "Please choose {lapse}. After that it goes to the next person; later registrations "
        "are not affected."
    ).format(
        title=_escaped(subject.title, TITLE),
        lapse=dates.before(subject.at, zone, language, today),
    )
    return Card(
        text,
        (*_offer_keys(subject, language), (Key(_("View"), OpenProgramme(subject.batch_id)),)),
    )


def cancelled_card(
    title: str,
    starts_at: datetime,
    language: str,
    zone: ZoneInfo,
    today: date,
    again: datetime | None = None,
    reason: str = "",
    thin: bool = False,
) -> Card:
    """A training in which this person was in, or waiting, does not take place.

    ``again`` is until when they may choose another class, before others; ``thin`` is that too
    few had registered.
    """
    _ = catalog(language).gettext
    named = {
        "title": _escaped(title, TITLE),
        "when": dates.moment(starts_at, zone, language, today),
    }
    if again is not None:
        text = _(
            "[Cancelled] <b>{title}</b>, planned for {when}, does not take place. "
            "You may choose another class {before}, ahead of newcomers."
        ).format(before=dates.before(again, zone, language, today), **named)
    else:
        text = _(
            "[Cancelled] <b>{title}</b>, planned for {when}, does not take place. "
            "There is nothing for you to do."
        ).format(**named)
    if thin:
        text += "\n" + _("Reason: too few people had registered.")
    if reason:
        said = reason_text(reason, language)
        text += "\n" + _("Reason: {reason}").format(reason=_escaped(said, REASON))
    return Card(text, ((Key(_("Training for me"), OpenProgrammes(0)), Key(_("Menu"), Home())),))


def changed_card(news: News, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """The time or the place of a training in which this person is has changed."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [_("[Changed] <b>{title}</b>").format(title=_escaped(news.title, TITLE))]
    if news.has_moved:
        lines.append(
            _("New time: {when} (it was {before})").format(
                when=_when(news.starts_at, news.ends_at, language, zone, today),
                before=_when(news.before_starts_at, news.before_ends_at, language, zone, today),
            )
        )
    if news.place != news.before_place:
        lines.append(
            _("New place: {place} (it was {before})").format(
                place=_escaped(news.place or "—", DETAIL),
                before=_escaped(news.before_place or "—", DETAIL),
            )
        )
    lines.append(_("Your registration stays as it is; the reminders follow."))
    return Card(
        "\n".join(lines), ((Key(_("View"), OpenProgramme(news.batch_id)), Key(_("Menu"), Home())),)
    )


def _when(
    starts_at: datetime, ends_at: datetime, language: str, zone: ZoneInfo, today: date
) -> str:
    """Within a day its hours; over several days when it begins, to the hour, and its last day."""
    _ = catalog(language).gettext
    if starts_at.astimezone(zone).date() == ends_at.astimezone(zone).date():
        return dates.span(starts_at, ends_at, zone, language, today)
    return _("{start} to {end}").format(
        start=dates.moment(starts_at, zone, language, today),
        end=dates.moment(ends_at, zone, language, today),
    )


def link_moved_card(language: str) -> Card:
    """Told to the account that a teacher had before linking another one."""
    _ = catalog(language).gettext
    return Card(
        _(
            "Your entry on the roster has been linked to another Telegram account with a new "
            "link code, and this account is no longer linked.\n"
            "If that was not you, please tell your school coordinator."
        )
    )


def link_conflict_card(name: str, school: str, language: str) -> Card:
    """Told to whoever answers for a teacher whom a second account has claimed."""
    _ = catalog(language).gettext
    return Card(
        _(
            "[To do] Somebody tried to link a second Telegram account to {name} ({school}).\n"
            "The first link stays. If the teacher has a new phone, please issue a new link code; "
            "otherwise nothing is left to do."
        ).format(name=html.escape(name), school=html.escape(school))
    )


def _heading(told: Told, language: str, zone: ZoneInfo, now: datetime) -> str:
    _ = catalog(language).gettext
    if told.breaks_out and any(item.kind == "remote_end" for item in told.items):
        return _("[Deadline]")
    if told.breaks_out:
        return _("[Reminder]")
    day = told.day or now.astimezone(zone).date()
    return _("[Reminder] Your day, {day}").format(day=dates.day(day, language))


def _item_lines(
    known: Sequence[tuple[Item, Subject]],
    told: Told,
    language: str,
    zone: ZoneInfo,
    now: datetime,
) -> list[str]:
    ngettext = catalog(language).ngettext
    lines = []
    for number, (item, subject) in enumerate(known[:SHOWN], 1):
        study = told.studies.get(subject.batch_id) if item.kind in OF_STUDY else None
        lacking = told.lacking.get(subject.round_id) if item.kind == "material_due" else None
        turn = told.turns.get(item.subject_id) if item.kind == "round_day" else None
        is_open = subject.takes_place and not item.done
        if is_open and turn is not None and turn.slot_at is not None:
            when = dates.moment(turn.slot_at, zone, language, now.astimezone(zone).date())
            text = of_competitions.turn_text(_escaped(subject.title, TITLE), when, turn, language)
        elif lacking is not None and is_open:
            when = dates.moment(item.at, zone, language, now.astimezone(zone).date())
            text = of_competitions.lacking_text(
                _escaped(subject.title, TITLE), when, lacking, language
            )
        elif study is None or not subject.takes_place:
            text = item_text(item, subject, language, zone, now, told.breaks_out)
        elif item.kind == "item_due":
            text = due_text(study, item.subject_id, item.at, language, zone, now)
        else:
            text = study_text(item.kind, study, language, zone, now)
        mark = f"{number}. " if len(known) > 1 else ""
        if item.done and item.kind == "ack_due":
            lines.append(f"✓ {mark}{text}")  # says itself what has become of it
        else:
            lines.append(f"✓ {mark}<s>{text}</s>" if item.done else f"{mark}{text}")
        if _is_silenced(item):
            lines.append(_silenced_text(item, subject, language, zone, now))
    more = len(known) - SHOWN
    if more > 0:
        lines.append(ngettext("and {n} more", "and {n} more", more).format(n=more))
    return lines


def _is_silenced(item: Item) -> bool:
    """Whether the person has put it off, or wants to hear no more of it, and it is still open."""
    return not item.done and (item.muted or item.again is not None)


def _silenced_text(
    item: Item, subject: Subject, language: str, zone: ZoneInfo, now: datetime
) -> str:
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    if not item.muted and item.again is not None:
        return _("→ Put off; the next reminder comes {when}.").format(
            when=dates.moment(item.again, zone, language, today)
        )
    if item.kind in GOES or not subject.takes_place:
        return _("→ No more reminders of this.")
    if item.at <= now or not subject.is_dated:
        return _("→ No more reminders of this; it is still to be done.")
    return _("→ No more reminders of this; it is still to be done {before}.").format(
        before=dates.before(item.at, zone, language, today)
    )


def _news_lines(news: Sequence[NewsItem], language: str) -> list[str]:
    ngettext = catalog(language).ngettext
    lines = [line for item in news if (line := news_text(item, language))]
    more = len(lines) - SHOWN
    if more > 0:
        lines[SHOWN:] = [
            ngettext("and {n} more entry of hours", "and {n} more entries of hours", more).format(
                n=more
            )
        ]
    return lines


def _event_sentence(subject: Subject, language: str) -> str:
    _ = catalog(language).gettext
    match bool(subject.place), bool(subject.bring):
        case True, True:
            return _("<b>{title}</b> begins {when}, {place}. Please bring: {bring}.")
        case True, False:
            return _("<b>{title}</b> begins {when}, {place}.")
        case False, True:
            return _("<b>{title}</b> begins {when}. Please bring: {bring}.")
        case _:
            return _("<b>{title}</b> begins {when}.")


def _confirm_sentence(item: Item, subject: Subject, language: str, now: datetime) -> str:
    """M18: a notice that is still to be confirmed."""
    _ = catalog(language).gettext
    if item.done:
        return _("<b>{title}</b> is confirmed.")
    if not subject.is_dated:
        return _("<b>{title}</b> is still to be confirmed. Please tap “Confirm receipt”.")
    if item.at <= now:
        return _("<b>{title}</b> was to be confirmed by {when}. Please tap “Confirm receipt”.")
    return _("<b>{title}</b> is still to be confirmed. Please tap “Confirm receipt” by {when}.")


def _usual_keys(known: Sequence[tuple[Item, Subject]], told: Told, language: str) -> Keys:
    _ = catalog(language).gettext
    live = [
        (number, item, subject)
        for number, (item, subject) in enumerate(known[:SHOWN], 1)
        if not item.done and subject.takes_place
    ]
    rows: list[tuple[Key, ...]] = []
    if len(known) == 1 and live:
        _number, item, subject = live[0]
        rows += _one_item_keys(item, subject, told, language)
    elif told.breaks_out:
        # Such a message is short: each item has its keys.
        for _number, item, subject in live:
            rows += _one_item_keys(item, subject, told, language)
    elif live:
        rows += [
            (
                Key(_label(number, subject), open_subject(subject, told.turns)),
                *_named_keys(item, told, language),
            )
            for number, item, subject in live
        ]
        row = [Key(_("Done"), ChooseReminder("done"))] if _doable(live) else []
        if not all(_is_silenced(item) for _number, item, _subject in live):
            row.append(Key(_("Later"), ChooseReminder("later")))
            row.append(Key(_("Mute one"), ChooseReminder("mute")))
        if row:
            rows.append(tuple(row))
    rows += [
        (_read_key(item, language),)
        for item in [each for each in told.news if each.kind == "notice"][:SHOWN]
    ]
    last = []
    if len(known) > SHOWN:
        last.append(Key(_("What is due"), OpenDue(0)))
    menu = next((item for item in told.news if item.kind == "menu_settled"), None)
    if menu is not None:
        last.append(Key(_("My choice"), OpenMenu(menu.subject_id)))
    if any(item.kind in ("study_claims_wait", "study_claims_again") for item in told.news):
        last.append(Key(_("Not updated yet"), OpenStudyClaims()))
    left = next((item for item in told.news if item.kind == "study_claims_left"), None)
    if left is not None:
        last.append(Key(_("Last mile"), OpenLastMile(int(left.facts["batch_id"]))))
    asked = next((item for item in told.news if item.kind in OF_ONES_STUDY), None)
    if asked is not None:
        last.append(Key(_("My study"), MyStudy(int(asked.facts["batch_id"]))))
    appointed = next((item for item in told.news if item.kind in APPOINTED), None)
    if appointed is not None:
        last.append(Key(_("Open the class"), OpenRun(appointed.subject_id)))
    if any(item.kind == "hosting" for item in told.news):
        last.append(Key(_("Guests"), OpenHosting()))
    studied = next((item for item in told.news if item.kind in OF_LAST_MILE), None)
    if studied is not None:
        last.append(Key(_("Last mile"), OpenLastMile(int(studied.facts["batch_id"]))))
    if any(item.kind.startswith("credit_") for item in told.news):
        last.append(Key(_("My hours"), OpenHours()))
    if last:
        rows.append(tuple(last))
    return tuple(rows) or ((Key(_("Menu"), Home()),),)


def _read_key(item: NewsItem, language: str) -> Key:
    """Opens a notice that rides in the brief."""
    _ = catalog(language).gettext
    label = _("Read: {title}").format(title=str(item.facts["title"]))
    return Key(shortened(label, 2 * KEY), NoticeRead(item.subject_id))


def _one_item_keys(
    item: Item, subject: Subject, told: Told, language: str
) -> list[tuple[Key, ...]]:
    _ = catalog(language).gettext
    study = told.studies.get(subject.batch_id) if item.kind in OF_STUDY else None
    rows: list[tuple[Key, ...]] = []
    if item.kind == "offer":
        rows += _offer_keys(subject, language)
    if item.kind == "nomination":
        rows.append(
            (
                Key(_("Agree to go"), AnswerNomination(subject.batch_id, 1), style="success"),
                Key(_("Not this time"), AnswerNomination(subject.batch_id, 0)),
            )
        )
    if item.kind == "ack_due":
        rows.append(
            (
                Key(
                    _("Confirm receipt"),
                    NoticeConfirm(subject.notice_id),
                    style="success",
                ),
                Key(_("Ask a question"), NoticeAsk(subject.notice_id)),
            )
        )
    view = [Key(_("View"), open_subject(subject, told.turns))]
    if item.kind == "task_due":
        view.insert(0, Key(_("Hand in"), OpenMyTask(subject.subject_id), style="primary"))
    lacking = told.lacking.get(subject.round_id) if item.kind == "material_due" else None
    if lacking is not None:
        folder = OpenFolder(lacking.entry_id, lacking.round_id)
        view = [
            Key(_("Hand in materials"), folder, style="primary"),
            Key(_("Leave competition"), WithdrawEntry(lacking.entry_id)),
        ]
    if study is not None:
        view = [
            Key(_("My study"), MyStudy(subject.batch_id)),
            Key(_("Not updated yet"), NotUpdated(subject.batch_id)),
        ]
        if study.url:
            rows.append((Key(_("Study now"), url=study.url),))
        if named := _named_keys(item, told, language):
            rows.append(named)
    elif item.kind.startswith("remote_") and subject.external_url.startswith(
        ("http://", "https://")
    ):
        view.insert(0, Key(_("Study now"), url=subject.external_url))
    rows.append(tuple(view))
    if item.kind == "offer":
        # It is answered by its own keys, and it lapses too soon to be put off by a day.
        return rows
    row = [Key(_("Done"), ReminderDone(item.deadline_id))] if item.kind in CAN_BE_DONE else []
    if not _is_silenced(item):
        row.append(Key(_("Remind me later"), ReminderLater(item.deadline_id)))
        rows.append(tuple(row))
        row = [Key(_("Not again for this"), ReminderMute(item.deadline_id))]
    if row:
        rows.append(tuple(row))
    return rows


def _choice_keys(known: Sequence[tuple[Item, Subject]], choosing: str, language: str) -> Keys:
    """A key for each item to which this can be done; none when there is no such item."""
    _ = catalog(language).gettext
    buttons = {"done": ReminderDone, "later": ReminderLater, "mute": ReminderMute}
    if choosing not in buttons:
        return ()
    rows = tuple(
        (Key(_label(number, subject), buttons[choosing](item.deadline_id)),)
        for number, (item, subject) in enumerate(known[:SHOWN], 1)
        if not item.done
        and subject.takes_place
        and (item.kind in CAN_BE_DONE if choosing == "done" else not _is_silenced(item))
    )
    return (*rows, (Key(_("Back"), ChooseReminder()),)) if rows else ()


def _choice_text(choosing: str, language: str) -> str:
    """What the keys of the items do now."""
    _ = catalog(language).gettext
    return {
        "done": _("Which of these is done?"),
        "later": _("Which of these shall I put off to the next brief?"),
        "mute": _("Of which of these do you want no more reminders?"),
    }[choosing]


def _doable(live: Sequence[tuple[int, Item, Subject]]) -> bool:
    return any(item.kind in CAN_BE_DONE for _number, item, _subject in live)


def _named_keys(item: Item, told: Told, language: str) -> tuple[Key, ...]:
    """The key that the sentence of an item names."""
    _ = catalog(language).gettext
    if item.kind == "ack_due":
        return (Key(_("Confirm receipt"), NoticeConfirm(item.subject_id), style="success"),)
    if item.kind == "remote_end" and item.subject_id in told.studies:
        return (Key(_("Tell my school"), MyObstacle(item.subject_id)),)
    return ()


def _offer_keys(subject: Subject, language: str) -> Keys:
    _ = catalog(language).gettext
    return (
        (
            Key(_("Accept"), AcceptOffer(subject.subject_id), style="success"),
            Key(_("Decline"), PassOffer(subject.subject_id)),
        ),
    )


def open_subject(subject: Subject, turns: Mapping[int, MyTurn | None] | None = None) -> Button:
    """The button that opens what a deadline is about.

    On the day of a round that is one's own entry, one's judging, or the venue that one runs, as
    far as ``turns`` are known.
    """
    if subject.chat_id:
        return OpenGroup(subject.chat_id)
    if subject.notice_id:
        return NoticeRead(subject.notice_id)
    if subject.menu_id:
        return OpenMenu(subject.menu_id)
    if subject.kind in ("forward_due", "publicity", "external_close"):
        return OpenRound(subject.round_id)
    if subject.kind in ("result_due", "venue_materials"):
        return OpenVenue(subject.subject_id)
    if subject.kind == "ballots_due":
        return OpenJudging(subject.subject_id)
    if subject.kind == "round_day" and turns is not None:
        if subject.subject_id not in turns:
            return OpenVenue(subject.subject_id)
        turn = turns[subject.subject_id]
        return OpenJudging(subject.subject_id) if turn is None else OpenEntry(turn.entry_id)
    if subject.kind == "judge_answer":
        return MyJudging()
    if subject.competition_id:
        return ShowCompetition(subject.competition_id)
    if subject.kind == "survey_close":
        return OpenSurvey(subject.batch_id)
    if subject.kind == "shadowing":
        return OpenHosted(subject.subject_id)
    if subject.kind in OF_THE_DESK:
        return OpenRun(subject.batch_id) if subject.batch_id else OpenDesk()
    return OpenProgramme(subject.batch_id) if subject.batch_id else OpenHours()


def _label(number: int, subject: Subject) -> str:
    return shortened(f"{number}. {subject.title}", KEY)


def _escaped(text: str, limit: int) -> str:
    return html.escape(shortened(" ".join(text.split()), limit))
