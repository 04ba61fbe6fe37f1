"""All data about one person as a file: one page that a browser shows, and nothing to load.

A pure function of what was found and the reader's language. What a person reads stands in
tables with labels; the same, with the numbers that only the machine uses, is in the page as
JSON for other programs.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from handlers.people import mydata_words
from locales import catalog, dates, known, numbers
from storage.moments import local_day
from storage.people.mydata import MyData, Portion, Withheld

MACHINE = frozenset(
    {
        "id",
        "teacher_id",
        "account_id",
        "quota_id",
        "outbox_id",
        "chat_id",
        "subject_id",
        "source_id",
        "scope_id",
        "by_plan",
        "menu_id",
        "entry_id",
        "by_id",
        "reviewed_by",
        "decided_by",
        "school_by",
        "deputy_of",
        "evidence_file_id",
        "file_id",
        "odd",
        "reverses_id",
        "message_id",
        "card_message_id",
        "dedupe_key",
        "dedupe_group",
        "lease_until",
        "attempts",
        "priority",
        "queued_at",
        "rings",
        "relay_id",
        "stream",
        "preset",
        "revision",
        "notice_id",
        "question_id",
        "thread_id",
        "created_by",
        "import_id",
        "platform_id",
        "tutor_id",
        "other_id",
        "put_forward_by",
        "venue_id",
        "forwarded_by",
        "invited_by",
        "slot",
        "version",
        "content_hash",
        "uploaded_by",
        "judge_id",
        "entry_round_id",
        "nonce",
        "typed_by",
        "checked_by",
        "checked_marks",
        "issuer_unit_id",
        "honour_id",
    }
)
"""Columns that only the machine uses: in the JSON, not in the tables."""

FEW_ROWS = 1  # up to so many are shown one below the other, label beside value

POLICY = "default-src 'none'; style-src 'unsafe-inline'"

STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #777; --head: #1d6f8f; }
body { font: 16px/1.6 system-ui, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif;
  margin: 0 auto; max-width: 64rem; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem;
  color: var(--head); }
p, li { color: var(--quiet); margin: .25rem 0; } ul { padding-left: 1.2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .8rem .35rem 0;
  text-align: left; vertical-align: top; min-width: 5.5rem; overflow-wrap: break-word; }
thead th { white-space: nowrap; } th { font-weight: 600; }
"""


def file_name(data: MyData, zone: ZoneInfo, language: str) -> str:
    """Name the file after what it is and the office's day."""
    _ = catalog(language).gettext
    title = _("My data")
    return f"{title} {local_day(data.made_at, zone):%Y-%m-%d}.html"


def my_data_html(data: MyData, zone: ZoneInfo, language: str) -> bytes:
    """Return the page. Every text in it is escaped; it asks for nothing from anywhere."""
    _ = catalog(language).gettext
    title = escape(_("My data"))
    tables = table_labels(language)
    labels = column_labels(language)
    parts = [
        "<!doctype html>",
        f'<html lang="{known(language).replace("_", "-")}">',
        '<head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<title>{title}</title><style>{STYLE}</style></head>",
        f"<body><h1>{title}</h1>",
        f"<p>{escape(_made(data, zone, language))}</p>",
        "<ul>",
        *(f"<li>{escape(note)}</li>" for note in notes(data, language)),
        "</ul>",
    ]
    order = list(tables)
    for portion in sorted(data.portions, key=lambda portion: order.index(portion.table)):
        parts.append(f"<h2>{escape(tables[portion.table])}</h2>")
        parts.append(_table(portion, labels, zone, language))
    parts.append(f'<script type="application/json" id="data">{_embedded(data)}</script>')
    parts.append("</body></html>")
    return "\n".join(parts).encode()


def plain(data: MyData) -> dict[str, Any]:
    """Return all of it as plain values, under the names that the code uses."""
    return {
        "made_at": data.made_at.isoformat(),
        "account_id": data.account_id,
        "teacher_id": data.teacher_id,
        "office": data.office,
        "tables": {
            portion.table: [
                dict(zip(portion.columns, map(_plain, row), strict=True)) for row in portion.rows
            ]
            for portion in data.portions
        },
        "names": {
            portion.table: {
                column: {str(number): name for number, name in names.items()}
                for column, names in portion.names.items()
            }
            for portion in data.portions
            if portion.names
        },
    }


