"""Menus: choosing from one, and making and looking after them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, alert, show, show_anew, tap
from handlers.training import times
from handlers.training.menu_buttons import (
    AskMenu,
    CancelMenu,
    ChooseOption,
    DraftOption,
    DraftOptions,
    DropMenu,
    LookOverMenu,
    MakeMenu,
    MenuOptions,
    MenuRules,
    NewMenu,
    OpenMenu,
    OpenMenuDesk,
    OpenMenus,
    OpensAtOnce,
    PreferOption,
    SetOption,
)
from handlers.training.menus_text import (
    cancel_card,
    class_name,
    desk_card,
    draft_card,
    menu_card,
    menus_card,
    no_classes_text,
    pick_card,
    question_card,
    rules_card,
)
from handlers.wiring import AnyApplication, on_link, on_runs, on_tap, on_text
from locales import catalog
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.training import menus
from storage.training.menus import BadMenu, Candidate, MenuCard, MenuFlaw

KIND = "menu"  # of the draft, and of the texts that are awaited
STEPS = ("title", "opens", "closes", "bounds")


def install(application: AnyApplication) -> None:
    on_runs(application, {Act.RUN_PROGRAMME}, _label, OpenMenus)
    on_link(application, "mn([0-9]{1,18})", _linked)
    on_tap(application, OpenMenu, open_menu)
    on_tap(application, ChooseOption, choose)
    on_tap(application, PreferOption, prefer)
    on_tap(application, MenuRules, show_rules)
    on_tap(application, OpenMenus, open_menus)
    on_tap(application, OpenMenuDesk, open_desk)
    on_tap(application, NewMenu, begin)
    on_tap(application, OpensAtOnce, opens_at_once)
    on_tap(application, DraftOptions, pick)
    on_tap(application, DraftOption, pick_one)
    on_tap(application, LookOverMenu, look_over)
    on_tap(application, MakeMenu, make)
    on_tap(application, DropMenu, drop)
    on_tap(application, AskMenu, ask_change)
    on_tap(application, MenuOptions, open_options)
    on_tap(application, SetOption, set_option)
    on_tap(application, CancelMenu, cancel)
    on_text(application, KIND, typed)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Menus")


def _today(context: Context) -> tuple[ZoneInfo, date]:
    zone = context.house.zone
    return zone, local_day(context.now(), zone)


# --- choosing --------------------------------------------------------------------------------


async def open_menu(update: Update, context: Context) -> None:
    """Show a menu to who chooses from it."""
    button = OpenMenu.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_menu(update, context, reader, button.menu_id, button.page)


async def choose(update: Update, context: Context) -> None:
    """Wish for a class, or wish for it no more; it is kept at once."""
    button = ChooseOption.parse(tap(update).data)
    reader = await context.reader(update)
    operation = menus.choose if button.on else menus.give_up
    facts = await context.write(
        operation, reader.linked_teacher_id, button.menu_id, button.batch_id, now=context.now()
    )
    await _show(update, context, reader, facts, button.page)


async def prefer(update: Update, context: Context) -> None:
    """Move a wish up."""
    button = PreferOption.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.write(
        menus.prefer,
        reader.linked_teacher_id,
        button.menu_id,
        button.batch_id,
        button.rank,
        now=context.now(),
    )
    await _show(update, context, reader, facts, button.page)


async def show_rules(update: Update, context: Context) -> None:
    """Say how seats are given out."""
    button = MenuRules.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(
        menus.card, reader.linked_teacher_id, button.menu_id, now=context.now()
    )
    await show(update, context, reader, rules_card(facts, reader.language))


async def _show_menu(
    update: Update, context: Context, reader: Reader, menu_id: int, page: int
) -> None:
    facts = await context.read(menus.card, reader.linked_teacher_id, menu_id, now=context.now())
    await _show(update, context, reader, facts, page)


async def _show(
    update: Update, context: Context, reader: Reader, facts: MenuCard, page: int
) -> None:
    zone, today = _today(context)
    await show(update, context, reader, menu_card(facts, page, reader.language, zone, today))


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await _show_menu(update, context, reader, int(payload), 0)


# --- looking after ---------------------------------------------------------------------------


async def open_menus(update: Update, context: Context) -> None:
    """Show a page of the menus that this person looks after."""
    button = OpenMenus.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_menus(update, context, reader, button.page)


async def _show_menus(update: Update, context: Context, reader: Reader, page: int) -> None:
    lines, page, pages = await context.read(
        menus.menus, reader.linked_teacher_id, page=page, now=context.now()
    )
    zone, today = _today(context)
    card = menus_card(lines, page, pages, reader.language, zone, today)
    await show(update, context, reader, card)


async def open_desk(update: Update, context: Context) -> None:
    """Show one menu in figures."""
    button = OpenMenuDesk.parse(tap(update).data)
    await _show_desk(update, context, await context.reader(update), button.menu_id)


async def _show_desk(update: Update, context: Context, reader: Reader, menu_id: int) -> None:
    facts = await context.write(menus.desk, reader.linked_teacher_id, menu_id, now=context.now())
    zone, today = _today(context)
    await show(update, context, reader, desk_card(facts, reader.language, zone, today))


async def ask_change(update: Update, context: Context) -> None:
    """Take the next text as the new value."""
    button = AskMenu.parse(tap(update).data)
    reader = await context.reader(update)
    if button.what not in STEPS:
        raise BadMenu(MenuFlaw.OVER)
    if not button.menu_id and await context.read(drafts.read, reader.account_id, KIND) is None:
        await _show_menus(update, context, reader, 0)
        return
    if button.menu_id:
        now = context.now()
        await context.write(menus.desk, reader.linked_teacher_id, button.menu_id, now=now)
    await _ask(update, context, reader, button.what, button.menu_id)


async def open_options(update: Update, context: Context) -> None:
    """Show which classes are in a menu."""
    button = MenuOptions.parse(tap(update).data)
    await _show_options(update, context, await context.reader(update), button.menu_id, button.page)


async def set_option(update: Update, context: Context) -> None:
    """Put a class into a menu or take it out."""
    button = SetOption.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        menus.set_option,
        reader.linked_teacher_id,
        button.menu_id,
        button.batch_id,
        bool(button.on),
        now=context.now(),
    )
    await _show_options(update, context, reader, button.menu_id, button.page)


async def _show_options(
    update: Update, context: Context, reader: Reader, menu_id: int, page: int
) -> None:
    now, teacher_id = context.now(), reader.linked_teacher_id
    facts = await context.write(menus.desk, teacher_id, menu_id, now=now)
    found = await context.read(menus.candidates, teacher_id, now=now, menu_id=menu_id)
    zone, today = _today(context)
    chosen = {one.batch_id for one in facts.options}
    card = pick_card(found, chosen, page, reader.language, zone, today, menu_id)
    await show(update, context, reader, card)


async def cancel(update: Update, context: Context) -> None:
    """Ask once more, then take the menu away."""
    button = CancelMenu.parse(tap(update).data)
    reader = await context.reader(update)
    now, teacher_id = context.now(), reader.linked_teacher_id
    if not button.sure:
        facts = await context.write(menus.desk, teacher_id, button.menu_id, now=now)
        await show(update, context, reader, cancel_card(facts, reader.language))
        return
    is_new = await context.write(menus.cancel, teacher_id, button.menu_id, now=now)
    context.house.wake_delivery()
    _ = catalog(reader.language).gettext
    text = _("The menu is cancelled.") if is_new else _("The menu was cancelled already.")
    await alert(update, text)
    await _show_desk(update, context, reader, button.menu_id)


# --- making ----------------------------------------------------------------------------------


async def begin(update: Update, context: Context) -> None:
    """Begin a new menu, or go on where it was left."""
    reader = await context.reader(update)
    data = await context.read(drafts.read, reader.account_id, KIND) or {}
    if not data and not await _candidates(context, reader):
        _ = catalog(reader.language).gettext
        card = Card(no_classes_text(reader.language), ((Key(_("Back"), OpenMenus()),),))
        await show(update, context, reader, card)
        return
    await _go_on(update, context, reader, data)


async def opens_at_once(update: Update, context: Context) -> None:
    """The new menu opens when it is made."""
    reader = await context.reader(update)
    data = await context.write(_fill, reader.account_id, {"opens": ""}, now=context.now())
    await _go_on(update, context, reader, data)


async def pick(update: Update, context: Context) -> None:
    """Show the classes for the new menu."""
    button = DraftOptions.parse(tap(update).data)
    reader = await context.reader(update)
    data = await context.read(drafts.read, reader.account_id, KIND) or {}
    await _show_picks(update, context, reader, data, button.page)


async def pick_one(update: Update, context: Context) -> None:
    """Put a class into the new menu or take it out."""
    button = DraftOption.parse(tap(update).data)
    reader = await context.reader(update)
    data = await context.write(
        _pick, reader.account_id, button.batch_id, bool(button.on), now=context.now()
    )
    await _show_picks(update, context, reader, data, button.page)


async def look_over(update: Update, context: Context) -> None:
    """Show the new menu before it is made."""
    reader = await context.reader(update)
    data = await context.read(drafts.read, reader.account_id, KIND) or {}
    if any(step not in data for step in (*STEPS[:3], "most")):
        await _go_on(update, context, reader, data)
        return
    await _show_draft(update, context, reader, data)


async def _show_draft(
    update: Update, context: Context, reader: Reader, data: dict[str, Any]
) -> None:
    chosen = await _chosen(context, reader, data)
    if len(chosen) < 2:
        raise BadMenu(MenuFlaw.TOO_FEW)
    zone, today = _today(context)
    await show(update, context, reader, draft_card(data, chosen, reader.language, zone, today))


async def _chosen(context: Context, reader: Reader, data: dict[str, Any]) -> list[str]:
    """The names of the classes that are picked so far and can still be in a menu."""
    picked = set(data.get("batches", ()))
    found = await _candidates(context, reader) if picked else ()
    return [class_name(one, reader.language) for one in found if one.batch_id in picked]


async def make(update: Update, context: Context) -> None:
    """Make the new menu; a second tap shows what the first has made."""
    reader = await context.reader(update)
    menu_id = await context.write(
        _make, reader.account_id, reader.linked_teacher_id, now=context.now()
    )
    if menu_id is None:
        await _show_menus(update, context, reader, 0)
        return
    _ = catalog(reader.language).gettext
    await alert(update, _("The menu is made."))
    await _show_desk(update, context, reader, menu_id)


async def drop(update: Update, context: Context) -> None:
    """Give the new menu up."""
    reader = await context.reader(update)
    await context.write(drafts.drop, reader.account_id, KIND)
    await _show_menus(update, context, reader, 0)


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as the answer to what was asked, for a new menu or one that is there."""
    now, zone = context.now(), context.house.zone
    _kind, what, number = (*reader.awaiting.split(":"), "0", "0")[:3]
    values = _read(what, text, now, zone)
    if values is None:
        await _ask(update, context, reader, what, int(number), understood=False)
        return
    if int(number):
        changes = _given(values)
        await context.write(menus.change, reader.linked_teacher_id, int(number), now=now, **changes)
        await context.write(accounts.await_text, reader.account_id, "", now=now)
        await _show_desk(update, context, reader, int(number))
        return
    data = await context.write(_fill, reader.account_id, values, now=now)
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    await _go_on(update, context, reader, data)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """Plain values of a draft as the rules take them; an opening at once is not given."""
    return {
        {"opens": "opens_at", "closes": "closes_at"}.get(name, name): (
            datetime.fromisoformat(value) if name in ("opens", "closes") else value
        )
        for name, value in values.items()
        if name != "batches" and (value or name != "opens")
    }


