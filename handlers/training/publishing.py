"""Publishing, pausing, cancelling and closing a programme: each shows first what it means."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, alert, show, tap
from handlers.training import words
from handlers.training.buttons import OpenRun
from handlers.training.making import making_words
from handlers.training.run_buttons import (
    AddClass,
    ArchiveRun,
    CancelRun,
    CancelSure,
    ChangeRun,
    CheckRun,
    CopyRun,
    DiscardRun,
    FinishRun,
    MoreOfRun,
    PauseRun,
    PublishRun,
    ResumeRun,
    RunHelpers,
)
from handlers.training.runs import show_list, show_run
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotAllowed, Refusal
from storage.training import making, publishing, runs
from storage.training.publishing import (
    BLOCKS,
    LONGEST_REASON,
    CalledOff,
    Check,
    Closing,
    Concerned,
    Finding,
    NotReady,
    NotUnderWay,
    Readiness,
    ReasonTooLong,
    Resumed,
    StillRunning,
)
from storage.training.runs import Run
from storage.training.tables import Enrolment, ProgrammeState

AWAITED = "calloff"


def install(application: AnyApplication) -> None:
    on_tap(application, MoreOfRun, more)
    on_tap(application, CheckRun, check)
    on_tap(application, PublishRun, publish)
    on_tap(application, PauseRun, pause)
    on_tap(application, ResumeRun, resume)
    on_tap(application, CancelRun, ask_reason)
    on_tap(application, CancelSure, cancel_surely)
    on_tap(application, FinishRun, finish)
    on_tap(application, ArchiveRun, archive)
    on_tap(application, DiscardRun, discard)
    on_text(application, AWAITED, reason_given)


# -- cards -----------------------------------------------------------------------------------------


def more_card(facts: Run, language: str) -> Card:
    """What else can be done with a class, as it stands."""
    _ = catalog(language).gettext
    line = facts.line
    batch_id = line.batch_id
    is_draft = line.state is ProgrammeState.DRAFT
    is_live = line.state is ProgrammeState.PUBLISHED
    keys = [Key(_("Hold it again"), CopyRun(batch_id))]
    if (is_draft or is_live) and not line.is_cancelled:
        keys.append(Key(_("One more class"), AddClass(batch_id)))
        keys.append(Key(_("Who looks after it"), RunHelpers(batch_id)))
    if is_live and not line.is_cancelled:
        if facts.is_paused:
            keys.append(Key(_("Go on"), ResumeRun(batch_id)))
        else:
            keys.append(Key(_("Pause"), PauseRun(batch_id)))
        if line.of > 1:
            keys.append(Key(_("Cancel this class"), CancelRun(batch_id), style="danger"))
    if is_live:
        label = _("Cancel all classes") if line.of > 1 else _("Cancel it")
        keys.append(Key(label, CancelRun(batch_id, 1), style="danger"))
        if facts.has_ended:
            keys.append(Key(_("Close it"), FinishRun(batch_id)))
    if line.state in (ProgrammeState.FINISHED, ProgrammeState.CANCELLED):
        keys.append(Key(_("Look"), ChangeRun(batch_id)))
        keys.append(Key(_("Put away"), ArchiveRun(batch_id)))
    if is_draft:
        keys.append(Key(_("Throw away"), DiscardRun(batch_id), style="danger"))
    rows = tuple(tuple(keys[n : n + 2]) for n in range(0, len(keys), 2))
    text = f"<b>{html.escape(line.title)}</b>\n" + _("What would you like to do?")
    return Card(text, (*rows, (Key(_("Back"), OpenRun(batch_id)),)))


def check_card(facts: Readiness, language: str, zone: ZoneInfo, today: date) -> Card:
    """The check list before publishing."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    seats = _("without limit") if facts.seats is None else str(facts.seats)
    lines = [
        f"<b>{html.escape(facts.title)}</b>",
        ngettext("It is for {n} person.", "It is for {n} persons.", facts.people).format(
            n=facts.people
        ),
        _("Seats: {seats}.").format(seats=seats),
        _("Enrolment: {how}").format(how=words.enrolment(facts.enrolment, language)),
    ]
    if facts.enrolment is Enrolment.AUTOMATIC:
        lines.append(_("All of them are enrolled when it is published."))
    elif facts.enrolment is Enrolment.MENU:
        lines.append(_("They hear of it when its menu opens."))
    elif facts.enrolment is Enrolment.OPEN:
        lines.append(
            _("Registration opens with publishing, and they hear of it in their next brief.")
            if facts.reg_open is None
            else _("Registration opens {time}, and they hear of it in their brief then.").format(
                time=dates.moment(facts.reg_open, zone, language, today)
            )
        )
    blocking = [finding for finding in facts.findings if finding.check in BLOCKS]
    noted = [finding for finding in facts.findings if finding.check not in BLOCKS]
    if blocking:
        lines += ["", _("<b>To be put right first</b>")]
        lines += _findings(blocking, language, today)
    if noted:
        lines += ["", _("<b>Please look at</b>")]
        lines += _findings(noted, language, today)
    if not facts.findings:
        lines += ["", _("Everything is in order.")]
    keys: list[tuple[Key, ...]] = []
    if facts.is_ready and facts.state is ProgrammeState.DRAFT:
        keys.append((Key(_("Publish"), PublishRun(facts.batch_id), style="primary"),))
    keys.append(
        (
            Key(_("Look and change"), ChangeRun(facts.batch_id)),
            Key(_("Back"), OpenRun(facts.batch_id)),
        )
    )
    return Card("\n".join(lines), tuple(keys))


