"""What the kept words stand for, column by column, in the reader's language.

Only words that the house itself writes; what people wrote stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers.credits.words import category_name, level_name
from handlers.training import words
from locales import catalog

Word = Callable[[Any, str], str]


def word(table: str, column: str, value: Any, language: str) -> str | None:
    """The value as people say it; None where there is no word for it."""
    if isinstance(value, list):
        said = [word(table, column, part, language) or str(part) for part in value]
        return (", " if language == "en" else "、").join(said)
    if (table, column) in _FIELD:
        return _FIELD[table, column](value, language)
    choices = _CHOICES.get((table, column))
    return choices(language).get(str(value)) if choices is not None else None


_FIELD: dict[tuple[str, str], Word] = {
    ("credit_entry", "level"): level_name,
    ("credit_entry", "category"): category_name,
    ("credit_entry", "mode"): words.mode,
    ("registration", "state"): words.registration_state,
    ("teacher_fact", "key"): words.fact_key,
    ("teacher_fact", "value"): words.fact_value,
    ("posting", "stage"): words.fact_value,
    ("posting", "duties"): words.fact_value,
    ("teacher", "state"): words.fact_value,
    ("teacher", "entry_route"): words.fact_value,
}


def _languages(_language: str) -> Mapping[str, str]:
    # Each in itself, so that whoever cannot read the page finds their own.
    return {"zh_Hans": "简体中文", "zh_Hant": "繁體中文", "en": "English"}


def _linked_by(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {"code": _("a link code"), "contact": _("the phone number on the roster")}


def _roles(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "school_coordinator": _("school training coordinator"),
        "principal": _("principal"),
        "group_coordinator": _("coordinator of a school group"),
        "county_coordinator": _("county coordinator"),
        "city_coordinator": _("city coordinator"),
        "research_officer": _("research officer"),
        "bureau_viewer": _("viewer in the education bureau"),
        "sysadmin": _("system administrator"),
    }


def _scopes(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "unit": _("one unit and what belongs to it"),
        "programme": _("one programme"),
        "subject": _("one subject"),
        "tenant": _("the whole office"),
    }


def _sources(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "self": _("your own registration"),
        "nominated": _("nomination by the school"),
        "automatic": _("enrolment of everybody concerned"),
        "invited": _("invitation"),
        "substitute": _("taking somebody's place"),
    }


def _offers(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "open": _("waiting for your answer"),
        "accepted": _("accepted"),
        "passed": _("passed on"),
        "lapsed": _("lapsed"),
        "revoked": _("taken back"),
    }


def _entries(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "pending": _("waiting to be confirmed"),
        "school_confirmed": _("confirmed by the school"),
        "posted": _("counted"),
        "disputed": _("in dispute"),
        "reversed": _("taken back"),
    }


def _origins(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "batch": _("a training"),
        "registration": _("a training"),
        "correction": _("a correction"),
        "reversal": _("a line that was taken back"),
        "opening": _("the office's earlier records"),
    }


def _reminders(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "due": _("to be said"),
        "sent": _("said"),
        "satisfied": _("done before it was said"),
        "muted": _("switched off by you"),
        "stale": _("too late to be of use"),
        "unreachable": _("could not be delivered"),
    }


def _messages(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "pending": _("to be sent"),
        "sending": _("being sent"),
        "sent": _("sent"),
        "skipped": _("nothing was left to say"),
        "refused": _("could not be delivered"),
        "doubtful": _("perhaps sent"),
        "broken": _("not sent, through a fault of ours"),
    }


def _message_kinds(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "brief": _("daily brief"),
        "brief_edit": _("change of a daily brief"),
        "reminder": _("reminder"),
        "offer": _("offer of a seat"),
        "cancelled": _("cancellation of a training"),
        "programme_changed": _("another time or place of a training"),
        "appointed_class_teacher": _("being appointed class teacher of a training"),
        "appointed_tutor": _("being appointed tutor of a training"),
        "link_moved": _("word that your account was linked elsewhere"),
        "link_conflict": _("word that somebody else tried to link your account"),
        "credit_posted": _("hours that were counted"),
        "credit_reversed": _("hours that were taken back"),
    }


def _rules(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "seat_from_school": _("a seat of your school"),
        "seat_from_pool": _("a seat open to all schools"),
        "seat_without_limit": _("a seat, because their number is not limited"),
        "queued": _("onto the waiting list"),
        "withdrawn": _("withdrawn"),
        "left_queue": _("left the waiting list"),
        "leave_requested": _("asked to withdraw"),
        "offered_after_withdrawal": _("offered a seat that somebody gave back"),
        "offered_after_pass": _("offered a seat that somebody passed on"),
        "offered_after_lapse": _("offered a seat that nobody answered for"),
        "offered_from_free_seat": _("offered a free seat"),
        "offer_accepted": _("offer accepted"),
        "offer_passed": _("offer passed on"),
        "offer_lapsed": _("offer lapsed"),
        "enrolled_automatically": _("enrolled with everybody concerned"),
        "exempt_long_leave": _("exempt, because of a long leave"),
        "nomination_accepted": _("nomination accepted"),
        "nomination_declined": _("nomination declined"),
        "programme_cancelled": _("training cancelled"),
    }


def _acts(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "cancel_programme": _("cancelled a programme"),
        "move_batch": _("moved a training"),
        "release_seats": _("released unused seats"),
        "credit_enter": _("entered hours"),
        "credit_enter_many": _("entered hours"),
        "credit_post": _("counted hours"),
        "credit_post_many": _("counted hours"),
        "credit_reverse": _("took hours back"),
        "export_own_data": _("took a copy of one's own data"),
        "appoint": _("gave a role"),
        "dismiss": _("ended a role"),
        "issue_link_code": _("issued a link code"),
        "search_people": _("searched for a colleague"),
        "look_at_people": _("looked at a school's list"),
        "look_at_person": _("looked at a colleague's entry"),
        "link": _("linked an account"),
        "unlink": _("unlinked an account"),
        "second_claim": _("tried to link an account that was linked"),
        "load_plan": _("loaded the office's plan"),
    }


_CHOICES: dict[tuple[str, str], Callable[[str], Mapping[str, str]]] = {
    ("account", "language"): _languages,
    ("account", "linked_by"): _linked_by,
    ("role_assignment", "role"): _roles,
    ("role_assignment", "scope_kind"): _scopes,
    ("registration", "source"): _sources,
    ("seat_offer", "state"): _offers,
    ("credit_entry", "state"): _entries,
    ("credit_entry", "source_kind"): _origins,
    ("reminder", "state"): _reminders,
    ("outbox_message", "state"): _messages,
    ("outbox_message", "kind"): _message_kinds,
    ("news", "kind"): _message_kinds,
    ("decision", "rule"): _rules,
    ("audit_log", "action"): _acts,
}
