"""Claims for learning elsewhere: filling one in, its state, and the queue of who reviews."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import date

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import Context, alert, shortened, show, show_anew, tap
from handlers.credits.buttons import OpenHours
from handlers.credits.claims_text import (
    ask_text,
    claim_state,
    claim_text,
    draft_text,
    review_text,
)
from handlers.credits.evidence import put_away, refuse, show_with
from handlers.credits.words import amount, category_name, level_name
from handlers.files import Attachment, on_file
from handlers.people.buttons import OpenDesk
from handlers.undoing import Undo
from handlers.wiring import AnyApplication, on_desk, on_link, on_tap, on_text
from locales import catalog
from storage.credits import claims
from storage.credits.claims import ClaimFacts, Filled, Mine, Queued, Twin
from storage.credits.papers import NotEvidence
from storage.credits.profiles import LEVELS
from storage.credits.tables import ClaimState
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.training.tables import CATEGORIES

AWAITED = "claim"
AWAITED_FILE = "claimfile"
AWAITED_RETURN = "claimback"
AWAITED_REFUSE = "claimno"
AWAITED_HOURS = "claimhours"
LABEL = 40
TYPED = ("title", "provider", "learnt_on", "hours")


@dataclass(frozen=True)
class MyClaims(Button):
    """My claims, page by page."""

    tag = "cl"
    page: int = 0


@dataclass(frozen=True)
class NewClaim(Button):
    """Claim hours; with a number, correct the one that was returned."""

    tag = "cln"
    claim_id: int = 0


@dataclass(frozen=True)
class OpenClaim(Button):
    """One of my claims."""

    tag = "clo"
    claim_id: int


@dataclass(frozen=True)
class ClaimField(Button):
    """Fill in this field (again)."""

    tag = "clf"
    field: str


@dataclass(frozen=True)
class ClaimChoice(Button):
    """This level, or this category."""

    tag = "clv"
    field: str
    value: str


@dataclass(frozen=True)
class SendClaim(Button):
    """Hand it in."""

    tag = "cls"


@dataclass(frozen=True)
class GiveUpClaim(Button):
    """Forget what is filled in."""

    tag = "clx"


@dataclass(frozen=True)
class WithdrawClaim(Button):
    """Take my claim back."""

    tag = "clw"
    claim_id: int
    sure: int = 0


@dataclass(frozen=True)
class ReviewClaims(Button):
    """The next claim that waits for me, past this one."""

    tag = "cq"
    after: int = 0


@dataclass(frozen=True)
class ReviewClaim(Button):
    """One claim that waits for me."""

    tag = "cqv"
    claim_id: int


@dataclass(frozen=True)
class ConfirmClaim(Button):
    """The school's word: it is right."""

    tag = "cqo"
    claim_id: int


@dataclass(frozen=True)
class ReturnClaim(Button):
    """Give it back; the reason is typed."""

    tag = "cqb"
    claim_id: int


@dataclass(frozen=True)
class AcceptClaim(Button):
    """Post the hours, as they were shown (``mark``); without one, ask first."""

    tag = "cqa"
    claim_id: int
    mark: int = 0


@dataclass(frozen=True)
class RefuseClaim(Button):
    """Refuse it; the reason is typed."""

    tag = "cqr"
    claim_id: int


@dataclass(frozen=True)
class FixClaim(Button):
    """Put right the level, the category or the hours."""

    tag = "cqf"
    claim_id: int
    what: str


@dataclass(frozen=True)
class PutRight(Button):
    """This level, or this category, is right."""

    tag = "cqx"
    claim_id: int
    what: str
    value: str


