"""Menus in words: what a teacher chooses from, what an organiser looks after."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, pager
from handlers.context import shortened
from handlers.people.buttons import OpenDesk
from handlers.training.buttons import OpenProgramme, OpenProgrammes
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
    PreferOption,
    SetOption,
)
from locales import catalog, dates, names, numbers
from storage.refusals import Refusal
from storage.training.menus import (
    BadMenu,
    Candidate,
    ChosenEnough,
    MenuCard,
    MenuDesk,
    MenuFlaw,
    MenuLine,
    MenuNotOpen,
    MenuState,
    OptionFacts,
    OptionFigures,
)
from storage.training.refusals import ChosenFromMenu
from storage.training.tables import ChoiceOutcome

OPTIONS = 6  # on a page
KEY = 28


def menu_refused(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why not, for menus; empty for what is none of theirs."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    match refusal:
        case ChosenFromMenu(closes_at=closes_at) if closes_at > now:
            return _(
                "This class is chosen from the menu “{menu}” {before}. "
                "Open “Training for me” to choose."
            ).format(menu=refusal.menu, before=dates.before(closes_at, zone, language, today))
        case ChosenFromMenu():
            return _("The menu “{menu}” has closed; its seats are given out now.").format(
                menu=refusal.menu
            )
        case MenuNotOpen(state=MenuState.NOT_OPEN):
            return _("This menu opens {time}.").format(
                time=dates.moment(refusal.opens_at, zone, language, today)
            )
        case MenuNotOpen(state=MenuState.CANCELLED):
            return _("This menu has been cancelled.")
        case MenuNotOpen():
            return _("This menu has closed. Your wishes stay as they were.")
        case ChosenEnough(most=most):
            ngettext = catalog(language).ngettext
            return ngettext(
                "You have chosen {n} already. Please give one up first.",
                "You have chosen {n} already. Please give one up first.",
                most,
            ).format(n=most)
        case BadMenu():
            return flaw_text(refusal.flaw, refusal.about, language)
    return ""


def flaw_text(flaw: MenuFlaw, about: str, language: str) -> str:
    """Why a menu cannot be like this. Plain text."""
    _ = catalog(language).gettext
    return {
        MenuFlaw.NO_TITLE: _("A menu needs a title."),
        MenuFlaw.LONG_TITLE: _("This is too long; a menu's title has at most {title} characters."),
        MenuFlaw.DATES: _("A menu must close in the future, and after it opens."),
        MenuFlaw.BOUNDS: _("At least one, and not more than there are classes in the menu."),
        MenuFlaw.TOO_FEW: _("A menu needs at least two classes."),
        MenuFlaw.STARTED: _("{title} begins before the menu closes."),
        MenuFlaw.NOT_CHOSEN: _("{title} is not entered by choosing from a menu."),
        MenuFlaw.ELSEWHERE: _("{title} is in another menu already."),
        MenuFlaw.IN_USE: _("Somebody has chosen it already, so it stays as it is."),
        MenuFlaw.OPENED: _("The menu is open already."),
        MenuFlaw.OVER: _("This menu is settled or cancelled."),
    }[flaw].format(title=about)


def class_name(one: OptionFacts | OptionFigures | Candidate, language: str) -> str:
    """The name of a class, told apart from the others of its programme. Plain text."""
    return " · ".join(part for part in (one.title, _which(one, language)) if part)


def _which(one: OptionFacts | OptionFigures | Candidate, language: str) -> str:
    _ = catalog(language).gettext
    return one.batch_title or (_("Class {n}").format(n=one.no) if one.no else "")


def _class_label(one: OptionFacts | Candidate, language: str) -> str:
    """The name on a key: what tells a class apart is not cut off."""
    which = shortened(_which(one, language), KEY // 2)
    title = shortened(one.title, KEY - len(which))
    return f"{title} · {which}" if which else title


def bounds_text(least: int, most: int, language: str) -> str:
    """How many one chooses."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if least == most:
        return ngettext("Please choose {n}.", "Please choose {n}.", most).format(n=most)
    return _("Please choose {least} to {most}.").format(least=least, most=most)