def notes(data: MyData, language: str) -> list[str]:
    """Say what the tables do not show by themselves."""
    _ = catalog(language).gettext
    lines = [
        _(
            "Link codes and phone numbers are kept as a fingerprint only: "
            "they can be compared, but not read back."
        ),
        _("Where another person acted or was concerned, their data are left out."),
        _(
            "What you typed or tapped is also kept as it came, for two days, "
            "so that nothing is lost if the machine stops; then it is deleted."
        ),
    ]
    if data.teacher_id is None:
        lines.insert(0, _("This account is not linked to a teacher, so there is little to show."))
    return lines


def table_labels(language: str) -> dict[str, str]:
    """Name the tables as people would, in the order in which they are shown."""
    _ = catalog(language).gettext
    return {
        "teacher": _("Entry on the roster"),
        "posting": _("Where you work"),
        "teacher_fact": _("What decides which training fits you"),
        "role_assignment": _("Roles"),
        "account": _("Telegram account and settings"),
        "link_code": _("Link codes"),
        "registration": _("Registrations"),
        "decision": _("How your registrations were decided"),
        "seat_offer": _("Offered seats"),
        "interest": _("Registrations you asked to be reminded of"),
        "menu_choice": _("What you chose from menus"),
        "leave": _("Leave from meetings"),
        "attendance": _("Attendance"),
        "task_submission": _("Work you handed in"),
        "progress": _("Where you stand in remote training"),
        "progress_snapshot": _("What platforms reported of your study"),
        "progress_match": _("Rows of platforms that are yours"),
        "study_claim": _("What you studied before the platform showed it"),
        "obstacle": _("What held you up in remote training"),
        "tutor_unit": _("Schools whose tutor you are"),
        "survey_taken": _("Surveys you answered"),
        "result": _("Results"),
        "entry": _("Competitions you entered"),
        "entry_author": _("Entries you made with others"),
        "entry_round": _("Where your entries stand, round by round"),
        "material": _("Work you handed in for competitions"),
        "judge": _("Competitions you judge"),
        "ballot": _("Marks you gave as a judge"),
        "conflict": _("Whom you do not judge"),
        "objection": _("Objections you raised"),
        "honour": _("Honours"),
        "tier_proposal": _("Tiers you were proposed for"),
        "resource_proposal": _("Whether your work may be shared"),
        "claim": _("Claims for learning elsewhere"),
        "appeal": _("Appeals about hours"),
        "credit_entry": _("Training hours, entry by entry"),
        "reminder": _("Reminders"),
        "reminder_mute": _("Reminders you switched off"),
        "knock": _("Meetings at which you could not be checked in"),
        "code_tries": _("Wrong check-in codes"),
        "news": _("News for your daily brief"),
        "outbox_message": _("Messages to you"),
        "hold": _("Pauses in writing to you"),
        "deadline": _("Dates that are your own"),
        "notice_recipient": _("Notices to you"),
        "question": _("Questions you asked about notices"),
        "question_line": _("What you wrote about notices"),
        "relay": _("Your second channel"),
        "contact": _("When a coordinator spoke with you"),
        "draft": _("What you were filling in"),
        "audit_log": _("Log of acts"),
    }