def install(application: AnyApplication) -> None:
    on_desk(
        application, [Act.CONFIRM_HOURS, Act.SETTLE_HOURS], _label, ReviewClaims, kinds=["claims"]
    )
    on_link(application, "claims", _linked)
    on_tap(application, MyClaims, open_mine)
    on_tap(application, NewClaim, begin)
    on_tap(application, OpenClaim, open_claim)
    on_tap(application, ClaimField, ask_again)
    on_tap(application, ClaimChoice, chosen)
    on_tap(application, SendClaim, send)
    on_tap(application, GiveUpClaim, give_up)
    on_tap(application, WithdrawClaim, withdraw)
    on_tap(application, ReviewClaims, open_next)
    on_tap(application, ReviewClaim, open_review)
    on_tap(application, ConfirmClaim, confirm)
    on_tap(application, ReturnClaim, ask_return)
    on_tap(application, AcceptClaim, accept)
    on_tap(application, RefuseClaim, ask_refuse)
    on_tap(application, FixClaim, fix)
    on_tap(application, PutRight, right_chosen)
    on_text(application, AWAITED, typed)
    on_file(application, AWAITED_FILE, evidence_sent)
    on_text(application, AWAITED_FILE, evidence_typed)
    on_text(application, AWAITED_RETURN, return_reason)
    on_text(application, AWAITED_REFUSE, refuse_reason)
    on_text(application, AWAITED_HOURS, hours_typed)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Claims")


# --- the teacher's cards --------------------------------------------------------------------------


def mine_card(facts: Mine, language: str) -> Card:
    """My claims with their states; each is a key."""
    _ = catalog(language).gettext
    lines = [_("<b>Learning elsewhere</b>")]
    if not facts.claims:
        lines.append(
            _(
                "For training outside the office you can claim hours here, with evidence. "
                "Your school looks at it first, then the county decides."
            )
        )
    lines += [
        "· "
        + _("{title}: {state}").format(
            title=html.escape(claim.title),
            state=claim_state(claim.state, language, claim.by_school),
        )
        for claim in facts.claims
    ]
    keys = [
        (Key(shortened(claim.title, LABEL), OpenClaim(claim.claim_id)),) for claim in facts.claims
    ]
    turn = pager(facts.page, facts.pages, MyClaims)
    return Card(
        "\n".join(lines),
        (
            *keys,
            *((turn,) if turn else ()),
            (Key(_("Claim hours"), NewClaim(), style="primary"),),
            (Key(_("Back"), OpenHours()),),
        ),
    )


def claim_card(facts: ClaimFacts, language: str, today: date) -> Card:
    """One of my claims, and what can be done about it."""
    _ = catalog(language).gettext
    rows: list[tuple[Key, ...]] = []
    if facts.state is ClaimState.RETURNED:
        rows.append((Key(_("Correct it"), NewClaim(facts.claim_id), style="primary"),))
    if facts.state in claims.ALIVE:
        rows.append((Key(_("Withdraw it"), WithdrawClaim(facts.claim_id)),))
    rows.append((Key(_("Back"), MyClaims()),))
    return Card(claim_text(facts, language, today), tuple(rows))


def ask_card(filled: Filled, field: str, language: str) -> Card:
    """Ask for one field: by keys, by a typed text, or by a file."""
    _ = catalog(language).gettext
    rows: list[tuple[Key, ...]] = []
    if field == "level":
        keys = [
            Key(level_name(level, language), ClaimChoice("level", level))
            for level in reversed(LEVELS)
        ]
        rows += [tuple(keys[n : n + 2]) for n in range(0, len(keys), 2)]
    elif field == "category":
        names = CATEGORIES
        keys = [
            Key(shortened(category_name(name, language), LABEL), ClaimChoice("category", name))
            for name in names
        ]
        rows += [tuple(keys[n : n + 2]) for n in range(0, len(keys), 2)]
    back = _before(filled, field)
    last = [Key(_("Cancel"), GiveUpClaim())]
    if back:
        last.insert(0, Key(_("Back"), ClaimField(back)))
    rows.append(tuple(last))
    head = _("<b>Claim hours</b>")
    return Card(f"{head}\n{ask_text(field, language)}", tuple(rows))


FIELDS = ("title", "provider", "learnt_on", "hours", "level", "category", "file_id")


