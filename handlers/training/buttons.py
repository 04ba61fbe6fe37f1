"""The buttons of this wing."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenProgrammes(Button):
    """A page of the programmes that fit me."""

    tag = "ps"
    page: int


@dataclass(frozen=True)
class OpenProgramme(Button):
    """One programme's card."""

    tag = "p"
    batch_id: int


@dataclass(frozen=True)
class OpenSurvey(Button):
    """The survey of a class that is over, for one who took part."""

    tag = "sv"
    batch_id: int


@dataclass(frozen=True)
class OpenMine(Button):
    """A page of my registrations."""

    tag = "mine"
    page: int


@dataclass(frozen=True)
class OpenCertificates(Button):
    """A page of my certificates."""

    tag = "certs"
    page: int = 0


@dataclass(frozen=True)
class OpenDue(Button):
    """A page of what I still owe."""

    tag = "due"
    page: int


@dataclass(frozen=True)
class DueCalendar(Button):
    """What I still owe as a calendar file."""

    tag = "ics"


@dataclass(frozen=True)
class Register(Button):
    """Register me for this batch."""

    tag = "reg"
    batch_id: int


@dataclass(frozen=True)
class RegisterAnyway(Button):
    """Register me although it is recommended for others."""

    tag = "rega"
    batch_id: int


@dataclass(frozen=True)
class Withdraw(Button):
    """Withdraw me; asked once more before it is done."""

    tag = "wd"
    batch_id: int
    sure: int = 0


@dataclass(frozen=True)
class AcceptOffer(Button):
    """Take the offered seat."""

    tag = "oa"
    offer_id: int


@dataclass(frozen=True)
class PassOffer(Button):
    """Leave the offered seat to the next person."""

    tag = "op"
    offer_id: int


@dataclass(frozen=True)
class AnswerNomination(Button):
    """Accept (1) or decline (0) to be sent by the school."""

    tag = "nom"
    batch_id: int
    yes: int


@dataclass(frozen=True)
class AskWhy(Button):
    """The lines that decided on my registration."""

    tag = "why"
    batch_id: int


@dataclass(frozen=True)
class SetInterest(Button):
    """Remind me (1), or not (0), before this batch's registration closes."""

    tag = "int"
    batch_id: int
    on: int


@dataclass(frozen=True)
class OpenRuns(Button):
    """A page of the classes that I run or send people to."""

    tag = "runs"
    page: int = 0


@dataclass(frozen=True)
class OpenRun(Button):
    """The desk of one class."""

    tag = "run"
    batch_id: int