def column_labels(language: str) -> dict[str, str]:
    """Name the columns as people would; those of ``MACHINE`` have no name."""
    _ = catalog(language).gettext
    return {
        "staff_no": _("Staff number"),
        "name": _("Name"),
        "hire_date": _("Date of hire"),
        "entry_route": _("Way into the profession"),
        "service_end": _("End of service"),
        "is_full_time": _("Full time"),
        "title": _("Title"),
        "title_since": _("Title since"),
        "phone_hash": _("Phone number"),
        "state": _("State"),
        "tg_user_id": _("Telegram user number"),
        "language": _("Language"),
        "language_chosen": _("Language chosen by you"),
        "linked_at": _("Linked at"),
        "linked_by": _("Linked by"),
        "unlinked_at": _("Unlinked at"),
        "consent_at": _("Consent given at"),
        "started_at": _("First message at"),
        "reachable": _("Can be written to"),
        "unreachable_since": _("Cannot be written to since"),
        "wrong_codes": _("Wrong codes"),
        "link_locked_until": _("Linking paused until"),
        "awaiting": _("Next text answers"),
        "awaiting_until": _("Answer awaited until"),
        "continue_to": _("Where a link was leading"),
        "brief_minute": _("Daily brief at"),
        "quiet_from": _("Quiet from"),
        "quiet_until": _("Quiet until"),
        "unit_id": _("Unit"),
        "unit_id_at": _("Unit at that time"),
        "since": _("Since"),
        "until": _("Until"),
        "stage": _("School stage"),
        "subjects": _("Subjects"),
        "duties": _("Duties"),
        "is_primary": _("Main post"),
        "key": _("What"),
        "value": _("Value"),
        "role": _("Role"),
        "scope_kind": _("Reaches over"),
        "code_hash": _("Code"),
        "issued_at": _("Issued at"),
        "expires_at": _("Expires at"),
        "used_at": _("Used at"),
        "issued_by": _("Issued by"),
        "batch_id": _("Training"),
        "registration_id": _("Training"),
        "session_id": _("Meeting"),
        "source": _("Came by"),
        "submitted_at": _("Submitted at"),
        "late": _("Came late"),
        "changed_at": _("Changed at"),
        "reason": _("Reason"),
        "leave_request": _("Request to withdraw"),
        "leave_requested_at": _("Requested at"),
        "make_up_until": _("May be made good until"),
        "entered": _("Grade as entered"),
        "rule": _("Rule"),
        "rule_version": _("Version of the rules"),
        "why": _("Why"),
        "wrong": _("Wrong codes"),
        "day_since": _("Counted by the day since"),
        "day_wrong": _("Wrong codes of the day"),
        "facts": _("Details"),
        "details": _("Details"),
        "at": _("When"),
        "actor_id": _("Who"),
        "offered_at": _("Offered at"),
        "lapses_at": _("Lapses at"),
        "settled_at": _("Settled at"),
        "earned_on": _("Earned on"),
        "level": _("Level"),
        "category": _("Category"),
        "mode": _("Form"),
        "hours": _("Hours"),
        "source_kind": _("From"),
        "evidence": _("Evidence"),
        "posted_at": _("Posted at"),
        "step_id": _("Reminder of"),
        "deadline_id": _("Deadline of"),
        "not_before": _("Not before"),
        "useful_until": _("Useful until"),
        "kind": _("Kind"),
        "told_at": _("Told at"),
        "created_at": _("Made at"),
        "sent_at": _("Sent at"),
        "fault": _("Difficulty"),
        "certificate_no": _("Certificate number"),
        "certificate_on": _("Certificate of"),
        "data": _("Details"),
        "updated_at": _("Changed at"),
        "about": _("About"),
        "task_id": _("Task"),
        "rank": _("Rank of the wish"),
        "outcome": _("What became of it"),
        "chosen_at": _("Chosen at"),
        "note": _("Note"),
        "requested_at": _("Requested at"),
        "decided_at": _("Decided at"),
        "answer": _("Answer"),
        "method": _("Found out by"),
        "out_at": _("Left at"),
        "text": _("Text"),
        "file_name": _("File"),
        "score": _("Score"),
        "comment": _("Comment"),
        "reviewed_at": _("Reviewed at"),
        "grade": _("Grade"),
        "provider": _("Provider"),
        "learnt_on": _("Learnt on"),
        "evidence_name": _("Evidence"),
        "school_at": _("School's view at"),
        "school_view": _("School's view"),
        "opened_at": _("Opened at"),
        "due_on": _("To be answered by"),
        "reached": _("Could be written to then"),
        "confirmed_at": _("Confirmed at"),
        "figures": _("Figures by item"),
        "percent": _("Share of the work, in percent"),
        "is_started": _("Begun"),
        "is_learned": _("Everything required done"),
        "as_of": _("As of"),
        "last_active": _("Studied last on"),
        "item_id": _("Item"),
        "competition_id": _("Competition"),
        "track_id": _("Track"),
        "round_id": _("Round"),
        "agreed_at": _("Agreed at"),
        "may_publish": _("Name and title may be published when it wins"),
        "order_no": _("Place in the order"),
        "number": _("Number"),
        "slot_at": _("Turn at"),
        "tie": _("What decided a tie"),
        "award": _("Award"),
        "forwarded_at": _("Forwarded at"),
        "is_chief": _("Chief judge"),
        "invited_at": _("Invited at"),
        "size": _("Size in bytes"),
        "uploaded_at": _("Handed in at"),
        "removed_at": _("Removed at"),
        "checked_at": _("Checked at"),
        "findings": _("Names found"),
        "due_at": _("To be answered by"),
        "asked_at": _("Asked at"),
        "asked_by": _("Asked by"),
        "mime": _("Kind of file"),
        "place": _("Place"),
        "agreed": _("Agreed"),
        "marks": _("Marks"),
        "total": _("Total"),
        "seal": _("Seal"),
        "committed_at": _("Sealed at"),
        "on_paper": _("On paper"),
        "awarded_on": _("Awarded on"),
        "revoked_at": _("Taken back at"),
        "tier": _("Tier"),
        "proposed_at": _("Proposed at"),
        "said": _("What the platform wrote"),
        "by_deed": _("Confirmed by doing it"),
        "chased_at": _("Reminded at"),
        "answered_at": _("Answered at"),
        "url": _("Address"),
        "active": _("In use"),
        "action": _("Act"),
        "thing": _("On what"),
        "before": _("Before"),
        "after": _("After"),
    }


