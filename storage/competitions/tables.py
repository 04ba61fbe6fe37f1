"""What is kept of competitions (domain/2-model.md §2.7, §2.10).

A competition has tracks (stage and subject) and rounds. A round of our own is held at venues:
one for each unit and track that has entries, so that a preliminary of the mathematics group of
one school and the county's final are the same thing. A round of a higher level is external: who
is nominated into it and what came back is all that is known.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from storage.tables import Row, document, key, one_of


class CompetitionKind(StrEnum):
    """What is shown or made."""

    CLASSROOM = "classroom"  # 课堂教学大赛
    YOUNG_TEACHER = "young_teacher"
    ITEM_WRITING = "item_writing"
    QUALITY_LESSON = "quality_lesson"  # 优课
    MICRO_LESSON = "micro_lesson"
    MICRO_FILM = "micro_film"
    MORAL_CASE = "moral_case"
    SHOWCASE = "showcase"
    CASE_WRITING = "case_writing"
    OTHER = "other"


class CompetitionState(StrEnum):
    """Draft → published → finished → archived; cancelled from the first two."""

    DRAFT = "draft"
    PUBLISHED = "published"
    FINISHED = "finished"
    ARCHIVED = "archived"
    CANCELLED = "cancelled"


class Competition(Row, table=True):
    """One year's edition; next year's is a copy, never the same row."""

    code: str = Field(unique=True)
    title: str
    kind: CompetitionKind = one_of(CompetitionKind)
    school_year: str  # such as 2026-2027
    owner_unit_id: int = key(foreign_key="org_unit.id", index=True)
    state: CompetitionState = one_of(CompetitionState, default=CompetitionState.DRAFT)
    scheme: str = ""  # 方案, in words
    contact: str = ""
    one_entry: bool = True  # of a person; otherwise one in each track
    team_most: int = 1  # people who make one entry together
    is_blind: bool = True  # materials carry no name of a teacher or school
    audience: dict[str, Any] = document(default_factory=dict)  # as of a programme
    barred_years: int = 0  # whoever won in so many years before may not enter
    barred_awards: list[str] = document(default_factory=list)
    min_share: float | None = None  # of each unit's teachers should enter, 0 to 1
    awards: list[dict[str, Any]] = document(default_factory=list)
    """``{"name": 一等奖, "share": 0.15, "tier": key or "", "hours": "18"}``, the best first;
    ``share`` is of the entries of a track in the deciding round."""
    offers_resources: bool = False  # ask winners whether their work may be shared
    cloned_from_id: int | None = key(default=None, foreign_key="competition.id")
    published_at: datetime | None = None
    ended_at: datetime | None = None  # finished or cancelled
    reason: str = ""  # why it was cancelled


class Track(Row, table=True):
    """组别: whom an entry competes with."""

    __table_args__ = (sa.UniqueConstraint("competition_id", "position"),)

    competition_id: int = key(foreign_key="competition.id")
    position: int
    title: str
    stage: str = ""
    subject: str = ""


class RoundLevel(StrEnum):
    """Who holds a round."""

    TEACHING_GROUP = "teaching_group"
    SCHOOL = "school"
    AREA = "area"
    COUNTY = "county"
    CITY = "city"
    PROVINCE = "province"
    NATIONAL = "national"


class Round(Row, table=True):
    """初赛, 复赛, 决赛, 推送: its windows, its rules, and how many go on."""

    __table_args__ = (sa.UniqueConstraint("competition_id", "position"),)

    competition_id: int = key(foreign_key="competition.id")
    position: int
    name: str
    level: RoundLevel = one_of(RoundLevel)
    season: str = ""  # autumn or spring
    external: bool = False  # held by a level above us
    entry_opens_at: datetime | None = None
    entry_closes_at: datetime | None = None
    material_due_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    result_due_at: datetime | None = None
    publicity_from: date | None = None
    publicity_until: date | None = None  # its last day
    publicity_started_at: datetime | None = None  # when its list went up; not the day planned
    list_version: int = 0  # of the list on display; 0 before the first
    public_list: list[list[Any]] = document(default_factory=list)
    """Who is on that version: place and award; earlier versions are deeds."""
    forward_due_at: datetime | None = None
    quota: dict[str, Any] = document(default_factory=dict)
    """How many go on from a venue, or, of an external round, may be nominated into it, for each
    track: ``{"share": 0.4, "min": 1}`` of its entries, or ``{"each": 1, "units": {unit id: 2}}``;
    empty is without a limit."""
    unit_most: int | None = None  # from one unit in a track at most
    materials: list[dict[str, Any]] = document(default_factory=list)
    """``{"key", "title", "kinds": [ending or "link"], "most_mb", "required"}`` each."""
    rubric: list[dict[str, Any]] = document(default_factory=list)
    """``{"key", "title", "most": points, "hint"}`` each; marks are whole points."""
    drops: int = 0  # so many of the highest and of the lowest totals are left out
    judges: int = 3  # ballots that an entry needs
    ties: list[str] = document(default_factory=list)
    """In this order: ``criterion:<key>``, ``median``, ``best``, ``lot``."""
    numbers_only: bool = True  # the timetable names entries by number
    frozen_at: datetime | None = None
    frozen_hash: str = ""  # SHA-256 of the rules as they were published


class RuleChange(Row, table=True):
    """A change to frozen rules: one person asks, a second confirms, everybody is told."""

    round_id: int = key(foreign_key="round.id", index=True)
    before: dict[str, Any] = document(default_factory=dict)
    after: dict[str, Any] = document(default_factory=dict)
    reason: str
    asked_by: int = key(foreign_key="teacher.id")
    asked_at: datetime
    settled_by: int | None = key(default=None, foreign_key="teacher.id")
    settled_at: datetime | None = None
    confirmed: bool = False


class VenueState(StrEnum):
    """Open → drawn → judging → revealed → decided (its list goes on) → confirmed."""

    OPEN = "open"
    DRAWN = "drawn"
    JUDGING = "judging"
    REVEALED = "revealed"
    DECIDED = "decided"
    CONFIRMED = "confirmed"


class Venue(Row, table=True):
    """赛点: a round held by one unit in one track."""

    __table_args__ = (sa.UniqueConstraint("round_id", "unit_id", "track_id"),)

    round_id: int = key(foreign_key="round.id")
    unit_id: int = key(foreign_key="org_unit.id", index=True)
    track_id: int = key(foreign_key="track.id")
    state: VenueState = one_of(VenueState, default=VenueState.OPEN)
    organiser_id: int | None = key(default=None, foreign_key="teacher.id", index=True)
    """Who runs it besides those whose unit it is, such as the head of the research group."""
    place: str = ""
    seed: str = ""  # of the draw; its hash is shown from the beginning, itself when it is drawn
    drawn_at: datetime | None = None
    judging_at: datetime | None = None
    revealed_at: datetime | None = None
    signed_by: int | None = key(default=None, foreign_key="teacher.id")
    signed_at: datetime | None = None
    decided_by: int | None = key(default=None, foreign_key="teacher.id")
    decided_at: datetime | None = None


class CompetingState(StrEnum):
    """Where an entry stands on the whole; where in a round, its ``EntryRound`` says."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"  # to be mended and submitted again
    COMPETING = "competing"  # accepted, and still in
    WITHDRAWN = "withdrawn"
    OUT = "out"  # over, with or without an award
    DISQUALIFIED = "disqualified"


