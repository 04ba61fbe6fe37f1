"""The talk of those who decide: what waits, all at once or one by one, and why not."""

from __future__ import annotations

import html
from datetime import datetime

from sqlmodel import Session
from telegram import Update

from handlers.buttons import StaleButton
from handlers.cards import Card, Key
from handlers.context import Context, alert, shortened, show, tap
from handlers.messaging import upward
from handlers.training.approval_buttons import (
    ApproveAll,
    ApprovePicked,
    AskExempt,
    AskReason,
    Decide,
    GiveReason,
    Item,
    NextItem,
    OpenApprovals,
    OpenItem,
    OpenPicks,
    Pick,
)
from handlers.training.approvals_text import (
    done_text,
    leave_card,
    leave_past_text,
    own_text,
    past_text,
    picks_card,
    reason_card,
    review_card,
    worklist_card,
)
from handlers.training.buttons import OpenRun
from handlers.training.reasons_text import OFFERED
from handlers.wiring import AnyApplication, on_command, on_desk, on_link, on_run, on_tap, on_text
from locales import catalog
from storage.moments import local_day
from storage.people import accounts, authority, drafts, offices
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.training import absences, approving, deciding, worklist
from storage.training.approving import Decided, People
from storage.training.deciding import DECIDES
from storage.training.tables import LeaveState, RegistrationState

PICKED = "approvals"  # the draft that holds who is ticked
WHY = "whynot"  # what a typed text answers: the reason for a no
WHO = "exempt"  # whose exemption a typed text is about
LABEL = 40


def install(application: AnyApplication) -> None:
    on_command(application, "approvals", open_approvals)
    on_link(application, "approvals", _linked)
    on_tap(application, OpenApprovals, open_approvals)
    on_tap(application, ApproveAll, approve_all)
    on_tap(application, NextItem, next_item)
    on_tap(application, OpenItem, open_item)
    on_tap(application, Decide, decide)
    on_tap(application, AskReason, ask_reason)
    on_tap(application, GiveReason, give_reason)
    on_tap(application, OpenPicks, open_picks)
    on_tap(application, Pick, pick)
    on_tap(application, ApprovePicked, approve_picked)
    on_tap(application, AskExempt, ask_exempt)
    on_text(application, WHY, reason_typed)
    on_text(application, WHO, name_typed)
    waits = [kind for kind, _of in worklist.KINDS]
    on_desk(application, DECIDES, _label, OpenApprovals, kinds=waits)
    on_run(application, DECIDES, _label, OpenApprovals, kinds=waits)
    on_run(application, {Act.DECIDE_LAST}, _exempt_label, AskExempt)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Approvals")


def _exempt_label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Exempt somebody")


# --- what waits ------------------------------------------------------------------------------


async def open_approvals(update: Update, context: Context) -> None:
    """Show what waits."""
    batch_id = 0
    if update.callback_query is not None:
        batch_id = OpenApprovals.parse(update.callback_query.data).batch_id
    await _show_worklist(update, context, await context.reader(update), batch_id)


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _show_worklist(update, context, reader, 0)


