"""Second channels: a person's mailbox, or the robots of a unit's work groups.

Whoever pastes an address pastes a secret: the message is deleted at once, its text is taken
out of the inbox, and what is shown of it from then on is masked.
"""

from __future__ import annotations

import html
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.context import Channels, Context, House, alert, shortened, show, take_away, tap
from handlers.messaging.relay_buttons import (
    AddRelay,
    OpenRelay,
    OpenRelays,
    RelayUnits,
    RemoveRelay,
    SwitchRelay,
    TryRelay,
)
from handlers.messaging.voices import Nothing, Said, Say
from handlers.people.buttons import OpenDesk, OpenSettings
from handlers.wiring import AnyApplication, on_desk, on_tap, on_text
from locales import catalog
from storage.messaging import inbox, relays
from storage.messaging.outbox import Claimed
from storage.messaging.relays import (
    ROBOTS,
    AlreadyAChannel,
    Channel,
    NoMailbox,
    NotAChannel,
    RelayKind,
    TooManyChannels,
)
from storage.people import accounts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import Refusal

AWAITED = "relay"
A_PAGE = 8
LABEL = 24


def install(application: AnyApplication) -> None:
    on_desk(application, {Act.NOTIFY_UNIT}, _door, RelayUnits)
    on_tap(application, RelayUnits, open_units)
    on_tap(application, OpenRelays, open_relays)
    on_tap(application, AddRelay, ask)
    on_text(application, AWAITED, given)
    on_tap(application, OpenRelay, open_relay)
    on_tap(application, TryRelay, try_out)
    on_tap(application, SwitchRelay, switch)
    on_tap(application, RemoveRelay, remove)


def _door(language: str) -> str:
    _ = catalog(language).gettext
    return _("Group robots")


def relays_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Say why not."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    match refusal:
        case NotAChannel():
            return _(
                "I cannot send to this. I know e-mail addresses and, for a work group, the "
                "webhook addresses of WeCom, DingTalk and Feishu robots."
            )
        case NoMailbox():
            return _(
                "The office has no outgoing mailbox yet, so I cannot write to an address. "
                "Whoever runs this assistant can set one up."
            )
        case AlreadyAChannel():
            return _("This channel is there already.")
        case TooManyChannels(most=most):
            return ngettext(
                "At most {n} channel is possible. Please remove one first.",
                "At most {n} channels are possible. Please remove one first.",
                most,
            ).format(n=most)
        case _:
            return ""


def kind_name(kind: RelayKind, language: str) -> str:
    """What stands behind an address, in a word or two."""
    _ = catalog(language).gettext
    match kind:
        case RelayKind.WECOM:
            return _("WeCom robot")
        case RelayKind.DINGTALK:
            return _("DingTalk robot")
        case RelayKind.FEISHU:
            return _("Feishu robot")
        case _:
            return _("Mailbox")


def _state(channel: Channel, language: str) -> str:
    _ = catalog(language).gettext
    if channel.active:
        return _("on")
    if channel.fault:
        return _("off, because it did not work: {fault}").format(fault=html.escape(channel.fault))
    return _("off")


def relays_card(
    channels: tuple[Channel, ...], unit_id: int, unit: str, can: Channels, language: str
) -> Card:
    """The channels of a unit, or of a person when ``unit_id`` is 0."""
    _ = catalog(language).gettext
    if unit_id:
        lines = [
            _("<b>Second channels of {unit}</b>").format(unit=html.escape(unit)),
            _("What I post in your groups can go to the robots of your work groups too."),
            _("Nothing about a single person ever goes there."),
        ]
    else:
        lines = [
            _("<b>Second channel</b>"),
            _("Notices and reminders that I send you can go to your mailbox too, as text."),
        ]
    if not can.installed:
        lines.append(
            _("This is not installed here. Whoever runs this assistant can add it (see README).")
        )
    lines += [
        _("{kind} {shown}: {state}").format(
            kind=kind_name(one.kind, language),
            shown=html.escape(one.shown),
            state=_state(one, language),
        )
        for one in channels
    ]
    keys = [
        (Key(shortened(f"{kind_name(one.kind, language)} {one.shown}", LABEL), OpenRelay(one.id)),)
        for one in channels
    ]
    if can.installed and len(channels) < relays.MOST:
        keys.append((Key(_("Add a channel"), AddRelay(unit_id), style="primary"),))
    back = RelayUnits() if unit_id else OpenSettings()
    return Card("\n".join(lines), (*keys, (Key(_("Back"), back),)))