class Entry(Row, table=True):
    """What one teacher, or a few together, compete with."""

    __table_args__ = (
        sa.UniqueConstraint("competition_id", "track_id", "teacher_id"),
        sa.Index("ix_entry_state", "competition_id", "state"),
    )

    competition_id: int = key(foreign_key="competition.id")
    track_id: int = key(foreign_key="track.id")
    teacher_id: int = key(foreign_key="teacher.id", index=True)
    unit_id: int = key(foreign_key="org_unit.id", index=True)  # theirs when they entered
    title: str = ""
    state: CompetingState = one_of(CompetingState, default=CompetingState.DRAFT)
    put_forward_by: int | None = key(default=None, foreign_key="teacher.id")
    agreed_at: datetime | None = None  # the teacher's yes to being put forward, or entering
    may_publish: bool = False  # the name among congratulations, the title, and the work
    reason: str = ""  # why it was returned, withdrawn or disqualified; private
    created_at: datetime
    submitted_at: datetime | None = None
    changed_at: datetime


class EntryAuthor(Row, table=True):
    """Somebody who makes an entry together with its teacher, or is asked to.

    Only who has agreed is an author; whoever reads the table says which they mean
    (``storage.competitions.authors``).
    """

    __table_args__ = (sa.UniqueConstraint("entry_id", "teacher_id"),)

    entry_id: int = key(foreign_key="entry.id")
    teacher_id: int = key(foreign_key="teacher.id", index=True)
    asked_by: int = key(foreign_key="teacher.id")
    asked_at: datetime
    agreed_at: datetime | None = None


