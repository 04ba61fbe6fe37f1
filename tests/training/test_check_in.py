"""Checking in by scanning, typing and tapping: what is taken, when, and of whom."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from storage.database import Database
from storage.messaging.tables import OutboxMessage
from storage.refusals import NotFound
from storage.training import attendance, check_codes, check_in, marking, meeting_end, windows
from storage.training.check_codes import Box
from storage.training.check_in import (
    CheckedIn,
    CheckedOut,
    CheckInOver,
    CodeChanged,
    NotACode,
    NotOnList,
    Outcome,
    Paused,
    TooEarly,
    WrongCode,
)
from storage.training.decisions import why
from storage.training.refusals import ProgrammeCancelled
from storage.training.tables import (
    Attendance,
    CheckIn,
    Knock,
    LeaveState,
    Method,
    Presence,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
)
from tests import make
from tests.training import meeting_makers as made
from tests.training.meeting_makers import ENDS, STARTS, at

RFC_KEY = b"12345678901234567890"


def shown(session: Session, meeting_id: int, now: Any, box: Box = Box.IN) -> check_codes.Code:
    return check_codes.code_at(windows.secret_of(session, meeting_id), meeting_id, box, now)


def types(session: Session, teacher_id: int, meeting_id: int, now: Any, **more: Any) -> Outcome:
    """Read the code off the screen and type it at once."""
    code = shown(session, meeting_id, now, **more)
    return check_in.enter(session, teacher_id, code.digits, now=now)


@pytest.mark.parametrize(
    ("seconds", "password"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_authenticators_code_is_that_of_rfc_6238(seconds: int, password: str) -> None:
    assert check_codes.totp(RFC_KEY, seconds // 30, digits=8) == password


def test_a_code_is_taken_for_two_steps_and_no_longer() -> None:
    secret = check_codes.new_secret()
    code = check_codes.code_at(secret, 7, Box.IN, at(8, 50))
    assert len(code.digits) == 6
    assert code.changes_at == at(8, 50, 30)
    for seconds, taken in (
        (0, True),
        (29, True),
        (30, True),
        (59, True),
        (60, False),
        (86400, False),
    ):
        now = at(8, 50) + timedelta(seconds=seconds)
        assert (check_codes.typed_box(secret, 7, code.digits, now) is Box.IN) is taken
        assert (check_codes.scanned_box(secret, 7, code.token, now) is Box.IN) is taken


def test_a_code_is_of_one_meeting_one_secret_and_one_direction() -> None:
    secret, now = check_codes.new_secret(), at(8, 50)
    code = check_codes.code_at(secret, 7, Box.OUT, now)
    assert check_codes.scanned_box(secret, 7, code.token, now) is Box.OUT
    assert check_codes.scanned_box(secret, 8, code.token, now) is None
    assert check_codes.scanned_box(check_codes.new_secret(), 7, code.token, now) is None
    assert check_codes.scanned_box(secret, 7, "", now) is None


def test_the_room_s_codes_say_when_they_were_shown() -> None:
    secret, opens, closes = check_codes.new_secret(), at(8, 30), at(12, 15)
    phone = check_codes.shown_by_authenticator(secret, 7, at(8, 52, 10))
    assert check_codes.time_of(secret, 7, phone, opens, closes) == at(8, 52)
    printed = check_codes.slot_code(secret, 7, at(8, 57))
    assert check_codes.time_of(secret, 7, printed, opens, closes) == at(8, 55)
    assert check_codes.time_of(secret, 7, phone, opens, at(8, 45)) is None
    assert len(list(check_codes.slots(opens, closes))) == 45


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("482913", "482913"),
        ("４８２ ９１３", "482913"),
        ("482-913", "482913"),
        ("48291", None),
        ("你好", None),
    ],
)
def test_a_code_is_read_however_it_is_typed(text: str, code: str | None) -> None:
    assert check_codes.as_typed(text) == code


async def test_checking_in_puts_one_on_the_list_as_come_once(database: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        lin, registration = made.person(session, batch_id)
        first = types(session, lin, meeting_id, at(8, 52))
        again = types(session, lin, meeting_id, at(8, 58))
        code = shown(session, meeting_id, at(9, 30))
        scanned = check_in.scan(session, lin, meeting_id, code.token, now=at(9, 30))
        assert isinstance(first, CheckedIn)
        assert (first.at, first.state, first.is_new) == (at(8, 52), Presence.PRESENT, True)
        for later in (again, scanned):
            assert isinstance(later, CheckedIn)
            assert (later.at, later.is_new) == (at(8, 52), False)
        rows = made.entered(session, meeting_id)
        assert list(rows) == [registration]
        assert rows[registration].method is Method.TYPED

    await database.write(play)


async def test_the_first_attendance_begins_taking_part_and_leaves_a_line(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        lin, registration = made.person(session, batch_id)
        for minute in (50, 55):
            types(session, lin, meeting_id, at(8, minute))
        state = session.exec(
            select(Registration.state).where(Registration.id == registration)
        ).one()
        assert state is RegistrationState.ATTENDING
        assert [line.rule for line in why(session, lin, batch_id).lines] == ["first_attendance"]

    await database.write(play)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (at(8, 30), Presence.PRESENT),
        (at(9, 15), Presence.PRESENT),
        (at(9, 15, 1), Presence.LATE),
        (at(12, 14), Presence.LATE),
    ],
)
async def test_a_quarter_of_an_hour_after_the_start_is_late(
    sqlite: Database, now: Any, state: Presence
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        lin, registration = made.person(session, batch_id)
        types(session, lin, meeting_id, now)
        row = made.entered(session, meeting_id)[registration]
        assert row.state is state
        assert ("after_end" in row.odd) is (now > ENDS)

    await sqlite.write(play)


async def test_before_the_opening_one_is_remembered_and_lets_oneself_in_with_one_tap(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        lin, registration = made.person(session, batch_id)
        make.account(session, lin)
        early = types(session, lin, meeting_id, at(8, 10))
        assert early == TooEarly(early.meeting, at(8, 30), True)  # type: ignore[union-attr]
        assert made.entered(session, meeting_id) == {}
        row = session.exec(select(OutboxMessage)).one()
        assert (row.kind, row.not_before) == ("check_in_open", at(8, 30))
        assert check_in.is_to_be_told(session, lin, meeting_id, now=at(8, 30))
        came = check_in.here(session, lin, meeting_id, now=at(8, 31))
        assert isinstance(came, CheckedIn)
        assert came.is_new
        assert not check_in.is_to_be_told(session, lin, meeting_id, now=at(8, 32))
        assert list(made.entered(session, meeting_id)) == [registration]

    await database.write(play)


async def test_one_tap_is_only_for_who_was_there_and_only_for_a_while(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        lin, _ = made.person(session, batch_id)
        shi, _ = made.person(session, batch_id, "石晓岚")
        types(session, lin, meeting_id, at(8, 10))
        types(session, shi, meeting_id, at(7, 20))  # more than an hour before the opening
        assert isinstance(check_in.here(session, shi, meeting_id, now=at(8, 31)), CodeChanged)
        assert isinstance(check_in.here(session, lin, meeting_id, now=at(9, 1)), CodeChanged)
        assert made.entered(session, meeting_id) == {}

    await sqlite.write(play)


async def test_opening_by_hand_tells_those_who_are_there_already(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        lin, _ = made.person(session, batch_id)
        make.account(session, lin)
        types(session, lin, meeting_id, at(8, 5))
        attendance.open_now(session, zhou, meeting_id, now=at(8, 15))
        assert session.exec(select(OutboxMessage.not_before)).one() == at(8, 15)
        assert isinstance(check_in.here(session, lin, meeting_id, now=at(8, 16)), CheckedIn)

    await sqlite.write(play)


async def test_after_the_close_no_code_of_the_moment_is_taken(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        lin, _ = made.person(session, batch_id)
        assert isinstance(types(session, lin, meeting_id, at(12, 15)), CheckInOver)
        attendance.close_now(session, zhou, meeting_id, now=at(9, 30))
        over = types(session, lin, meeting_id, at(9, 40))
        assert isinstance(over, CheckInOver)
        assert over.closed_at == at(9, 30)
        attendance.open_now(session, zhou, meeting_id, now=at(9, 41))
        assert isinstance(types(session, lin, meeting_id, at(9, 42)), CheckedIn)

    await sqlite.write(play)


async def test_yesterdays_code_and_anothers_are_wrong(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        made.add_meeting(
            session,
            batch_id,
            starts_at=STARTS + timedelta(days=1),
            ends_at=ENDS + timedelta(days=1),
        )
        lin, _ = made.person(session, batch_id)
        code = shown(session, meeting_id, at(8, 50))
        wrong = check_in.enter(session, lin, code.digits, now=at(8, 50, day=1))
        assert isinstance(wrong, WrongCode)
        assert isinstance(
            check_in.scan(session, lin, meeting_id, code.token, now=at(8, 52)), CodeChanged
        )

    await sqlite.write(play)


async def test_who_is_not_on_the_list_is_told_so_and_seen_by_the_organiser(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        shi = make.teacher(session, "石晓岚", at="城东小学")
        waiting = make.teacher(session, "丁广田")
        made.on_list(session, batch_id, waiting, RegistrationState.SCHOOL_APPROVED)
        for who in (shi, waiting):
            assert isinstance(types(session, who, meeting_id, at(8, 50)), NotOnList)
        assert made.entered(session, meeting_id) == {}
        card = attendance.meeting_card(session, zhou, meeting_id, now=at(8, 51))
        assert card.walk_ins == 2
        _, people = attendance.walk_ins(session, zhou, meeting_id, now=at(8, 51))
        assert [(one.name, one.unit) for one in people] == [
            ("石晓岚", "城东小学"),
            ("丁广田", "澄禾县实验小学"),
        ]
        session.exec(
            select(Registration).where(Registration.teacher_id == waiting)
        ).one().state = RegistrationState.APPROVED
        session.flush()
        assert isinstance(types(session, waiting, meeting_id, at(8, 53)), CheckedIn)
        assert attendance.meeting_card(session, zhou, meeting_id, now=at(8, 53)).walk_ins == 1

    await database.write(play)


async def test_wrong_codes_are_counted_and_then_none_is_looked_at_for_a_while(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        lin, _ = made.person(session, batch_id)
        secret = windows.secret_of(session, meeting_id)
        right = shown(session, meeting_id, at(8, 50)).digits
        guesses = iter(random.Random(4).sample(range(10**6), 60))

        def guess(now: Any) -> Outcome:
            while True:
                digits = f"{next(guesses):06}"
                if check_codes.typed_box(secret, meeting_id, digits, now) is None and (
                    check_codes.time_of(secret, meeting_id, digits, at(8, 30), now) is None
                ):
                    return check_in.enter(session, lin, digits, now=now)

        lefts = [guess(at(8, 50)) for _ in range(9)]
        assert [one.left for one in lefts if isinstance(one, WrongCode)] == [*range(9, 0, -1)]
        assert guess(at(8, 50)) == Paused(at(9))
        assert check_in.enter(session, lin, right, now=at(8, 50)) == Paused(at(9))
        assert isinstance(types(session, lin, meeting_id, at(9, 0)), CheckedIn)
        for _ in range(10):
            guess(at(9, 1))
        assert isinstance(guess(at(9, 12)), Paused)  # the second count runs for a day
        assert isinstance(check_in.enter(session, lin, "12", now=at(9, 12)), NotACode)
        # Scanning is no guessing, and goes on.
        code = shown(session, meeting_id, at(9, 13))
        assert isinstance(
            check_in.scan(session, lin, meeting_id, code.token, now=at(9, 13)), CheckedIn
        )

    await database.write(play)


async def test_checking_out_early_is_shown_and_a_later_code_mends_it(database: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session, batch={"counts_check_out": True})
        lin, registration = made.person(session, batch_id)
        types(session, lin, meeting_id, at(8, 50))
        out = types(session, lin, meeting_id, at(11, 0), box=Box.OUT)
        assert isinstance(out, CheckedOut)
        assert out.is_early
        assert made.entered(session, meeting_id)[registration].state is Presence.LEFT_EARLY
        assert attendance.presence_of(session, batch_id) == {registration: (0, 1)}
        out = types(session, lin, meeting_id, at(11, 58), box=Box.OUT)
        assert isinstance(out, CheckedOut)
        assert not out.is_early
        row = made.entered(session, meeting_id)[registration]
        assert (row.state, row.at, row.out_at) == (Presence.PRESENT, at(8, 50), at(11, 58))
        assert attendance.presence_of(session, batch_id) == {registration: (1, 1)}

    await database.write(play)


async def test_the_box_for_going_is_for_coming_where_going_does_not_count(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        lin, _ = made.person(session, batch_id)
        assert isinstance(types(session, lin, meeting_id, at(9, 0), box=Box.OUT), CheckedIn)

    await sqlite.write(play)


async def test_odd_patterns_are_noted_and_change_nothing(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session, batch={"counts_check_out": True})
        other, elsewhere = made.meeting(session, "朗读指导")
        zhou = made.organiser(session)
        lin, registration = made.person(session, batch_id)
        made.on_list(session, other, lin)
        types(session, lin, elsewhere, at(9, 0))
        types(session, lin, meeting_id, at(11, 50))
        types(session, lin, meeting_id, at(11, 50, 30), box=Box.OUT)
        shi, only_out = made.person(session, batch_id, "石晓岚")
        types(session, shi, meeting_id, at(11, 59), box=Box.OUT)
        rows = made.entered(session, meeting_id)
        assert rows[registration].odd == "overlap,quick_out"
        assert rows[registration].state is Presence.LATE
        assert rows[only_out].odd == "only_out"
        assert rows[only_out].state is Presence.LATE
        assert attendance.meeting_card(session, zhou, meeting_id, now=ENDS).odd == 2
        found = attendance.names(session, zhou, meeting_id, only="odd", now=ENDS)
        assert [line.odd for line in found.lines] == [("overlap", "quick_out"), ("only_out",)]

    await sqlite.write(play)


async def test_many_who_type_together_after_the_end_look_odd(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        people = [made.person(session, batch_id, f"教师{n}")[0] for n in range(6)]
        for who in people[:5]:
            types(session, who, meeting_id, at(12, 5, 3))
        types(session, people[5], meeting_id, at(12, 8))
        assert meeting_end.settle(session, now=at(12, 16)) == 1
        odd = [row.odd for row in made.entered(session, meeting_id).values()]
        assert odd == ["after_end,burst"] * 5 + ["after_end"]

    await sqlite.write(play)


async def test_a_room_without_a_signal_counts_when_its_code_is_typed_in_later(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session, batch={"counts_check_out": True})
        secret = windows.secret_of(session, meeting_id)
        lin, registration = made.person(session, batch_id)
        shi, late = made.person(session, batch_id, "石晓岚")
        phone = check_codes.shown_by_authenticator(secret, meeting_id, at(8, 52, 20))
        done = check_in.enter(session, lin, phone, now=at(20, 0))
        assert isinstance(done, CheckedIn)
        assert done.at == at(8, 52)
        printed = check_codes.slot_code(secret, meeting_id, at(9, 33))
        check_in.enter(session, shi, printed, now=at(11, 0, day=2))
        leaving = check_codes.slot_code(secret, meeting_id, at(11, 57))
        assert isinstance(check_in.enter(session, lin, leaving, now=at(20, 1)), CheckedOut)
        rows = made.entered(session, meeting_id)
        assert (rows[registration].method, rows[registration].out_at) == (
            Method.TIME_CODE,
            at(11, 55),
        )
        assert (rows[late].state, rows[late].at) == (Presence.LATE, at(9, 30))
        ding, _ = made.person(session, batch_id, "丁广田")
        assert isinstance(check_in.enter(session, ding, printed, now=at(12, 1, day=2)), WrongCode)

    await database.write(play)


async def test_a_code_of_a_moment_to_come_is_wrong(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        secret = windows.secret_of(session, meeting_id)
        lin, _ = made.person(session, batch_id)
        printed = check_codes.slot_code(secret, meeting_id, at(9, 35))
        assert isinstance(check_in.enter(session, lin, printed, now=at(9, 33)), WrongCode)
        ahead = check_codes.shown_by_authenticator(secret, meeting_id, at(9, 33, 40))
        assert isinstance(check_in.enter(session, lin, ahead, now=at(9, 33, 20)), CheckedIn)

    await sqlite.write(play)


async def test_the_clock_is_corrected_by_a_code_and_a_person_is_not(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        secret = windows.secret_of(session, meeting_id)
        lin, by_clock = made.person(session, batch_id)
        shi, by_hand = made.person(session, batch_id, "石晓岚")
        _, other = made.person(session, batch_id, "丁广田")
        for registration, state in ((by_hand, Presence.ABSENT), (other, Presence.PRESENT)):
            marking.set_state(session, zhou, meeting_id, registration, state, now=at(11))
        meeting_end.settle(session, now=at(12, 16))
        printed = check_codes.slot_code(secret, meeting_id, at(8, 50))
        for who in (lin, shi):
            check_in.enter(session, who, printed, now=at(15))
        rows = made.entered(session, meeting_id)
        assert rows[by_clock].state is Presence.PRESENT
        assert rows[by_hand].state is Presence.ABSENT

    await sqlite.write(play)


async def test_whoever_was_marked_absent_and_comes_is_come_and_it_is_seen(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        lin, registration = made.person(session, batch_id)
        marking.set_state(session, zhou, meeting_id, registration, Presence.ABSENT, now=at(9, 20))
        types(session, lin, meeting_id, at(9, 25))
        row = made.entered(session, meeting_id)[registration]
        assert (row.state, row.odd, row.by_id) == (Presence.LATE, "marked_before", None)

    await sqlite.write(play)


async def test_a_cancelled_class_a_draft_and_a_meeting_without_codes_take_none(
    sqlite: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session, check_in=CheckIn.COORDINATOR)
        lin, _ = made.person(session, batch_id)
        token = shown(session, meeting_id, at(8, 50)).token
        with pytest.raises(NotFound):
            check_in.scan(session, lin, meeting_id, token, now=at(8, 50))
        assert isinstance(types(session, lin, meeting_id, at(8, 50)), WrongCode)
        with pytest.raises(NotFound):
            check_in.scan(session, lin, 424242, token, now=at(8, 50))
        batch_id, meeting_id = made.meeting(session, "朗读指导")
        session.exec(
            select(Programme).where(Programme.title == "朗读指导")
        ).one().state = ProgrammeState.CANCELLED
        session.flush()
        token = shown(session, meeting_id, at(8, 50)).token
        with pytest.raises(ProgrammeCancelled):
            check_in.scan(session, lin, meeting_id, token, now=at(8, 50))

    await sqlite.write(play)


async def test_what_is_open_for_me_and_how_i_took_part(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session, batch={"counts_check_out": True})
        lin, registration = made.person(session, batch_id)
        assert check_in.open_for(session, lin, now=at(8, 29)) == ()
        (one,) = check_in.open_for(session, lin, now=at(8, 30))
        assert one.is_wanted
        types(session, lin, meeting_id, at(8, 31))
        (one,) = check_in.open_for(session, lin, now=at(8, 40))
        assert not one.is_wanted
        (one,) = check_in.open_for(session, lin, now=at(9, 40))
        assert one.wants_out
        (mine,) = check_in.mine(session, lin, batch_id, now=at(9))
        assert (mine.state, mine.at) == (Presence.PRESENT, at(8, 31))
        later = made.add_meeting(
            session, batch_id, starts_at=at(14), ends_at=at(16), title="第二讲"
        )
        made.leave(session, registration, later, LeaveState.APPROVED)
        states = [one.state for one in check_in.mine(session, lin, batch_id, now=at(15))]
        assert states == [Presence.PRESENT, Presence.LEAVE]

    await sqlite.write(play)


async def test_two_who_tap_at_the_same_time_make_one_row_each(database: Database) -> None:
    import asyncio

    def prepare(session: Session) -> tuple[int, int, str]:
        batch_id, meeting_id = made.meeting(session)
        lin, _ = made.person(session, batch_id)
        return lin, meeting_id, shown(session, meeting_id, at(8, 50)).token

    lin, meeting_id, token = await database.write(prepare)
    await asyncio.gather(
        *(database.write(check_in.scan, lin, meeting_id, token, now=at(8, 50)) for _ in range(12))
    )
    rows = await database.read(lambda session: session.exec(select(Attendance.id)).all())
    assert len(rows) == 1
    knocks = await database.read(lambda session: session.exec(select(Knock.id)).all())
    assert not knocks
