"""A public list in private, raising an objection to it, and deciding one."""

from __future__ import annotations

import html
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.competitions import words
from handlers.competitions.deciding_buttons import (
    AddEvidence,
    ChooseToCorrect,
    ConfirmCorrection,
    CorrectEntry,
    DropObjection,
    MyObjection,
    ObjectionEvidence,
    ObjectTo,
    OpenLists,
    OpenObjection,
    OpenObjections,
    SettleObjection,
    ShowPublicList,
    SubmitObjection,
    WithdrawObjection,
)
from handlers.competitions.outcomes import answer_lines
from handlers.context import Context, alert, hush, shortened, show, tap
from handlers.files import Attachment, on_file
from handlers.people.buttons import Home
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_link, on_tap, on_text
from locales import catalog, dates
from storage.competitions import objections, publicity
from storage.competitions.objections import Choice, How, Mine, Preview, Raised
from storage.competitions.publicity import PublicList
from storage.competitions.tables import ObjectionState
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.refusals import NotFound

TEXT, FILE, ANSWER = "kdtext", "kdfile", "kdanswer"
DRAFT = "objection"
CORRECTION = "correction"
PAGE = 8
LABEL = 40


def install(application: AnyApplication) -> None:
    on_link(application, r"list([0-9]{1,18})", by_link)
    on_tap(application, ShowPublicList, open_public)
    on_tap(application, ObjectTo, ask_text)
    on_text(application, TEXT, text_given)
    on_tap(application, AddEvidence, ask_file)
    on_file(application, FILE, file_given)
    on_tap(application, SubmitObjection, submit)
    on_tap(application, DropObjection, drop)
    on_tap(application, MyObjection, open_mine)
    on_tap(application, WithdrawObjection, withdraw)
    on_tap(application, OpenObjections, open_all)
    on_tap(application, OpenObjection, open_one)
    on_tap(application, ObjectionEvidence, send_evidence)
    on_tap(application, SettleObjection, ask_answer)
    on_text(application, ANSWER, answer_given)
    on_tap(application, ChooseToCorrect, choose)
    on_tap(application, CorrectEntry, choose_how)
    on_tap(application, ConfirmCorrection, confirm)


# --- cards ----------------------------------------------------------------------------------------


def public_card(
    facts: PublicList,
    mine: tuple[Mine, ...],
    page: int,
    language: str,
    zone: ZoneInfo,
    now: datetime,
) -> Card:
    """A list on display, with a key for each line to object to."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    lines = [f"<b>{html.escape(facts.title)} · {html.escape(facts.round_name)}</b>"]
    keys: list[tuple[Key, ...]] = []
    own = [
        (Key(_("My objection {n}").format(n=n), MyObjection(each.id)),)
        for n, each in enumerate(mine, 1)
    ][:4]
    if not facts.is_up:
        lines.append(_("The list is not on public display any more."))
        return Card("\n".join(lines), (*own, (Key(_("Menu"), Home()),)))
    if facts.version > 1:
        lines.append(_("This list (version {n}) replaces the earlier one.").format(n=facts.version))
    pages = max(1, -(-len(facts.lines) // PAGE))
    page = min(max(0, page), pages - 1)
    row: list[Key] = []
    for n, one in enumerate(facts.lines[page * PAGE : (page + 1) * PAGE], 1 + page * PAGE):
        lines.append(
            _("{n}. {track}: {name} ({school}) {award}")
            .format(
                n=n,
                track=html.escape(one.track),
                name=html.escape(one.name),
                school=html.escape(one.school),
                award=html.escape(one.award),
            )
            .rstrip()
        )
        row.append(Key(str(n), ObjectTo(facts.round_id, one.place_id)))
    if facts.until is not None:
        lines.append(
            _("On public display until {day}, 17:00.").format(
                day=dates.day(facts.until, language, today)
            )
        )
    lines.append(
        _(
            "To object, tap the number of the line, or “The whole list”. Only those who decide "
            "read who has objected; you get an answer within five working days."
        )
    )
    keys += [tuple(row[n : n + 4]) for n in range(0, len(row), 4)]
    turn = pager(page, pages, lambda other: ShowPublicList(facts.round_id, other))
    keys += [turn] if turn else []
    keys.append((Key(_("The whole list"), ObjectTo(facts.round_id)),))
    return Card("\n".join(lines), (*keys, *own, (Key(_("Menu"), Home()),)))


def draft_card(text: str, evidence: str, language: str) -> Card:
    """What is about to be handed in."""
    _ = catalog(language).gettext
    lines = [_("<b>Your objection</b>"), html.escape(text)]
    if evidence:
        lines.append(_("With it: {name}").format(name=html.escape(evidence)))
    lines.append(_("Only those who decide see it and your name; neither judges nor the school."))
    return Card(
        "\n".join(lines),
        (
            (Key(_("Hand in"), SubmitObjection(), style="primary"),),
            (Key(_("Add a file"), AddEvidence()), Key(_("Cancel"), DropObjection())),
        ),
    )


def mine_card(facts: Mine, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """One's own objection, as one follows it."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    lines = answer_lines(facts, language)
    if facts.about:
        lines.append(_("About: {about}").format(about=html.escape(facts.about)))
    lines.append(html.escape(shortened(facts.text, 800)))
    keys: list[tuple[Key, ...]] = []
    if facts.state is ObjectionState.OPEN:
        lines.append(
            _("You get an answer {before}.").format(
                before=dates.before(facts.due_at, zone, language, today)
            )
        )
        keys.append((Key(_("Take it back"), WithdrawObjection(facts.id)),))
    return Card("\n".join(lines), (*keys, (Key(_("Menu"), Home()),)))