def _read(what: str, text: str, now: datetime, zone: ZoneInfo) -> dict[str, Any] | None:
    """What was typed as plain values; None when it cannot be understood."""
    plain = unicodedata.normalize("NFKC", text).strip()
    match what:
        case "title":
            return {"title": plain} if plain else None
        case "opens" | "closes":
            moment = times.moment(plain, now, zone)
            return None if moment is None else {what: moment.astimezone(UTC).isoformat()}
        case "bounds":
            found = re.fullmatch(
                r"(\d{1,2})(?:\s*(?:-|~|–|—|至|到|to|,|，|\s)\s*(\d{1,2}))?", plain
            )
            if found is None:
                return None
            least = int(found[1])
            return {"least": least, "most": int(found[2] or least)}
        case _:
            return None


async def _go_on(update: Update, context: Context, reader: Reader, data: dict[str, Any]) -> None:
    """Ask for what is still missing; then for the classes."""
    for step in STEPS:
        if ("most" if step == "bounds" else step) not in data:
            await _ask(update, context, reader, step, 0)
            return
    if len(await _chosen(context, reader, data)) > 1:
        await _show_draft(update, context, reader, data)
    else:
        await _show_picks(update, context, reader, data, 0)


async def _ask(
    update: Update,
    context: Context,
    reader: Reader,
    what: str,
    menu_id: int,
    *,
    understood: bool = True,
) -> None:
    await context.write(
        accounts.await_text, reader.account_id, f"{KIND}:{what}:{menu_id}", now=context.now()
    )
    _ = catalog(reader.language).gettext
    keys: list[tuple[Key, ...]] = []
    if what == "opens" and not menu_id:
        keys.append((Key(_("At once"), OpensAtOnce()),))
    if menu_id:
        keys.append((Key(_("Back"), OpenMenuDesk(menu_id)),))
    else:
        keys.append((Key(_("Give up"), DropMenu()),))
    text = question_card(what, reader.language, understood=understood).text
    card = Card(text, tuple(keys))
    if update.callback_query is not None:
        await show(update, context, reader, card)
    else:
        await show_anew(context, reader, card)