def _findings(found: list[Finding], language: str, today: date) -> list[str]:
    said = dict.fromkeys(finding_text(finding, language, today) for finding in found)
    return [f"· {text}" for text in said]


def finding_text(finding: Finding, language: str, today: date) -> str:
    """One finding in one sentence."""
    _ = catalog(language).gettext
    if finding.check is Check.DAYS_OFF:
        shown = [dates.day(day, language, today) for day in finding.days[: publishing.SHOWN_DAYS]]
        days = (", " if language == "en" else "、").join(shown)
        if len(finding.days) > len(shown):
            return _("It meets on days off: {days} and more.").format(days=days)
        return _("It meets on days off: {days}.").format(days=days)
    return check_text(finding.check, language)


def check_text(check: Check, language: str) -> str:
    """What a check found, in one sentence."""
    _ = catalog(language).gettext
    return {
        Check.DATES: _("Its dates are not in order."),
        Check.OVER: _("It would be over already."),
        Check.REG_OVER: _("Registration would be closed already."),
        Check.NOBODY: _("Nobody on the roster fits its audience."),
        Check.STARTED: _("It has begun already."),
        Check.NO_HOURS: _("It is worth no hours."),
        Check.MANY_HOURS: _("It is worth more hours than fit into its days."),
        Check.NO_PLACE: _("It has no place yet."),
        Check.NO_MENU: _(
            "It is chosen from a menu, and is in none yet: until then nobody can come in. "
            "Menus are made under “Programmes”, “Menus”."
        ),
        Check.NO_ETHICS: _("It has no module on ethics and conduct."),
        Check.MORE_SEATS: _("There are more seats than people."),
        Check.FEWER_SEATS: _("There are fewer seats than people, and all of them are enrolled."),
        Check.DAYS_OFF: _("It meets on days off."),
    }[check]


def cancel_card(
    facts: Concerned, batch_id: int, whole: int, language: str, reason: str = ""
) -> Card:
    """Who is concerned by cancelling, and what they would be told; a key does it."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        f"<b>{html.escape(facts.title)}</b>",
        _("All its classes would be cancelled.") if whole else _("This class would be cancelled."),
        ngettext(
            "{n} person who is in or waiting is told with the reason; offered seats are taken "
            "back and the reminders end.",
            "{n} people who are in or waiting are told with the reason; offered seats are taken "
            "back and the reminders end.",
            facts.people,
        ).format(n=facts.people),
    ]
    if facts.unreachable:
        lines.append(
            ngettext(
                "{n} of them cannot be reached by messages.",
                "{n} of them cannot be reached by messages.",
                facts.unreachable,
            ).format(n=facts.unreachable)
        )
    if reason:
        lines.append(_("Reason they are told: {reason}").format(reason=html.escape(reason)))
        lines.append(_("You may type another reason. Cancelling cannot be undone."))
    else:
        lines.append(_("Please type the reason. Cancelling cannot be undone."))
    label = _("Cancel it for good") if reason else _("Cancel without one")
    keys = (
        (Key(label, CancelSure(batch_id, whole), style="danger"),),
        (Key(_("Leave it as it is"), OpenRun(batch_id)),),
    )
    return Card("\n".join(lines), keys)


def called_off_text(done: CalledOff, language: str) -> str:
    """What cancelling came to."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not done.is_new:
        return _("This was cancelled before.")
    return ngettext(
        "Cancelled; {n} person is told.", "Cancelled; {n} people are told.", done.told
    ).format(n=done.told)