def all_card(
    found: tuple[Raised, ...],
    round_id: int,
    page: int,
    language: str,
    zone: ZoneInfo,
    now: datetime,
) -> Card:
    """The objections to a list that this person may decide."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    lines = [_("<b>Objections</b>")]
    if not found:
        lines.append(_("There is none that you decide."))
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(0, page), pages - 1)
    states = words.objection_states(language)
    row: list[Key] = []
    for n, each in enumerate(found[page * PAGE : (page + 1) * PAGE], 1 + page * PAGE):
        lines.append(
            (
                _("{n}. {about}: {state}, {before}")
                if each.state is ObjectionState.OPEN
                else _("{n}. {about}: {state}")
            ).format(
                n=n,
                about=html.escape(each.about) or _("the whole list"),
                state=states[each.state],
                before=dates.before(each.due_at, zone, language, today),
            )
        )
        row.append(Key(str(n), OpenObjection(each.id)))
    keys: list[tuple[Key, ...]] = [tuple(row[n : n + 4]) for n in range(0, len(row), 4)]
    turn = pager(page, pages, lambda other: OpenObjections(round_id, other))
    keys += [turn] if turn else []
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenLists(round_id)),)))


def raised_card(facts: Raised, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """One objection, for who decides it."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    lines = [
        _("<b>Objection</b>: {title} · {round}").format(
            title=html.escape(facts.title), round=html.escape(facts.round_name)
        ),
        _("About: {about}").format(about=html.escape(facts.about) or _("the whole list")),
        _("From: {name} ({school})").format(
            name=html.escape(facts.by_name), school=html.escape(facts.by_school)
        ),
        html.escape(shortened(facts.text, 1200)),
        (
            _("State: {state}; to be answered {before}.")
            if facts.state is ObjectionState.OPEN
            else _("State: {state}.")
        ).format(
            state=words.objection_states(language)[facts.state],
            before=dates.before(facts.due_at, zone, language, today),
        ),
    ]
    if facts.score is not None:
        lines.append(_("Score of the entry: {score}").format(score=f"{facts.score:g}"))
    if facts.answer:
        lines.append(_("Answer: {answer}").format(answer=html.escape(facts.answer)))
    keys: list[tuple[Key, ...]] = []
    id_ = facts.id
    if facts.evidence_file_id:
        keys.append((Key(_("The file"), ObjectionEvidence(id_)),))
    if facts.state is ObjectionState.OPEN:
        keys.append(
            (
                Key(_("List stays"), SettleObjection(id_, How.REFUSE)),
                Key(_("Upheld, noted"), SettleObjection(id_, How.NOTED)),
            )
        )
    if facts.deed_id is not None:
        lines.append(_("Nobody has been told yet. You can still take it back."))
        keys.append((undo_key(facts.deed_id, language),))
    elif facts.can_correct and facts.state in (ObjectionState.OPEN, ObjectionState.UPHELD):
        keys += (
            [(Key(_("Correct an entry"), ChooseToCorrect(id_)),)]
            if facts.place_id is None
            else [_correction_keys(id_, facts.place_id, language)]
        )
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenObjections(facts.round_id)),)))


def _correction_keys(objection_id: int, place_id: int, language: str) -> tuple[Key, ...]:
    _ = catalog(language).gettext
    return (
        Key(_("Take entry out"), SettleObjection(objection_id, How.OUT, place_id)),
        Key(_("Correct score"), SettleObjection(objection_id, How.SCORE, place_id)),
    )


