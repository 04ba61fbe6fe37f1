"""How a class studies remotely, in cards: pure functions of facts and a language."""

from __future__ import annotations

import html
from datetime import date
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, pager
from handlers.context import shortened
from handlers.training.buttons import OpenRun
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
from handlers.training.remote.setting_words import amount, item_kind, pace_text, share
from handlers.training.run_buttons import ChangeRun, RunHelpers
from handlers.training.structure_buttons import OpenTimetable
from locales import catalog, dates, numbers
from storage.training.remote.plan import Item, Settings
from storage.training.remote.platforms import PlatformFacts
from storage.training.remote.tutors import SchoolLine, Tutors
from storage.training.remote.weighing import Change, Effect

LABEL = 40
ABOUT = 120
PAGE = 8
HOUR = 60


def settings_card(facts: Settings, language: str, zone: ZoneInfo, today: date) -> Card:
    """How the class studies remotely, with a key for each part."""
    _ = catalog(language).gettext
    batch_id = facts.batch_id
    lines = [_("<b>Remote study: {title}</b>").format(title=html.escape(facts.title))]
    lines.append(
        _("Platform: {name}").format(name=html.escape(facts.platform))
        if facts.platform
        else _("No platform has been chosen yet.")
    )
    if facts.items:
        lines.append(_("What counts:"))
        lines += [f"· {_item_line(item, facts, language)}" for item in facts.items]
    else:
        lines.append(_("Nothing counts yet, so no progress can be brought in."))
    lines.append(_("Pace: {pace}").format(pace=pace_text(facts, language, today)))
    if facts.required_modules:
        lines.append(_required(facts, language))
    lines += _targets(facts, language)
    if facts.makeup_until is not None:
        lines.append(_make_up(facts, language, zone, today))
    if facts.has_plan and facts.has_bulletin:
        lines.append(_("Bulletin in the groups: every second Friday, from the third week on"))
    keys: list[tuple[Key, ...]] = []
    if facts.may_change:
        if not facts.items:
            keys.append((Key(_("Take the usual"), TakeUsual(batch_id), style="primary"),))
        bulletin = _("Bars in groups: on") if facts.has_bulletin else _("Bars in groups: off")
        keys += [
            (
                Key(_("Platform"), OpenPlatforms(batch_id)),
                Key(_("What counts"), OpenItems(batch_id)),
            ),
            (
                Key(_("Pace and modules"), OpenPaces(batch_id)),
                Key(_("Thresholds"), OpenThresholds(batch_id)),
            ),
            (
                Key(_("Targets"), TypeSetting("tg", batch_id)),
                Key(_("Make-up window"), TypeSetting("mk", batch_id)),
            ),
            (Key(_("Tutors"), OpenTutors(batch_id)), Key(_("Timetable"), OpenTimetable(batch_id))),
            (Key(bulletin, SetBulletin(batch_id, int(not facts.has_bulletin))),),
        ]
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenRun(batch_id)),)))


def _required(facts: Settings, language: str) -> str:
    _ = catalog(language).gettext
    if facts.required_modules is None:
        return _("Required: everything mandatory")
    return _("Required: {n} of {all} modules").format(
        n=facts.required_modules, all=len(facts.modules)
    )


def _targets(facts: Settings, language: str) -> list[str]:
    _ = catalog(language).gettext
    if facts.participation_target is None and facts.pass_target is None:
        return []

    def said(target: float | None) -> str:
        return "—" if target is None else f"{round(100 * target, 1):g}%"

    return [
        _("Targets: {part} take part, {passed} pass").format(
            part=said(facts.participation_target), passed=said(facts.pass_target)
        )
    ]


def _make_up(facts: Settings, language: str, zone: ZoneInfo, today: date) -> str:
    _ = catalog(language).gettext
    assert facts.makeup_until is not None
    begins = facts.makeup_from or facts.ends_at
    return _("Make-up: {when}").format(
        when=dates.span(begins, facts.makeup_until, zone, language, today)
    )


