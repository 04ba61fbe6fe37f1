"""收尾: what is missing in a remote class, for whoever runs it or looks after its people."""

from __future__ import annotations

from telegram import Update

from handlers.buttons import StaleButton
from handlers.context import Context, House, alert, show, tap
from handlers.messaging import public
from handlers.messaging.voices import Nothing, Said, Say
from handlers.training.remote.last_mile_buttons import (
    ExplainRates,
    MileBulletin,
    MileContact,
    MilePeople,
    MilePerson,
    MileReason,
    MileRemind,
    MileSchools,
    OpenLastMile,
    PostMileBulletin,
    PostToAllStaff,
)
from handlers.training.remote.last_mile_text import (
    REASONS,
    asked_text,
    draft_card,
    explained_card,
    mile_card,
    people_card,
    person_card,
    posted_text,
    schools_card,
)
from handlers.wiring import AnyApplication, on_link, on_run, on_tap
from locales import catalog
from storage.messaging.outbox import Claimed
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.training.remote import bulletins, last_mile
from storage.training.remote.last_mile import Person
from storage.training.tables import Mode


def install(application: AnyApplication) -> None:
    acts = {Act.SEE_PROGRAMME, Act.DECIDE_FIRST}
    modes = (Mode.REMOTE, Mode.BLENDED)
    on_run(application, acts, _label, OpenLastMile, modes=modes)
    on_link(application, "mile([0-9]{1,18})", _linked)
    on_tap(application, OpenLastMile, open_mile)
    on_tap(application, ExplainRates, explain)
    on_tap(application, MileSchools, open_schools)
    on_tap(application, MilePeople, open_people)
    on_tap(application, MilePerson, open_person)
    on_tap(application, MileReason, note_reason)
    on_tap(application, MileContact, spoke_with)
    on_tap(application, MileRemind, remind)
    on_tap(application, MileBulletin, open_bulletin)
    on_tap(application, PostMileBulletin, post_bulletin)
    on_tap(application, PostToAllStaff, post_to_all_staff)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Last mile")


async def open_mile(update: Update, context: Context) -> None:
    """Show where a class stands."""
    reader = await context.reader(update)
    await _show_mile(update, context, reader, OpenLastMile.parse(tap(update).data).batch_id)


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await _show_mile(update, context, reader, int(payload))


