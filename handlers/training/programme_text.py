"""Programmes in words: the list of those that fit, and one programme's card."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, Keys, fitted, pager
from handlers.competitions.deciding_buttons import MyAwards
from handlers.context import shortened
from handlers.people.buttons import Home
from handlers.training import words
from handlers.training.approval_buttons import OpenLeave
from handlers.training.buttons import (
    AcceptOffer,
    AnswerNomination,
    AskWhy,
    OpenCertificates,
    OpenMine,
    OpenProgramme,
    OpenProgrammes,
    PassOffer,
    Register,
    SetInterest,
    Withdraw,
)
from handlers.training.check_in import check_in_key, presence_lines
from handlers.training.conditions_words import findings_text
from handlers.training.menu_buttons import OpenMenu
from handlers.training.reasons_text import reason_text
from handlers.training.refusals_text import misfits_text
from handlers.training.remote.study_buttons import MyStudy
from handlers.training.results_text import mark_text
from handlers.training.structure_buttons import OpenMyTimetable
from handlers.training.tasks_buttons import OpenMyTasks
from locales import catalog, dates, numbers
from storage.training import audience
from storage.training.certificates import Certificate
from storage.training.programmes import (
    TAKES_PART,
    BatchState,
    MyRegistration,
    Page,
    ProgrammeCard,
    ProgrammeLine,
)
from storage.training.registration import Leaving
from storage.training.remote.pace import IN_CLASS
from storage.training.structure import SEES_TIMETABLE
from storage.training.tables import Approval, Enrolment, RegistrationState
from storage.training.tasks import HAS_WORK

ABOUT = 300  # characters of a description that a card shows
SESSIONS = 4  # meetings that a card lists
CERTIFICATES = 5  # on a page
KEY = 20  # characters of a title on a key


def list_card(
    page: Page[ProgrammeLine], language: str, zone: ZoneInfo, today: date, menus: Keys = ()
) -> Card:
    """The programmes that fit, a few on a page, each with a key to its card.

    ``menus`` are keys of what can be chosen from now.
    """
    _ = catalog(language).gettext
    back = (Key(_("Back"), Home()),)
    if not page.total and not menus:
        return Card(
            _(
                "No training that fits you is open or announced at the moment. "
                "New ones come with the daily brief."
            ),
            (back,),
        )
    lines = [_("<b>Training for me</b>")]
    keys: list[tuple[Key, ...]] = []
    first = page.number * page.size + 1
    for number, item in enumerate(page.items, first):
        lines.append(f"\n{number}. {_line(item, language, zone, today)}")
        keys.append((Key(shortened(f"{number}. {item.title}", KEY), OpenProgramme(item.batch_id)),))
    if not page.items:
        lines.append(_("This page is empty now."))
    turn = pager(page.number, page.pages, OpenProgrammes)
    return Card("\n".join(lines), (*menus, *keys, *((turn,) if turn else ()), back))


def _line(item: ProgrammeLine, language: str, zone: ZoneInfo, today: date) -> str:
    _ = catalog(language).gettext
    facts = _("{mode} · {hours} hours · {when}").format(
        mode=words.mode(item.mode, language),
        hours=numbers.hours(item.hours, language),
        when=dates.days(
            item.starts_at.astimezone(zone).date(),
            item.ends_at.astimezone(zone).date(),
            language,
            today,
        ),
    )
    standing = (
        _my_state(item.my_state, item.state, language)
        if item.my_state is not None and item.my_state is not RegistrationState.WITHDRAWN
        else state_text(
            item.state, item.seats_left, item.reg_open, item.reg_close, language, zone, today
        )
    )
    is_chosen = item.menu_id is not None or item.awaits_menu
    by_itself = item.enrolment in (Enrolment.OPEN, Enrolment.MENU) and not is_chosen
    if item.my_state is None and not by_itself:
        standing = words.enrolment(item.enrolment, language)
    return f"<b>{html.escape(item.title)}</b>\n{facts}\n{standing}"


def _my_state(mine: RegistrationState, batch: BatchState, language: str) -> str:
    """Where a registration stands, unless nothing comes of it any more."""
    _ = catalog(language).gettext
    if batch is BatchState.CANCELLED:
        return _("this training was cancelled")
    return words.registration_state(mine, language)


def state_text(
    state: BatchState,
    seats_left: int | None,
    reg_open: datetime | None,
    reg_close: datetime | None,
    language: str,
    zone: ZoneInfo,
    today: date,
) -> str:
    """Where registration stands, with the moment and the seats that matter now."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    match state:
        case BatchState.NOT_YET_OPEN if reg_open is not None:
            return _("Registration opens {time}").format(
                time=dates.moment(reg_open, zone, language, today)
            )
        case BatchState.OPEN if seats_left is None:
            text = _("Open, seats without limit")
        case BatchState.OPEN:
            text = ngettext("{n} seat left", "{n} seats left", seats_left or 0).format(n=seats_left)
        case BatchState.FULL:
            text = _("Full, the waiting list is open")
        case BatchState.RUNNING:
            return _("Running")
        case BatchState.FINISHED:
            return _("Finished")
        case BatchState.CANCELLED:
            return _("Cancelled")
        case BatchState.PAUSED:
            return _("Paused for the moment; what you have stays as it is")
        case _:
            return _("Registration is closed")
    if reg_close is None:
        return text
    return _("{state}, register {before}").format(
        state=text, before=dates.before(reg_close, zone, language, today)
    )