def _item_line(item: Item, facts: Settings, language: str) -> str:
    """A line for an item. HTML."""
    _ = catalog(language).gettext
    part = share(item, facts.items)
    sentence = (
        _("{title}: {amount}, optional")
        if part is None
        else _("{title}: {amount}, {share}% of the work")
    )
    return sentence.format(
        title=html.escape(item.title),
        amount=amount(item.required, item.measure, language),
        share=part,
    )


# --- the platform ------------------------------------------------------------------------------


def platforms_card(facts: Settings, listed: tuple[PlatformFacts, ...], language: str) -> Card:
    """The platform of the class, and which others there are."""
    catalogue = catalog(language)
    _, pgettext = catalogue.gettext, catalogue.pgettext
    batch_id = facts.batch_id
    lines = [_("<b>Platform: {title}</b>").format(title=html.escape(facts.title))]
    keys: list[tuple[Key, ...]] = []
    if facts.platform_id is None:
        lines.append(_("Where do people study? Choose a platform, or write down a new one."))
    else:
        address = html.escape(facts.url) if facts.url else _("no address yet")
        lines.append(_("{name}: {url}").format(name=html.escape(facts.platform), url=address))
        guide = html.escape(facts.guide) if facts.guide else _("nothing said yet")
        lines.append(_("How to log in: {guide}").format(guide=guide))
        lines.append(_("All classes that study there have the same address and guide."))
        keys.append(
            (
                Key(_("Address"), TypeSetting("pu", batch_id, facts.platform_id)),
                Key(_("How to log in"), TypeSetting("pg", batch_id, facts.platform_id)),
                Key(pgettext("thing", "Name"), TypeSetting("pt", batch_id, facts.platform_id)),
            )
        )
    keys += [
        (Key(shortened(one.name, LABEL), ChoosePlatform(batch_id, one.platform_id)),)
        for one in listed
        if not one.is_chosen
    ]
    new = Key(_("New platform"), TypeSetting("pn", batch_id))
    keys.append(
        (new,) if facts.platform_id is None else (new, Key(_("None"), ChoosePlatform(batch_id, 0)))
    )
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenSettings(batch_id)),)))


def address_card(batch_id: int, url: str, language: str) -> Card:
    """Ask whether an address that was typed in part leads where it should."""
    _ = catalog(language).gettext
    text = _(
        "Everybody will be led to {url}. Please open it and see whether it is the right page."
    ).format(url=html.escape(url))
    keys = (
        (Key(_("Open it"), url=url),),
        (Key(_("It is right"), KeepAddress(), style="primary"),),
        (Key(_("Cancel"), OpenPlatforms(batch_id)),),
    )
    return Card(text, keys)


# --- what counts -------------------------------------------------------------------------------


def items_card(facts: Settings, language: str) -> Card:
    """What counts, each a key."""
    _ = catalog(language).gettext
    lines = [_("<b>What counts: {title}</b>").format(title=html.escape(facts.title))]
    lines += [f"{item.position}. {_item_line(item, facts, language)}" for item in facts.items]
    if facts.has_figures:
        lines.append(_("Before anybody’s progress changes, you see whose, and confirm it."))
    keys = [
        (Key(shortened(f"{item.position}. {item.title}", LABEL), OpenItem(item.item_id)),)
        for item in facts.items
    ]
    if not facts.items:
        lines.append(_("Nothing counts yet. What do people have to do on the platform?"))
        keys.append(
            (Key(_("Take the usual"), TakeUsual(facts.batch_id), style="primary"),),
        )
    add = Key(_("Add something"), AddItem(facts.batch_id))
    back = Key(_("Back"), OpenSettings(facts.batch_id))
    return Card("\n".join(lines), (*keys, (add, back)))


def kinds_card(batch_id: int, kinds: tuple[str, ...], language: str) -> Card:
    """Which kind of thing is to count."""
    _ = catalog(language).gettext
    every = [Key(item_kind(kind, language), AddItem(batch_id, kind)) for kind in kinds]
    rows = [tuple(every[n : n + 2]) for n in range(0, len(every), 2)]
    return Card(_("What is to count?"), (*rows, (Key(_("Back"), OpenItems(batch_id)),)))