def resumed_text(done: Resumed, language: str) -> str:
    """What the pause cost."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not done.is_new:
        return _("It is under way already.")
    text = _("It goes on; the reminders are planned anew.")
    if done.stale_steps:
        text += " " + ngettext(
            "{n} reminder step came due in the pause and is left out.",
            "{n} reminder steps came due in the pause and are left out.",
            done.stale_steps,
        ).format(n=done.stale_steps)
    if done.unsaid:
        text += " " + ngettext(
            "{n} reminder that was on its way was taken back.",
            "{n} reminders that were on their way were taken back.",
            done.unsaid,
        ).format(n=done.unsaid)
    return text


def _sure_card(text: str, yes: Key, batch_id: int, language: str) -> Card:
    _ = catalog(language).gettext
    return Card(text, ((yes,), (Key(_("Leave it as it is"), OpenRun(batch_id)),)))


# -- taps ------------------------------------------------------------------------------------------


async def more(update: Update, context: Context) -> None:
    """Show what else can be done."""
    batch_id = MoreOfRun.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    facts = await context.read(runs.run, reader.linked_teacher_id, batch_id, now=context.now())
    if Act.RUN_PROGRAMME not in facts.acts:
        raise NotAllowed
    await show(update, context, reader, more_card(facts, reader.language))


async def check(update: Update, context: Context) -> None:
    """Show the check list."""
    batch_id = CheckRun.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    facts = await context.read(publishing.readiness, reader.linked_teacher_id, batch_id, now=now)
    card = check_card(facts, reader.language, zone, local_day(now, zone))
    await show(update, context, reader, card)


async def publish(update: Update, context: Context) -> None:
    """Publish it."""
    batch_id = PublishRun.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    done = await context.write(
        publishing.publish, reader.linked_teacher_id, batch_id, now=context.now()
    )
    context.house.wake_delivery()
    text = _("Published.")
    if not done.is_new:
        text = _("This was published before.")
    elif done.enrolled:
        text = ngettext(
            "Published; {n} person is enrolled.",
            "Published; {n} persons are enrolled.",
            done.enrolled,
        ).format(n=done.enrolled)
    await alert(update, text)
    await show_run(update, context, reader, batch_id)


async def pause(update: Update, context: Context) -> None:
    """Ask once more, then let it stand still."""
    button = PauseRun.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.sure:
        text = _(
            "Registration and reminders would stand still until you go on. Seats, the waiting "
            "list and offers stay as they are; nobody is told of it."
        )
        yes = Key(_("Yes, pause"), PauseRun(button.batch_id, 1), style="primary")
        await show(update, context, reader, _sure_card(text, yes, button.batch_id, reader.language))
        return
    await context.write(
        publishing.pause, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    await alert(update, _("Paused."))
    await show_run(update, context, reader, button.batch_id)


async def resume(update: Update, context: Context) -> None:
    """Let it go on, and say what the pause cost."""
    batch_id = ResumeRun.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    done = await context.write(
        publishing.resume, reader.linked_teacher_id, batch_id, now=context.now()
    )
    context.house.wake_delivery()
    await alert(update, resumed_text(done, reader.language))
    await show_run(update, context, reader, batch_id)


async def ask_reason(update: Update, context: Context) -> None:
    """Say who is concerned, and take the next text as the reason."""
    button = CancelRun.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(drafts.drop, reader.account_id, AWAITED)
    await _show_cancelling(update, context, reader, button.batch_id, button.whole, "")


async def reason_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take the reason, show it with what cancelling means, and wait for the key."""
    _awaited, batch, whole = reader.awaiting.split(":")
    reason = " ".join(text.split())
    if len(reason) > LONGEST_REASON:
        raise ReasonTooLong(LONGEST_REASON)
    await context.write(
        drafts.keep,
        reader.account_id,
        AWAITED,
        {"batch_id": int(batch), "whole": int(whole), "reason": reason},
        now=context.now(),
    )
    await _show_cancelling(update, context, reader, int(batch), int(whole), reason)


async def _show_cancelling(
    update: Update, context: Context, reader: Reader, batch_id: int, whole: int, reason: str
) -> None:
    now = context.now()
    facts = await context.read(
        publishing.concerned, reader.linked_teacher_id, batch_id, whole=bool(whole), now=now
    )
    awaited = f"{AWAITED}:{batch_id}:{whole}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    card = cancel_card(facts, batch_id, whole, reader.language, reason)
    await show(update, context, reader, card)


