"""What the rules of training do not allow, with the plain values that words need."""

from dataclasses import dataclass
from datetime import datetime

from storage.refusals import Refusal
from storage.training.tables import Enrolment, OfferState, RegistrationState, Source


@dataclass(frozen=True)
class Misfit:
    """One thing that an audience asks for and a teacher does not have.

    ``key`` is the key of a fact (``stage``, ``subject``, ``tier``, …), or ``state`` for a
    teacher who is not in active service, or ``posting`` for one who has no school.
    """

    key: str
    wanted: tuple[str, ...]
    has: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One condition that a teacher does not meet; ``hard`` refuses, otherwise it warns.

    ``has`` is what the books say instead, empty when they say nothing. Numbers are text.
    """

    field: str
    op: str
    values: tuple[str, ...]
    hard: bool
    has: tuple[str, ...]


class RegistrationNotOpen(Refusal):
    """Registration has not begun."""

    def __init__(self, title: str, opens_at: datetime) -> None:
        super().__init__(f"registration for {title!r} opens at {opens_at}")
        self.title = title
        self.opens_at = opens_at


class RegistrationClosed(Refusal):
    """Registration is over."""

    def __init__(self, title: str, closed_at: datetime) -> None:
        super().__init__(f"registration for {title!r} closed at {closed_at}")
        self.title = title
        self.closed_at = closed_at


class ProgrammeCancelled(Refusal):
    """The programme does not take place."""

    def __init__(self, title: str) -> None:
        super().__init__(f"{title!r} is cancelled")
        self.title = title


class ProgrammePaused(Refusal):
    """Registration stands still until the organiser goes on."""

    def __init__(self, title: str) -> None:
        super().__init__(f"{title!r} is paused")
        self.title = title


class NotEligible(Refusal):
    """The programme is for others; ``misfits`` says in what."""

    def __init__(self, title: str, misfits: tuple[Misfit, ...]) -> None:
        super().__init__(f"not in the audience of {title!r}: {misfits}")
        self.title = title
        self.misfits = misfits


class ConditionsNotMet(Refusal):
    """The programme has hard conditions that this teacher does not meet."""

    def __init__(self, title: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(f"conditions of {title!r} not met: {findings}")
        self.title = title
        self.findings = findings


class NotRecommended(Refusal):
    """Soft conditions are not met: it can be registered for all the same, once asked."""

    def __init__(self, batch_id: int, title: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(f"{title!r} is meant for others: {findings}")
        self.batch_id = batch_id
        self.title = title
        self.findings = findings


class NotSelfRegistration(Refusal):
    """Teachers come into this programme by another door."""

    def __init__(self, title: str, enrolment: Enrolment) -> None:
        super().__init__(f"{title!r} is entered by {enrolment.value}")
        self.title = title
        self.enrolment = enrolment


class WaitingListFull(Refusal):
    """All seats are taken and the waiting list takes nobody more."""

    def __init__(self, title: str, limit: int) -> None:
        super().__init__(f"{limit} are waiting for {title!r} already")
        self.title = title
        self.limit = limit


class NotWithdrawable(Refusal):
    """The person cannot withdraw: the school decides, or it is over.

    ``source`` is AUTOMATIC where the school or the county decides.
    """

    def __init__(self, title: str, source: Source, state: RegistrationState) -> None:
        super().__init__(f"a {source.value} registration for {title!r} in {state.value} stays")
        self.title = title
        self.source = source
        self.state = state


class ReasonNeeded(Refusal):
    """After the deadline a withdrawal is a request, and a request needs a reason."""

    def __init__(self, title: str, deadline: datetime) -> None:
        super().__init__(f"withdrawing from {title!r} was free until {deadline}")
        self.title = title
        self.deadline = deadline


class OfferGone(Refusal):
    """The offered seat is not held any more."""

    def __init__(self, title: str, state: OfferState) -> None:
        super().__init__(f"the offer of a seat in {title!r} is {state.value}")
        self.title = title
        self.state = state


class NominationGone(Refusal):
    """There is no nomination to answer (any more)."""

    def __init__(self, title: str, state: RegistrationState) -> None:
        super().__init__(f"the nomination for {title!r} is {state.value}")
        self.title = title
        self.state = state


class ChosenFromMenu(Refusal):
    """One comes into this programme by choosing it from a menu, as long as that is open."""

    def __init__(self, title: str, menu: str, closes_at: datetime) -> None:
        super().__init__(f"{title!r} is chosen from {menu!r}")
        self.title = title
        self.menu = menu
        self.closes_at = closes_at