def item_card(
    facts: Settings,
    item: Item,
    language: str,
    zone: ZoneInfo,
    today: date,
    *,
    changed: bool = False,
) -> Card:
    """One thing that counts, with what can be changed; ``changed``: that was done just now."""
    catalogue = catalog(language)
    _, pgettext = catalogue.gettext, catalogue.pgettext
    part = share(item, facts.items)
    lines = [
        f"<b>{html.escape(item.title)}</b>",
        item_kind(item.kind, language),
        _("Required: {amount}").format(amount=amount(item.required, item.measure, language)),
    ]
    if part is not None:
        lines.append(_("Weight: {share}% of the work").format(share=part))
    lines.append(
        _("Mandatory") if item.mandatory else _("Optional: it does not count in the per cent")
    )
    if item.module:
        lines.append(_("Module: {title}").format(title=html.escape(item.module)))
    if item.due_at is not None:
        due = dates.before(item.due_at, zone, language, today)
        lines.append(_("Due: {before}").format(before=due))
    batch_id, id_ = facts.batch_id, item.item_id
    turn = _("Make it optional") if item.mandatory else _("Make it mandatory")
    weight = (Key(_("Weight"), TypeSetting("iw", batch_id, id_)),) if part is not None else ()
    keys: list[tuple[Key, ...]] = [
        (Key(_("Required"), TypeSetting("ir", batch_id, id_)), *weight),
        (
            Key(pgettext("thing", "Name"), TypeSetting("it", batch_id, id_)),
            Key(_("Due date"), TypeSetting("id", batch_id, id_)),
        ),
        (Key(turn, SetMandatoryItem(id_, int(not item.mandatory))),),
    ]
    if facts.modules:
        keys.append((Key(_("Module"), SetItemModule(id_)),))
    keys.append((Key(_("Remove"), RemoveItem(id_)), Key(_("Back"), OpenItems(batch_id))))
    said = item.title + amount(item.required, item.measure, language)
    if changed and item.title in facts.about and said not in facts.about:
        lines.append(
            _("The description of the training names “{title}”. Does it still hold?").format(
                title=html.escape(item.title)
            )
        )
        lines.append(f"<i>{html.escape(shortened(facts.about, ABOUT))}</i>")
        keys.insert(0, (Key(_("Look and change"), ChangeRun(batch_id)),))
    return Card("\n".join(lines), tuple(keys))


def modules_card(facts: Settings, item: Item, language: str) -> Card:
    """To which module an item belongs."""
    _ = catalog(language).gettext
    text = _("To which module does “{title}” belong?").format(title=html.escape(item.title))
    keys = [
        (Key(shortened(title, LABEL), SetItemModule(item.item_id, module_id)),)
        for module_id, title in facts.modules
    ]
    none = Key(_("To none"), SetItemModule(item.item_id, 0))
    return Card(text, (*keys, (none, Key(_("Back"), OpenItem(item.item_id)))))