# --- teachers --------------------------------------------------------------------------------


def menu_card(facts: MenuCard, page: int, language: str, zone: ZoneInfo, today: date) -> Card:
    """What can be chosen and what is, in the order of the wishes; each tap is kept at once."""
    _ = catalog(language).gettext
    is_open = facts.state is MenuState.OPEN
    lines = [f"<b>{html.escape(facts.title)}</b>", _standing(facts, language, zone, today)]
    if is_open:
        lines.append(
            _(
                "The first is your dearest wish. Being quick is worth nothing: seats are given "
                "out when the menu closes."
            )
        )
        if facts.chosen < facts.least:
            missing = facts.least - facts.chosen
            ngettext = catalog(language).ngettext
            lines.append(
                ngettext("{n} more to choose.", "{n} more to choose.", missing).format(n=missing)
            )
    pages = max(1, -(-len(facts.options) // OPTIONS))
    page = min(max(0, page), pages - 1)
    shown = facts.options[page * OPTIONS : (page + 1) * OPTIONS]
    lines += ["", *(_option_text(one, facts, language, zone, today) for one in shown)]
    keys = [_option_keys(one, facts, page, is_open, language) for one in shown]
    turn = pager(page, pages, lambda to: OpenMenu(facts.menu_id, to))
    return Card(
        "\n".join(lines),
        (
            *keys,
            *((turn,) if turn else ()),
            (Key(_("How seats are given"), MenuRules(facts.menu_id)),),
            (Key(_("Back"), OpenProgrammes(0)),),
        ),
    )


def _standing(facts: MenuCard, language: str, zone: ZoneInfo, today: date) -> str:
    _ = catalog(language).gettext
    match facts.state:
        case MenuState.OPEN:
            return "\n".join(
                (
                    bounds_text(facts.least, facts.most, language),
                    _("It is open {before}; until then you can change it.").format(
                        before=dates.before(facts.closes_at, zone, language, today)
                    ),
                )
            )
        case MenuState.NOT_OPEN:
            return _("It opens {time}.").format(
                time=dates.moment(facts.opens_at, zone, language, today)
            )
        case MenuState.CLOSED:
            return _("It has closed; the seats are given out now.")
        case MenuState.SETTLED:
            return _("The seats have been given out.")
        case MenuState.CANCELLED:
            return _("This menu has been cancelled.")


def _option_text(
    one: OptionFacts, facts: MenuCard, language: str, zone: ZoneInfo, today: date
) -> str:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    rank = f"{one.rank}. " if one.rank is not None else "○ "
    title = class_name(one, language)
    line = [dates.span(one.starts_at, one.ends_at, zone, language, today)]
    if one.place:
        line.append(html.escape(one.place))
    line.append(_("{hours} hours").format(hours=numbers.hours(one.hours, language)))
    if one.seats is not None:
        line.append(ngettext("{n} seat", "{n} seats", one.seats).format(n=one.seats))
    text = f"{rank}<b>{html.escape(title)}</b>\n{' · '.join(line)}"
    if facts.state is MenuState.SETTLED and one.rank is not None:
        text += "\n" + outcome_text(one.outcome, one.queue, language)
    elif one.clashes:
        text += "\n⚠ " + _("At the same time: {titles}").format(
            titles=html.escape(names.titles(one.clashes, language))
        )
    return text


def outcome_text(outcome: ChoiceOutcome, queue: int | None, language: str) -> str:
    """What became of a wish."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    match outcome:
        case ChoiceOutcome.GIVEN:
            return _("✓ You have a seat.")
        case ChoiceOutcome.WAITING if queue is not None:
            return ngettext(
                "You are number {n} in the queue.", "You are number {n} in the queue.", queue
            ).format(n=queue)
        case ChoiceOutcome.WAITING:
            return _("No seat was left; you were put on the waiting list.")
        case ChoiceOutcome.CLASH:
            return _("Not given, because it is at the same time as something you have.")
        case ChoiceOutcome.NO_PLACE:
            return _("No seat was left, and the waiting list was full.")
        case _:
            return _("This could not be given any more.")


def _option_keys(
    one: OptionFacts, facts: MenuCard, page: int, is_open: bool, language: str
) -> tuple[Key, ...]:
    if not is_open:
        return (Key(_class_label(one, language), OpenProgramme(one.batch_id)),)
    is_chosen = one.rank is not None
    mark = f"✓ {one.rank}. " if is_chosen else "○ "
    choose = ChooseOption(facts.menu_id, one.batch_id, int(not is_chosen), page)
    keys = [Key(mark + _class_label(one, language), choose, style="success" if is_chosen else None)]
    if one.rank is not None and one.rank > 1:
        keys.append(Key("↑", PreferOption(facts.menu_id, one.batch_id, one.rank - 1, page)))
    return tuple(keys)


def rules_card(facts: MenuCard, language: str) -> Card:
    """How seats are given out, and with what anybody can check it."""
    _ = catalog(language).gettext
    lines = [
        _("<b>How the seats are given out</b>"),
        _(
            "All first wishes are served before any second wish. Where a class has more wishes "
            "of the same rank than seats, those come first who have less so far; then the lot "
            "decides, and not who was quicker. Who gets no seat waits in that order. Of two "
            "classes at the same time you get one."
        ),
        _("Your lot is the SHA-256 of seed:menu:staff number; the smallest comes first."),
        _("Menu number: {number}").format(number=facts.menu_id),
        _("Hash of the seed, fixed since the beginning: <code>{hash}</code>").format(
            hash=facts.committed
        ),
    ]
    if facts.seed:
        lines.append(_("The seed: <code>{seed}</code>").format(seed=facts.seed))
    if facts.lot:
        lines.append(_("Your lot: <code>{lot}</code>").format(lot=facts.lot))
    return Card("\n".join(lines), ((Key(_("Back"), OpenMenu(facts.menu_id)),),))


def menu_keys(lines: Sequence[MenuLine], language: str) -> tuple[tuple[Key, ...], ...]:
    """A key for each menu from which one can choose now, with how much is chosen."""
    _ = catalog(language).gettext
    return tuple(
        (
            Key(
                _("Choose: {title} ({chosen}/{least})").format(
                    title=shortened(line.title, 20), chosen=line.chosen, least=line.least
                ),
                OpenMenu(line.menu_id),
                style="primary" if line.chosen < line.least else None,
            ),
        )
        for line in lines
    )


# --- organisers ------------------------------------------------------------------------------


def menus_card(
    lines: Sequence[MenuLine], page: int, pages: int, language: str, zone: ZoneInfo, today: date
) -> Card:
    """The menus that somebody looks after."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = [_("<b>Menus</b>")]
    if not lines:
        text.append(
            _(
                "There is no menu yet. A menu lets teachers choose among several classes; "
                "the seats are given out when it closes."
            )
        )
    for line in lines:
        state = state_text(line.state, line.opens_at, line.closes_at, language, zone, today)
        people = ngettext("{n} person has chosen", "{n} persons have chosen", line.chosen)
        text.append(f"\n<b>{html.escape(line.title)}</b>\n{state} · {people.format(n=line.chosen)}")
    keys = [(Key(shortened(line.title, KEY), OpenMenuDesk(line.menu_id)),) for line in lines]
    turn = pager(page, pages, OpenMenus)
    return Card(
        "\n".join(text),
        (
            (Key(_("New menu"), NewMenu(), style="primary"),),
            *keys,
            *((turn,) if turn else ()),
            (Key(_("Back"), OpenDesk()),),
        ),
    )


def state_text(
    state: MenuState,
    opens_at: datetime,
    closes_at: datetime,
    language: str,
    zone: ZoneInfo,
    today: date,
) -> str:
    """Where a menu stands."""
    _ = catalog(language).gettext
    match state:
        case MenuState.NOT_OPEN:
            return _("opens {time}").format(time=dates.moment(opens_at, zone, language, today))
        case MenuState.OPEN:
            return _("open {before}").format(before=dates.before(closes_at, zone, language, today))
        case MenuState.CLOSED:
            return _("closed, seats are given out now")
        case MenuState.SETTLED:
            return _("settled")
        case MenuState.CANCELLED:
            return _("cancelled")


def desk_card(facts: MenuDesk, language: str, zone: ZoneInfo, today: date) -> Card:
    """A menu in figures, live; after it is settled, the result."""
    _ = catalog(language).gettext
    lines = [
        f"<b>{html.escape(facts.title)}</b>",
        state_text(facts.state, facts.opens_at, facts.closes_at, language, zone, today),
        bounds_text(facts.least, facts.most, language),
        _("Chosen by {n} of {all}; {short} of these have chosen too little.").format(
            n=facts.choosers, all=facts.audience, short=facts.short
        ),
        "",
        *(_figures(one, facts.state, language) for one in facts.options),
    ]
    if facts.seed:
        lines += ["", _("The seed: <code>{seed}</code>").format(seed=facts.seed)]
    keys: list[tuple[Key, ...]] = []
    if facts.state in (MenuState.NOT_OPEN, MenuState.OPEN, MenuState.CLOSED):
        keys = [
            (
                Key(_("Heading"), AskMenu(facts.menu_id, "title")),
                Key(_("Closing time"), AskMenu(facts.menu_id, "closes")),
            ),
            (
                Key(_("How many"), AskMenu(facts.menu_id, "bounds")),
                Key(_("Classes"), MenuOptions(facts.menu_id)),
            ),
            (Key(_("Cancel the menu"), CancelMenu(facts.menu_id), style="danger"),),
        ]
    if facts.state is MenuState.NOT_OPEN:
        keys.insert(1, (Key(_("Opening time"), AskMenu(facts.menu_id, "opens")),))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenMenus()),)))


