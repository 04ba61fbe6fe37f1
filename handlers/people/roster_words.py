"""What a roster's rows come to, in words: for cards, and for the columns of the file sent back."""

from __future__ import annotations

from handlers.people import mydata_words
from handlers.training import words
from locales import catalog
from storage.people.roster_comparing import Changed, Kind, RowResult
from storage.people.roster_reading import Trouble


def field_name(field: str, language: str) -> str:
    """A column's name, as the empty file has it; one that the reader understands."""
    _ = catalog(language).gettext
    return {
        "staff_no": _("Staff number"),
        "name": _("Name"),
        "former_name": _("Former name"),
        "school": _("School"),
        "school_code": _("School code"),
        "stage": _("Stage"),
        "subjects": _("Subjects"),
        "duties": _("Duties"),
        "title": _("Professional title"),
        "hire_date": _("Hire date"),
        "since": _("Posted since"),
        "state": _("Working state"),
        "full_time": _("Full-time"),
        "phone": _("Phone number"),
        "entry_route": _("Way of entry"),
        "roles": _("Role"),
    }.get(field) or unit_field_name(field, language)


def unit_field_name(field: str, language: str) -> str:
    """A column's name in a list of schools, as the empty file has it."""
    _ = catalog(language).gettext
    return {
        "unit_code": _("School code"),
        "unit_name": _("School name"),
        "unit_short": _("Short name"),
        "unit_short_name": _("Short name"),
        "unit_kind": _("School type"),
        "unit_stages": _("Stage"),
        "unit_area_type": _("Area type"),
        "unit_pupils": _("Number of pupils"),
        "unit_parent": _("Parent unit"),
        "unit_group": _("School group"),
        "unit_group_member": _("School group"),
        "unit_circle": _("School district"),
        "unit_area_member": _("School district"),
        "unit_state": _("Status"),
        "unit_active": _("Status"),
    }.get(field, field)


def kind_name(result: RowResult, language: str) -> str:
    """What becomes of a row, in a word or two."""
    _ = catalog(language).gettext
    moves = {
        "transfer": _("changed: moves to another school"),
        "leaves": _("changed: leaves"),
        "returns": _("changed: comes back"),
    }
    if result.moves in moves:
        return moves[result.moves]
    return {
        Kind.NEW: _("new"),
        Kind.CHANGED: _("changed"),
        Kind.SAME: _("unchanged"),
        Kind.CONFLICT: _("conflict"),
        Kind.NOT_UNDERSTOOD: _("not understood"),
    }[result.kind]


def trouble_text(trouble: Trouble, language: str) -> str:
    """Why a row is not applied, and what helps."""
    _ = catalog(language).gettext
    kind, _colon, column = trouble.kind.partition(":")
    if kind == "not_read" and column == "phone":
        return _("This cannot be a phone number.")
    if kind == "not_read":
        return _("“{text}” is not understood in the column “{column}”.").format(
            text=trouble.what, column=field_name(column, language)
        )
    role = mydata_words.word("role_assignment", "role", trouble.what, language) or trouble.what
    return {
        "no_number": _("There is no staff number here, or none that can be one."),
        "no_name": _("There is no name here, or none that can be one."),
        "twice": _("This staff number stands here several times, also in row {rows}."),
        "unknown_school": _("No school is called “{what}”."),
        "two_schools": _("The code and the name mean two different schools: {what}."),
        "school_by_code": _("Several schools are called so. Please give the code: {what}."),
        "no_school": _("No school is given."),
        "other_school": _(
            "{what} is not a school that you look after; the county office does transfers."
        ),
        "other_person": _(
            "This staff number belongs to somebody at another school; "
            "the county office does transfers."
        ),
        "other_name": _(
            "This staff number is that of {what}. To correct a name, give the one so far "
            "in a column “Former name”."
        ),
        "before_posting": _(
            "This is before the present posting began, or the last one ended: {what}."
        ),
        "reaches_further": _(
            "This person has a role that reaches further than yours; please ask the county office."
        ),
        "yourself": _("You cannot move or close yourself."),
        "role": _("You cannot give the role “{role}” here."),
        "no_subject": _(
            "The role “{role}” is for a subject; please give one in the column “Subjects”."
        ),
        "no_code": _("There is no code of a school here, or none that can be one."),
        "no_unit_name": _("There is no name of a school here."),
        "code_twice": _("This code stands here several times, also in row {rows}."),
        "name_taken": _("Another school has this name."),
        "above_schools": _("This is the county itself, or a unit above it."),
        "unknown_unit": _("There is no such unit: {what}."),
    }.get(trouble.kind, trouble.kind).format(what=trouble.what, rows=trouble.what, role=role)


def change_text(change: Changed, language: str) -> str:
    """One changed field, before and after."""
    _ = catalog(language).gettext
    name = field_name(change.field, language)
    if change.field == "phone":
        return name
    return _("{field}: {before} → {after}").format(
        field=name,
        before=_value(change.field, change.before, language) or "—",
        after=_value(change.field, change.after, language) or "—",
    )


def _value(field: str, value: str, language: str) -> str:
    _ = catalog(language).gettext
    if field == "roles":
        return mydata_words.word("role_assignment", "role", value, language) or value
    if field in ("full_time", "unit_active"):
        return {"yes": _("yes"), "no": _("no")}.get(value, value)
    if field in ("stage", "duties", "state", "entry_route", "unit_stages", "unit_area_type"):
        between = ", " if language == "en" else "、"
        return between.join(words.fact_value(part, language) for part in value.split("、"))
    return value


def changes_text(result: RowResult, language: str) -> str:
    """All changed fields of a row."""
    between = "; " if language == "en" else "；"
    return between.join(change_text(change, language) for change in result.changes)
