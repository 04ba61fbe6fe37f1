"""Who puts which kind of row of the outbox into words; every kind that storage writes is here."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.competitions import judging_voices, list_cards, outcomes, receiving, round_cards
from handlers.competitions import told as of_competitions
from handlers.messaging import (
    binding,
    group_cards,
    groups,
    leaving,
    missed,
    notice_answers,
    notice_posts,
    notice_questions,
    notice_report,
    notice_voices,
    question_topics,
    relays,
    reminders,
    upward,
)
from handlers.messaging.voices import Voice
from handlers.people import roles
from handlers.training import answers, changing, check_in, seat_messages, told
from handlers.training.remote import last_mile
from storage.competitions import (
    awarding,
    chasing,
    deciding,
    editing,
    forwarding,
    objections,
    panels,
    reopening,
    timetable,
    venue_news,
)
from storage.competitions import (
    publishing as competition_publishing,
)
from storage.messaging import binding as binding_rules
from storage.messaging import presence
from storage.training.remote import bulletins

_ONES: Mapping[str, Voice] = {
    "brief": reminders.brief,
    "reminder": reminders.brief,
    "brief_edit": reminders.brief_edit,
    "offer": reminders.offer,
    "cancelled": reminders.cancelled,
    "meeting_changed": told.meeting_changed,
    "phase_changed": told.phase_changed,
    "work_returned": told.work_returned,
    "nominated": seat_messages.nominated,
    "replaced": seat_messages.replaced,
    "nomination_gone": seat_messages.nomination_gone,
    "allotted": seat_messages.allotted,
    "thin_class": seat_messages.thin_class,
    "programme_changed": changing.changed,
    "link_moved": reminders.link_moved,
    "role_given": roles.given_voice,
    "role_ended": roles.ended_voice,
    "link_conflict": reminders.link_conflict,
    group_cards.KIND: group_cards.voice,
    presence.HELLO: groups.hello,
    presence.GOODBYE: leaving.goodbye,
    presence.NEWS: binding.place_news,
    binding_rules.CLOSING: leaving.closing,
    "approvals_waiting": upward.voice,
    "group_reminder": upward.group_voice,
    "registration_approved": answers.registration_answer,
    "registration_returned": answers.registration_answer,
    "registration_rejected": answers.registration_answer,
    "registration_exempt": answers.registration_answer,
    "withdrawal_answered": answers.registration_answer,
    "leave_answered": answers.leave_answer,
    "check_in_open": check_in.opened,
    "notice_post": notice_posts.posted,
    "notice_urge": notice_posts.urged,
    "notice_edit": notice_answers.edited,
    "notice_corrected": notice_answers.corrected,
    "notice_list": notice_report.list_due,
    "notice_question": notice_questions.asked,
    "notice_answer": notice_answers.answered,
    "question_line": question_topics.line_said,
    "notice": notice_voices.notice,
    "notice_second": notice_voices.second,
    "notice_answered": notice_voices.answered,
    "notice_stopped": notice_voices.stopped,
    editing.ASKED: of_competitions.rule_change_asked,
    editing.RULES: of_competitions.rules_changed,
    editing.DATES: of_competitions.dates_moved,
    competition_publishing.CANCELLED: of_competitions.cancelled,
    round_cards.KIND: round_cards.voice,
    list_cards.KIND: list_cards.voice,
    deciding.OUTCOME: outcomes.outcome,
    forwarding.LAPSED: outcomes.lapsed,
    objections.RAISED: outcomes.raised,
    objections.ANSWERED: outcomes.answered,
    awarding.GIVEN: outcomes.award_given,
    awarding.REVOKED: outcomes.award_revoked,
    awarding.TIER: outcomes.tier_settled,
    bulletins.KIND: last_mile.bulletin_voice,
    panels.INVITED: judging_voices.invited,
    timetable.TURN: judging_voices.turn,
    chasing.CHASED: judging_voices.chased,
    reopening.REOPEN_ASKED: judging_voices.reopen_asked,
    reopening.REOPENED: judging_voices.reopened,
    venue_news.NEWS: judging_voices.news,
    venue_news.SIGN: judging_voices.to_sign,
    bulletins.EDIT: last_mile.bulletin_voice,
    "relay_broken": relays.broken,
    "entry_accepted": receiving.accepted,
    "entry_returned": receiving.returned,
    "entry_disqualified": receiving.disqualified,
    "entry_mate": receiving.mate_asked,
    "entry_put_forward": receiving.put_forward,
    "entry_declined": receiving.declined,
}

VOICES: Mapping[str, Voice] = {**_ONES, "missed": missed.voice(_ONES)}
"""One of them asks the others: what waited for somebody who has come back."""