def _figures(one: OptionFigures, state: MenuState, language: str) -> str:
    _ = catalog(language).gettext
    title = html.escape(class_name(one, language))
    seats = _("no limit") if one.seats is None else str(one.seats)
    if state is MenuState.SETTLED:
        text = _("<b>{title}</b>: seats {seats}, given {given}, waiting {waiting}").format(
            title=title, seats=seats, given=one.given, waiting=one.waiting
        )
    else:
        text = _("<b>{title}</b>: seats {seats}, first wishes {first}, all wishes {all}").format(
            title=title, seats=seats, first=one.first, all=one.wishes
        )
    if one.is_thin:
        text += "\n⚠ " + _("Fewer than the {n} it needs to run").format(n=one.minimum)
    if not one.is_published:
        text += "\n⚠ " + _("Not published yet, so nobody can choose it")
    return text


def question_card(what: str, language: str, *, understood: bool = True) -> Card:
    """What is asked for next in the making of a menu."""
    _ = catalog(language).gettext
    ask = {
        "title": _("What is the menu called? Please type its title."),
        "opens": _("When does it open? Please type day and hour, such as 2026-12-01 09:00."),
        "closes": _("When does it close? Please type day and hour, such as 2026-12-08 17:00."),
        "bounds": _(
            "How many may one choose? Please type the least and the most, such as 1-2, "
            "or one number."
        ),
    }[what]
    if not understood:
        ask = _("I could not read this.") + "\n" + ask
    return Card(ask)


