"""Who looks after a class: appoint a class teacher or a tutor by name, and end it again."""

from __future__ import annotations

import html

from telegram import Update

from handlers.buttons import StaleButton
from handlers.cards import Card, Key
from handlers.context import Context, alert, shortened, show, tap
from handlers.training.remote.setting_buttons import OpenTutors
from handlers.training.run_buttons import (
    AppointHelper,
    EndHelper,
    FindHelper,
    MoreOfRun,
    RunHelpers,
)
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog
from storage.people import accounts
from storage.people.accounts import Reader
from storage.people.tables import Role
from storage.training import staffing
from storage.training.staffing import ROLES, Candidate, Candidates, Helpers

AWAITED = "classhelper"
LABEL = 40


def install(application: AnyApplication) -> None:
    on_tap(application, RunHelpers, open_helpers)
    on_tap(application, FindHelper, ask_whom)
    on_tap(application, AppointHelper, appoint)
    on_tap(application, EndHelper, end)
    on_text(application, AWAITED, name_given)


def role_name(role: Role, language: str) -> str:
    """What somebody does in a class."""
    _ = catalog(language).gettext
    return _("class teacher of the training") if role is Role.CLASS_TEACHER else _("tutor")


def helpers_card(facts: Helpers, language: str) -> Card:
    """Who looks after a class; each a key to end it."""
    _ = catalog(language).gettext
    lines = [f"<b>{html.escape(facts.title)}</b>"]
    if not facts.people:
        lines.append(_("Nobody is appointed for this class yet."))
    keys: list[tuple[Key, ...]] = []
    for each in facts.people:
        name = html.escape(each.name)
        lines.append(
            _("{name} ({unit}): {role}").format(
                name=name, unit=html.escape(each.unit), role=role_name(each.role, language)
            )
        )
        label = shortened(_("End: {name}").format(name=each.name), LABEL)
        button = EndHelper(facts.batch_id, each.teacher_id, ROLES.index(each.role))
        keys.append((Key(label, button),))
    add = tuple(
        Key(label, FindHelper(facts.batch_id, number))
        for number, label in enumerate((_("Add class teacher"), _("Add tutor")))
    )
    if facts.is_remote and any(each.role is Role.TUTOR for each in facts.people):
        keys.append((Key(_("Schools of tutors"), OpenTutors(facts.batch_id)),))
    back = (Key(_("Back"), MoreOfRun(facts.batch_id)),)
    return Card("\n".join(lines), (*keys, add, back))


def found_card(found: Candidates, batch_id: int, role: int, language: str) -> Card:
    """Who fits the name."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if found.people:
        text = ngettext("“{text}”: {n} teacher.", "“{text}”: {n} teachers.", found.total).format(
            text=html.escape(found.text), n=found.total
        )
        if found.total > len(found.people):
            text += " " + _("These are the first; type more of the name to narrow it down.")
    elif found.is_exact_only:
        text = _("Nobody is called “{text}”. Please type the whole name or staff number.").format(
            text=html.escape(found.text)
        )
    else:
        text = _(
            "Nobody is called “{text}”. For a teacher of another school the whole name is needed."
        ).format(text=html.escape(found.text))
    keys = [
        (
            Key(
                shortened(" · ".join(part for part in (each.name, each.unit) if part), LABEL),
                AppointHelper(batch_id, each.teacher_id, role),
            ),
        )
        for each in found.people
    ]
    again = Key(_("Search again"), FindHelper(batch_id, role))
    return Card(text, (*keys, (again, Key(_("Back"), RunHelpers(batch_id)))))


def sure_card(who: Candidate, button: AppointHelper | EndHelper, role: Role, language: str) -> Card:
    """Ask once more before somebody is appointed, or is it no longer."""
    _ = catalog(language).gettext
    facts = {
        "name": html.escape(who.name),
        "unit": html.escape(who.unit),
        "role": role_name(role, language),
    }
    if isinstance(button, AppointHelper):
        text = _(
            "Appoint {name} ({unit}) as {role}? They see who takes part in this class, and only "
            "in this one."
        ).format(**facts)
        sure = AppointHelper(button.batch_id, button.teacher_id, button.role, 1)
        yes = Key(_("Yes, appoint"), sure, style="primary")
    else:
        text = _("Shall {name} ({unit}) no longer be {role} of this class?").format(**facts)
        gone = EndHelper(button.batch_id, button.teacher_id, button.role, 1)
        yes = Key(_("Yes, end it"), gone, style="danger")
    return Card(text, ((yes,), (Key(_("Cancel"), RunHelpers(button.batch_id)),)))


async def open_helpers(update: Update, context: Context) -> None:
    """Show who looks after a class."""
    batch_id = RunHelpers.parse(tap(update).data).batch_id
    await _show(update, context, await context.reader(update), batch_id)


async def _show(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    facts = await context.read(
        staffing.helpers, reader.linked_teacher_id, batch_id, now=context.now()
    )
    await show(update, context, reader, helpers_card(facts, reader.language))


async def ask_whom(update: Update, context: Context) -> None:
    """Take the next text as a name."""
    button = FindHelper.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now = context.now()
    role = _role(button.role)
    await context.read(staffing.helpers, reader.linked_teacher_id, button.batch_id, now=now)
    awaited = f"{AWAITED}:{button.batch_id}:{button.role}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    text = _("Who will be {role}? Please type a name or a staff number.").format(
        role=role_name(role, reader.language)
    )
    back = Key(_("Back"), RunHelpers(button.batch_id))
    await show(update, context, reader, Card(text, ((back,),)))


async def name_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show who fits the typed name; another name may follow."""
    now = context.now()
    _awaited, batch, role = reader.awaiting.split(":")
    found = await context.write(
        staffing.candidates, reader.linked_teacher_id, int(batch), text, now=now
    )
    await show(update, context, reader, found_card(found, int(batch), int(role), reader.language))


async def appoint(update: Update, context: Context) -> None:
    """Ask once more, then appoint."""
    button = AppointHelper.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    role, now, actor_id = _role(button.role), context.now(), reader.linked_teacher_id
    batch_id, teacher_id = button.batch_id, button.teacher_id
    if not button.sure:
        who = await context.write(staffing.candidate, actor_id, batch_id, teacher_id, now=now)
        await show(update, context, reader, sure_card(who, button, role, reader.language))
        return
    is_new = await context.write(staffing.appoint, actor_id, batch_id, teacher_id, role, now=now)
    await alert(update, _("Appointed.") if is_new else _("They are appointed already."))
    await _show(update, context, reader, batch_id)


async def end(update: Update, context: Context) -> None:
    """Ask once more, then end it."""
    button = EndHelper.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    role, now, actor_id = _role(button.role), context.now(), reader.linked_teacher_id
    batch_id, teacher_id = button.batch_id, button.teacher_id
    if not button.sure:
        who = await context.write(staffing.candidate, actor_id, batch_id, teacher_id, now=now)
        await show(update, context, reader, sure_card(who, button, role, reader.language))
        return
    await context.write(staffing.dismiss, actor_id, batch_id, teacher_id, role, now=now)
    await alert(update, _("Ended."))
    await _show(update, context, reader, batch_id)


def _role(number: int) -> Role:
    if not 0 <= number < len(ROLES):
        raise StaleButton
    return ROLES[number]
