"""The buttons that lead from one room of the competitions into another."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class Competitions(Button):
    """What a teacher can enter, and what they have entered."""

    tag = "k"
    page: int = 0


@dataclass(frozen=True)
class ShowCompetition(Button):
    """A competition as its teachers see it, with their own entry."""

    tag = "ks"
    competition_id: int


@dataclass(frozen=True)
class OpenEntry(Button):
    """An entry, for its entrant and for who holds its venue."""

    tag = "ke"
    entry_id: int


@dataclass(frozen=True)
class RunCompetitions(Button):
    """The competitions and venues that somebody looks after."""

    tag = "kc"
    page: int = 0


@dataclass(frozen=True)
class RunCompetition(Button):
    """The desk of one competition."""

    tag = "ko"
    competition_id: int


@dataclass(frozen=True)
class OpenRound(Button):
    """The desk of one round: its dates and rules, its venues."""

    tag = "kr"
    round_id: int


@dataclass(frozen=True)
class OpenVenue(Button):
    """The desk of one venue: its entries, draw, judges, marks, list."""

    tag = "kv"
    venue_id: int


@dataclass(frozen=True)
class OpenJudging(Button):
    """What a judge has to judge at a venue."""

    tag = "kj"
    venue_id: int