def channel_card(channel: Channel, unit_id: int, language: str) -> Card:
    """One channel, and what can be done with it."""
    _ = catalog(language).gettext
    lines = [f"<b>{kind_name(channel.kind, language)} {html.escape(channel.shown)}</b>"]
    if channel.unit:
        lines.append(html.escape(channel.unit))
    lines.append(_("This channel is {state}.").format(state=_state(channel, language)))
    keys: list[tuple[Key, ...]] = []
    if channel.active:
        keys.append((Key(_("Send a test"), TryRelay(channel.id), style="primary"),))
    flip = Key(
        _("Switch off") if channel.active else _("Switch on"),
        SwitchRelay(channel.id, 0 if channel.active else 1),
    )
    keys.append((flip, Key(_("Remove"), RemoveRelay(channel.id), style="danger")))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenRelays(unit_id)),)))


def units_card(units: tuple[tuple[int, str, int], ...], page: int, language: str) -> Card:
    """The units that one speaks for; those with channels first."""
    _ = catalog(language).gettext
    pages = max(1, -(-len(units) // A_PAGE))
    page = min(max(page, 0), pages - 1)
    shown = units[page * A_PAGE : (page + 1) * A_PAGE]
    keys = [
        (Key(f"{shortened(name, LABEL)}{f' · {count}' if count else ''}", OpenRelays(unit_id)),)
        for unit_id, name, count in shown
    ]
    text = _("Whose second channels? The number says how many there are.")
    return Card(text, (*keys, pager(page, pages, RelayUnits), (Key(_("Back"), OpenDesk()),)))


def ask_card(unit_id: int, can: Channels, language: str) -> Card:
    """What is to be pasted, and what becomes of it."""
    _ = catalog(language).gettext
    if unit_id:
        text = _(
            "Please paste the webhook address that the settings of your WeCom, DingTalk or Feishu "
            "robot show; with DingTalk add the line that begins with SEC, if there is one. An "
            "e-mail address will do too.\n"
            "I delete your message at once and never show the address again."
        )
    elif can.mailbox:
        text = _("Please type your e-mail address.")
    else:
        text = _(
            "Please paste your mailbox as mailtos://name:password@server.\n"
            "I delete your message at once and never show the password again."
        )
    return Card(text, ((Key(_("Cancel"), OpenRelays(unit_id)),),))


async def open_units(update: Update, context: Context) -> None:
    """Show the units, or the one at once."""
    reader = await context.reader(update)
    button = RelayUnits.parse(tap(update).data)
    units = await context.read(relays.units, reader.linked_teacher_id, now=context.now())
    await show(update, context, reader, units_card(units, button.page, reader.language))


async def open_relays(update: Update, context: Context) -> None:
    """Show the channels of a unit, or one's own."""
    reader = await context.reader(update)
    await _show_relays(update, context, reader, OpenRelays.parse(tap(update).data).unit_id)


async def _show_relays(update: Update, context: Context, reader: Reader, unit_id: int) -> None:
    me, unit = reader.linked_teacher_id, ""
    if unit_id:
        now = context.now()
        channels = await context.read(relays.of_unit, me, unit_id, now=now)
        unit = await context.read(relays.name_of, unit_id)
    else:
        channels = await context.read(relays.own, me)
    card = relays_card(channels, unit_id, unit, context.house.channels, reader.language)
    await show(update, context, reader, card)


async def ask(update: Update, context: Context) -> None:
    """Take the next text as an address."""
    reader = await context.reader(update)
    unit_id = AddRelay.parse(tap(update).data).unit_id
    if unit_id:  # say no before somebody looks for the address
        await context.read(relays.of_unit, reader.linked_teacher_id, unit_id, now=context.now())
    awaited = f"{AWAITED}:{unit_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    await show(update, context, reader, ask_card(unit_id, context.house.channels, reader.language))


async def given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Keep the pasted address, and nothing of the message that it came in."""
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    await context.write(inbox.blot, update.update_id)
    if update.effective_message is not None:
        await take_away(context, reader.tg_user_id, update.effective_message.message_id)
    me, language = reader.linked_teacher_id, reader.language
    unit_id = int(reader.awaiting.partition(":")[2] or 0)
    url = relays.understood(text)
    if relays.kind_of(url) is RelayKind.MAIL and not context.house.channels.mailbox:
        raise NoMailbox
    if unit_id:
        made = await context.write(relays.add, me, unit_id, url, language=language, now=now)
    else:
        made = await context.write(relays.add_own, me, url, language=language, now=now)
    await show(update, context, reader, channel_card(made, unit_id, language))


async def open_relay(update: Update, context: Context) -> None:
    """Show one channel."""
    reader = await context.reader(update)
    await _show_channel(update, context, reader, OpenRelay.parse(tap(update).data).relay_id)


async def _show_channel(update: Update, context: Context, reader: Reader, relay_id: int) -> None:
    me, now = reader.linked_teacher_id, context.now()
    channel = await context.read(relays.channel, me, relay_id, now=now)
    unit_id = await context.read(relays.unit_of, relay_id)
    await show(update, context, reader, channel_card(channel, unit_id or 0, reader.language))


async def try_out(update: Update, context: Context) -> None:
    """Send a message that says it is a test."""
    reader = await context.reader(update)
    relay_id = TryRelay.parse(tap(update).data).relay_id
    me, now = reader.linked_teacher_id, context.now()
    channel = await context.read(relays.channel, me, relay_id, now=now)
    _ = catalog(reader.language).gettext
    text = (
        _("This is a test. What concerns this group comes here from now on.")
        if channel.kind in ROBOTS
        else _("This is a test. Notices and reminders come here too from now on.")
    )
    await context.write(relays.try_out, me, relay_id, text, now=now)
    context.house.wake_delivery()
    await alert(update, _("On its way. If it does not arrive in a minute, look here again."))


async def switch(update: Update, context: Context) -> None:
    """Switch a channel on or off."""
    reader = await context.reader(update)
    button = SwitchRelay.parse(tap(update).data)
    me, now = reader.linked_teacher_id, context.now()
    await context.write(relays.switch, me, button.relay_id, on=bool(button.on), now=now)
    await _show_channel(update, context, reader, button.relay_id)


async def remove(update: Update, context: Context) -> None:
    """Ask once more, then forget the channel."""
    reader = await context.reader(update)
    button = RemoveRelay.parse(tap(update).data)
    me, now = reader.linked_teacher_id, context.now()
    unit_id = await context.read(relays.unit_of, button.relay_id) or 0
    if button.sure:
        await context.write(relays.remove, me, button.relay_id, now=now)
        await _show_relays(update, context, reader, unit_id)
        return
    channel = await context.read(relays.channel, me, button.relay_id, now=now)
    _ = catalog(reader.language).gettext
    text = _("Remove {kind} {shown}? What waits for it is not sent any more.").format(
        kind=kind_name(channel.kind, reader.language), shown=html.escape(channel.shown)
    )
    yes = Key(_("Remove"), RemoveRelay(channel.id, 1), style="danger")
    await show(update, context, reader, Card(text, ((yes, Key(_("Back"), OpenRelay(channel.id))),)))


async def broken(house: House, row: Claimed) -> Said:
    """Tell whoever set a channel up that it does not work."""
    found = await house.database.read(relays.told_of, row.facts["relay_id"])
    if found is None:
        return Nothing("the channel works again or is gone")
    _ = catalog(row.language).gettext
    text = _(
        "Your second channel does not work and is switched off: {kind} {shown}\n"
        "Its server says: {fault}\n"
        "Please check it there, then switch it on again or set it up anew."
    ).format(
        kind=kind_name(found.kind, row.language),
        shown=html.escape(found.shown),
        fault=html.escape(found.fault),
    )
    return Say(Card(text, ((Key(_("Look at it"), OpenRelay(found.id)),),)))