def choose_card(found: tuple[Choice, ...], objection_id: int, page: int, language: str) -> Card:
    """Which entry is put right."""
    _ = catalog(language).gettext
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(0, page), pages - 1)
    keys: list[tuple[Key, ...]] = []
    for each in found[page * PAGE : (page + 1) * PAGE]:
        who = _("{name} ({school})").format(name=each.name, school=each.school)
        label = shortened(f"{each.track} · {who}", LABEL)
        keys.append((Key(label, CorrectEntry(objection_id, each.place_id)),))
    turn = pager(page, pages, lambda other: ChooseToCorrect(objection_id, other))
    keys += [turn] if turn else []
    text = (
        _("Which entry is put right? You see what would change before anything does.")
        if found
        else _("There is no entry that could be put right any more.")
    )
    return Card(text, (*keys, (Key(_("Back"), OpenObjection(objection_id)),)))


def preview_card(facts: Preview, answer: str, language: str) -> Card:
    """What a correction would change, and who would be told."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    who = _("{name} ({school})").format(
        name=html.escape(facts.name), school=html.escape(facts.school)
    )
    was = "—" if facts.was is None else f"{facts.was:g}"
    lines = [
        _("<b>Correction</b>: {who} is taken out").format(who=who)
        if facts.score is None
        else _("<b>Correction</b>: {who}, score {was} → {score}").format(
            who=who, was=was, score=f"{facts.score:g}"
        )
    ]
    lines += [
        _("· {name} ({school}): {was} → {becomes}").format(
            name=html.escape(each.name),
            school=html.escape(each.school),
            was=html.escape(words.result(each.was, each.was_award, language)),
            becomes=html.escape(words.result(each.state, each.award, language)),
        )
        for each in facts.shifts[:PAGE]
    ]
    rest = len(facts.shifts) - PAGE
    if rest > 0:
        lines.append(ngettext("and {n} more", "and {n} more", rest).format(n=rest))
    if not facts.shifts:
        lines.append(_("Nobody's award or place changes."))
    lines.append(_("Reason: {reason}").format(reason=html.escape(shortened(answer, 300))))
    if facts.shifts:
        lines.append(
            _(
                "For ten minutes you can take it back. Then {people} are told in private with the "
                "reason, and the corrected list hangs in {groups} for five working days anew."
            ).format(
                people=ngettext("{n} person", "{n} people", facts.people).format(n=facts.people),
                groups=ngettext("{n} group", "{n} groups", facts.groups).format(n=facts.groups),
            )
        )
    return Card(
        "\n".join(lines),
        (
            (Key(_("Confirm correction"), ConfirmCorrection(facts.objection_id), style="primary"),),
            (Key(_("Cancel"), OpenObjection(facts.objection_id)),),
        ),
    )


# --- whoever objects ------------------------------------------------------------------------------


async def by_link(update: Update, context: Context, reader: Reader, payload: str) -> None:
    """Whoever comes from the card of a group sees the list."""
    await _show_public(update, context, reader, int(payload))


async def open_public(update: Update, context: Context) -> None:
    """Show a page of a list on display."""
    button = ShowPublicList.parse(tap(update).data)
    await _show_public(update, context, await context.reader(update), button.round_id, button.page)


async def _show_public(
    update: Update, context: Context, reader: Reader, round_id: int, page: int = 0
) -> None:
    now = context.now()
    teacher_id = reader.linked_teacher_id
    facts = await context.read(publicity.public_list, round_id, now=now)
    if facts is None:
        raise NotFound("list")
    mine = await context.read(objections.owned, teacher_id, round_id, now=context.now())
    card = public_card(facts, mine, page, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def ask_text(update: Update, context: Context) -> None:
    """Ask what is wrong."""
    button = ObjectTo.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if reader.linked_teacher_id:
        awaited = f"{TEXT}:{button.round_id}:{button.place_id}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    text = _(
        "Please type what is wrong with it, and how you know. You can add a file afterwards; "
        "nothing is handed in yet."
    )
    keys = ((Key(_("Cancel"), ShowPublicList(button.round_id)),),)
    await show(update, context, reader, Card(text, keys))


async def text_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Keep what was typed, to be looked at once more."""
    _prefix, round_id, place_id = reader.awaiting.split(":")
    text = text.strip()[: objections.LONGEST]
    data = {"round_id": int(round_id), "place_id": int(place_id), "text": text}

    def keep(session: Session) -> None:
        accounts.await_text(session, reader.account_id, "", now=context.now())
        drafts.keep(session, reader.account_id, DRAFT, data, now=context.now())

    await context.write(keep)
    await show(update, context, reader, draft_card(text, "", reader.language))