class Material(Row, table=True):
    """One version of a piece of work handed in for a round: a file as Telegram knows it, or a link.

    The file's content is not kept; what its check found is.
    """

    __table_args__ = (sa.UniqueConstraint("entry_id", "round_id", "slot", "version"),)

    entry_id: int = key(foreign_key="entry.id")
    round_id: int = key(foreign_key="round.id", index=True)
    slot: str  # key of one of the round's materials
    version: int
    file_id: str = ""
    file_name: str = ""
    mime: str = ""  # as Telegram says; a video goes out again as a video
    size: int = 0  # bytes
    content_hash: str = ""  # SHA-256
    url: str = ""
    uploaded_by: int = key(foreign_key="teacher.id")
    uploaded_at: datetime
    removed_at: datetime | None = None
    checked_at: datetime | None = None
    findings: list[dict[str, Any]] = document(default_factory=list)
    """``{"where": part of the file, "what": the name found}``; for the entrant's eyes."""


class RoundState(StrEnum):
    """Where an entry stands in a round."""

    READY = "ready"
    SCHEDULED = "scheduled"  # its place in the order is drawn
    SCORED = "scored"
    ABSENT = "absent"
    DISQUALIFIED = "disqualified"
    ADVANCED = "advanced"
    RESERVE = "reserve"  # goes on if one before it does not
    AWARDED = "awarded"  # an award, and no further round
    OUT = "out"
    LAPSED = "lapsed"  # advanced, and not forwarded in time
    # In an external round.
    NOMINATED = "nominated"
    PUSHED = "pushed"
    PUSHED_AWARDED = "pushed_awarded"
    PUSHED_OUT = "pushed_out"


class EntryRound(Row, table=True):
    """An entry in a round: its number, its slot, its score, what became of it."""

    __table_args__ = (
        sa.UniqueConstraint("entry_id", "round_id"),
        sa.Index("ix_entry_round_venue", "venue_id", "order_no"),
        sa.Index("ix_entry_round_state", "round_id", "state"),
    )

    entry_id: int = key(foreign_key="entry.id")
    round_id: int = key(foreign_key="round.id")
    venue_id: int | None = key(default=None, foreign_key="venue.id")  # none in an external round
    state: RoundState = one_of(RoundState, default=RoundState.READY)
    order_no: int | None = None  # drawn
    number: str = ""  # 参赛编号, all that judges see
    slot_at: datetime | None = None
    place: str = ""  # the room of the turn, where it is not the venue's
    score: float | None = None  # after leaving out the highest and lowest
    rank: int | None = None
    tie: str = ""  # what broke a tie at this rank
    award: str = ""
    forwarded_by: int | None = key(default=None, foreign_key="teacher.id")
    forwarded_at: datetime | None = None
    changed_at: datetime


class JudgeState(StrEnum):
    """Whether a judge serves."""

    INVITED = "invited"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REMOVED = "removed"


class Judge(Row, table=True):
    """评委 of a venue: somebody of the roster, or an outside expert whose paper is typed in."""

    __table_args__ = (
        sa.UniqueConstraint("venue_id", "teacher_id"),
        sa.UniqueConstraint("venue_id", "number"),
    )

    venue_id: int = key(foreign_key="venue.id")
    teacher_id: int | None = key(default=None, foreign_key="teacher.id", index=True)
    name: str = ""  # of an expert from outside
    number: int  # 评委1, 评委2: all that anybody else sees
    is_chief: bool = False
    state: JudgeState = one_of(JudgeState, default=JudgeState.INVITED)
    invited_by: int = key(foreign_key="teacher.id")
    invited_at: datetime
    answered_at: datetime | None = None


class ConflictKind(StrEnum):
    """Why a judge does not judge somebody; that of the same school needs no row."""

    MENTORSHIP = "mentorship"
    CO_AUTHOR = "co_author"
    DECLARED = "declared"


class Conflict(Row, table=True):
    """回避: this person does not judge that one, or nobody of that unit."""

    teacher_id: int = key(foreign_key="teacher.id", index=True)  # who would judge
    other_id: int | None = key(default=None, foreign_key="teacher.id", index=True)
    unit_id: int | None = key(default=None, foreign_key="org_unit.id")
    kind: ConflictKind = one_of(ConflictKind)
    by_id: int = key(foreign_key="teacher.id")
    at: datetime


class BallotState(StrEnum):
    """Open → committed → revealed; or set aside for a conflict."""

    OPEN = "open"
    COMMITTED = "committed"
    REVEALED = "revealed"
    RECUSED = "recused"