def effect_card(change: Change, effect: Effect, language: str, zone: ZoneInfo, today: date) -> Card:
    """What a change of what counts would do, before it is made."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    title, id_ = html.escape(effect.title), change.item_id
    if change.fields is None:
        lines = [_("Shall “{title}” count no longer?").format(title=title)]
    elif id_:
        lines = [_("Shall “{title}” be changed?").format(title=title)]
    else:
        lines = [_("Shall “{title}” count as well?").format(title=title)]
    if change.fields is not None and effect.required[0] not in (0, effect.required[1]):
        was, will = (amount(each, effect.measure, language) for each in effect.required)
        lines.append(_("Required: {before} → {after}").format(before=was, after=will))
    if effect.moves and effect.due_at is not None:
        due = dates.before(effect.due_at, zone, language, today)
        lines.append(_("Due: {before}").format(before=due))
    elif effect.moves:
        lines.append(_("Due with the end of the class"))
    if id_ in effect.after:
        lines.append(_("Weight: {share}% of the work").format(share=effect.after[id_]))
    elif change.fields is not None:
        lines.append(_("Optional: it does not count in the per cent"))
    others = [
        _("{title} {before}% → {after}%").format(
            title=html.escape(effect.titles[one]), before=effect.before[one], after=share_
        )
        for one, share_ in effect.after.items()
        if one != id_ and effect.before.get(one, share_) != share_
    ]
    if others:
        lines.append(_("The others: {list}").format(list=numbers.joined(others, language)))
    lines.append(
        ngettext(
            "This changes the progress of {n} person.",
            "This changes the progress of {n} people.",
            effect.people,
        ).format(n=effect.people)
        if effect.people
        else _("Nobody’s progress changes.")
    )
    if effect.behind:
        lines.append(
            ngettext(
                "{n} of them falls behind the pace.",
                "{n} of them fall behind the pace.",
                effect.behind,
            ).format(n=effect.behind)
        )
    if effect.undone:
        lines.append(
            ngettext(
                "{n} had finished studying and has something left to do again.",
                "{n} had finished studying and have something left to do again.",
                effect.undone,
            ).format(n=effect.undone)
        )
    keys: list[tuple[Key, ...]] = []
    if change.fields is not None:
        row = []
        if len(effect.after) > 1 and id_ in effect.after:
            row.append(Key(_("Weight"), TypeSetting("is", change.batch_id, id_)))
        if not id_:
            turn = _("Make it optional") if effect.mandatory else _("Make it mandatory")
            row.append(Key(turn, OpenChange(int(not effect.mandatory))))
        keys = [tuple(row)] if row else []
    back = OpenItem(id_) if id_ else OpenItems(change.batch_id)
    if effect.asked:
        lines.append(
            ngettext(
                "{n} person still has it to do, and can be told in the next brief.",
                "{n} people still have it to do, and can be told in their next brief.",
                effect.asked,
            ).format(n=effect.asked)
        )
        tell = Key(_("Confirm and tell"), MakeChange(change.mark, 1), style="primary")
        keys.append((tell, Key(_("Confirm only"), MakeChange(change.mark))))
        keys.append((Key(_("Back"), back),))
    else:
        make = Key(_("Confirm"), MakeChange(change.mark), style="primary")
        keys.append((make, Key(_("Back"), back)))
    return Card("\n".join(lines), tuple(keys))


# --- pace, thresholds --------------------------------------------------------------------------


def paces_card(facts: Settings, language: str, today: date) -> Card:
    """What is required by when."""
    _ = catalog(language).gettext
    batch_id = facts.batch_id
    lines = [
        _("<b>Pace and modules: {title}</b>").format(title=html.escape(facts.title)),
        _("Pace: {pace}").format(pace=pace_text(facts, language, today)),
        _required(facts, language),
        _("The pace is private: only who is clearly behind hears of it, once a week."),
    ]
    keys = [
        (Key(_("An hour a day"), SetPace(batch_id, HOUR)), Key(_("Evenly"), SetPace(batch_id, 0))),
        (
            Key(_("Minutes a day"), TypeSetting("mi", batch_id)),
            Key(_("Milestones"), TypeSetting("ms", batch_id)),
        ),
        (Key(_("Modules required"), TypeSetting("rq", batch_id)),),
        (Key(_("Back"), OpenSettings(batch_id)),),
    ]
    return Card("\n".join(lines), tuple(keys))


THRESHOLDS = {
    "ts": "start_threshold",
    "tr": "grace_days",
    "tl": "slack",
    "ti": "idle_days",
    "to": "stale_days",
}
"""What is typed for each."""


def thresholds_card(facts: Settings, language: str) -> Card:
    """When somebody counts as late, behind or idle, and the figures as old."""
    _ = catalog(language).gettext
    ngettext = catalog(language).ngettext
    lines = [
        _("<b>Thresholds: {title}</b>").format(title=html.escape(facts.title)),
        _("Begun: with more than {n}% of the work").format(n=f"{facts.start_threshold:g}"),
        ngettext(
            "Not begun: {n} working day after the start",
            "Not begun: {n} working days after the start",
            facts.grace_days,
        ).format(n=facts.grace_days),
        ngettext(
            "Behind: more than {n} point below the pace",
            "Behind: more than {n} points below the pace",
            facts.slack,
        ).format(n=facts.slack),
        ngettext(
            "Idle: {n} day without study", "Idle: {n} days without study", facts.idle_days
        ).format(n=facts.idle_days),
        ngettext(
            "Old figures: {n} day without an import",
            "Old figures: {n} days without an import",
            facts.stale_days,
        ).format(n=facts.stale_days),
    ]
    batch_id = facts.batch_id
    keys = (
        (
            Key(_("Begun"), TypeSetting("ts", batch_id)),
            Key(_("Not begun"), TypeSetting("tr", batch_id)),
        ),
        (
            Key(_("Behind"), TypeSetting("tl", batch_id)),
            Key(_("Idle"), TypeSetting("ti", batch_id)),
        ),
        (Key(_("Old figures"), TypeSetting("to", batch_id)),),
        (Key(_("Back"), OpenSettings(batch_id)),),
    )
    return Card("\n".join(lines), keys)


# --- tutors ------------------------------------------------------------------------------------


def tutors_card(facts: Tutors, page: int, language: str) -> Card:
    """Who tutors which schools, each school a key."""
    _ = catalog(language).gettext
    batch_id = facts.batch_id
    lines = [_("<b>Tutors: {title}</b>").format(title=html.escape(facts.title))]
    lines += [
        _("{name}: schools {schools}, people {people}").format(
            name=html.escape(one.name), schools=one.schools, people=one.people
        )
        for one in facts.tutors
    ]
    if not facts.tutors:
        lines.append(_("Nobody is tutor of this class yet."))
    elif facts.without:
        lines.append(_("Schools without a tutor: {n}").format(n=facts.without))
    if not facts.schools:
        lines.append(_("Nobody takes part yet."))
    pages = max(1, -(-len(facts.schools) // PAGE))
    page = min(max(0, page), pages - 1)
    keys: list[tuple[Key, ...]] = []
    if facts.tutors:
        if facts.without:
            keys.append((Key(_("Share them out"), ShareOut(batch_id), style="primary"),))
        keys += [
            (Key(shortened(_school(one, language), LABEL), TutorSchool(batch_id, one.unit_id)),)
            for one in facts.schools[page * PAGE : (page + 1) * PAGE]
        ]
        turn = pager(page, pages, lambda number: OpenTutors(batch_id, number))
        keys += [turn] if turn else []
    keys.append(
        (Key(_("Appoint tutors"), RunHelpers(batch_id)), Key(_("Back"), OpenSettings(batch_id)))
    )
    return Card("\n".join(lines), tuple(keys))


def _school(one: SchoolLine, language: str) -> str:
    _ = catalog(language).gettext
    return _("{school} ({n}): {tutor}").format(
        school=one.name, n=one.people, tutor=one.tutor or "—"
    )


def school_card(facts: Tutors, unit_id: int, language: str) -> Card | None:
    """Who of the tutors is that of the school; None when it has nobody in the class."""
    _ = catalog(language).gettext
    school = next((one for one in facts.schools if one.unit_id == unit_id), None)
    if school is None:
        return None
    text = _("Who tutors the people of {school}?").format(school=html.escape(school.name))
    keys = [
        (Key(shortened(one.name, LABEL), GiveTutor(facts.batch_id, unit_id, one.teacher_id)),)
        for one in facts.tutors
    ]
    if school.tutor_id:
        keys.append((Key(_("Nobody in particular"), GiveTutor(facts.batch_id, unit_id, 0)),))
    return Card(text, (*keys, (Key(_("Back"), OpenTutors(facts.batch_id)),)))