def _before(filled: Filled, field: str) -> str:
    """The field that was filled in before this one."""
    at = FIELDS.index(field)
    return FIELDS[at - 1] if at and getattr(filled, FIELDS[at - 1]) else ""


def draft_card(filled: Filled, twins: tuple[Twin, ...], language: str, today: date) -> Card:
    """Everything that is filled in, to be handed in or changed."""
    _ = catalog(language).gettext
    labels = {
        "title": _("Heading"),
        "provider": _("Provider"),
        "learnt_on": _("Day"),
        "hours": _("Hours"),
        "level": _("Level"),
        "category": _("Category"),
        "file_id": _("Evidence"),
    }
    keys = [Key(labels[field], ClaimField(field)) for field in FIELDS]
    return Card(
        draft_text(filled, twins, language, today),
        (
            (Key(_("Hand in"), SendClaim(), style="primary"),),
            tuple(keys[:4]),
            tuple(keys[4:]),
            (Key(_("Cancel"), GiveUpClaim()),),
        ),
    )


# --- the reviewer's card --------------------------------------------------------------------------


def review_card(queued: Queued, language: str, today: date, deed_id: int | None = None) -> Card:
    """One claim with what may be done about it; the county may put things right.

    ``deed_id`` takes back the one before.
    """
    _ = catalog(language).gettext
    facts = queued.claim
    id_ = facts.claim_id
    text = review_text(facts, queued.waiting, language, today)
    rows: list[tuple[Key, ...]] = []
    if queued.is_last_word:
        if queued.to_post != facts.asked:
            text += "\n" + _to_post(queued, language)
        rows.append(
            (
                Key(_("Approve"), AcceptClaim(id_), style="success"),
                Key(_("Refuse"), RefuseClaim(id_)),
            )
        )
        rows.append(
            (
                Key(_("Level"), FixClaim(id_, "level")),
                Key(_("Category"), FixClaim(id_, "category")),
                Key(_("Hours"), FixClaim(id_, "hours")),
            )
        )
    else:
        rows.append((Key(_("Confirm"), ConfirmClaim(id_), style="success"),))
    rows.append((Key(_("Return it"), ReturnClaim(id_)),))
    if deed_id is not None:
        rows.append((_undo_key(deed_id, language),))
    rows.append((Key(_("Next ›"), ReviewClaims(id_)), Key(_("Back"), OpenDesk())))
    return Card(text, tuple(rows))


def _to_post(queued: Queued, language: str) -> str:
    _ = catalog(language).gettext
    return _("To be posted as: {hours}, {level}, {category}").format(
        hours=amount(queued.to_post.hours, "hour", language),
        level=level_name(queued.to_post.level, language),
        category=html.escape(category_name(queued.to_post.category, language)),
    )


def _undo_key(deed_id: int, language: str) -> Key:
    _ = catalog(language).gettext
    return Key(_("Undo the last one"), Undo(deed_id))


def sure_card(queued: Queued, language: str, *, changed: bool) -> Card:
    """Ask once more before hours are posted, and say which."""
    _ = catalog(language).gettext
    facts = queued.claim
    lines = [_("Meanwhile something has changed; nothing has been posted.")] if changed else []
    lines += [
        _("Grant this claim?"),
        _("{name}, {school}").format(name=html.escape(facts.name), school=html.escape(facts.unit)),
        f"<b>{html.escape(facts.title)}</b>",
        _to_post(queued, language),
    ]
    if queued.to_post.hours != facts.hours:
        lines.append(_("Asked for: {hours}").format(hours=amount(facts.hours, "hour", language)))
    lines.append(_("It can be undone for ten minutes."))
    sure = AcceptClaim(facts.claim_id, queued.to_post.mark)
    return Card(
        "\n".join(lines),
        (
            (
                Key(_("Confirm"), sure, style="success"),
                Key(_("Back"), ReviewClaim(facts.claim_id)),
            ),
        ),
    )


