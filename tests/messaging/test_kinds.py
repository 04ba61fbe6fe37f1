"""Every kind of deadline is data: the table of the domain, row by row (reminders 5.4)."""

from __future__ import annotations

import pytest

from storage.calendar import steps
from storage.kinds import AT_ONCE, BY_CARD, KINDS, OVERDUE, Figures
from storage.messaging.tables import Level

C, P, O, B = Level.COORDINATOR, Level.PRINCIPAL, Level.OWNER, Level.BUREAU  # noqa: E741

TABLE: dict[int, dict[str, tuple[str, dict[Level, str], bool]]] = {
    1: {"reg_open": ("T+0", {}, False)},
    2: {"reg_close": ("standard", {C: "T-3"}, True)},
    3: {"nominate_close": ("early_and_often", {P: "T-1", O: "T+1"}, True)},
    6: {"offer": ("T-12h T-2h", {}, False)},
    7: {"quota_unfilled": ("T-5 T-2", {P: "T-1"}, False)},
    8: {"roster": ("T-3 T-1", {O: "T+1"}, False)},
    9: {"batch_start": ("T-3 T-1 T-2h", {O: "T-1"}, True)},
    10: {
        "session": ("T-1 T-1h", {O: "T-1"}, True),
        "session_lead": ("T-3 T-1", {}, False),
    },
    13: {
        "task_due": ("T-3 T-1 T-3h", {O: "T+1"}, False),
        # The figures of a platform are days old, so there is no step of hours and nothing after.
        "item_due": ("T-3 T-1", {}, False),
    },
    14: {
        "phase_end": ("T-5 T-1", {O: "T-1"}, True),
        "phase_help": ("T-5 T-1", {}, False),
    },
    15: {
        "remote_start": ("T-3 T+0", {}, True),
        "remote_login": ("", {C: "T+3"}, False),
    },
    16: {"remote_not_started": ("T+3 T+5 T+8", {C: "T+5", P: "T+8"}, False)},
    17: {"remote_behind": ("weekly", {C: "weekly"}, False)},
    18: {
        "remote_idle": ("weekly", {}, False),
        "remote_idle_long": ("weekly", {C: "weekly"}, False),
    },
    19: {"remote_end": ("T-14 T-7 T-3 T-1 T-6h", {C: "T-7", P: "T-3", O: "T-1"}, True)},
    # From the eighth day without an import on, and again as long as none comes.
    20: {"import_stale": ("T+0 T+5 weekly_after", {O: "T+3 weekly_after"}, False)},
    21: {
        "grade_due": ("T-3 T-1 T+1", {O: "T+1"}, False),
        "review_due": ("T-3 T-1 T+1", {}, False),
    },
    22: {
        "makeup": ("T-7 T-3 T-1", {C: "T-3"}, False),
        "makeup_window": ("T-7 T-3 T-1", {C: "T-3"}, False),
    },
    26: {
        "year_hours": (
            "T-183d T-122d T-91d T-61d T-11d",
            {C: "T-122d", P: "T-61d"},
            True,
        )
    },
    27: {
        "cycle_hours": (
            "T-730d T-365d T-183d T-91d T-30d",
            {C: "T-183d", P: "T-91d"},
            False,
        )
    },
    23: {"survey_close": ("T-5 T-2 T-1", {}, False)},
    28: {"new_teacher_hours": ("T-275d T-183d T-92d T-31d", {P: "T-92d"}, False)},
    30: {"appeal": ("T-3 T-1", {O: "T+1"}, False)},
    31: {"entry_close": ("standard", {C: "T-3"}, True)},
    32: {"material_due": ("early_and_often", {C: "T-1"}, False)},
    33: {"round_day": ("T-3 T-1 T-2h", {O: "T-1"}, False)},
    34: {"result_due": ("T-2 T+0 T+1", {O: "T+1"}, False)},
    35: {"forward_due": ("T-5 T-3 T-1 T-0", {P: "T-1", B: "T-1"}, False)},
    36: {"publicity": ("T-1", {}, False)},
    37: {"external_close": ("long", {B: "T-7"}, False)},
    58: {"menu_close": ("standard", {C: "T-3"}, True)},
    61: {"ack_due": ("T-24h T-4h", {}, False)},
    # The group is told by a card of its own, three days ahead.
    68: {"chat_dissolve": ("T-3 T-0 T+5", {}, False)},
    69: {"role_gap": ("weekly", {P: "weekly"}, False)},
}
"""Of each row: its kinds with their steps, whoever stands above, and whether groups hear."""

BY_OTHER_MEANS = {
    4: "approve_school",
    5: "approve_county",
    11: "checkin",
    12: "leave_pending",
    25: "credit_posted",
}

LATER = (
    ("surveys of what is needed", (24,)),
    ("periodic registration", (29,)),
    ("honours", (38,)),
    ("mentorship", (39, 40, 41)),
    ("research groups and school-based training", (42, 43, 44, 45, 46, 47)),
    ("growth plans", (48, 49)),
    ("tiers and terms", (50, 51, 52, 53)),
    ("studios and projects", (54, 55)),
    ("resources and stories", (56, 57)),
    ("outreach", (59, 60)),
    ("budget, inspection, certificates and the archive", (62, 63, 64, 65, 66, 67)),
    ("consent", (70,)),
)
"""Rows of wings that are not here; each comes with its wing."""

OWN = {
    "nomination",
    "release",
    "menu_open",
    "gate",
    "shadowing",
    "ballots_due",
    "judge_answer",
    "venue_materials",
}
"""Kinds that the table has within others: answers to a nomination, seats that flow back, a menu;
of the gate of a stretch, who has not passed it, and who receives people behind it; what judges
owe before a list can be decided; of missing materials, the head of the research group."""


def test_every_row_of_the_table_is_here_or_known_to_come() -> None:
    later = [row for _wing, rows in LATER for row in rows]
    assert sorted([*TABLE, *BY_OTHER_MEANS, *later]) == list(range(1, 71))
    known = {kind for kinds in TABLE.values() for kind in kinds}
    known |= OWN | ({"approve_county"} & set(KINDS))
    assert set(KINDS) <= known
    assert {kind for kinds in TABLE.values() for kind in kinds} <= set(KINDS)
    assert set(BY_OTHER_MEANS.values()) == set(BY_CARD) | set(AT_ONCE)


@pytest.mark.parametrize("row", TABLE)
def test_a_kind_has_the_steps_of_its_row(row: int) -> None:
    for id_, (preset, ladder, in_group) in TABLE[row].items():
        kind = KINDS[id_]
        assert (kind.preset, dict(kind.ladder), bool(kind.group)) == (preset, ladder, in_group)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.id)
def test_a_kind_is_whole(kind: object) -> None:
    kind = KINDS[kind.id]  # type: ignore[attr-defined]
    for level, offsets in kind.offsets().items():
        assert not offsets or steps.offsets_of(offsets), level
    assert bool(kind.group) == (kind.figures is not Figures.NONE)
    if kind.can_be_late:
        assert set(OVERDUE) <= set(kind.offsets()[Level.TEACHER].split())
        assert steps.WEEKLY_AFTER in kind.offsets()[Level.COORDINATOR].split()


def test_the_decisions_of_offices_are_passed_on_after_the_days_of_the_table() -> None:
    assert BY_CARD["approve_school"] == {C: "T+1 T+2 T+3", P: "T+3"}
    assert BY_CARD["approve_county"] == {O: "T+2 T+4"}
    assert dict(KINDS["approve_county"].ladder) == {B: "T+5"}