_MINUTES = {"brief_minute", "quiet_from", "quiet_until"}


def _made(data: MyData, zone: ZoneInfo, language: str) -> str:
    _ = catalog(language).gettext
    moment = dates.moment(data.made_at, zone, language, date.min)
    if not data.office:
        return _("Everything that is kept about you, as of {moment}.").format(moment=moment)
    return _("Everything that the office of {office} keeps about you, as of {moment}.").format(
        office=data.office, moment=moment
    )


def _table(portion: Portion, labels: dict[str, str], zone: ZoneInfo, language: str) -> str:
    shown = [
        (number, column)
        for number, column in enumerate(portion.columns)
        if column not in MACHINE and any(_is_said(row[number]) for row in portion.rows)
    ]
    heads = [escape(labels[column]) for _number, column in shown]
    rows = [
        [
            escape(_text(portion, column, row[number], zone, language)).replace("\n", "<br>")
            for number, column in shown
        ]
        for row in portion.rows
    ]
    if len(rows) <= FEW_ROWS:
        lines = [
            f'<tr><th scope="row">{head}</th><td>{cell}</td></tr>'
            for row in rows
            for head, cell in zip(heads, row, strict=True)
        ]
        return f'<div class="wide"><table><tbody>{"".join(lines)}</tbody></table></div>'
    head_row = "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{head_row}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _is_said(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _text(portion: Portion, column: str, value: Any, zone: ZoneInfo, language: str) -> str:
    """One value as people read it."""
    _ = catalog(language).gettext
    if value is Withheld.FINGERPRINT:
        return _("kept as a fingerprint only")
    if value is Withheld.NOT_YET:
        return _("not decided yet")
    if value is Withheld.SOMEBODY_ELSE:
        return _("another person")
    if column == "actor_id":
        return _("by itself") if value is None else _("you")
    if not _is_said(value):
        return numbers.NO_FIGURE
    if column in portion.names:
        return portion.names[column].get(value, str(value))
    if column in _MINUTES:
        return dates.minute(value)
    said = mydata_words.word(portion.table, column, value, language)
    if said is not None:
        return said
    match value:
        case bool():
            return _("yes") if value else _("no")
        case Decimal():
            return numbers.hours(value, language)
        case datetime():
            return dates.moment(value, zone, language, date.min)
        case date():
            return dates.day(value, language, date.min)
        case list() | dict():
            return "\n".join(_unfolded(_plain(value)))
        case Enum():
            return str(value.value)
        case _:
            return str(value)


def _unfolded(value: Any) -> list[str]:
    """A document as lines of ``name: value``."""
    if isinstance(value, dict):
        return [
            f"{key}: {part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)}"
            for key, part in value.items()
        ]
    return [part if isinstance(part, str) else json.dumps(part) for part in value]


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case Decimal():
            return str(value)
        case date():  # a datetime is one too
            return value.isoformat()
        case dict():
            return {str(key): _plain(part) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value


def _embedded(data: MyData) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(plain(data), ensure_ascii=False, indent=1)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