def programme_card(facts: ProgrammeCard, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """Everything a teacher asks about one programme, and what can be done about it."""
    text = programme_text(facts, language, zone, now)
    return Card(text, _programme_keys(facts, language, now))


def programme_text(facts: ProgrammeCard, language: str, zone: ZoneInfo, now: datetime) -> str:
    """The card's text. HTML, within Telegram's 4096 characters."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [f"<b>{html.escape(facts.title)}</b>"]
    if facts.batch_title:
        lines.append(html.escape(facts.batch_title))
    lines.append(
        _("{level} · {mode} · {hours} hours").format(
            level=words.level(facts.level, language),
            mode=words.mode(facts.mode, language),
            hours=numbers.hours(facts.hours, language),
        )
    )
    lines.append(
        _("When: {when}").format(
            when=dates.span(facts.starts_at, facts.ends_at, zone, language, today)
        )
    )
    if facts.place:
        lines.append(_("Where: {place}").format(place=html.escape(facts.place)))
    lines.append(
        _("For: {audience}").format(
            audience=words.audience(audience.wanted(facts.audience), language)
        )
    )
    lines += _phase_lines(facts, language, zone, today)
    lines += _session_lines(facts, language, zone, now)
    if facts.bring:
        lines.append(_("Please bring: {things}").format(things=html.escape(facts.bring)))
    lines.append(_how_to_enter(facts, language, zone, today))
    if facts.about:
        lines.append("")
        lines.append(html.escape(shortened(facts.about, ABOUT)))
    if facts.certificate:
        lines.append(_("Certificate: {name}").format(name=html.escape(facts.certificate)))
    if facts.contact:
        lines.append(_("Questions: {contact}").format(contact=html.escape(facts.contact)))
    lines += _own_lines(facts, language, zone, today)
    return fitted("\n".join(lines))


def _how_to_enter(facts: ProgrammeCard, language: str, zone: ZoneInfo, today: date) -> str:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    is_chosen = facts.menu_id is not None or facts.awaits_menu
    if facts.enrolment not in (Enrolment.OPEN, Enrolment.MENU) or is_chosen:
        return _("Enrolment: {how}").format(how=words.enrolment(facts.enrolment, language))
    text = state_text(
        facts.state,
        facts.seats_left,
        facts.reg_open,
        facts.reg_close,
        language,
        zone,
        today,
    )
    if facts.state is BatchState.FULL and facts.waiting:
        text += "\n" + ngettext(
            "{n} person is waiting", "{n} persons are waiting", facts.waiting
        ).format(n=facts.waiting)
    if facts.approval is Approval.SCHOOL:
        text += "\n" + _("Your school approves registrations.")
    elif facts.approval is Approval.COUNTY:
        text += "\n" + _("Your school, then the county, approves registrations.")
    return _("Registration: {state}").format(state=text)


def _phase_lines(facts: ProgrammeCard, language: str, zone: ZoneInfo, today: date) -> list[str]:
    _ = catalog(language).gettext
    if not facts.phases:
        return []
    lines = [_("Phases:")]
    for number, phase in enumerate(facts.phases, 1):
        line = f"{number}. {html.escape(phase.title)}"
        if phase.starts_at is not None and phase.ends_at is not None:
            line += " · " + dates.span(phase.starts_at, phase.ends_at, zone, language, today)
        if phase.host:
            line += " · " + html.escape(phase.host)
        if phase.gate:
            line += " · " + _("to be passed before the next")
        lines.append(line)
    return lines


def _session_lines(facts: ProgrammeCard, language: str, zone: ZoneInfo, now: datetime) -> list[str]:
    """The next meetings, or all when the last is over."""
    today = now.astimezone(zone).date()
    meetings = [one for one in facts.sessions if one.ends_at > now] or list(facts.sessions)
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if len(facts.sessions) < 2:
        return []
    lines = [_("Meetings:")]
    for session in meetings[:SESSIONS]:
        when = dates.span(session.starts_at, session.ends_at, zone, language, today)
        lines.append(f"· {when} {html.escape(session.title)}")
    more = len(meetings) - SESSIONS
    if more > 0:
        lines.append(ngettext("· and {n} more", "· and {n} more", more).format(n=more))
    return lines


def _own_lines(facts: ProgrammeCard, language: str, zone: ZoneInfo, today: date) -> list[str]:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [""]
    mine = facts.mine
    if mine is not None:
        state = _my_state(mine.state, mine.batch_state, language)
        lines.append(_("<b>You: {state}</b>").format(state=state))
        if mine.place_in_queue is not None:
            lines.append(
                ngettext(
                    "You are number {n} in the queue.",
                    "You are number {n} in the queue.",
                    mine.place_in_queue,
                ).format(n=mine.place_in_queue)
            )
        if mine.offer is not None:
            lines.append(
                _("Please choose {before}; after that the seat goes to the next person.").format(
                    before=dates.before(mine.offer.lapses_at, zone, language, today)
                )
            )
        if mine.reason:
            reason = html.escape(reason_text(mine.reason, language))
            lines.append(_("Reason: {reason}").format(reason=reason))
        lines += _next_lines(facts, language, zone, today)
        if mine.leave_requested_at is not None:
            lines.append(_("Your request to withdraw is with the school."))
        lines += presence_lines(facts.presence, language, zone, today)
        if facts.grade is not None:
            lines.append(
                _("Your result: {mark}").format(mark=mark_text(facts.score, facts.grade, language))
            )
        if mine.make_up_until is not None:
            lines.append(
                _("What is missing may be made good until {day}.").format(
                    day=dates.day(mine.make_up_until, language, today)
                )
            )
        if mine.certificate_no is not None and mine.certificate_on is not None:
            lines.append(
                _("Your certificate: {number}, {day}").format(
                    number=html.escape(mine.certificate_no),
                    day=dates.day(mine.certificate_on, language, date.min),
                )
            )
    elif facts.unmet and not facts.misfits:
        hard = tuple(finding for finding in facts.unmet if finding.hard)
        said = findings_text(hard or facts.unmet, language)
        lines.append(
            _("Not for you this time: {reasons}.").format(reasons=said)
            if hard
            else _("Please note: {reasons}.").format(reasons=said)
        )
    elif facts.misfits:
        lines.append(
            _("Not for you this time: {reasons}.").format(
                reasons=misfits_text(facts.misfits, language)
            )
        )
    is_live = mine is None or mine.state not in (
        RegistrationState.WITHDRAWN,
        RegistrationState.DECLINED,
        RegistrationState.COMPLETED,
    )
    if facts.clashes and is_live and facts.state is not BatchState.FINISHED:
        clash = facts.clashes[0]
        lines.append(
            _("At the same time: {title}, {when}").format(
                title=html.escape(clash.title),
                when=dates.span(clash.starts_at, clash.ends_at, zone, language, today),
            )
        )
    return lines if len(lines) > 1 else []


def _next_lines(facts: ProgrammeCard, language: str, zone: ZoneInfo, today: date) -> list[str]:
    """Who decides next, or what one can do next."""
    _ = catalog(language).gettext
    state = None if facts.mine is None else facts.mine.state
    if state is RegistrationState.SUBMITTED and facts.approve_close is not None:
        before = dates.before(facts.approve_close, zone, language, today)
        return [_("Next: your school decides, {before}. You are told.").format(before=before)]
    if state is RegistrationState.SUBMITTED:
        return [_("Next: your school decides. You are told.")]
    if state is RegistrationState.SCHOOL_APPROVED:
        return [_("Next: the county decides. You are told.")]
    if state is RegistrationState.RETURNED and facts.can_register:
        return [_("You may register again.")]
    return []


def _programme_keys(facts: ProgrammeCard, language: str, now: datetime) -> Keys:
    _ = catalog(language).gettext
    rows: list[tuple[Key, ...]] = [*check_in_key(facts.check_in, language)]
    mine = facts.mine
    if mine is not None and mine.offer is not None:
        rows.append(
            (
                Key(_("Accept"), AcceptOffer(mine.offer.offer_id), style="success"),
                Key(_("Decline"), PassOffer(mine.offer.offer_id)),
            )
        )
    elif mine is not None and mine.state is RegistrationState.NOMINATED:
        rows.append(
            (
                Key(_("Agree to go"), AnswerNomination(facts.batch_id, 1), style="success"),
                Key(_("Not this time"), AnswerNomination(facts.batch_id, 0)),
            )
        )
    if facts.menu_id is not None and mine is None:
        rows.append((Key(_("Choose from the menu"), OpenMenu(facts.menu_id), style="primary"),))
    if facts.can_register:
        label = _("Join the waiting list") if facts.state is BatchState.FULL else _("Register")
        rows.append((Key(label, Register(facts.batch_id), style="primary"),))
    elif mine is not None:
        row: list[Key] = []
        if mine.leaving is not Leaving.NO and mine.leave_requested_at is None:
            row.append(Key(_leaving_label(mine, language), Withdraw(facts.batch_id)))
        row.append(Key(_("Why?"), AskWhy(facts.batch_id)))
        rows.append(tuple(row))
    has_meetings = any(meeting.starts_at > now for meeting in facts.sessions)
    if mine is not None and mine.state in TAKES_PART and has_meetings:
        rows.append((Key(_("Ask for leave"), OpenLeave(facts.batch_id)),))
    rows += _class_keys(facts, language)
    can_watch = facts.enrolment in (Enrolment.OPEN, Enrolment.MENU) and mine is None
    can_watch = can_watch and facts.menu_id is None and not facts.awaits_menu
    if can_watch and facts.state in (BatchState.NOT_YET_OPEN, BatchState.OPEN, BatchState.FULL):
        if facts.is_interested:
            rows.append((Key(_("🔔 Reminder is on"), SetInterest(facts.batch_id, 0)),))
        else:
            rows.append((Key(_("Remind me"), SetInterest(facts.batch_id, 1)),))
    if facts.external_url.startswith(("http://", "https://")):
        rows.append((Key(_("Open platform"), url=facts.external_url),))
    back = OpenMine(0) if mine is not None else OpenProgrammes(0)
    rows.append((Key(_("Back"), back), Key(_("Menu"), Home())))
    return tuple(rows)


def _class_keys(facts: ProgrammeCard, language: str) -> list[tuple[Key, ...]]:
    """The rooms of the class, for who is in it."""
    _ = catalog(language).gettext
    if facts.mine is None or facts.mine.state not in SEES_TIMETABLE:
        return []
    row = []
    if facts.sessions or facts.phases:
        row.append(Key(_("Timetable"), OpenMyTimetable(facts.batch_id)))
    if facts.is_remote and facts.mine.state in IN_CLASS:
        row.insert(0, Key(_("My study"), MyStudy(facts.batch_id)))
    if facts.tasks and facts.mine.state in HAS_WORK:
        row.append(Key(_("Tasks"), OpenMyTasks(facts.batch_id)))
    return [tuple(row)] if row else []


def _leaving_label(mine: MyRegistration, language: str) -> str:
    _ = catalog(language).gettext
    if mine.state in (RegistrationState.WAITLISTED, RegistrationState.OFFERED):
        return _("Leave the queue")
    if mine.leaving is Leaving.REQUEST:
        return _("Ask to withdraw")
    return _("Withdraw")


def mine_card(
    items: list[MyRegistration],
    number: int,
    language: str,
    zone: ZoneInfo,
    today: date,
    size: int = 6,
) -> Card:
    """My registrations, the newest first."""
    _ = catalog(language).gettext
    if not items:
        return Card(
            _("You are not registered for any training yet."),
            ((Key(_("Training for me"), OpenProgrammes(0)),), (Key(_("Back"), Home()),)),
        )
    shown = items[number * size : (number + 1) * size]
    lines = [_("<b>My registrations</b>")]
    keys: list[tuple[Key, ...]] = []
    for index, item in enumerate(shown, number * size + 1):
        when = dates.days(
            item.starts_at.astimezone(zone).date(),
            item.ends_at.astimezone(zone).date(),
            language,
            today,
        )
        state = _my_state(item.state, item.batch_state, language)
        if item.place_in_queue is not None:
            state = _("{state}, number {n}").format(state=state, n=item.place_in_queue)
        lines.append(f"\n{index}. <b>{html.escape(item.title)}</b>\n{when} · {state}")
        if item.certificate_no is not None and item.certificate_on is not None:
            lines.append(
                _("Your certificate: {number}, {day}").format(
                    number=html.escape(item.certificate_no),
                    day=dates.day(item.certificate_on, language, date.min),
                )
            )
        keys.append((Key(shortened(f"{index}. {item.title}", KEY), OpenProgramme(item.batch_id)),))
    turn = pager(number, max(1, -(-len(items) // size)), OpenMine)
    if any(item.certificate_on is not None for item in items):
        keys.append((Key(_("My certificates"), OpenCertificates()),))
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), (Key(_("Back"), Home()),)))


def certificates_card(
    found: tuple[Certificate, ...], page: int, language: str, *, has_awards: bool = False
) -> Card:
    """My certificates, the newest first, each with the training that it is of.

    Those of competitions are with the awards.
    """
    _ = catalog(language).gettext
    lines = [_("<b>My certificates</b>")]
    if not found and has_awards:
        lines.append(_("The certificates of competitions are with your awards."))
    elif not found:
        lines.append(
            _(
                "You have no certificate yet. A training that gives one says so on its page; the "
                "number comes with the completion."
            )
        )
    pages = max(1, -(-len(found) // CERTIFICATES))
    page = min(max(0, page), pages - 1)
    keys: list[tuple[Key, ...]] = []
    first = page * CERTIFICATES
    for number, one in enumerate(found[first : first + CERTIFICATES], first + 1):
        lines.append(
            _("\n{number}. <b>{title}</b>\n{name} {certificate}, {day}").format(
                number=number,
                title=html.escape(one.title),
                name=html.escape(one.name),
                certificate=html.escape(one.number),
                day=dates.day(one.on, language, date.min),
            )
        )
        keys.append((Key(shortened(f"{number}. {one.title}", KEY), OpenProgramme(one.batch_id)),))
    if found:
        lines.append("\n" + _("To have one on paper, please ask whoever runs the training."))
    turn = pager(page, pages, OpenCertificates)
    if has_awards:
        keys.append((Key(_("My awards"), MyAwards()),))
    back = (Key(_("My registrations"), OpenMine(0)), Key(_("Menu"), Home()))
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), back))
