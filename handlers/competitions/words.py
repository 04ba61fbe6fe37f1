"""What the kept words of competitions stand for, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from locales import catalog, numbers
from storage.competitions.tables import (
    BallotState,
    CompetingState,
    CompetitionKind,
    CompetitionState,
    ConflictKind,
    JudgeState,
    ObjectionState,
    RoundLevel,
    RoundState,
    TierProposalState,
    VenueState,
)


def kinds(language: str) -> Mapping[str, str]:
    """Name the kinds of competitions (domain, glossary)."""
    _ = catalog(language).gettext
    return {
        CompetitionKind.CLASSROOM: _("classroom teaching competition"),
        CompetitionKind.YOUNG_TEACHER: _("young teachers' competition"),
        CompetitionKind.ITEM_WRITING: _("item-writing contest"),
        CompetitionKind.QUALITY_LESSON: _("quality lessons"),
        CompetitionKind.MICRO_LESSON: _("micro-lessons"),
        CompetitionKind.MICRO_FILM: _("micro-films"),
        CompetitionKind.MORAL_CASE: _("cases of moral education"),
        CompetitionKind.SHOWCASE: _("showcase"),
        CompetitionKind.CASE_WRITING: _("case writing"),
        CompetitionKind.OTHER: _("another competition"),
    }


def levels(language: str) -> Mapping[str, str]:
    """Name who holds a round."""
    _ = catalog(language).gettext
    return {
        RoundLevel.TEACHING_GROUP: _("research group"),
        RoundLevel.SCHOOL: _("school"),
        RoundLevel.AREA: _("school area"),
        RoundLevel.COUNTY: _("county"),
        RoundLevel.CITY: _("city"),
        RoundLevel.PROVINCE: _("province"),
        RoundLevel.NATIONAL: _("nation"),
    }


def competition_states(language: str) -> Mapping[str, str]:
    """Name where a competition stands."""
    _ = catalog(language).gettext
    return {
        CompetitionState.DRAFT: _("draft, seen by nobody else"),
        CompetitionState.PUBLISHED: _("under way"),
        CompetitionState.FINISHED: _("finished"),
        CompetitionState.ARCHIVED: _("archived"),
        CompetitionState.CANCELLED: _("cancelled"),
    }


def venue_states(language: str) -> Mapping[str, str]:
    """Name where a venue stands."""
    _ = catalog(language).gettext
    return {
        VenueState.OPEN: _("waiting for the draw"),
        VenueState.DRAWN: _("order drawn"),
        VenueState.JUDGING: _("being judged"),
        VenueState.REVEALED: _("marks are known"),
        VenueState.DECIDED: _("list decided"),
        VenueState.CONFIRMED: _("result stands"),
    }


def entry_states(language: str) -> Mapping[str, str]:
    """Name where an entry stands, as its teacher reads it."""
    _ = catalog(language).gettext
    return {
        CompetingState.DRAFT: _("not handed in yet"),
        CompetingState.SUBMITTED: _("handed in"),
        CompetingState.RETURNED: _("returned to be completed"),
        CompetingState.COMPETING: _("competing"),
        CompetingState.WITHDRAWN: _("withdrawn"),
        CompetingState.OUT: _("taken part"),
        CompetingState.DISQUALIFIED: _("taken out by the organiser"),
    }


def round_states(language: str) -> Mapping[str, str]:
    """Name where an entry stands in a round, as its teacher reads it."""
    _ = catalog(language).gettext
    return {
        RoundState.READY: _("in this round"),
        RoundState.SCHEDULED: _("order drawn"),
        RoundState.SCORED: _("judged, waiting for the list"),
        RoundState.ABSENT: _("did not take part"),
        RoundState.DISQUALIFIED: _("taken out by the organiser"),
        RoundState.ADVANCED: _("goes on to the next round"),
        RoundState.RESERVE: _("reserve for the next round"),
        RoundState.AWARDED: _("awarded"),
        RoundState.OUT: _("does not go on"),
        RoundState.LAPSED: _("not forwarded"),
        RoundState.NOMINATED: _("to be forwarded"),
        RoundState.PUSHED: _("forwarded"),
        RoundState.PUSHED_AWARDED: _("forwarded and awarded"),
        RoundState.PUSHED_OUT: _("forwarded, without an award"),
    }


def result(state: RoundState, award: str, language: str) -> str:
    """An award and where its entry stands, in one word or two."""
    if award and state is RoundState.AWARDED:
        return award
    said = round_states(language)[state]
    return numbers.joined([award, said], language) if award else said


def judge_states(language: str) -> Mapping[str, str]:
    """Name whether a judge serves."""
    _ = catalog(language).gettext
    return {
        JudgeState.INVITED: _("invited"),
        JudgeState.ACCEPTED: _("has agreed"),
        JudgeState.DECLINED: _("has declined"),
        JudgeState.REMOVED: _("no longer a judge"),
    }


def ballot_states(language: str) -> Mapping[str, str]:
    """Name where a ballot stands, as its judge reads it."""
    _ = catalog(language).gettext
    return {
        BallotState.OPEN: _("not handed in yet"),
        BallotState.COMMITTED: _("handed in and sealed"),
        BallotState.REVEALED: _("revealed"),
        BallotState.RECUSED: _("set aside for a conflict"),
    }


def conflict_kinds(language: str) -> Mapping[str, str]:
    """Name why somebody does not judge somebody."""
    _ = catalog(language).gettext
    return {
        ConflictKind.MENTORSHIP: _("mentor and mentee"),
        ConflictKind.CO_AUTHOR: _("worked together on an entry"),
        ConflictKind.DECLARED: _("declared"),
    }


def objection_states(language: str) -> Mapping[str, str]:
    """Name what became of an objection."""
    _ = catalog(language).gettext
    return {
        ObjectionState.OPEN: _("being looked into"),
        ObjectionState.UPHELD: _("upheld"),
        ObjectionState.REFUSED: _("not upheld"),
        ObjectionState.WITHDRAWN: _("withdrawn"),
    }


def proposal_states(language: str) -> Mapping[str, str]:
    """Name where a proposal for a tier stands."""
    _ = catalog(language).gettext
    return {
        TierProposalState.PROPOSED: _("proposed"),
        TierProposalState.SCHOOL_OK: _("agreed to by the school"),
        TierProposalState.COUNTY_OK: _("agreed to by the county"),
        TierProposalState.REFUSED: _("not agreed to"),
        TierProposalState.WITHDRAWN: _("withdrawn"),
    }
