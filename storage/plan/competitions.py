"""Competitions of a plan with their tracks and rounds.

A round is known by its place in the order, a track by its title: what people have entered stays
when a file says something new about either.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select

from storage.competitions import rules, schedule, venues
from storage.competitions.tables import Competition, CompetitionState, Round, Track
from storage.plan import competing
from storage.plan.form import CompetitionPart, PlacesPart, RoundPart
from storage.plan.lines import Path
from storage.plan.load import Load
from storage.plan.reading import ends, starts
from storage.plan.rows import Values


def keep_competitions(load: Load) -> None:
    """Keep the competitions, published, and plan their deadlines."""
    parts = load.form.competitions
    if not parts:
        return
    rows = [_competition(load, part, ("competitions", n)) for n, part in enumerate(parts)]
    before = load.new.total(), load.changed.total()
    known = set(load.session.exec(select(Competition.code)).all())
    load.keep("competition", Competition, ["code"], rows)
    load.competitions = dict(load.session.exec(select(Competition.code, Competition.id)).all())
    for n, part in enumerate(parts):
        id_ = load.competitions[part.code]
        if part.code not in known:
            competition = load.session.get_one(Competition, id_)
            competition.state = CompetitionState.PUBLISHED
            competition.published_at = _published_at(load, part)
        _tracks(load, id_, part)
        rounds = [
            _round(load, id_, position, each, ("competitions", n, "rounds", position - 1))
            for position, each in enumerate(part.rounds, 1)
        ]
        load.keep(
            "round",
            Round,
            ["competition_id", "position"],
            rounds,
            among={"competition_id": [id_]},
        )
        if part.code not in known:
            competing.keep_entries(load, id_, part, ("competitions", n))
    if (load.new.total(), load.changed.total()) != before:
        load.session.flush()
        for n, part in enumerate(parts):
            id_ = load.competitions[part.code]
            if part.code in known:
                _check_rules(load, id_, ("competitions", n))
            else:
                rules.freeze(load.session, id_, now=load.now)
            schedule.plan_deadlines(load.session, id_, now=load.now)


def _published_at(load: Load, part: CompetitionPart) -> datetime:
    """Return when it was published: with entries in it before they could come, else now."""
    opens = part.rounds[0].entry_open
    if not part.entries or opens is None:
        return load.now
    return min(load.now, starts(opens, load.zone))


def _competition(load: Load, part: CompetitionPart, path: Path) -> Values:
    owner = load.unit(part.owner, (*path, "owner")) if part.owner else load.office.unit_id
    return {
        "code": part.code,
        "title": part.title,
        "kind": part.kind,
        "school_year": part.school_year,
        "owner_unit_id": owner,
        "scheme": part.scheme,
        "contact": part.contact,
        "one_entry": part.one_entry,
        "team_most": part.team_most,
        "is_blind": part.blind,
        "min_share": part.min_share,
        "barred_years": part.barred_years,
        "barred_awards": list(part.barred_awards),
        "awards": [
            {"name": one.name, "share": one.share, "tier": one.tier, "hours": str(one.hours)}
            for one in part.awards
        ],
        "offers_resources": part.offers_resources,
    }


def _check_rules(load: Load, competition_id: int, path: Path) -> None:
    """Rules that are published change by two people of the office, and not by a file."""
    for round_ in venues.rounds(load.session, competition_id):
        found = rules.digest(rules.written(rules.rules_of(load.session, round_)))
        if rules.is_frozen(round_) and found != round_.frozen_hash:
            raise load.plan.wrong(
                path, f"the rules of round {round_.position} are published and stay as they are"
            )


def _tracks(load: Load, competition_id: int, part: CompetitionPart) -> None:
    there = {
        track.title: track
        for track in load.session.exec(
            select(Track)
            .where(Track.competition_id == competition_id)
            .order_by(col(Track.position))
        ).all()
    }
    last = max((track.position for track in there.values()), default=0)
    for each in part.tracks:
        if each.title not in there:
            last += 1
            load.session.add(
                Track(competition_id=competition_id, position=last, **each.model_dump())
            )
            load.new["track"] += 1
    load.session.flush()


def _round(load: Load, competition_id: int, position: int, part: RoundPart, path: Path) -> Values:
    zone = load.zone
    return {
        "competition_id": competition_id,
        "position": position,
        "name": part.name,
        "level": part.level,
        "season": part.season,
        "external": part.external,
        "entry_opens_at": part.entry_open and starts(part.entry_open, zone),
        "entry_closes_at": part.entry_close and ends(part.entry_close, zone),
        "material_due_at": part.material_due and ends(part.material_due, zone),
        "starts_at": part.start and starts(part.start, zone),
        "ends_at": part.end and ends(part.end, zone),
        "result_due_at": part.result_due and ends(part.result_due, zone),
        "publicity_from": part.publicity_from,
        "publicity_until": part.publicity_until,
        "forward_due_at": part.forward_due and ends(part.forward_due, zone),
        "quota": _quota(load, part.quota, (*path, "quota")),
        "unit_most": part.unit_most,
        "materials": [each.model_dump() for each in part.materials],
        "rubric": [each.model_dump() for each in part.rubric],
        "drops": part.drops,
        "judges": part.judges,
        "ties": list(part.ties),
    }


def _quota(load: Load, part: PlacesPart | None, path: Path) -> Values:
    if part is None:
        return {}
    if part.share is not None:
        return {"share": part.share, "min": part.min}
    if part.each is None:
        return {}
    units = {
        str(load.unit(code, (*path, "units", code), of_key=True)): places
        for code, places in part.units.items()
    }
    return {"each": part.each, "units": units}