def no_classes_text(language: str) -> str:
    """Said where there is nothing that a menu could be made of."""
    _ = catalog(language).gettext
    return _(
        "There is no class that is entered by choosing from a menu. Please make one first: "
        "its enrolment is “choose from the menu”."
    )


def pick_card(
    found: Sequence[Candidate],
    chosen: Collection[int],
    page: int,
    language: str,
    zone: ZoneInfo,
    today: date,
    menu_id: int = 0,
) -> Card:
    """The classes that can be in a menu, each a key that puts it in or takes it out."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = ngettext(
        "Which classes are in the menu? {n} is.",
        "Which classes are in the menu? {n} are.",
        len(chosen),
    ).format(n=len(chosen))
    if not found:
        text += "\n" + no_classes_text(language)
    pages = max(1, -(-len(found) // OPTIONS))
    page = min(max(0, page), pages - 1)
    keys = []
    for one in found[page * OPTIONS : (page + 1) * OPTIONS]:
        is_in = one.batch_id in chosen
        title = _class_label(one, language)
        day = dates.day(one.starts_at.astimezone(zone).date(), language, today)
        press = (
            SetOption(menu_id, one.batch_id, int(not is_in), page)
            if menu_id
            else DraftOption(one.batch_id, int(not is_in), page)
        )
        keys.append((Key(f"{'✓' if is_in else '○'} {title} · {day}", press),))
    turn = pager(page, pages, (lambda to: MenuOptions(menu_id, to)) if menu_id else DraftOptions)
    last = (
        (Key(_("Back"), OpenMenuDesk(menu_id)),)
        if menu_id
        else (Key(_("Go on"), LookOverMenu(), style="primary"), Key(_("Give up"), DropMenu()))
    )
    return Card(text, (*keys, *((turn,) if turn else ()), last))


def draft_card(
    data: Mapping[str, Any], titles: Sequence[str], language: str, zone: ZoneInfo, today: date
) -> Card:
    """The new menu as it will be, to be made or gone back to."""
    _ = catalog(language).gettext
    opens = (
        dates.moment(datetime.fromisoformat(data["opens"]), zone, language, today)
        if data.get("opens")
        else _("at once")
    )
    closes = dates.moment(datetime.fromisoformat(data["closes"]), zone, language, today)
    lines = [
        _("<b>New menu: {title}</b>").format(title=html.escape(str(data["title"]))),
        _("Opens: {time}").format(time=opens),
        _("Closes: {time}").format(time=closes),
        bounds_text(int(data["least"]), int(data["most"]), language),
        *("· " + html.escape(title) for title in titles),
        _(
            "Until it is settled, these classes are entered through the menu only. Those whom it "
            "is for are told in the daily brief when it opens, and who has chosen too little is "
            "reminded before it closes."
        ),
    ]
    return Card(
        "\n".join(lines),
        (
            (Key(_("Make the menu"), MakeMenu(), style="success"),),
            (Key(_("Heading"), AskMenu(0, "title")), Key(_("How many"), AskMenu(0, "bounds"))),
            (
                Key(_("Opening time"), AskMenu(0, "opens")),
                Key(_("Closing time"), AskMenu(0, "closes")),
            ),
            (Key(_("Classes"), DraftOptions()), Key(_("Give up"), DropMenu())),
        ),
    )


def cancel_card(facts: MenuDesk, language: str) -> Card:
    """Asked before a menu is taken away."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = ngettext(
        "Cancel the menu <b>{title}</b>? {n} person has chosen and is told in the next brief. "
        "Its classes stay, and are entered by registering.",
        "Cancel the menu <b>{title}</b>? {n} persons have chosen and are told in the next brief. "
        "Its classes stay, and are entered by registering.",
        facts.choosers,
    ).format(title=html.escape(facts.title), n=facts.choosers)
    return Card(
        text,
        (
            (Key(_("Yes, cancel it"), CancelMenu(facts.menu_id, 1), style="danger"),),
            (Key(_("Back"), OpenMenuDesk(facts.menu_id)),),
        ),
    )