async def cancel_surely(update: Update, context: Context) -> None:
    """Cancel it, for the reason that was typed if one was."""
    button = CancelSure.parse(tap(update).data)
    reader = await context.reader(update)
    kept = await context.read(drafts.read, reader.account_id, AWAITED) or {}
    is_of_this = (kept.get("batch_id"), kept.get("whole")) == (button.batch_id, button.whole)
    cancel = publishing.cancel_programme if button.whole else publishing.cancel_batch
    done = await context.write(
        cancel,
        reader.linked_teacher_id,
        button.batch_id,
        str(kept["reason"]) if is_of_this else "",
        now=context.now(),
    )
    await context.write(drafts.drop, reader.account_id, AWAITED)
    context.house.wake_delivery()
    await alert(update, called_off_text(done, reader.language))
    await show_run(update, context, reader, button.batch_id)


async def finish(update: Update, context: Context) -> None:
    """Ask once more, then say that it is over."""
    button = FinishRun.parse(tap(update).data)
    reader = await context.reader(update)
    now, batch_id, me = context.now(), button.batch_id, reader.linked_teacher_id
    _ = catalog(reader.language).gettext
    if not button.sure:
        facts = await context.read(publishing.closing, me, batch_id, now=now)
        text = closing_text(facts, reader.language)
        yes = Key(_("Yes, close it"), FinishRun(batch_id, 1), style="primary")
        await show(update, context, reader, _sure_card(text, yes, batch_id, reader.language))
        return
    await context.write(publishing.finish, me, batch_id, now=now)
    await alert(update, _("Closed."))
    await show_run(update, context, reader, batch_id)


def closing_text(facts: Closing, language: str) -> str:
    """What closing a programme would do, in figures."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        ngettext(
            "Close <b>{title}</b> with its {n} class? Nothing of it can be changed then, nobody "
            "is reminded of it any more, and it cannot be opened again. "
            "Results and hours can still be entered.",
            "Close <b>{title}</b> with its {n} classes? Nothing of it can be changed then, nobody "
            "is reminded of it any more, and it cannot be opened again. "
            "Results and hours can still be entered.",
            facts.classes,
        ).format(title=html.escape(facts.title), n=facts.classes),
        _("Completed: {n}").format(n=facts.completed),
        _("Without a result yet: {n}").format(n=facts.open),
    ]
    if facts.waiting:
        lines.append(_("On the waiting list: {n}").format(n=facts.waiting))
    if facts.offers:
        lines.append(_("Offered seats that lapse: {n}").format(n=facts.offers))
    return "\n".join(lines)


async def archive(update: Update, context: Context) -> None:
    """Ask once more, then put it away."""
    button = ArchiveRun.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.sure:
        text = _(
            "It would leave the lists, and those who look after its classes would do so no "
            "longer. Hours and records stay."
        )
        yes = Key(_("Yes, put away"), ArchiveRun(button.batch_id, 1), style="primary")
        await show(update, context, reader, _sure_card(text, yes, button.batch_id, reader.language))
        return
    await context.write(
        publishing.archive, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    await alert(update, _("Put away."))
    await show_list(update, context, reader)


async def discard(update: Update, context: Context) -> None:
    """Ask once more, then throw a draft away."""
    button = DiscardRun.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.sure:
        text = _("The draft would be gone for good. Nobody else has seen it.")
        yes = Key(_("Yes, throw away"), DiscardRun(button.batch_id, 1), style="danger")
        await show(update, context, reader, _sure_card(text, yes, button.batch_id, reader.language))
        return
    await context.write(
        making.discard, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    await alert(update, _("Thrown away."))
    await show_list(update, context, reader)


def running_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why a programme stays as it is; empty for what is not ours."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    match refusal:
        case ReasonTooLong():
            return _("A reason has at most {n} characters.").format(n=refusal.longest)
        case NotReady():
            said = [check_text(check, language) for check in refusal.checks]
            return _("It cannot be published yet: {reasons}").format(reasons=" ".join(said))
        case StillRunning():
            return _("It runs until {time}; it can be closed after that.").format(
                time=dates.moment(refusal.ends_at, zone, language, today)
            )
        case NotUnderWay(state=ProgrammeState.DRAFT):
            return _("This is a draft; it has to be published first.")
        case NotUnderWay(state=ProgrammeState.PUBLISHED):
            return _("This is under way; it has to be closed or cancelled first.")
        case NotUnderWay():
            return _("This is closed; it can be looked at and copied.")
    return making_words(refusal, language, zone, now)