def nothing_card(skipped: bool, language: str, deed_id: int | None = None) -> Card:
    """Nothing waits, or nothing after those that were skipped; ``deed_id`` takes back the last."""
    _ = catalog(language).gettext
    last = () if deed_id is None else (_undo_key(deed_id, language),)
    back = (*last, Key(_("Back"), OpenDesk()))
    if skipped:
        again = (Key(_("From the beginning"), ReviewClaims(0)),)
        return Card(_("That was the last one."), (again, back))
    return Card(_("No claim waits for you."), (back,))


# --- the teacher ----------------------------------------------------------------------------------


async def open_mine(update: Update, context: Context) -> None:
    page = MyClaims.parse(tap(update).data).page
    await _show_mine(update, context, await context.reader(update), page)


async def _show_mine(update: Update, context: Context, reader: Reader, page: int = 0) -> None:
    facts = await context.write(claims.mine, reader.linked_teacher_id, page=page)
    await show(update, context, reader, mine_card(facts, reader.language))


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _show_mine(update, context, reader)


async def open_claim(update: Update, context: Context) -> None:
    claim_id = OpenClaim.parse(tap(update).data).claim_id
    reader = await context.reader(update)
    facts = await context.write(claims.own, reader.linked_teacher_id, claim_id)
    await show(update, context, reader, claim_card(facts, reader.language, _today(context)))


async def begin(update: Update, context: Context) -> None:
    """Begin a claim, take up the one that is half filled in, or correct a returned one."""
    claim_id = NewClaim.parse(tap(update).data).claim_id
    reader = await context.reader(update)
    teacher_id = reader.linked_teacher_id
    filled = await context.read(claims.draft, reader.account_id)
    if claim_id or filled == Filled():
        filled = await context.write(
            claims.begin, teacher_id, reader.account_id, now=context.now(), claim_id=claim_id
        )
    await _go_on(update, context, reader, filled)


async def _go_on(update: Update, context: Context, reader: Reader, filled: Filled) -> None:
    """Ask for what is missing next, or show it all."""
    if filled.missing:
        await _ask(update, context, reader, filled, filled.missing)
        return
    twins = await context.read(claims.look_alike, reader.linked_teacher_id, filled)
    card = draft_card(filled, twins, reader.language, _today(context))
    await show(update, context, reader, card)


async def _ask(
    update: Update, context: Context, reader: Reader, filled: Filled, field: str
) -> None:
    awaited = ""
    if field in TYPED:
        awaited = f"{AWAITED}:{field}"
    elif field == "file_id":
        awaited = AWAITED_FILE
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    await show(update, context, reader, ask_card(filled, field, reader.language))


async def ask_again(update: Update, context: Context) -> None:
    """Ask for one field again; what is there stays until something else is given."""
    field = ClaimField.parse(tap(update).data).field
    reader = await context.reader(update)
    filled = await context.read(claims.draft, reader.account_id)
    if filled == Filled() or field not in FIELDS:
        await _show_mine(update, context, reader)
        return
    await _ask(update, context, reader, filled, field)


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text for the field that was asked for."""
    field = reader.awaiting.partition(":")[2]
    filled = await context.write(claims.fill, reader.account_id, field, text, now=context.now())
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    await _go_on(update, context, reader, filled)


async def chosen(update: Update, context: Context) -> None:
    button = ClaimChoice.parse(tap(update).data)
    reader = await context.reader(update)
    if button.field not in ("level", "category"):
        raise claims.NotAClaim(button.field)
    filled = await context.write(
        claims.fill, reader.account_id, button.field, button.value, now=context.now()
    )
    await _go_on(update, context, reader, filled)


async def evidence_sent(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Take a photo or a file as the evidence."""
    name = "" if attachment.is_photo else attachment.name or "file"
    fill, now = claims.fill, context.now()
    try:
        filled = await context.write(
            fill, reader.account_id, "file_id", attachment.file_id, now=now, name=name
        )
    except NotEvidence:
        await refuse(context, reader)
        return
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    await _go_on(update, context, reader, filled)