async def _show_worklist(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    """Show what waits; where it was opened from the list of the day, with the rest of that."""
    if not batch_id and update.callback_query is not None:
        daily = await upward.list_in(update, context, reader)
        if daily is not None:
            await show(update, context, reader, daily)
            return
    now = context.now()
    facts = await context.read(
        worklist.worklist, reader.linked_teacher_id, batch_id=batch_id, now=now
    )
    card = worklist_card(facts, batch_id, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


# --- one by one ------------------------------------------------------------------------------


async def next_item(update: Update, context: Context) -> None:
    """Go on to the next one; after the last, back to what waits."""
    button = NextItem.parse(tap(update).data)
    reader = await context.reader(update)
    await _go_on(update, context, reader, Item(button.kind, button.after, button.batch_id))


async def open_item(update: Update, context: Context) -> None:
    """Show this one."""
    button = OpenItem.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_item(update, context, reader, Item(button.kind, button.item_id, button.batch_id))


async def _go_on(update: Update, context: Context, reader: Reader, item: Item) -> None:
    found = await context.read(_next, reader.linked_teacher_id, item, now=context.now())
    if found is None:
        await _show_worklist(update, context, reader, item.batch_id)
        return
    await _show_item(update, context, reader, Item(item.kind, found, item.batch_id))


def _next(session: Session, actor_id: int, item: Item, *, now: datetime) -> int | None:
    """The first that waits after this one."""
    held = deciding.scope(session, actor_id, now=now)
    if item.kind == "l":
        waiting = absences.ids(session, held, item.batch_id, now=now)
    else:
        waiting = approving.ids(session, held, item.batch_id, asking=item.kind == "w", now=now)
    return next((id_ for id_ in waiting if id_ > item.id), None)


async def _show_item(update: Update, context: Context, reader: Reader, item: Item) -> None:
    now, zone = context.now(), context.house.zone
    actor_id = reader.linked_teacher_id
    if item.kind == "l":
        leave = await context.write(
            absences.review, actor_id, item.id, batch_id=item.batch_id, now=now
        )
        card = leave_card(leave, item, reader.language, zone, now)
    elif item.kind in ("r", "w"):
        facts = await context.write(
            approving.review,
            actor_id,
            item.id,
            batch_id=item.batch_id,
            asking=item.kind == "w",
            now=now,
        )
        card = review_card(facts, item, reader.language, zone, now)
    else:
        raise StaleButton
    await show(update, context, reader, card)


# --- yes -------------------------------------------------------------------------------------


async def approve_all(update: Update, context: Context) -> None:
    """Approve all whom the card counted."""
    button = ApproveAll.parse(tap(update).data)
    reader = await context.reader(update)
    done = await context.write(
        approving.approve_all,
        reader.linked_teacher_id,
        upto=button.moment,
        batch_id=button.batch_id,
        now=context.now(),
    )
    await _say(update, context, reader, "approve", done)
    await _show_worklist(update, context, reader, button.batch_id)


async def decide(update: Update, context: Context) -> None:
    """Say yes to one, and go on to the next."""
    button = Decide.parse(tap(update).data)
    reader = await context.reader(update)
    actor_id, now = reader.linked_teacher_id, context.now()
    if button.kind == "l":
        leave = await context.write(absences.agree, actor_id, button.item_id, now=now)
        await _say_of_leave(update, context, reader, "leave_ok", leave)
    elif button.kind in ("r", "w"):
        act = approving.let_go if button.kind == "w" else approving.approve
        done = await context.write(act, actor_id, [button.item_id], now=now)
        verdict = "let_go" if button.kind == "w" else "approve"
        await _say(update, context, reader, verdict, done)
    else:
        raise StaleButton
    await _go_on(update, context, reader, Item(button.kind, button.item_id, button.batch_id))


async def _say(
    update: Update, context: Context, reader: Reader, verdict: str, done: Decided
) -> None:
    context.house.wake_delivery()
    _ = catalog(reader.language).gettext
    if done.done:
        said: dict[str, list[str]] = {}
        for one in done.done:
            goes_on = verdict == "approve" and one.state is RegistrationState.SCHOOL_APPROVED
            said.setdefault("passed_on" if goes_on else verdict, []).append(one.name)
        text = done_text(said, done.undo_until, reader.language, context.house.zone)
    elif done.past:
        text = past_text(done.past, reader.language)
    else:
        text = _("Nothing waits for your decision.")
    if done.own:
        text = f"{text}\n{own_text(done.own, reader.language)}"
    await _told(update, context, reader, text, is_done=bool(done.done))


async def _told(
    update: Update, context: Context, reader: Reader, text: str, *, is_done: bool
) -> None:
    """Say beside the card what came of it. A typed reason that was in vain needs a message."""
    if update.callback_query is not None:
        await alert(update, text)
    elif not is_done:
        await context.bot.send_message(reader.tg_user_id, text)


async def _say_of_leave(
    update: Update, context: Context, reader: Reader, verdict: str, done: absences.Decided
) -> None:
    context.house.wake_delivery()
    if done.deed_id is None:
        text = leave_past_text(done, reader.language)
    else:
        what = "leave_passed_on" if done.state is LeaveState.SCHOOL_OK else verdict
        text = done_text({what: (done.name,)}, done.undo_until, reader.language, context.house.zone)
    await _told(update, context, reader, text, is_done=done.deed_id is not None)


# --- no, and why -----------------------------------------------------------------------------


async def ask_reason(update: Update, context: Context) -> None:
    """Ask for the reason of a no; the next text is taken as one."""
    button = AskReason.parse(tap(update).data)
    if button.verdict not in OFFERED:
        raise StaleButton
    reader = await context.reader(update)
    await context.write(
        accounts.await_text,
        reader.account_id,
        f"{WHY}:{button.verdict}:{button.item_id}:{button.batch_id}",
        now=context.now(),
    )
    card = reason_card(button.verdict, button.item_id, button.batch_id, reader.language)
    await show(update, context, reader, card)


async def give_reason(update: Update, context: Context) -> None:
    """Say no for a usual reason."""
    button = GiveReason.parse(tap(update).data)
    if button.code not in OFFERED.get(button.verdict, ()):
        raise StaleButton
    reader = await context.reader(update)
    await _say_no(
        update, context, reader, button.verdict, button.item_id, button.batch_id, button.code
    )


async def reason_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Say no for the reason that was typed."""
    _why, verdict, item_id, batch_id = reader.awaiting.split(":")
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    await _say_no(update, context, reader, verdict, int(item_id), int(batch_id), text)


async def _say_no(
    update: Update,
    context: Context,
    reader: Reader,
    verdict: str,
    item_id: int,
    batch_id: int,
    reason: str,
) -> None:
    actor_id, now = reader.linked_teacher_id, context.now()
    if verdict == "leave":
        leave = await context.write(absences.refuse, actor_id, item_id, reason, now=now)
        await _say_of_leave(update, context, reader, "leave", leave)
        await _go_on(update, context, reader, Item("l", item_id, batch_id))
        return
    done = await context.write(_no, reader, verdict, item_id, batch_id, reason, now=now)
    await _say(update, context, reader, verdict, done)
    if verdict == "exempt" or not item_id:
        await _show_worklist(update, context, reader, batch_id)
    else:
        kind = "w" if verdict == "keep" else "r"
        await _go_on(update, context, reader, Item(kind, item_id, batch_id))


def _no(
    session: Session,
    reader: Reader,
    verdict: str,
    item_id: int,
    batch_id: int,
    reason: str,
    *,
    now: datetime,
) -> Decided:
    """Say no to one registration, or (0) to those that are ticked."""
    act = {
        "return": approving.send_back,
        "reject": approving.reject,
        "exempt": approving.exempt,
        "keep": approving.keep,
    }[verdict]
    chosen = [item_id] if item_id else sorted(_ticked(session, reader, batch_id))
    done = act(session, reader.linked_teacher_id, chosen, reason, now=now)
    if not item_id:
        drafts.drop(session, reader.account_id, PICKED)
    return done


# --- several ---------------------------------------------------------------------------------


async def open_picks(update: Update, context: Context) -> None:
    """Show a page of those who wait, to tick."""
    button = OpenPicks.parse(tap(update).data)
    await _show_picks(update, context, await context.reader(update), button.batch_id, button.page)


async def pick(update: Update, context: Context) -> None:
    """Tick one, or not."""
    button = Pick.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(_tick, reader, button.batch_id, button.registration_id, now=context.now())
    await _show_picks(update, context, reader, button.batch_id, button.page)


async def approve_picked(update: Update, context: Context) -> None:
    """Approve all who are ticked."""
    batch_id = ApprovePicked.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    done = await context.write(_approve_ticked, reader, batch_id, now=context.now())
    await _say(update, context, reader, "approve", done)
    await _show_worklist(update, context, reader, batch_id)


async def _show_picks(
    update: Update, context: Context, reader: Reader, batch_id: int, page: int
) -> None:
    facts, ticked = await context.read(_picks, reader, batch_id, page, now=context.now())
    await show(update, context, reader, picks_card(facts, ticked, batch_id, reader.language))


def _picks(
    session: Session, reader: Reader, batch_id: int, page: int, *, now: datetime
) -> tuple[People, frozenset[int]]:
    """A page of those who wait, and who of all of them is ticked."""
    actor_id = reader.linked_teacher_id
    facts = approving.people(session, actor_id, batch_id, page=page, now=now)
    held = deciding.scope(session, actor_id, now=now)
    waiting = approving.ids(session, held, batch_id, now=now)
    return facts, _ticked(session, reader, batch_id) & frozenset(waiting)


def _ticked(session: Session, reader: Reader, batch_id: int) -> frozenset[int]:
    kept = drafts.read(session, reader.account_id, PICKED)
    if kept is None or kept["batch_id"] != batch_id:
        return frozenset()
    return frozenset(kept["ids"])


def _tick(
    session: Session, reader: Reader, batch_id: int, registration_id: int, *, now: datetime
) -> None:
    ids = sorted(_ticked(session, reader, batch_id) ^ {registration_id})
    drafts.keep(session, reader.account_id, PICKED, {"batch_id": batch_id, "ids": ids}, now=now)


def _approve_ticked(session: Session, reader: Reader, batch_id: int, *, now: datetime) -> Decided:
    ids = sorted(_ticked(session, reader, batch_id))
    done = approving.approve(session, reader.linked_teacher_id, ids, now=now)
    drafts.drop(session, reader.account_id, PICKED)
    return done


# --- exemptions ------------------------------------------------------------------------------


async def ask_exempt(update: Update, context: Context) -> None:
    """Take the next text as whom to exempt."""
    batch_id = AskExempt.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    now = context.now()
    await context.write(_await_name, reader, batch_id, now=now)
    _ = catalog(reader.language).gettext
    text = _(
        "Who is exempt from this training? Please type a part of the name. Whoever is exempt "
        "does not count in the rates, and the seat goes to the next person."
    )
    await show(update, context, reader, Card(text, ((Key(_("Back"), OpenRun(batch_id)),),)))


def _await_name(session: Session, reader: Reader, batch_id: int, *, now: datetime) -> None:
    today = local_day(now, offices.zone(session))
    authority.check_with(session, reader.linked_teacher_id, Act.DECIDE_LAST, batch_id, today=today)
    accounts.await_text(session, reader.account_id, f"{WHO}:{batch_id}", now=now)


async def name_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show who of the class is called so, each a key."""
    batch_id = int(reader.awaiting.partition(":")[2])
    now = context.now()
    found = await context.write(approving.find, reader.linked_teacher_id, batch_id, text, now=now)
    _ = catalog(reader.language).gettext
    if found:
        said = _("Who is exempt from this training?")
    else:
        said = _("Nobody in this class is called “{text}”.").format(
            text=html.escape(shortened(text, LABEL))
        )
    keys = [
        (
            Key(
                shortened(f"{one.name} · {one.title}", LABEL),
                AskReason("exempt", one.registration_id, batch_id),
            ),
        )
        for one in found
    ]
    again = (Key(_("Search again"), AskExempt(batch_id)), Key(_("Back"), OpenRun(batch_id)))
    await show(update, context, reader, Card(said, (*keys, again)))