async def _show_picks(
    update: Update, context: Context, reader: Reader, data: dict[str, Any], page: int
) -> None:
    found = await _candidates(context, reader)
    zone, today = _today(context)
    chosen = set(data.get("batches", ())) & {one.batch_id for one in found}
    await show(
        update, context, reader, pick_card(found, chosen, page, reader.language, zone, today)
    )


async def _candidates(context: Context, reader: Reader) -> tuple[Candidate, ...]:
    return await context.read(menus.candidates, reader.linked_teacher_id, now=context.now())


def _fill(
    session: Session, account_id: int, values: dict[str, Any], *, now: datetime
) -> dict[str, Any]:
    data = (drafts.read(session, account_id, KIND) or {}) | values
    if not values.keys() <= {"batches"}:
        # A change of the name alone does not ask about dates that have gone by meanwhile.
        asked = data if values.keys() & {"opens", "closes"} else values
        menus.check_given(now=now, **_given(asked))
    drafts.keep(session, account_id, KIND, data, now=now)
    return data


def _pick(
    session: Session, account_id: int, batch_id: int, on: bool, *, now: datetime
) -> dict[str, Any]:
    data = drafts.read(session, account_id, KIND) or {}
    batches = [one for one in data.get("batches", ()) if one != batch_id]
    if on:
        batches.append(batch_id)
    return _fill(session, account_id, {"batches": batches}, now=now)


def _make(session: Session, account_id: int, actor_id: int, *, now: datetime) -> int | None:
    """Make the drafted menu; None when there is no draft (any more)."""
    data = drafts.read(session, account_id, KIND)
    if data is None:
        return None
    menu_id = menus.create(
        session,
        actor_id,
        title=data["title"],
        opens_at=datetime.fromisoformat(data["opens"]) if data["opens"] else now,
        closes_at=datetime.fromisoformat(data["closes"]),
        least=data["least"],
        most=data["most"],
        batch_ids=data.get("batches", []),
        now=now,
    )
    drafts.drop(session, account_id, KIND)
    return menu_id