async def _show_mile(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    now, zone = context.now(), context.house.zone
    facts = await context.read(last_mile.last_mile, reader.linked_teacher_id, batch_id, now=now)
    await show(update, context, reader, mile_card(facts, reader.language, zone, now))


async def explain(update: Update, context: Context) -> None:
    """Say what each rate is of."""
    batch_id = ExplainRates.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    await show(update, context, reader, explained_card(batch_id, reader.language))


async def open_schools(update: Update, context: Context) -> None:
    """Show the schools of a class."""
    button = MileSchools.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(
        last_mile.last_mile, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    await show(update, context, reader, schools_card(facts, button.page, reader.language))


async def open_people(update: Update, context: Context) -> None:
    """Show those of a school who have not finished."""
    button = MilePeople.parse(tap(update).data)
    await _show_people(update, context, await context.reader(update), button)


async def _show_people(
    update: Update, context: Context, reader: Reader, button: MilePeople
) -> None:
    now, zone = context.now(), context.house.zone
    facts = await context.write(
        last_mile.people,
        reader.linked_teacher_id,
        button.batch_id,
        button.unit_id,
        page=button.page,
        now=now,
    )
    await show(update, context, reader, people_card(facts, reader.language, zone, now))


async def open_person(update: Update, context: Context) -> None:
    """Show one of them."""
    button = MilePerson.parse(tap(update).data)
    await _show_person(update, context, await context.reader(update), button)


async def _show_person(
    update: Update, context: Context, reader: Reader, button: MilePerson
) -> None:
    now, zone = context.now(), context.house.zone
    facts: Person = await context.write(
        last_mile.person, reader.linked_teacher_id, button.registration_id, now=now
    )
    card = person_card(facts, button.page, reader.language, zone, now)
    await show(update, context, reader, card)


async def note_reason(update: Update, context: Context) -> None:
    """Note what holds somebody up, or clear it."""
    button = MileReason.parse(tap(update).data)
    if not 0 <= button.reason < len(REASONS):
        raise StaleButton
    reader = await context.reader(update)
    await context.write(
        last_mile.turn_reason,
        reader.linked_teacher_id,
        button.registration_id,
        REASONS[button.reason],
        now=context.now(),
    )
    back = MilePerson(button.registration_id, button.page)
    await _show_person(update, context, reader, back)


async def spoke_with(update: Update, context: Context) -> None:
    """Note that the reader has spoken with somebody, or take it back."""
    button = MileContact.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        last_mile.mark_contacted,
        reader.linked_teacher_id,
        button.registration_id,
        now=context.now(),
    )
    back = MilePerson(button.registration_id, button.page)
    await _show_person(update, context, reader, back)


async def remind(update: Update, context: Context) -> None:
    """Ask those of a school, or one of them, once more."""
    button = MileRemind.parse(tap(update).data)
    reader = await context.reader(update)
    answers = await context.write(
        last_mile.remind,
        reader.linked_teacher_id,
        button.batch_id,
        button.unit_id,
        registration_id=button.registration_id,
        now=context.now(),
    )
    _ = catalog(reader.language).gettext
    text = asked_text(answers, reader.language)
    await alert(update, text or _("Everybody has finished meanwhile."))
    if button.registration_id and answers:
        back = MilePerson(button.registration_id, button.page)
        await _show_person(update, context, reader, back)
        return
    people = MilePeople(button.batch_id, button.unit_id, button.page)
    await _show_people(update, context, reader, people)


# --- bulletins --------------------------------------------------------------------------------


async def open_bulletin(update: Update, context: Context) -> None:
    """Show what a bulletin would say."""
    reader = await context.reader(update)
    await _show_bulletin(update, context, reader, MileBulletin.parse(tap(update).data).batch_id)


async def _show_bulletin(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    now, house = context.now(), context.house
    facts = await context.read(bulletins.draft, reader.linked_teacher_id, batch_id, now=now)
    said = public.bulletin_group_card(
        facts.bulletin, batch_id, reader.language, house.zone, now, house.link
    )
    await show(update, context, reader, draft_card(facts, said.text, reader.language))


async def post_bulletin(update: Update, context: Context) -> None:
    """Post the bulletin that the reader has seen."""
    button = PostMileBulletin.parse(tap(update).data)
    await _post(update, context, button.batch_id, button.import_id, all_staff=False)


async def post_to_all_staff(update: Update, context: Context) -> None:
    """Post it, and the next ones of this class, in the group of all staff."""
    button = PostToAllStaff.parse(tap(update).data)
    await _post(update, context, button.batch_id, button.import_id, all_staff=True)


async def _post(
    update: Update, context: Context, batch_id: int, import_id: int, *, all_staff: bool
) -> None:
    reader = await context.reader(update)
    posted = await context.write(
        bulletins.post,
        reader.linked_teacher_id,
        batch_id,
        import_id,
        all_staff=all_staff,
        now=context.now(),
    )
    context.house.wake_delivery()
    await alert(update, posted_text(posted, reader.language))
    await _show_bulletin(update, context, reader, batch_id)


async def bulletin_voice(house: House, row: Claimed) -> Said:
    """A bulletin in a group; a later version takes the place of the one that hangs there."""
    facts = await house.database.read(bulletins.to_say, row.facts)
    if facts is None:
        return Nothing("the class does not take place")
    batch_id, edits = row.facts["batch_id"], row.facts.get("message_id")
    if row.facts.get("is_withdrawn"):
        if edits is None:
            return Nothing("its figures were taken back")
        return Say(public.bulletin_withdrawn_card(facts, row.language), edits=edits)
    now = house.clock()
    card = public.bulletin_group_card(facts, batch_id, row.language, house.zone, now, house.link)
    return Say(card, edits=edits)