async def ask_file(update: Update, context: Context) -> None:
    """Ask for the file."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(accounts.await_text, reader.account_id, FILE, now=context.now())
    text = _("Please send the file or photo now. The newest one is kept.")
    await show(update, context, reader, Card(text, ((Key(_("Cancel"), DropObjection()),),)))


async def file_given(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Keep the file with the draft."""

    def keep(session: Session) -> dict[str, str] | None:
        accounts.await_text(session, reader.account_id, "", now=context.now())
        data = drafts.read(session, reader.account_id, DRAFT, lock=True)
        if data is None:
            return None
        data |= {"file_id": attachment.file_id, "file_name": attachment.name or "photo"}
        drafts.keep(session, reader.account_id, DRAFT, data, now=context.now())
        return data

    data = await context.write(keep)
    if data is None:
        raise NotFound("draft")
    await show(
        update, context, reader, draft_card(data["text"], data["file_name"], reader.language)
    )


async def submit(update: Update, context: Context) -> None:
    """Hand the objection in."""
    reader = await context.reader(update)
    teacher_id = reader.linked_teacher_id
    now = context.now()

    def hand_in(session: Session) -> Mine | None:
        data = drafts.read(session, reader.account_id, DRAFT, lock=True)
        if data is None:
            return None
        made = objections.submit(
            session,
            teacher_id,
            data["round_id"],
            data["text"],
            place_id=data["place_id"] or None,
            evidence_file_id=data.get("file_id", ""),
            evidence_name=data.get("file_name", ""),
            now=now,
        )
        drafts.drop(session, reader.account_id, DRAFT)
        return made

    _ = catalog(reader.language).gettext
    made = await context.write(hand_in)
    if made is None:
        await alert(update, _("It was handed in already."))
        return
    context.house.wake_delivery()
    await alert(update, _("Your objection has been received, and is confidential."))
    await show(update, context, reader, mine_card(made, reader.language, context.house.zone, now))


async def drop(update: Update, context: Context) -> None:
    """Forget what was written."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext

    def forget(session: Session) -> int:
        accounts.await_text(session, reader.account_id, "", now=context.now())
        data = drafts.read(session, reader.account_id, DRAFT, lock=True)
        drafts.drop(session, reader.account_id, DRAFT)
        return 0 if data is None else int(data["round_id"])

    round_id = await context.write(forget)
    if round_id:
        await _show_public(update, context, reader, round_id)
    else:
        text = _("Nothing was handed in.")
        await show(update, context, reader, Card(text, ((Key(_("Menu"), Home()),),)))


async def open_mine(update: Update, context: Context) -> None:
    """Show one's own objection."""
    objection_id = MyObjection.parse(tap(update).data).objection_id
    reader = await context.reader(update)
    facts = await context.read(
        objections.own, reader.linked_teacher_id, objection_id, now=context.now()
    )
    card = mine_card(facts, reader.language, context.house.zone, context.now())
    await show(update, context, reader, card)