async def evidence_typed(update: Update, context: Context, reader: Reader, _text: str) -> None:
    """A text is no evidence: ask once more."""
    filled = await context.read(claims.draft, reader.account_id)
    await _ask(update, context, reader, filled, "file_id")


async def send(update: Update, context: Context) -> None:
    """Hand the claim in; a second tap shows the one that was handed in."""
    reader = await context.reader(update)
    facts = await context.write(
        claims.send, reader.linked_teacher_id, reader.account_id, now=context.now()
    )
    _ = catalog(reader.language).gettext
    await alert(update, _("Handed in. You are told what becomes of it."))
    await show(update, context, reader, claim_card(facts, reader.language, _today(context)))


async def give_up(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    await context.write(drafts.drop, reader.account_id, claims.KIND)
    await _show_mine(update, context, reader)


async def withdraw(update: Update, context: Context) -> None:
    """Ask once more, then take the claim back."""
    button = WithdrawClaim.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.sure:
        keys = (
            (
                Key(_("Yes, withdraw"), WithdrawClaim(button.claim_id, 1), style="danger"),
                Key(_("Back"), OpenClaim(button.claim_id)),
            ),
        )
        await show(update, context, reader, Card(_("Withdraw this claim?"), keys))
        return
    facts = await context.write(
        claims.withdraw, reader.linked_teacher_id, button.claim_id, now=context.now()
    )
    await show(update, context, reader, claim_card(facts, reader.language, _today(context)))


# --- who reviews ----------------------------------------------------------------------------------


async def open_next(update: Update, context: Context) -> None:
    """Show the next claim that waits, with its evidence."""
    after = ReviewClaims.parse(tap(update).data).after
    reader = await context.reader(update)
    await _show_next(update, context, reader, after)


async def _show_next(
    update: Update, context: Context, reader: Reader, after: int, deed_id: int | None = None
) -> None:
    queued = await context.write(
        claims.queue,
        reader.linked_teacher_id,
        now=context.now(),
        after=after,
        account_id=reader.account_id,
    )
    if queued is None:
        await put_away(context, reader)
        await show(update, context, reader, nothing_card(after > 0, reader.language, deed_id))
        return
    facts = queued.claim
    card = review_card(queued, reader.language, _today(context), deed_id)
    await show_with(update, context, reader, facts.file_id, facts.file_name, card)


async def open_review(update: Update, context: Context) -> None:
    """Show one claim in place, with what has been put right so far."""
    claim_id = ReviewClaim.parse(tap(update).data).claim_id
    reader = await context.reader(update)
    queued = await _reviewed(context, reader, claim_id)
    await show(update, context, reader, review_card(queued, reader.language, _today(context)))


async def _reviewed(context: Context, reader: Reader, claim_id: int) -> Queued:
    return await context.write(
        claims.review,
        reader.linked_teacher_id,
        claim_id,
        now=context.now(),
        account_id=reader.account_id,
    )


async def confirm(update: Update, context: Context) -> None:
    claim_id = ConfirmClaim.parse(tap(update).data).claim_id
    reader = await context.reader(update)
    await context.write(claims.confirm, reader.linked_teacher_id, claim_id, now=context.now())
    _ = catalog(reader.language).gettext
    await alert(update, _("Confirmed. The county decides."))
    await _show_next(update, context, reader, 0)


async def accept(update: Update, context: Context) -> None:
    """Ask once what is to be posted, then post just that, and go on to the next claim."""
    button = AcceptClaim.parse(tap(update).data)
    reader = await context.reader(update)
    queued = await _reviewed(context, reader, button.claim_id)
    if not queued.is_last_word or button.mark != queued.to_post.mark:
        card = sure_card(queued, reader.language, changed=bool(button.mark))
        await show(update, context, reader, card)
        return
    done = await context.write(
        claims.accept,
        reader.linked_teacher_id,
        button.claim_id,
        now=context.now(),
        level=queued.to_post.level,
        category=queued.to_post.category,
        hours=queued.to_post.hours,
    )
    context.house.wake_delivery()
    _ = catalog(reader.language).gettext
    await alert(update, _("Accepted; the hours are posted."))
    await _show_next(update, context, reader, 0, done.deed_id)


async def ask_return(update: Update, context: Context) -> None:
    claim_id = ReturnClaim.parse(tap(update).data).claim_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _("What should the teacher correct? Please send it in one message.")
    await _ask_reason(update, context, reader, claim_id, AWAITED_RETURN, text)


async def ask_refuse(update: Update, context: Context) -> None:
    claim_id = RefuseClaim.parse(tap(update).data).claim_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _("Why is it not accepted? Please send the reason in one message; the teacher reads it.")
    await _ask_reason(update, context, reader, claim_id, AWAITED_REFUSE, text)


async def _ask_reason(
    update: Update, context: Context, reader: Reader, claim_id: int, awaited: str, text: str
) -> None:
    now = context.now()
    await context.write(claims.review, reader.linked_teacher_id, claim_id, now=now)
    await context.write(accounts.await_text, reader.account_id, f"{awaited}:{claim_id}", now=now)
    _ = catalog(reader.language).gettext
    keys = ((Key(_("Cancel"), ReviewClaim(claim_id)),),)
    await show(update, context, reader, Card(text, keys))


async def return_reason(update: Update, context: Context, reader: Reader, text: str) -> None:
    claim_id = int(reader.awaiting.partition(":")[2])
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    await context.write(claims.give_back, reader.linked_teacher_id, claim_id, text, now=now)
    await _show_next(update, context, reader, 0)


async def refuse_reason(update: Update, context: Context, reader: Reader, text: str) -> None:
    claim_id = int(reader.awaiting.partition(":")[2])
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    await context.write(claims.refuse, reader.linked_teacher_id, claim_id, text, now=now)
    await _show_next(update, context, reader, 0)


async def fix(update: Update, context: Context) -> None:
    """Choose another level or category, or type other hours."""
    button = FixClaim.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now = context.now()
    await _reviewed(context, reader, button.claim_id)
    back = (Key(_("Back"), ReviewClaim(button.claim_id)),)
    if button.what == "hours":
        awaited = f"{AWAITED_HOURS}:{button.claim_id}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=now)
        text = _("How many hours are to be posted? Please type the number.")
        await show(update, context, reader, Card(text, (back,)))
        return
    field = "level" if button.what == "level" else "category"
    if field == "level":
        named = [(level, level_name(level, reader.language)) for level in reversed(LEVELS)]
    else:
        named = [(name, category_name(name, reader.language)) for name in CATEGORIES]
    keys = [
        Key(shortened(name, LABEL), PutRight(button.claim_id, field, value))
        for value, name in named
    ]
    rows = tuple(tuple(keys[n : n + 2]) for n in range(0, len(keys), 2))
    await show(update, context, reader, Card(ask_text(field, reader.language), (*rows, back)))


async def right_chosen(update: Update, context: Context) -> None:
    """Note the level or category that is to be posted."""
    button = PutRight.parse(tap(update).data)
    reader = await context.reader(update)
    queued = await _put_right(context, reader, button.claim_id, button.what, button.value)
    await show(update, context, reader, review_card(queued, reader.language, _today(context)))


async def hours_typed(_update: Update, context: Context, reader: Reader, text: str) -> None:
    """Note typed hours that are to be posted."""
    claim_id = int(reader.awaiting.partition(":")[2])
    queued = await _put_right(context, reader, claim_id, "hours", text)
    await show_anew(context, reader, review_card(queued, reader.language, _today(context)))


async def _put_right(
    context: Context, reader: Reader, claim_id: int, field: str, text: str
) -> Queued:
    return await context.write(
        claims.put_right,
        reader.linked_teacher_id,
        claim_id,
        field,
        text,
        now=context.now(),
        account_id=reader.account_id,
    )


def _today(context: Context) -> date:
    return local_day(context.now(), context.house.zone)
