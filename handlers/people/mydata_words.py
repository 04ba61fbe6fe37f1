"""What the kept words stand for, column by column, in the reader's language.

Only words that the house itself writes; what people wrote stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers.competitions import words as of_competitions
from handlers.credits.words import category_name, level_name
from handlers.training import words
from handlers.training.reasons_text import reasons
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
    ("claim", "level"): level_name,
    ("claim", "category"): category_name,
    ("posting", "stage"): words.fact_value,
    ("posting", "duties"): words.fact_value,
    ("teacher", "state"): words.fact_value,
    ("teacher", "entry_route"): words.fact_value,
    ("tier_proposal", "tier"): words.fact_value,
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
        "area_coordinator": _("coordinator of a school area"),
        "class_teacher": _("class teacher of a training"),
        "tutor": _("tutor of a training"),
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
        "batch": _("one class of a training"),
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
        "menu": _("choosing from a menu"),
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


def _deadline_states(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {"active": _("holds"), "cancelled": _("called off")}


def _leave_states(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "requested": _("asked for"),
        "school_ok": _("agreed to by the school"),
        "approved": _("granted"),
        "refused": _("not granted"),
        "cancelled": _("withdrawn by you"),
    }


def _leave_reasons(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "sick": _("illness"),
        "official": _("official duty"),
        "family": _("family matters"),
        "other": _("another reason"),
    }


def _presence(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "present": _("present"),
        "late": _("came late"),
        "left_early": _("left early"),
        "absent": _("not there"),
        "leave": _("on leave"),
        "excused": _("excused"),
    }


def _methods(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "scan": _("scanned code"),
        "typed": _("typed code"),
        "time_code": _("time code typed in later"),
        "coordinator": _("entered by a coordinator"),
        "import": _("a table"),
        "clock": _("the end of the meeting"),
    }


def _works(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "submitted": _("handed in"),
        "returned": _("returned to you"),
        "accepted": _("accepted"),
    }


def _grades(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "excellent": _("excellent"),
        "qualified": _("qualified"),
        "unqualified": _("not qualified yet"),
        "absent": _("missed the assessment"),
        "deferred": _("assessment deferred"),
    }


def _claims(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "submitted": _("handed in"),
        "school_ok": _("confirmed by the school"),
        "accepted": _("accepted"),
        "returned": _("returned to you"),
        "refused": _("not accepted"),
        "withdrawn": _("withdrawn by you"),
    }


def _study_claims(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "open": _("being looked into"),
        "accepted": _("accepted"),
        "refused": _("not accepted"),
        "caught_up": _("shown by the platform since"),
    }


def _obstacles(language: str) -> Mapping[str, str]:
    return words.obstacle_names(language)


def _appeals(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "open": _("being looked into"),
        "school_reviewed": _("the school has given its view"),
        "accepted": _("accepted"),
        "refused": _("not accepted"),
        "withdrawn": _("withdrawn by you"),
    }


def _outcomes(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "open": _("not settled yet"),
        "given": _("seat given"),
        "waiting": _("on the waiting list"),
        "clash": _("not given, at the same time as another"),
        "no_place": _("not given, the waiting list was full"),
        "gone": _("not given, no longer possible"),
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
        "undone": _("a posting that was undone"),
        "claim": _("your claim for learning elsewhere"),
        "appeal": _("your appeal"),
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
        "meeting_changed": _("change of a meeting"),
        "phase_changed": _("another place or other days of a stretch of a training"),
        "remote_bulletin": _("how far the schools are in remote training, in a group"),
        "remote_bulletin_edit": _("newer figures of the schools in remote training, in a group"),
        "study_claims_wait": _("word of study to look at"),
        "study_claims_again": _("word of study that still waits for your look"),
        "study_claims_left": _("word of study that nobody has looked at"),
        "study_asked": _("word that something more is asked for in remote study"),
        "hosting": _("word that people of a training come to your school"),
        "hosting_off": _("word that people of a training do not come to your school"),
        "work_returned": _("return of your work"),
        "work_accepted": _("acceptance of your work"),
        "nominated": _("word that your school sends you"),
        "replaced": _("word that a colleague goes in your place"),
        "nomination_gone": _("word that a nomination was taken back"),
        "nomination_declined": _("word that somebody declined a nomination"),
        "allotted": _("word of your school's seats"),
        "entry_accepted": _("acceptance of your competition entry"),
        "entry_returned": _("return of your competition entry"),
        "entry_disqualified": _("word that your competition entry was taken out"),
        "entry_mate": _("question whether you make a competition entry together"),
        "entry_put_forward": _("word that you are put forward for a competition"),
        "entry_declined": _("word that a colleague does not enter a competition"),
        "thin_class": _("question about a class that is too small"),
        "rule_change_asked": _("a change of rules to confirm"),
        "competition_rules": _("changed rules of a competition"),
        "competition_dates": _("new dates of a competition"),
        "competition_cancelled": _("a competition that is cancelled"),
        "round_card": _("the card of a competition"),
        "list_card": _("a public list of a competition"),
        "competition_outcome": _("what became of an entry in a competition"),
        "competition_lapsed": _("word of entries that were not forwarded"),
        "objection_raised": _("word of an objection to decide"),
        "objection_answered": _("answer to an objection"),
        "award_given": _("word of an award"),
        "award_revoked": _("word of an award that was taken back"),
        "tier_settled": _("word of what became of a proposal for a tier"),
        "programme_changed": _("another time or place of a training"),
        "appointed_class_teacher": _("being appointed class teacher of a training"),
        "appointed_tutor": _("being appointed tutor of a training"),
        "link_moved": _("word that your account was linked elsewhere"),
        "role_given": _("word that you were given a role"),
        "role_ended": _("word that a role of yours ended"),
        "link_conflict": _("word that somebody else tried to link your account"),
        "place_news": _("news of a group that you look after"),
        "chat_close": _("farewell to a group"),
        "approvals_waiting": _("card of what waits for your decision"),
        "registration_approved": _("word that a registration was approved"),
        "registration_returned": _("word that a registration was returned"),
        "registration_rejected": _("word that a registration was refused"),
        "registration_exempt": _("word of an exemption"),
        "withdrawal_answered": _("answer to a wish to withdraw"),
        "leave_answered": _("answer to a request for leave"),
        "check_in_open": _("word that check-in is open"),
        "notice": _("a notice"),
        "notice_second": _("word of an urgent notice to agree to"),
        "notice_answered": _("answer about your urgent notice"),
        "notice_stopped": _("word that a notice was stopped"),
        "notice_post": _("a notice in a group"),
        "notice_urge": _("word in a group of how many have not confirmed"),
        "notice_edit": _("change of a notice"),
        "notice_corrected": _("correction of a notice"),
        "notice_list": _("word of who has not confirmed a notice"),
        "notice_question": _("word of questions about a notice"),
        "notice_answer": _("answer to your question about a notice"),
        "question_line": _("a question in the coordinators' group"),
        "relay": _("copy for a second channel"),
        "relay_broken": _("word that a second channel does not work"),
        "judge_invited": _("question whether you would be a judge"),
        "competition_turn": _("word of your turn in a competition"),
        "ballots_missing": _("reminder of ballots that are still open"),
        "reopen_asked": _("word that a judge asks for a ballot back"),
        "ballot_reopened": _("word that a ballot of yours is open again"),
        "venue_news": _("word of what happens at a venue of yours"),
        "scores_to_sign": _("word that scores wait for your signature"),
        "missed": _("what waited while you could not be reached"),
        "credit_posted": _("hours that were counted"),
        "credit_reversed": _("hours that were taken back"),
        "not_completed": _("a training that was not completed"),
        "make_up": _("leave to make good what is missing"),
        "completion_revoked": _("a completion that was revoked"),
        "claim_returned": _("a claim that was returned"),
        "claim_refused": _("a claim that was not accepted"),
        "appeal_decided": _("the answer to an appeal"),
    }


def _rules(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "seat_from_school": _("a seat of your school"),
        "seat_from_pool": _("a seat open to all schools"),
        "seat_without_limit": _("a seat, because their number is not limited"),
        "queued": _("onto the waiting list"),
        "registered_despite": _("registered all the same"),
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
        "nominated": _("nominated by the school"),
        "nomination_taken_back": _("nomination taken back"),
        "replaced": _("replaced by a colleague"),
        "substituted": _("sent in a colleague's place"),
        "class_cancelled": _("class cancelled"),
        "nomination_accepted": _("nomination accepted"),
        "nomination_declined": _("nomination declined"),
        "programme_cancelled": _("training cancelled"),
        "menu_seat": _("seat from a menu, by wish and lot"),
        "menu_queued": _("waiting list from a menu, by wish and lot"),
        "school_approved": _("approved by the school"),
        "approved_by_school": _("approved by the school, finally"),
        "approved_by_organiser": _("approved by the organiser"),
        "returned": _("returned"),
        "rejected": _("refused"),
        "exempted": _("exempted"),
        "withdrawal_agreed": _("wish to withdraw agreed to"),
        "withdrawal_refused": _("wish to withdraw not agreed to"),
        "decision_undone": _("decision taken back"),
        "absence_requested": _("asked for leave"),
        "absence_school_ok": _("leave agreed to by the school"),
        "absence_approved": _("leave given"),
        "absence_refused": _("leave not given"),
        "absence_cancelled": _("gave leave up"),
        "completed": _("completed"),
        "not_completed": _("not completed"),
        "no_show": _("did not attend"),
        "completion_undone": _("the decision on completing was taken back"),
        "completion_revoked": _("the completion was revoked"),
        "make_up_given": _("leave to make good what is missing"),
        "first_attendance": _("came for the first time"),
        "attendance_undone": _("presence taken back"),
        "first_progress": _("studied for the first time"),
        "progress_undone": _("first study taken back"),
    }


def _acts(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "cancel_programme": _("cancelled a programme"),
        "add_phase": _("added a phase"),
        "change_phase": _("changed a phase"),
        "place_phase": _("moved a phase"),
        "remove_phase": _("removed a phase"),
        "add_module": _("added a module"),
        "change_module": _("changed a module"),
        "place_module": _("moved a module"),
        "remove_module": _("removed a module"),
        "add_meeting": _("added a meeting"),
        "change_meeting": _("changed a meeting"),
        "remove_meeting": _("removed a meeting"),
        "put_timetable": _("put in a timetable"),
        "add_task": _("set a task"),
        "change_task": _("changed a task"),
        "remove_task": _("removed a task"),
        "review_work": _("reviewed work"),
        "enter_paper": _("entered work on paper"),
        "add_condition": _("added a condition"),
        "change_condition": _("changed a condition"),
        "remove_condition": _("removed a condition"),
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
        "undo": _("took an act back"),
        "confirmed_before": _("confirmed a notice that was corrected later"),
        "mark_contacted": _("noted a talk with a colleague"),
        "unmark_contacted": _("took back the note of a talk"),
        "look_at_queue": _("looked at a waiting list"),
        "look_at_members": _("looked at a class's people"),
        "allot_seats": _("handed out seats"),
        "set_capacity": _("set the number of seats"),
        "set_release": _("set when unused seats are released"),
        "set_roster_date": _("set when a list is reported"),
        "nominate": _("nominated colleagues"),
        "take_back_nomination": _("took a nomination back"),
        "substitute": _("sent a colleague in another's place"),
        "set_minimum": _("set the smallest class"),
        "run_thin_class": _("let a small class run"),
        "cancel_batch": _("cancelled a class"),
        "export_decisions": _("exported a decision log"),
        "link": _("linked an account"),
        "unlink": _("unlinked an account"),
        "second_claim": _("tried to link an account that was linked"),
        "load_plan": _("loaded the office's plan"),
        "import_roster": _("brought a roster in"),
        "import_change": _("changed an entry by a roster"),
        "import_units": _("brought a list of schools in"),
        "undo_import": _("took an import back"),
        "close_missing": _("marked as left who was not on a complete list"),
        "print_link_codes": _("printed link codes"),
        "found_office": _("founded the office"),
        "registration_approve": _("approved a registration"),
        "registration_return": _("returned a registration"),
        "registration_reject": _("refused a registration"),
        "registration_exempt": _("exempted somebody"),
        "registration_let_go": _("agreed to a late withdrawal"),
        "registration_keep": _("did not agree to a late withdrawal"),
        "leave_agree": _("agreed to leave"),
        "leave_refuse": _("did not give leave"),
        "look_at_registration": _("looked at a registration"),
        "look_at_leave": _("looked at a request for leave"),
        "check_in": _("checked in after having been marked absent"),
        "open_check_in": _("opened check-in"),
        "close_check_in": _("closed check-in"),
        "take_check_in_kit": _("took the check-in kit of a meeting"),
        "look_at_attendance": _("looked at who came to a meeting"),
        "draw_order": _("drew the order of a venue"),
        "set_turns": _("set the timetable of a venue"),
        "post_turns": _("posted a timetable in groups"),
        "note_absence": _("noted who did not take part"),
        "invite_judge": _("asked somebody to judge"),
        "add_expert": _("added an expert from outside"),
        "chief_judge": _("said who leads a panel"),
        "remove_judge": _("took a judge off a panel"),
        "answer_judging": _("answered whether one would judge"),
        "begin_judging": _("let the judges begin"),
        "commit_ballot": _("handed a ballot in"),
        "recuse": _("set a ballot aside for a conflict"),
        "ask_reopen": _("asked for a ballot back"),
        "reopen_ballot": _("gave a ballot back"),
        "chase_ballots": _("reminded judges"),
        "turn_to_paper": _("let ballots be typed in from paper"),
        "reveal_marks": _("revealed the marks of a venue"),
        "look_at_scores": _("looked at the scores of a venue"),
        "look_at_material": _("looked at work as a judge"),
        "sign_scores": _("signed the scores of a venue"),
        "mark_presence": _("entered presence by hand"),
        "export_attendance": _("took a sheet of who came to a meeting"),
    }


def _knocks(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    return {
        "early": _("too early, and told when it opened"),
        "not_listed": _("not on the list"),
    }


_CHOICES: dict[tuple[str, str], Callable[[str], Mapping[str, str]]] = {
    ("account", "language"): _languages,
    ("account", "linked_by"): _linked_by,
    ("role_assignment", "role"): _roles,
    ("role_assignment", "scope_kind"): _scopes,
    ("registration", "source"): _sources,
    ("registration", "reason"): reasons,
    ("leave", "answer"): reasons,
    ("seat_offer", "state"): _offers,
    ("menu_choice", "outcome"): _outcomes,
    ("deadline", "state"): _deadline_states,
    ("leave", "state"): _leave_states,
    ("leave", "reason"): _leave_reasons,
    ("attendance", "state"): _presence,
    ("attendance", "method"): _methods,
    ("task_submission", "state"): _works,
    ("result", "grade"): _grades,
    ("result", "entered"): _grades,
    ("claim", "state"): _claims,
    ("study_claim", "state"): _study_claims,
    ("obstacle", "reason"): _obstacles,
    ("entry", "state"): of_competitions.entry_states,
    ("entry_round", "state"): of_competitions.round_states,
    ("judge", "state"): of_competitions.judge_states,
    ("ballot", "state"): of_competitions.ballot_states,
    ("conflict", "kind"): of_competitions.conflict_kinds,
    ("objection", "state"): of_competitions.objection_states,
    ("honour", "level"): of_competitions.levels,
    ("tier_proposal", "state"): of_competitions.proposal_states,
    ("appeal", "state"): _appeals,
    ("credit_entry", "state"): _entries,
    ("credit_entry", "source_kind"): _origins,
    ("reminder", "state"): _reminders,
    ("outbox_message", "state"): _messages,
    ("outbox_message", "kind"): _message_kinds,
    ("news", "kind"): _message_kinds,
    ("decision", "rule"): _rules,
    ("audit_log", "action"): _acts,
    ("knock", "why"): _knocks,
}
