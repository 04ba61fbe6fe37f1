"""The buttons of making and running programmes."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class ListRuns(Button):
    """A page of the classes under way (r), of drafts (d), or of what is over (f)."""

    tag = "runl"
    which: str
    page: int = 0


@dataclass(frozen=True)
class MoreOfRun(Button):
    """What else can be done with a class."""

    tag = "runm"
    batch_id: int


@dataclass(frozen=True)
class NewProgramme(Button):
    """Make a programme: the ways to begin, or go on with what was begun."""

    tag = "pgrn"


@dataclass(frozen=True)
class BeginBlank(Button):
    """Begin without a template."""

    tag = "pgrb"


@dataclass(frozen=True)
class ChooseTemplate(Button):
    """A page of templates."""

    tag = "pgrt"
    page: int = 0


@dataclass(frozen=True)
class BeginWith(Button):
    """Begin with this template."""

    tag = "pgrw"
    key: str


@dataclass(frozen=True)
class GoOn(Button):
    """Go on where the answers stopped."""

    tag = "pgrg"


@dataclass(frozen=True)
class Answer(Button):
    """Answer the question of this step with this value."""

    tag = "pgra"
    step: str
    value: str


@dataclass(frozen=True)
class StepBack(Button):
    """Back to the question before this one."""

    tag = "pgrz"
    step: str


@dataclass(frozen=True)
class GiveUp(Button):
    """Forget what was answered so far."""

    tag = "pgrx"


@dataclass(frozen=True)
class MakeIt(Button):
    """Make the draft, the copy or the class from the answers."""

    tag = "pgrm"


@dataclass(frozen=True)
class CopyRun(Button):
    """Hold this programme once more."""

    tag = "pgrc"
    batch_id: int


@dataclass(frozen=True)
class AddClass(Button):
    """Add one more class to this programme."""

    tag = "pgrk"
    batch_id: int


@dataclass(frozen=True)
class ChangeRun(Button):
    """Everything that a class and its programme say, each with a key to change it."""

    tag = "pgcr"
    batch_id: int


@dataclass(frozen=True)
class ChangeWhat(Button):
    """Ask for another value of this."""

    tag = "pgcw"
    batch_id: int
    what: str


@dataclass(frozen=True)
class ChangeTo(Button):
    """Take this value, or for a list of values put this one in or out."""

    tag = "pgct"
    batch_id: int
    what: str
    value: str


@dataclass(frozen=True)
class ApplyChange(Button):
    """Do the change that was shown."""

    tag = "pgca"
    batch_id: int


@dataclass(frozen=True)
class CheckRun(Button):
    """Look over a programme before it is published."""

    tag = "pgck"
    batch_id: int


@dataclass(frozen=True)
class PublishRun(Button):
    """Publish it."""

    tag = "pgub"
    batch_id: int


@dataclass(frozen=True)
class PauseRun(Button):
    """Let it stand still; asked once more before it is done."""

    tag = "pgau"
    batch_id: int
    sure: int = 0


@dataclass(frozen=True)
class ResumeRun(Button):
    """Let it go on."""

    tag = "pgre"
    batch_id: int


@dataclass(frozen=True)
class CancelRun(Button):
    """Cancel this class, or the whole programme (1): who is concerned, and why."""

    tag = "pgcn"
    batch_id: int
    whole: int = 0


@dataclass(frozen=True)
class CancelSure(Button):
    """Cancel it without giving a reason."""

    tag = "pgcs"
    batch_id: int
    whole: int = 0


@dataclass(frozen=True)
class FinishRun(Button):
    """Say that the programme is over; asked once more before it is done."""

    tag = "pgfi"
    batch_id: int
    sure: int = 0


@dataclass(frozen=True)
class ArchiveRun(Button):
    """Put the programme away; asked once more before it is done."""

    tag = "pgar"
    batch_id: int
    sure: int = 0


@dataclass(frozen=True)
class DiscardRun(Button):
    """Throw the draft away; asked once more before it is done."""

    tag = "pgdi"
    batch_id: int
    sure: int = 0


@dataclass(frozen=True)
class RunHelpers(Button):
    """Who looks after this class."""

    tag = "pghl"
    batch_id: int


@dataclass(frozen=True)
class FindHelper(Button):
    """Ask for a name: of a class teacher (0) or a tutor (1)."""

    tag = "pghf"
    batch_id: int
    role: int


@dataclass(frozen=True)
class AppointHelper(Button):
    """Appoint this teacher; asked once more before it is done."""

    tag = "pgha"
    batch_id: int
    teacher_id: int
    role: int
    sure: int = 0


@dataclass(frozen=True)
class EndHelper(Button):
    """End it; asked once more before it is done."""

    tag = "pghe"
    batch_id: int
    teacher_id: int
    role: int
    sure: int = 0


@dataclass(frozen=True)
class BlankSheet(Button):
    """An empty plan sheet to fill in."""

    tag = "pgse"


@dataclass(frozen=True)
class ApplySheet(Button):
    """Make drafts of the rows of a plan sheet that were understood."""

    tag = "pgsa"
    job_id: int


@dataclass(frozen=True)
class DropSheet(Button):
    """Leave a plan sheet as it is."""

    tag = "pgsx"
    job_id: int