async def withdraw(update: Update, context: Context) -> None:
    """Take one's own objection back."""
    objection_id = WithdrawObjection.parse(tap(update).data).objection_id
    reader = await context.reader(update)
    now = context.now()
    facts = await context.write(
        objections.withdraw, reader.linked_teacher_id, objection_id, now=now
    )
    card = mine_card(facts, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


# --- those who decide -----------------------------------------------------------------------------


async def open_all(update: Update, context: Context) -> None:
    """Show the objections to a list."""
    button = OpenObjections.parse(tap(update).data)
    reader = await context.reader(update)
    now = context.now()
    found = await context.read(
        objections.of_round, reader.linked_teacher_id, button.round_id, now=now
    )
    card = all_card(found, button.round_id, button.page, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def open_one(update: Update, context: Context) -> None:
    """Show one objection."""
    objection_id = OpenObjection.parse(tap(update).data).objection_id
    await _show_one(update, context, await context.reader(update), objection_id)


async def _show_one(update: Update, context: Context, reader: Reader, objection_id: int) -> None:
    now = context.now()
    facts = await context.write(
        objections.open_one, reader.linked_teacher_id, objection_id, now=now
    )
    await show(
        update, context, reader, raised_card(facts, reader.language, context.house.zone, now)
    )


async def send_evidence(update: Update, context: Context) -> None:
    """Send the file that came with it."""
    objection_id = ObjectionEvidence.parse(tap(update).data).objection_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.write(
        objections.open_one, reader.linked_teacher_id, objection_id, now=context.now()
    )
    await hush(update)
    caption = _("Came with an objection; confidential.")
    if facts.evidence_name == "photo":
        await context.bot.send_photo(reader.tg_user_id, facts.evidence_file_id, caption=caption)
    elif facts.evidence_file_id:
        await context.bot.send_document(reader.tg_user_id, facts.evidence_file_id, caption=caption)


async def ask_answer(update: Update, context: Context) -> None:
    """Ask for the answer in words."""
    button = SettleObjection.parse(tap(update).data)
    how = How(button.how) if button.how in {*How} else How.NOTED
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    awaited = f"{ANSWER}:{button.objection_id}:{how.value}:{button.place_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    text = {
        How.REFUSE: _("Please type why the list stays. Whoever objected reads this."),
        How.NOTED: _("Please type what is put right. Whoever objected reads this."),
        How.OUT: _(
            "Please type why the entry is taken out, without naming who objected: whoever it "
            "concerns reads this. You see what would change before anything does."
        ),
        How.SCORE: _(
            "Please type the right score, a blank, and why, such as {example}, without naming "
            "who objected: whoever it concerns reads the reason. You see what would change "
            "before anything does."
        ).format(example="<code>86.5 评分录入有误</code>"),
    }[how]
    keys = ((Key(_("Cancel"), OpenObjection(button.objection_id)),),)
    await show(update, context, reader, Card(text, keys))


async def answer_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Settle it; what corrects the list is looked at once more."""
    _prefix, objection_id, word, *place = reader.awaiting.split(":")
    place_id = int(place[0]) if place else 0
    how = How(word)
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    score = None
    if how is How.SCORE:
        first, *rest = text.split(maxsplit=1)
        text = "".join(rest)
        try:
            score = float(first)
        except ValueError:
            raise objections.WrongScore(0) from None
    if how in (How.OUT, How.SCORE):
        await _preview(
            update, context, reader, int(objection_id), how, place_id, score, text.strip()
        )
        return
    await context.write(
        objections.settle,
        reader.linked_teacher_id,
        int(objection_id),
        how,
        text,
        now=context.now(),
    )
    context.house.wake_delivery()
    await _show_one(update, context, reader, int(objection_id))


async def _preview(
    update: Update,
    context: Context,
    reader: Reader,
    objection_id: int,
    how: How,
    place_id: int,
    score: float | None,
    answer: str,
) -> None:
    """Keep the correction, and show what it would change."""
    if not answer:
        raise objections.AnswerMissing
    data = {
        "objection_id": objection_id,
        "how": how.value,
        "place_id": place_id,
        "score": score,
        "answer": answer[: objections.LONGEST],
    }

    def keep(session: Session) -> Preview:
        facts = objections.preview(
            session,
            reader.linked_teacher_id,
            objection_id,
            how,
            place_id=place_id,
            score=score,
            now=context.now(),
        )
        drafts.keep(session, reader.account_id, CORRECTION, data, now=context.now())
        return facts

    facts = await context.write(keep)
    await show(update, context, reader, preview_card(facts, answer, reader.language))


async def choose(update: Update, context: Context) -> None:
    """Show which entries could be put right."""
    button = ChooseToCorrect.parse(tap(update).data)
    reader = await context.reader(update)
    found = await context.read(
        objections.choices, reader.linked_teacher_id, button.objection_id, now=context.now()
    )
    card = choose_card(found, button.objection_id, button.page, reader.language)
    await show(update, context, reader, card)


async def choose_how(update: Update, context: Context) -> None:
    """Ask what is put right about it."""
    button = CorrectEntry.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    found = await context.read(
        objections.choices, reader.linked_teacher_id, button.objection_id, now=context.now()
    )
    one = next((each for each in found if each.place_id == button.place_id), None)
    if one is None:
        raise NotFound("entry")
    text = _("{name} ({school})").format(name=html.escape(one.name), school=html.escape(one.school))
    keys = _correction_keys(button.objection_id, button.place_id, reader.language)
    back = (Key(_("Back"), ChooseToCorrect(button.objection_id)),)
    await show(update, context, reader, Card(text, (keys, back)))


async def confirm(update: Update, context: Context) -> None:
    """Put right what was seen."""
    objection_id = ConfirmCorrection.parse(tap(update).data).objection_id
    reader = await context.reader(update)

    def settle(session: Session) -> bool:
        data = drafts.read(session, reader.account_id, CORRECTION, lock=True)
        if data is None or data["objection_id"] != objection_id:
            return False
        objections.settle(
            session,
            reader.linked_teacher_id,
            objection_id,
            How(data["how"]),
            data["answer"],
            place_id=data["place_id"],
            score=data["score"],
            now=context.now(),
        )
        drafts.drop(session, reader.account_id, CORRECTION)
        return True

    await context.write(settle)
    await _show_one(update, context, reader, objection_id)