class Ballot(Row, table=True):
    """One judge's marks for one entry.

    Handed in, it is sealed: its hash is shown, its marks to nobody but the judge, until all of
    the venue are in.
    """

    __table_args__ = (sa.UniqueConstraint("judge_id", "entry_round_id"),)

    judge_id: int = key(foreign_key="judge.id")
    entry_round_id: int = key(foreign_key="entry_round.id", index=True)
    state: BallotState = one_of(BallotState, default=BallotState.OPEN)
    marks: dict[str, int] = document(default_factory=dict)  # criterion → points
    total: int | None = None
    comment: str = ""  # for the entrant alone, without a name
    nonce: str = ""
    seal: str = ""  # SHA-256 of marks and nonce
    committed_at: datetime | None = None
    on_paper: bool = False  # typed in by two people who read the same paper
    typed_by: int | None = key(default=None, foreign_key="teacher.id")
    checked_by: int | None = key(default=None, foreign_key="teacher.id")
    checked_marks: dict[str, int] = document(default_factory=dict)


class ObjectionState(StrEnum):
    """What became of an objection."""

    OPEN = "open"
    UPHELD = "upheld"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Objection(Row, table=True):
    """异议 against a published list; who raised it, only those who decide may see."""

    round_id: int = key(foreign_key="round.id", index=True)
    entry_id: int | None = key(default=None, foreign_key="entry.id")
    by_id: int = key(foreign_key="teacher.id", index=True)
    text: str
    evidence_file_id: str = ""
    evidence_name: str = ""
    submitted_at: datetime
    due_at: datetime
    state: ObjectionState = one_of(ObjectionState, default=ObjectionState.OPEN)
    decided_by: int | None = key(default=None, foreign_key="teacher.id")
    decided_at: datetime | None = None
    answer: str = ""


class RoundCardKind(StrEnum):
    """What a round's card in a group is about."""

    OPEN = "open"  # entries are open
    TIMETABLE = "timetable"
    PUBLICITY = "publicity"  # taken down after the period
    WINNERS = "winners"


class RoundCard(Row, table=True):
    """A round's card in a group, kept up to date by rare edits.

    Of a timetable there is one for each venue: several tracks of a final publish in one group.
    A list on display is of the whole round.
    """

    __table_args__ = (
        sa.Index(
            "uq_round_card_of_round",
            "chat_id",
            "round_id",
            "kind",
            unique=True,
            sqlite_where=sa.text("venue_id IS NULL"),
            postgresql_where=sa.text("venue_id IS NULL"),
        ),
        sa.Index(
            "uq_round_card_of_venue",
            "chat_id",
            "venue_id",
            "kind",
            unique=True,
            sqlite_where=sa.text("venue_id IS NOT NULL"),
            postgresql_where=sa.text("venue_id IS NOT NULL"),
        ),
    )

    chat_id: int = key(foreign_key="chat.id")
    round_id: int = key(foreign_key="round.id", index=True)
    venue_id: int | None = key(default=None, foreign_key="venue.id")
    kind: RoundCardKind = one_of(RoundCardKind)
    message_id: int | None = key(default=None)
    shown_hash: str = ""
    posted_at: datetime | None = None
    taken_down_at: datetime | None = None


class Honour(Row, table=True):
    """荣誉: an award that stands, of a competition or from elsewhere."""

    teacher_id: int = key(foreign_key="teacher.id", index=True)
    title: str
    award: str = ""
    level: str  # school, county, city, province, national
    issuer_unit_id: int | None = key(default=None, foreign_key="org_unit.id")
    awarded_on: date
    entry_round_id: int | None = key(default=None, foreign_key="entry_round.id", index=True)
    certificate_no: str | None = Field(default=None, unique=True)
    revoked_at: datetime | None = None


class TierProposalState(StrEnum):
    """A proposal is not the tier: school and county say yes first."""

    PROPOSED = "proposed"
    SCHOOL_OK = "school_ok"
    COUNTY_OK = "county_ok"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class TierProposal(Row, table=True):
    """Somebody is proposed for a tier because of an award (seed S0-32)."""

    __table_args__ = (sa.UniqueConstraint("teacher_id", "tier", "honour_id"),)

    teacher_id: int = key(foreign_key="teacher.id", index=True)
    tier: str
    honour_id: int = key(foreign_key="honour.id")
    state: TierProposalState = one_of(TierProposalState, default=TierProposalState.PROPOSED)
    proposed_at: datetime
    decided_by: int | None = key(default=None, foreign_key="teacher.id")
    decided_at: datetime | None = None
    reason: str = ""


class ResourceProposal(Row, table=True):
    """Whether a winner's work may be shared with colleagues; only with their yes."""

    entry_id: int = key(foreign_key="entry.id", unique=True)
    asked_at: datetime
    agreed: bool | None = None
    answered_at: datetime | None = None
