"""How a class studies remotely, set by keys: platform, what counts, pace, thresholds, tutors."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button, StaleButton
from handlers.cards import Card, Key
from handlers.context import Context, alert, shortened, show, tap
from handlers.training import times
from handlers.training.remote import setting_text
from handlers.training.remote.setting_buttons import (
    AddItem,
    ChoosePlatform,
    GiveTutor,
    KeepAddress,
    MakeChange,
    OpenChange,
    OpenItem,
    OpenItems,
    OpenPaces,
    OpenPlatforms,
    OpenSettings,
    OpenThresholds,
    OpenTutors,
    RemoveItem,
    SetBulletin,
    SetItemModule,
    SetMandatoryItem,
    SetPace,
    ShareOut,
    TakeUsual,
    TutorSchool,
    TypeSetting,
)
from handlers.training.remote.setting_words import (
    item_kind,
    read_amount,
    read_milestones,
    read_percent,
    read_share,
)
from handlers.wiring import AnyApplication, on_run, on_tap, on_text
from locales import catalog
from storage import sheets
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.training.remote import plan, platforms, presets, tutors, weighing
from storage.training.remote.plan import REMOTE_MODES, Item, Settings
from storage.training.remote.tables import ITEM_KINDS
from storage.training.remote.weighing import Change

AWAITED = "yx"
CHANGE = "remote_change"
"""The draft of a change of what counts, until it is confirmed."""
ADDRESS = "remote_address"
"""The draft of a platform's address that was typed in part, until it is confirmed."""
LABEL = 40
EMPTY = ("-", "–", "—", "无", "無", "none")
"""What somebody types to leave a field empty."""


def install(application: AnyApplication) -> None:
    on_run(
        application, {Act.RUN_PROGRAMME}, _label, OpenSettings, prepares=True, modes=REMOTE_MODES
    )
    on_tap(application, OpenSettings, open_settings)
    on_tap(application, TakeUsual, take_usual)
    on_tap(application, OpenPlatforms, open_platforms)
    on_tap(application, ChoosePlatform, choose_platform)
    on_tap(application, OpenItems, open_items)
    on_tap(application, OpenItem, open_item)
    on_tap(application, AddItem, add_item)
    on_tap(application, SetMandatoryItem, set_mandatory)
    on_tap(application, SetItemModule, set_module)
    on_tap(application, RemoveItem, remove_item)
    on_tap(application, OpenChange, open_change)
    on_tap(application, MakeChange, make_change)
    on_tap(application, KeepAddress, keep_address)
    on_tap(application, OpenPaces, open_paces)
    on_tap(application, SetPace, set_pace)
    on_tap(application, OpenThresholds, open_thresholds)
    on_tap(application, SetBulletin, set_bulletin)
    on_tap(application, TypeSetting, ask)
    on_tap(application, OpenTutors, open_tutors)
    on_tap(application, TutorSchool, open_school)
    on_tap(application, GiveTutor, give_tutor)
    on_tap(application, ShareOut, share_out)
    on_text(application, AWAITED, typed)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Remote study")


# --- showing -----------------------------------------------------------------------------------


def _today(context: Context) -> tuple[ZoneInfo, date]:
    return context.house.zone, local_day(context.now(), context.house.zone)


async def _facts(context: Context, reader: Reader, batch_id: int) -> Settings:
    return await context.read(plan.settings, reader.linked_teacher_id, batch_id, now=context.now())


def _of_item(
    session: Session, actor_id: int, item_id: int, *, now: datetime
) -> tuple[Settings, Item]:
    facts = plan.settings(session, actor_id, plan.batch_of_item(session, item_id), now=now)
    return facts, next(item for item in facts.items if item.item_id == item_id)


async def open_settings(update: Update, context: Context) -> None:
    """Show how the class studies remotely."""
    batch_id = OpenSettings.parse(tap(update).data).batch_id
    await _show_settings(update, context, await context.reader(update), batch_id)


