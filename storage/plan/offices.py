"""What holds an office together: its own row, calendar, units and credit rules."""

import secrets
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from storage.calendar.tables import CalendarDay, SchoolYear, Term
from storage.credits import profiles
from storage.credits.profiles import ProfileError
from storage.people.tables import (
    MembershipKind,
    Office,
    OrgMembership,
    OrgUnit,
    UnitKind,
)
from storage.plan.lines import Path
from storage.plan.load import Load
from storage.plan.reading import Plan, starts, suggestion
from storage.plan.rows import Values, keep
from storage.refusals import NotFound


def keep_office(session: Session, plan: Plan, timezone: str) -> tuple[Office, bool, bool]:
    """Keep the office's one row; return it, and whether it is new or was changed.

    ``timezone`` is for a new office whose plan names none; later the row's own stands.
    """
    row = session.exec(select(Office)).first()
    part = plan.form.office
    if part is None:
        if row is None:
            raise plan.wrong(("office",), "missing, and nothing was loaded before")
        return row, False, False
    zone = part.timezone or (row.timezone if row is not None else timezone)
    values = {
        "tenant": part.tenant,
        "name": part.name,
        "timezone": zone,
        "language": part.language,
        "credit_profile": part.credit_profile,
        "today": None if part.today is None else starts(part.today, ZoneInfo(zone)),
    }
    is_new = row is None
    if row is None:
        row = Office(tenant=part.tenant, name=part.name, salt=secrets.token_hex(32))
        session.add(row)
    is_changed = any(getattr(row, name) != value for name, value in values.items())
    for name, value in values.items():
        setattr(row, name, value)
    row.salt = row.salt or secrets.token_hex(32)
    session.flush()
    return row, is_new, is_changed and not is_new


def keep_calendar(load: Load) -> None:
    """Keep the school year, its terms, and the days that differ from their weekday."""
    calendar = load.form.calendar
    if calendar.school_year is not None:
        year = calendar.school_year
        kept = load.keep("school year", SchoolYear, ["code"], [year.model_dump()])
        year_id = kept.ids[(year.code,)]
        load.keep(
            "term",
            Term,
            ["school_year_id", "kind"],
            [{"school_year_id": year_id} | term.model_dump() for term in calendar.terms],
        )
    days = [
        {"day": date.fromordinal(ordinal), "kind": day.kind, "label": day.label}
        for day in calendar.days
        for ordinal in range(day.date.toordinal(), (day.to or day.date).toordinal() + 1)
    ]
    load.keep("calendar day", CalendarDay, ["day"], days)


def keep_units(load: Load) -> None:
    """Keep the tree of units and the lines that cross it."""
    units = load.form.units
    rows: list[tuple[Values, str]] = []  # and the parent's code

    def add(part: Any, kind: UnitKind, parent: Any, **more: Any) -> None:
        values = {
            "code": part.code,
            "name": part.name,
            "short_name": part.short,
            "kind": kind,
            "stages": [],
            "area_type": "",
            "pupils": None,
            "active": True,
        }
        rows.append((values | more, parent.code if parent else ""))

    # A file with schools alone hangs them below the unit that the office has already.
    top = None
    for level in (UnitKind.PROVINCE, UnitKind.CITY, UnitKind.COUNTY):
        part = getattr(units, level.value)
        if part is not None:
            add(part, level, top)
            top = part
    for body in units.bodies:
        add(body, body.kind, units.county or top)
    for school in units.schools:
        add(
            school,
            UnitKind.SCHOOL,
            units.county or top,
            stages=list(school.stages),
            area_type=school.area,
            pupils=school.pupils,
            active=school.active,
        )
    for circle in units.groups:
        add(circle, UnitKind.GROUP, units.county or top)
    for circle in units.areas:
        add(circle, UnitKind.AREA, units.county or top)
    kept = load.keep("unit", OrgUnit, ["code"], [values for values, _ in rows])
    load.units = dict(load.session.exec(select(OrgUnit.code, OrgUnit.id)).all())
    keep(
        load.session,
        OrgUnit,
        ["code"],
        [
            {
                "code": values["code"],
                "parent_id": load.units[parent] if parent else load.office.unit_id,
            }
            for values, parent in rows
            if parent or (top is None and (values["code"],) in kept.new)
        ],
    )
    if load.form.office is not None:
        code = load.form.office.unit
        load.office.unit_id = load.unit(code, ("office", "unit"))
        load.session.flush()
    _memberships(load)


def _memberships(load: Load) -> None:
    units = load.form.units
    rows: list[Values] = []
    for name, kind, circles in (
        ("groups", MembershipKind.GROUP_MEMBER, units.groups),
        ("areas", MembershipKind.AREA_MEMBER, units.areas),
    ):
        for n, circle in enumerate(circles):
            rows += [
                {
                    "unit_id": load.units[circle.code],
                    "member_unit_id": load.unit(code, ("units", name, n, "members", m)),
                    "kind": kind,
                    "subjects": [],
                }
                for m, code in enumerate(circle.members)
            ]
    for n, pair in enumerate(units.pairings):
        path: Path = ("units", "pairings", n)
        rows.append(
            {
                "unit_id": load.unit(pair.supporter, (*path, "supporter")),
                "member_unit_id": load.unit(pair.supported, (*path, "supported")),
                "kind": MembershipKind.PAIRED_SUPPORT,
                "subjects": list(pair.subjects),
            }
        )
    load.keep("membership", OrgMembership, ["unit_id", "member_unit_id", "kind"], rows)


def keep_credit_profile(load: Load) -> None:
    """Keep the credit profile, the office's own or one that comes along, and the cycle."""
    own = load.form.credit_profile
    try:
        if own is not None:
            rules = load.plan.lines.typed(("credit_profile", "rules"))
            document = {
                "code": own.code,
                "version": own.version,
                "source_note": own.source_note,
            }
            profile = profiles.profile_of(rules | document)
            profiles.keep_profile(load.session, profile)
    except ProfileError as error:
        raise load.plan.wrong(("credit_profile",), "; ".join(error.problems)) from None
    code = load.office.credit_profile
    try:
        current = profiles.current(load.session, code)
    except NotFound:
        said = f"no credit profile {code}{suggestion(code, profiles.bundled())}"
        raise load.plan.wrong(("office", "credit_profile"), said) from None
    kept = profiles.keep_profile(load.session, current)
    load.profile_name = kept.profile.name
    cycle = load.form.calendar.cycle
    if cycle is not None:
        profiles.keep_cycle(
            load.session, kept.id, code=cycle.code, start=cycle.start, end=cycle.end
        )