async def _show_settings(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    facts = await _facts(context, reader, batch_id)
    card = setting_text.settings_card(facts, reader.language, *_today(context))
    await show(update, context, reader, card)


async def open_platforms(update: Update, context: Context) -> None:
    """Show the platform of the class."""
    batch_id = OpenPlatforms.parse(tap(update).data).batch_id
    await _show_platforms(update, context, await context.reader(update), batch_id)


async def _show_platforms(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    facts = await _facts(context, reader, batch_id)
    listed = await context.read(
        platforms.platforms, reader.linked_teacher_id, batch_id, now=context.now()
    )
    card = setting_text.platforms_card(facts, listed, reader.language)
    await show(update, context, reader, card)


async def open_items(update: Update, context: Context) -> None:
    """Show what counts."""
    batch_id = OpenItems.parse(tap(update).data).batch_id
    await _show_items(update, context, await context.reader(update), batch_id)


async def _show_items(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    facts = await _facts(context, reader, batch_id)
    await show(update, context, reader, setting_text.items_card(facts, reader.language))


async def open_item(update: Update, context: Context) -> None:
    """Show one thing that counts."""
    item_id = OpenItem.parse(tap(update).data).item_id
    await _show_item(update, context, await context.reader(update), item_id)


async def _show_item(
    update: Update, context: Context, reader: Reader, item_id: int, *, changed: bool = False
) -> None:
    now = context.now()
    facts, item = await context.read(_of_item, reader.linked_teacher_id, item_id, now=now)
    card = setting_text.item_card(facts, item, reader.language, *_today(context), changed=changed)
    await show(update, context, reader, card)


async def open_paces(update: Update, context: Context) -> None:
    """Show what is required by when."""
    batch_id = OpenPaces.parse(tap(update).data).batch_id
    await _show_paces(update, context, await context.reader(update), batch_id)


async def _show_paces(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    facts = await _facts(context, reader, batch_id)
    card = setting_text.paces_card(facts, reader.language, _today(context)[1])
    await show(update, context, reader, card)


async def open_thresholds(update: Update, context: Context) -> None:
    """Show when somebody counts as late, behind or idle."""
    batch_id = OpenThresholds.parse(tap(update).data).batch_id
    await _show_thresholds(update, context, await context.reader(update), batch_id)


async def _show_thresholds(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    facts = await _facts(context, reader, batch_id)
    await show(update, context, reader, setting_text.thresholds_card(facts, reader.language))


# --- by keys -----------------------------------------------------------------------------------


async def take_usual(update: Update, context: Context) -> None:
    """Let the usual things count."""
    batch_id = TakeUsual.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    await context.write(
        presets.take_usual,
        reader.linked_teacher_id,
        batch_id,
        language=reader.language,
        now=context.now(),
    )
    await _show_settings(update, context, reader, batch_id)


async def choose_platform(update: Update, context: Context) -> None:
    """Let the class study on a platform, or on none."""
    button = ChoosePlatform.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        platforms.choose,
        reader.linked_teacher_id,
        button.batch_id,
        button.platform_id or None,
        now=context.now(),
    )
    await _show_platforms(update, context, reader, button.batch_id)


async def add_item(update: Update, context: Context) -> None:
    """Ask what is to count, then how much of it."""
    button = AddItem.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if button.kind not in ITEM_KINDS:
        card = setting_text.kinds_card(button.batch_id, ITEM_KINDS, reader.language)
        await show(update, context, reader, card)
        return
    await _await(context, reader, "ia", button.batch_id, 0, button.kind)
    text = _(
        "<b>{kind}</b>\nPlease type how much is required, with a name before it if you like, "
        "such as “{name} 90 minutes”, “2 times”, “60 points” or “80%”."
    ).format(
        kind=html.escape(item_kind(button.kind, reader.language)),
        name=html.escape(item_kind(button.kind, reader.language)),
    )
    cancel = Key(_("Cancel"), OpenItems(button.batch_id))
    await show(update, context, reader, Card(text, ((cancel,),)))


async def set_mandatory(update: Update, context: Context) -> None:
    """Make an item mandatory, or optional."""
    button = SetMandatoryItem.parse(tap(update).data)
    await _change_item(update, context, button.item_id, {"mandatory": bool(button.on)})


async def set_module(update: Update, context: Context) -> None:
    """Ask to which module an item belongs, then let it."""
    button = SetItemModule.parse(tap(update).data)
    if button.module_id >= 0:
        module_id = button.module_id or None
        await _change_item(update, context, button.item_id, {"module_id": module_id})
        return
    reader = await context.reader(update)
    facts, item = await context.read(
        _of_item, reader.linked_teacher_id, button.item_id, now=context.now()
    )
    await show(update, context, reader, setting_text.modules_card(facts, item, reader.language))


async def _change_item(
    update: Update, context: Context, item_id: int, changes: Mapping[str, Any]
) -> None:
    reader = await context.reader(update)
    batch_id = await context.read(plan.batch_of_item, item_id)
    await _propose(update, context, reader, Change(batch_id, item_id, changes))


async def remove_item(update: Update, context: Context) -> None:
    """Say what it would do, and let it count no longer when that is confirmed."""
    item_id = RemoveItem.parse(tap(update).data).item_id
    reader = await context.reader(update)
    batch_id = await context.read(plan.batch_of_item, item_id)
    await _propose(update, context, reader, Change(batch_id, item_id, None))


async def _propose(update: Update, context: Context, reader: Reader, change: Change) -> None:
    """Show whom a change would concern; one that concerns nobody is made.

    Whoever is asked for more, or by another day, while the class runs is concerned.

    What is added where there are figures, or removed, is always asked about.
    """
    now = context.now()
    effect = await context.read(weighing.foresee, reader.linked_teacher_id, change, now=now)
    is_new = not change.item_id
    has_figures = await context.read(weighing.has_figures, change.batch_id)
    if effect.people or effect.asked or change.fields is None or (is_new and has_figures):
        await context.write(drafts.keep, reader.account_id, CHANGE, change.as_data(), now=now)
        card = setting_text.effect_card(change, effect, reader.language, *_today(context))
        await show(update, context, reader, card)
        return
    item_id = await context.write(weighing.make, reader.linked_teacher_id, change, now=now)
    await _show_item(update, context, reader, item_id, changed=True)


async def _pending(context: Context, reader: Reader) -> Change | None:
    kept = await context.read(drafts.read, reader.account_id, CHANGE)
    return None if kept is None else Change(**kept)


async def open_change(update: Update, context: Context) -> None:
    """Show once more what the change would do, with what it adds mandatory or optional."""
    mandatory = OpenChange.parse(tap(update).data).mandatory
    reader = await context.reader(update)
    change = await _pending(context, reader)
    if change is None:
        raise StaleButton
    if mandatory >= 0 and change.fields is not None:
        change = replace(change, fields={**change.fields, "mandatory": bool(mandatory)})
    await _propose(update, context, reader, change)


async def make_change(update: Update, context: Context) -> None:
    """Make the change that was shown; another one, begun meanwhile, is shown instead."""
    button = MakeChange.parse(tap(update).data)
    reader = await context.reader(update)
    change = await _pending(context, reader)
    if change is None:
        _ = catalog(reader.language).gettext
        await alert(update, _("This has been done already."))
        return
    if change.mark != button.mark:
        await _propose(update, context, reader, change)
        return
    tell = bool(button.tell)
    item_id = await context.write(_make, reader, change, tell=tell, now=context.now())
    if item_id:
        await _show_item(update, context, reader, item_id, changed=True)
    else:
        await _show_items(update, context, reader, change.batch_id)


def _make(session: Session, reader: Reader, change: Change, *, tell: bool, now: datetime) -> int:
    item_id = weighing.make(session, reader.linked_teacher_id, change, tell=tell, now=now)
    drafts.drop(session, reader.account_id, CHANGE)
    return item_id


async def set_pace(update: Update, context: Context) -> None:
    """Expect so many minutes a day, or an even pace; either takes the place of milestones."""
    button = SetPace.parse(tap(update).data)
    changes = {"minutes_a_day": button.minutes or None, "milestones": ()}
    reader = await context.reader(update)
    await _change(context, reader, button.batch_id, changes)
    await _show_paces(update, context, reader, button.batch_id)


async def set_bulletin(update: Update, context: Context) -> None:
    """Show the bars of the schools in the groups, or not."""
    button = SetBulletin.parse(tap(update).data)
    reader = await context.reader(update)
    await _change(context, reader, button.batch_id, {"has_bulletin": bool(button.on)})
    await _show_settings(update, context, reader, button.batch_id)


async def _change(
    context: Context, reader: Reader, batch_id: int, changes: Mapping[str, Any]
) -> None:
    await context.write(plan.change, reader.linked_teacher_id, batch_id, changes, now=context.now())


# --- by typing ---------------------------------------------------------------------------------


def _prompt(what: str, language: str) -> str:
    _ = catalog(language).gettext
    empty = _("Type “-” to leave it empty.")
    match what:
        case "pn":
            return _(
                "What is the platform called? You may put its address behind the name, "
                "such as “National platform https://example.cn”."
            )
        case "pt":
            return _("What is the platform called?")
        case "pu":
            return _("Please send the address of the platform.") + "\n" + empty
        case "pg":
            return _("How does one log in? One or two sentences.") + "\n" + empty
        case "ir":
            return _("How much is required? Such as 90 minutes, 2 times, 60 points or 80%.")
        case "iw" | "is":
            return _("What share of the whole work shall it be? Such as 30%.")
        case "it":
            return _("What is it called?")
        case "id":
            return _("By when is it to be done? Such as Dec 18 17:00.") + "\n" + empty
        case "mi":
            return _("How many minutes a working day?")
        case "ms":
            return _(
                "Please type a line for each milestone: the day, and how much of the work is "
                "expected by then, such as “Nov 13 40%”."
            ) + ("\n" + empty)
        case "rq":
            return _("How many of the modules are required?") + (
                "\n" + _("Type “-” to require everything mandatory.")
            )
        case "tg":
            return _(
                "Please type how many per cent take part and how many pass, such as “100 98”."
            ) + ("\n" + empty)
        case "mk":
            return _(
                "From which to which day can be made up what was missed? It lies after the class."
            ) + ("\n" + empty)
        case "ts":
            return _("With more than how many per cent of the work has somebody begun?")
        case "tr":
            return _("How many working days after the start has somebody not begun?")
        case "tl":
            return _("How many points below the pace is somebody behind?")
        case "ti":
            return _("After how many days without study is somebody idle?")
        case "to":
            return _("After how many days without an import are the figures old?")
    raise StaleButton


def _home_of(what: str, batch_id: int, thing_id: int) -> Button:
    """The card to which one comes back from typing this."""
    match what[0]:
        case "p":
            return OpenPlatforms(batch_id)
        case "i" if what == "is":
            return OpenChange()
        case "i" if thing_id:
            return OpenItem(thing_id)
        case "i":
            return OpenItems(batch_id)
        case "t" if what != "tg":
            return OpenThresholds(batch_id)
    return OpenPaces(batch_id) if what in ("mi", "ms", "rq") else OpenSettings(batch_id)


async def ask(update: Update, context: Context) -> None:
    """Take the next text as this field."""
    button = TypeSetting.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _prompt(button.what, reader.language)
    facts = await _facts(context, reader, button.batch_id)
    await _await(context, reader, button.what, facts.batch_id, button.thing_id)
    home = _home_of(button.what, button.batch_id, button.thing_id)
    await show(update, context, reader, Card(text, ((Key(_("Cancel"), home),),)))


async def _await(
    context: Context, reader: Reader, what: str, batch_id: int, thing_id: int, more: str = ""
) -> None:
    awaited = f"{AWAITED}:{what}:{batch_id}:{thing_id}:{more}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as what was asked for; what cannot be read is asked for again."""
    _prefix, what, batch, thing, more = (reader.awaiting + "::::").split(":")[:5]
    batch_id, thing_id = int(batch), int(thing)
    text = text.strip()
    changes = _read(what, text, context.now(), context.house.zone)
    if changes is None:
        _ = catalog(reader.language).gettext
        said = _("I could not read “{text}”.").format(text=html.escape(shortened(text, LABEL)))
        prompt = _prompt("ir" if what == "ia" else what, reader.language)
        cancel = Key(_("Cancel"), _home_of(what, batch_id, thing_id))
        await show(update, context, reader, Card(f"{said}\n{prompt}", ((cancel,),)))
        return
    if what in ("ia", "ir", "iw", "is", "id"):
        await _typed_of_item(update, context, reader, (what, batch_id, thing_id, more), changes)
        return
    given = (what, batch_id, thing_id)
    if what in ("pn", "pu") and (url := platforms.completed(changes.get("url", ""))):
        # Everybody is led there at once, so whoever types half an address looks first.
        kept = {"given": given, "changes": changes | {"url": url}}
        await context.write(drafts.keep, reader.account_id, ADDRESS, kept, now=context.now())
        await show(
            update, context, reader, setting_text.address_card(batch_id, url, reader.language)
        )
        return
    await _put_and_show(update, context, reader, given, changes)


async def keep_address(update: Update, context: Context) -> None:
    """Take the address that was shown."""
    reader = await context.reader(update)
    kept = await context.read(drafts.read, reader.account_id, ADDRESS)
    if kept is None:
        raise StaleButton
    what, batch_id, thing_id = kept["given"]
    await _put_and_show(update, context, reader, (what, batch_id, thing_id), kept["changes"])
    await context.write(drafts.drop, reader.account_id, ADDRESS)


async def _put_and_show(
    update: Update,
    context: Context,
    reader: Reader,
    given: tuple[str, int, int],
    changes: dict[str, Any],
) -> None:
    """Write what was typed, and show the card that it stands on."""
    what, batch_id, thing_id = given
    item_id = await context.write(_put, reader, given, changes, now=context.now())
    match _home_of(what, batch_id, thing_id):
        case OpenPlatforms():
            await _show_platforms(update, context, reader, batch_id)
        case OpenItem():
            await _show_item(update, context, reader, item_id)
        case OpenThresholds():
            await _show_thresholds(update, context, reader, batch_id)
        case OpenPaces():
            await _show_paces(update, context, reader, batch_id)
        case _:
            await _show_settings(update, context, reader, batch_id)


async def _typed_of_item(
    update: Update,
    context: Context,
    reader: Reader,
    given: tuple[str, int, int, str],
    changes: dict[str, Any],
) -> None:
    """Propose what was typed of something that counts, and ask no more for it."""
    now = context.now()
    what, batch_id, thing_id, kind = given
    change: Change | None
    if what == "is":
        change = await _pending(context, reader)
    elif what == "ia":
        title = changes.get("title") or item_kind(kind, reader.language).capitalize()
        weight = await context.read(weighing.usual_weight, batch_id)
        fields = {**changes, "kind": kind, "title": title, "weight": weight}
        change = Change(batch_id, 0, fields)
    else:
        change = Change(batch_id, thing_id, {} if what == "iw" else changes)
    if change is None or change.fields is None or (what == "ia" and kind not in ITEM_KINDS):
        raise NotFound("item")
    if "share" in changes:
        change = await context.read(weighing.set_share, change, changes["share"])
    await _propose(update, context, reader, change)
    await context.write(accounts.await_text, reader.account_id, "", now=now)


def _put(
    session: Session,
    reader: Reader,
    given: tuple[str, int, int],
    changes: dict[str, Any],
    *,
    now: datetime,
) -> int:
    """Write what was typed where it belongs; the id of the item that it was about, or 0."""
    actor_id = reader.linked_teacher_id
    what, batch_id, thing_id = given
    if what == "pn":
        platforms.create(session, actor_id, batch_id, **changes, now=now)
    elif what[0] == "p":
        platforms.change(session, actor_id, thing_id, changes, now=now)
    elif what[0] == "i":
        plan.change_item(session, actor_id, thing_id, changes, now=now)
    else:
        plan.change(session, actor_id, batch_id, changes, now=now)
    accounts.await_text(session, reader.account_id, "", now=now)
    return thing_id


def _read(what: str, text: str, now: datetime, zone: ZoneInfo) -> dict[str, Any] | None:
    """What a typed text changes; None when it cannot be read."""
    is_empty = text.lower() in EMPTY
    match what:
        case "pn":
            return _named_address(text)
        case "pt":
            return {"name": text}
        case "pu" | "pg":
            return {"url" if what == "pu" else "guide": "" if is_empty else text}
        case "ia" | "ir":
            return _amount(text, with_title=what == "ia")
        case "iw" | "is":
            part = read_percent(text)
            return None if part is None else {"share": part}
        case "it":
            return {"title": text}
        case "id":
            due = None if is_empty else times.due(text, now, zone)
            return {"due_at": due and due.isoformat()} if due is not None or is_empty else None
        case "ms":
            steps = () if is_empty else read_milestones(text, now, zone)
            return None if steps is None else {"milestones": steps}
        case "rq" if is_empty:
            return {"required_modules": None}
        case "tg":
            return _targets(text, is_empty=is_empty)
        case "mk" if is_empty:
            return {"makeup_from": None, "makeup_until": None}
        case "mk":
            days = times.days(text, now, zone)
            if days is None:
                return None
            return {"makeup_from": days.starts_at, "makeup_until": days.ends_at}
    return _number(what, text)


def _number(what: str, text: str) -> dict[str, Any] | None:
    fields = {"mi": "minutes_a_day", "rq": "required_modules"}
    field = fields.get(what) or setting_text.THRESHOLDS.get(what)
    number = sheets.as_number(text.rstrip("%％"))
    if field is None or number is None:
        return None
    is_whole = number == int(number)
    if field == "required_modules" and not is_whole:
        return None
    changes: dict[str, Any] = {field: int(number) if is_whole else float(number)}
    # A pace of so many minutes takes the place of milestones.
    return changes | ({"milestones": ()} if what == "mi" else {})


def _named_address(text: str) -> dict[str, Any]:
    """A platform's name, with its address behind it if the last word looks like one."""
    *name, last = text.split()
    if name and "." in last:
        return {"name": " ".join(name), "url": last}
    return {"name": text}


def _amount(text: str, *, with_title: bool) -> dict[str, Any] | None:
    found = read_amount(text)
    if found is None or (found.title and not with_title):
        return None
    changes: dict[str, Any] = {"required": found.required}
    if found.measure is not None:
        changes["measure"] = found.measure
    return changes | ({"title": found.title} if with_title else {})


def _targets(text: str, *, is_empty: bool) -> dict[str, Any] | None:
    if is_empty:
        return {"participation_target": None, "pass_target": None}
    shares = [read_share(part) for part in text.replace("，", " ").replace(",", " ").split()]
    if len(shares) != 2 or None in shares:
        return None
    return {"participation_target": shares[0], "pass_target": shares[1]}


# --- tutors ------------------------------------------------------------------------------------


async def open_tutors(update: Update, context: Context) -> None:
    """Show who tutors which schools."""
    button = OpenTutors.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_tutors(update, context, reader, button.batch_id, button.page)


async def _show_tutors(
    update: Update, context: Context, reader: Reader, batch_id: int, page: int = 0
) -> None:
    facts = await context.read(tutors.tutors, reader.linked_teacher_id, batch_id, now=context.now())
    card = setting_text.tutors_card(facts, page, reader.language)
    await show(update, context, reader, card)


async def open_school(update: Update, context: Context) -> None:
    """Ask who tutors a school."""
    button = TutorSchool.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(
        tutors.tutors, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    card = setting_text.school_card(facts, button.unit_id, reader.language)
    if card is None:
        raise NotFound("unit")
    await show(update, context, reader, card)


async def give_tutor(update: Update, context: Context) -> None:
    """Let the people of a school have a tutor, or none in particular."""
    button = GiveTutor.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        tutors.assign,
        reader.linked_teacher_id,
        button.batch_id,
        [button.unit_id],
        button.tutor_id or None,
        now=context.now(),
    )
    await _show_tutors(update, context, reader, button.batch_id)


async def share_out(update: Update, context: Context) -> None:
    """Give the schools without a tutor to whoever has the fewest people."""
    batch_id = ShareOut.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    number = await context.write(
        tutors.share_out, reader.linked_teacher_id, batch_id, now=context.now()
    )
    ngettext = catalog(reader.language).ngettext
    said = ngettext("{n} school has a tutor now.", "{n} schools have a tutor now.", number)
    await alert(update, said.format(n=number))
    await _show_tutors(update, context, reader, batch_id)
