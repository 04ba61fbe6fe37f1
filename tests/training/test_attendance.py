"""Attendance as organisers and schools keep it: whose it is to mark, and what it comes to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from storage import sheets, undoing
from storage.audit import AuditLog
from storage.database import Database
from storage.deeds import ChangedSince, TooLateToUndo
from storage.messaging.tables import News, OutboxMessage
from storage.people.tables import Role
from storage.refusals import NotAllowed, OwnCase, Refusal
from storage.training import (
    absences,
    attendance,
    attendance_sheets,
    check_codes,
    check_in,
    marking,
    marks_draft,
    meeting_end,
    windows,
)
from storage.training.attendance import CheckInClosed, NoLongerMarked, NotBegun
from storage.training.attendance_sheets import Trouble
from storage.training.check_codes import Box
from storage.training.tables import (
    Attendance,
    CheckIn,
    Leave,
    LeaveState,
    Method,
    Presence,
    Registration,
    RegistrationState,
)
from storage.training.windows import CAME, ON_LIST
from tests import make
from tests.training import meeting_makers as made
from tests.training.meeting_makers import ENDS, STARTS, at
from tests.training.test_check_in import types

AFTER = at(12, 16)


def school_coordinator(session: Session, name: str = "罗佳宁", school: str = "城东小学") -> int:
    teacher_id = make.teacher(session, name, at=school)
    made.appointed(session, teacher_id, Role.SCHOOL_COORDINATOR)
    return teacher_id


def states(session: Session, meeting_id: int) -> dict[int, Presence]:
    return {id_: row.state for id_, row in made.entered(session, meeting_id).items()}


async def test_a_school_marks_all_its_people_present_but_two(database: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        luo = school_coordinator(session)
        own = [made.person(session, batch_id, f"教师{n}", at="城东小学")[1] for n in range(12)]
        _lin, other = made.person(session, batch_id, at="南塘乡中心小学")
        done = marking.mark(session, luo, meeting_id, absent={own[3], own[7], other}, now=at(9, 30))
        assert (done.present, done.absent, done.kept) == (10, 2, 0)
        found = states(session, meeting_id)
        assert found == {
            id_: Presence.ABSENT if id_ in (own[3], own[7]) else Presence.PRESENT for id_ in own
        }
        again = marking.mark(session, luo, meeting_id, absent={own[3], own[7]}, now=at(9, 31))
        assert (again.present, again.absent, again.kept, again.deed_id) == (0, 0, 12, None)
        card = attendance.meeting_card(session, luo, meeting_id, now=at(9, 31))
        assert (card.counts.expected, card.counts.came, card.counts.absent) == (12, 10, 2)
        assert not card.runs_it

    await database.write(play)


async def test_whoever_scanned_or_is_on_leave_stays_so_when_the_rest_is_marked(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        lin, late = made.person(session, batch_id)
        _, away = made.person(session, batch_id, "石晓岚")
        _, rest = made.person(session, batch_id, "丁广田")
        made.leave(session, away, meeting_id)
        types(session, lin, meeting_id, at(9, 20))
        marking.mark(session, zhou, meeting_id, now=at(9, 30))
        assert states(session, meeting_id) == {late: Presence.LATE, rest: Presence.PRESENT}
        counts = attendance.meeting_card(session, zhou, meeting_id, now=at(9, 31)).counts
        assert (counts.came, counts.late, counts.leave, counts.unknown) == (2, 1, 1, 0)

    await database.write(play)


async def test_a_mark_is_undone_as_one_and_not_over_what_came_after(database: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        _lin, first = made.person(session, batch_id)
        shi, second = made.person(session, batch_id, "石晓岚")
        marking.set_state(session, zhou, meeting_id, first, Presence.LATE, now=at(9, 10))
        done = marking.mark(session, zhou, meeting_id, absent={first}, now=at(9, 30))
        assert done.deed_id is not None
        assert undoing.undo(session, zhou, done.deed_id, now=at(9, 35))
        assert not undoing.undo(session, zhou, done.deed_id, now=at(9, 36))
        assert states(session, meeting_id) == {first: Presence.LATE}
        begun = session.exec(
            select(Registration.id).where(Registration.state == RegistrationState.ATTENDING)
        ).all()
        assert begun == [first]

        done = marking.mark(session, zhou, meeting_id, absent={second}, now=at(9, 40))
        types(session, shi, meeting_id, at(9, 45))
        assert done.deed_id is not None
        with pytest.raises(ChangedSince), session.begin_nested():
            undoing.undo(session, zhou, done.deed_id, now=at(9, 46))
        done = marking.mark(session, zhou, meeting_id, absent={second}, now=at(9, 50))
        assert done.deed_id is not None
        with pytest.raises(TooLateToUndo):
            undoing.undo(session, zhou, done.deed_id, now=at(10))

    await database.write(play)


@pytest.mark.parametrize("was_there", [False, True])
async def test_a_mark_is_not_undone_over_a_check_out_that_came_after(
    database: Database, was_there: bool
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session, batch={"counts_check_out": True})
        zhou = made.organiser(session)
        lin, registration = made.person(session, batch_id)
        if was_there:
            marking.set_state(
                session, zhou, meeting_id, registration, Presence.ABSENT, now=at(11, 40)
            )
        done = marking.set_state(
            session, zhou, meeting_id, registration, Presence.PRESENT, now=at(11, 55)
        )
        secret = windows.secret_of(session, meeting_id)
        code = check_codes.code_at(secret, meeting_id, Box.OUT, ENDS)
        check_in.scan(session, lin, meeting_id, code.token, now=ENDS)
        assert made.entered(session, meeting_id)[registration].out_at == ENDS
        assert done.deed_id is not None
        with pytest.raises(ChangedSince), session.begin_nested():
            undoing.undo(session, zhou, done.deed_id, now=ENDS)
        assert made.entered(session, meeting_id)[registration].out_at == ENDS

    await database.write(play)


async def test_each_look_at_a_person_is_logged_once_a_day(database: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        luo = school_coordinator(session)
        _lin, registration = made.person(session, batch_id, at="城东小学")
        for moment in (at(9), at(9, 5), at(9, 5, day=1)):
            attendance.person(session, luo, meeting_id, registration, now=moment)
        lines = session.exec(select(AuditLog).where(AuditLog.action == "look_at_attendance")).all()
        assert [(line.actor_id, line.thing) for line in lines] == [
            (luo, f"registration:{registration}")
        ] * 2

    await database.write(play)


async def test_ones_own_presence_is_entered_by_a_code_or_by_somebody_else(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        luo, colleague = school_coordinator(session), school_coordinator(session, "石晓岚")
        own = made.on_list(session, batch_id, luo)
        _lin, other = made.person(session, batch_id, at="城东小学")
        account_id = make.account(session, luo)
        draft = marks_draft.begin(session, account_id, luo, meeting_id, 0, now=at(9))
        assert (draft.own, draft.present, draft.stays) == (own, 1, 1)
        done = marking.mark(session, luo, meeting_id, absent={own}, now=at(9))
        assert (done.present, done.absent, done.kept) == (1, 0, 1)
        assert states(session, meeting_id) == {other: Presence.PRESENT}
        with pytest.raises(OwnCase):
            marking.set_state(session, luo, meeting_id, own, Presence.PRESENT, now=at(9))
        marking.set_state(session, colleague, meeting_id, own, Presence.LATE, now=at(9, 30))
        said = [["工号", "姓名", "考勤"]]
        said += [
            [line.staff_no, line.name, "到"]
            for line in attendance_sheets.sheet(session, luo, meeting_id, now=at(9, 40))[1]
        ]
        content = sheets.write([("考勤", said)])
        book = sheets.read(content, "考勤.xlsx")
        job = attendance_sheets.keep(session, luo, book, content, now=at(9, 40))
        found = attendance_sheets.preview(session, luo, job, meeting_id, book, now=at(9, 40))
        assert list(found.troubles.values()) == [Trouble.OWN]
        attendance_sheets.apply(session, luo, job, book, now=at(9, 40))
        assert states(session, meeting_id) == {own: Presence.LATE, other: Presence.PRESENT}

    await database.write(play)


async def test_a_correction_is_logged_with_what_it_was(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        lin, registration = made.person(session, batch_id)
        types(session, lin, meeting_id, at(8, 50))
        marking.set_state(session, zhou, meeting_id, registration, Presence.ABSENT, now=at(10))
        line = session.exec(select(AuditLog).where(AuditLog.action == "mark_presence")).one()
        assert line.actor_id == zhou
        assert line.thing == f"registration:{registration}"
        assert line.before is not None
        assert line.before["state"] == "present"
        assert line.before["at"] == at(8, 50).isoformat()
        assert line.after == {"session_id": meeting_id, "state": "absent", "method": "coordinator"}

    await sqlite.write(play)


async def test_nobody_marks_beyond_their_reach(database: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        _, foreign = made.person(session, batch_id, at="南塘乡中心小学")
        luo = school_coordinator(session)
        nobody = make.teacher(session, "别人")
        he = made.class_teacher(session, batch_id)
        over = made.class_teacher(
            session, batch_id, "代班", until=(STARTS - timedelta(days=1)).date()
        )
        _, elsewhere = made.meeting(session, "朗读指导")
        now = at(9, 30)

        def refused(actor: int, of: int = meeting_id) -> None:
            for act in (
                lambda: attendance.open_now(session, actor, of, now=now),
                lambda: attendance.close_now(session, actor, of, now=now),
                lambda: attendance.show_code(session, actor, of, Box.IN, now=now),
                lambda: attendance.kit(session, actor, of, now=now),
                lambda: attendance.walk_ins(session, actor, of, now=now),
                lambda: marking.set_state(session, actor, of, foreign, Presence.LATE, now=now),
            ):
                with pytest.raises(NotAllowed):
                    act()

        for actor in (luo, nobody, over):
            refused(actor)
        refused(he, elsewhere)
        for actor in (nobody, over):
            for look in (attendance.meeting_card, attendance.names, attendance.units_of):
                with pytest.raises(NotAllowed):
                    look(session, actor, meeting_id, now=now)
            with pytest.raises(NotAllowed):
                attendance.list_meetings(session, actor, batch_id, now=now)
            with pytest.raises(NotAllowed):
                marking.mark(session, actor, meeting_id, now=now)
        assert attendance.names(session, luo, meeting_id, now=now).total == 0
        assert marking.mark(session, luo, meeting_id, now=now).deed_id is None
        assert states(session, meeting_id) == {}
        assert marking.mark(session, he, meeting_id, now=now).present == 1

    await database.write(play)


async def test_a_school_does_not_excuse_and_marks_only_from_the_opening_for_a_week(
    sqlite: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        luo, zhou = school_coordinator(session), made.organiser(session)
        _, own = made.person(session, batch_id, at="城东小学")
        for state in (Presence.EXCUSED, Presence.LEAVE):
            with pytest.raises(NotAllowed):
                marking.set_state(session, luo, meeting_id, own, state, now=at(10))
        with pytest.raises(NotBegun):
            marking.mark(session, luo, meeting_id, now=at(8, 29))
        with pytest.raises(NotBegun):
            marking.mark(session, zhou, meeting_id, now=at(8, 29))
        with pytest.raises(NoLongerMarked):
            marking.mark(session, luo, meeting_id, now=ENDS + timedelta(days=7))
        marking.set_state(
            session, zhou, meeting_id, own, Presence.EXCUSED, now=ENDS + timedelta(days=30)
        )
        assert states(session, meeting_id) == {own: Presence.EXCUSED}

    await sqlite.write(play)


async def test_at_the_end_who_neither_came_nor_has_leave_is_absent_and_nobody_is_told(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        lin, came = made.person(session, batch_id)
        _, away = made.person(session, batch_id, "石晓岚")
        _, missing = made.person(session, batch_id, "丁广田")
        made.on_list(session, batch_id, make.teacher(session), RegistrationState.WAITLISTED)
        made.leave(session, away, meeting_id)
        types(session, lin, meeting_id, at(8, 50))
        assert meeting_end.settle(session, now=at(12, 14)) == 0
        assert meeting_end.settle(session, now=AFTER) == 1
        assert meeting_end.settle(session, now=AFTER) == 0
        rows = made.entered(session, meeting_id)
        assert {id_: row.state for id_, row in rows.items()} == {
            came: Presence.PRESENT,
            away: Presence.LEAVE,
            missing: Presence.ABSENT,
        }
        assert rows[missing].method is Method.CLOCK
        assert not session.exec(select(OutboxMessage.id)).all()
        assert not session.exec(select(News.id)).all()

    await database.write(play)


async def test_where_presence_was_not_taken_nobody_is_absent_and_the_organiser_is_asked(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou, luo = made.organiser(session), school_coordinator(session)
        _, registration = made.person(session, batch_id)
        assert attendance.waits(session, zhou, now=at(12)) == ()
        assert meeting_end.settle(session, now=AFTER) == 0
        assert states(session, meeting_id) == {}
        (waiting,) = attendance.waits(session, zhou, now=AFTER)
        # In the list of the class it is marked for who is asked, and for nobody else.
        coming = made.add_meeting(session, batch_id, starts_at=at(15), ends_at=at(17))
        listed = attendance.list_meetings(session, zhou, batch_id, now=AFTER)
        assert [(line.meeting.session_id, line.waits) for line in listed.lines] == [
            (meeting_id, True),
            (coming, False),
        ]
        assert listed.waiting == (made.STARTS,)
        assert not attendance.list_meetings(session, luo, batch_id, now=AFTER).waiting
        assert (waiting.kind, waiting.count, waiting.batch_id) == ("attendance", 1, batch_id)
        assert attendance.waits(session, luo, now=AFTER) == ()
        assert attendance.presence_of(session, batch_id) == {registration: (0, 0)}
        marking.mark(session, zhou, meeting_id, now=at(14))
        assert attendance.waits(session, zhou, now=at(14)) == ()
        assert attendance.presence_of(session, batch_id) == {registration: (1, 1)}

    await database.write(play)


async def test_what_the_clock_entered_follows_leave_and_what_a_person_entered_does_not(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        lin, _ = made.person(session, batch_id)
        _, by_clock = made.person(session, batch_id, "石晓岚")
        _, by_hand = made.person(session, batch_id, "丁广田")
        types(session, lin, meeting_id, at(8, 50))
        meeting_end.settle(session, now=AFTER)
        marking.set_state(session, zhou, meeting_id, by_hand, Presence.ABSENT, now=at(13))
        for id_ in (by_hand, by_clock):
            asked = made.leave(session, id_, meeting_id, LeaveState.SCHOOL_OK)
            decided = absences.agree(session, zhou, asked, now=at(14))
        session.expire_all()
        found = states(session, meeting_id)
        assert (found[by_clock], found[by_hand]) == (Presence.LEAVE, Presence.ABSENT)
        undone = undoing.undo(session, zhou, decided.deed_id or 0, now=at(14, 5))
        session.expire_all()
        assert undone
        assert states(session, meeting_id)[by_clock] is Presence.ABSENT

    await database.write(play)


async def test_the_share_leaves_out_who_is_excused_and_keeps_leave(database: Database) -> None:
    def play(session: Session) -> None:
        batch_id, first = made.meeting(session)
        zhou = made.organiser(session)
        rest = [
            made.add_meeting(
                session,
                batch_id,
                starts_at=STARTS + timedelta(days=n),
                ends_at=ENDS + timedelta(days=n),
                check_in=CheckIn.NONE if n == 4 else CheckIn.CODE,
            )
            for n in (1, 2, 3, 4, 5)
        ]
        _lin, registration = made.person(session, batch_id)
        _, never = made.person(session, batch_id, "石晓岚")
        _, gone = made.person(session, batch_id, "丁广田")
        wanted = (Presence.PRESENT, Presence.LATE, Presence.LEAVE, Presence.EXCUSED)
        for meeting_id, state in zip((first, *rest[:3]), wanted, strict=True):
            marking.set_state(
                session, zhou, meeting_id, registration, state, now=at(10) + timedelta(days=5)
            )
        session.exec(
            select(Registration).where(Registration.id == gone)
        ).one().state = RegistrationState.WITHDRAWN
        session.flush()
        assert attendance.presence_of(session, batch_id) == {registration: (2, 3), never: (0, 4)}

    await database.write(play)


async def test_where_going_counts_being_marked_by_a_person_is_enough(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session, batch={"counts_check_out": True})
        zhou = made.organiser(session)
        lin, scanned = made.person(session, batch_id)
        _, marked = made.person(session, batch_id, "石晓岚")
        types(session, lin, meeting_id, at(8, 50))
        marking.mark(session, zhou, meeting_id, now=at(9, 30))
        assert attendance.presence_of(session, batch_id) == {scanned: (0, 1), marked: (1, 1)}

    await sqlite.write(play)


async def test_the_code_is_shown_as_long_as_check_in_is_not_closed(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        he = made.class_teacher(session, batch_id)
        lin, _ = made.person(session, batch_id)
        shown = attendance.show_code(session, he, meeting_id, Box.IN, now=at(8, 50))
        assert isinstance(
            check_in.enter(session, lin, shown.code.digits, now=at(8, 50, 45)),
            check_in.CheckedIn,
        )
        again = attendance.show_code(session, he, meeting_id, Box.IN, now=at(8, 51))
        assert again.code.digits != shown.code.digits
        assert (again.counts.came, again.counts.expected) == (1, 1)
        with pytest.raises(Refusal):  # going does not count here
            attendance.show_code(session, he, meeting_id, Box.OUT, now=at(8, 51))
        attendance.close_now(session, he, meeting_id, now=at(10))
        with pytest.raises(CheckInClosed):
            attendance.show_code(session, he, meeting_id, Box.IN, now=at(10))

    await sqlite.write(play)


async def test_the_kit_holds_what_the_room_can_show_and_its_taking_is_logged(
    sqlite: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        lin, _ = made.person(session, batch_id)
        kit = attendance.kit(session, zhou, meeting_id, now=at(7))
        assert kit.slots[0][0] == at(8, 30)
        assert kit.slots[-1][0] == at(11, 55)
        assert f"secret={kit.key}&algorithm=SHA1&digits=6&period=30" in kit.address
        slot, code = kit.slots[3]
        done = check_in.enter(session, lin, code, now=at(18))
        assert isinstance(done, check_in.CheckedIn)
        assert done.at == slot
        assert session.exec(
            select(AuditLog.actor_id).where(AuditLog.action == "take_check_in_kit")
        ).all() == [zhou]

    await sqlite.write(play)


async def test_lists_are_by_school_and_paged(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session)
        zhou = made.organiser(session)
        people = [made.person(session, batch_id, f"东{n}", at="城东小学") for n in range(10)]
        made.person(session, batch_id, "西", at="城西小学")
        types(session, people[0][0], meeting_id, at(8, 50))
        _, units = attendance.units_of(session, zhou, meeting_id, now=at(9))
        assert [(x.name, x.expected, x.came) for x in units] == [
            ("城东小学", 10, 1),
            ("城西小学", 1, 0),
        ]
        east = units[0].unit_id
        page = attendance.names(session, zhou, meeting_id, unit_id=east, page=1, now=at(9))
        assert (page.total, page.pages, len(page.lines)) == (10, 2, 2)
        missing = attendance.names(session, zhou, meeting_id, only="missing", now=at(9))
        assert missing.total == 10
        listed = attendance.list_meetings(session, zhou, batch_id, now=at(9))
        assert [(x.is_open, x.counts.came, x.counts.expected) for x in listed.lines] == [
            (True, 1, 11)
        ]

    await sqlite.write(play)


ACTS = (
    "scan",
    "type",
    "room",
    "out",
    "mark",
    "state",
    "leave",
    "unleave",
    "close",
    "open",
    "end",
    "undo",
)

history = st.lists(
    st.tuples(
        st.sampled_from(ACTS),
        st.integers(0, 4),
        st.sampled_from([0, 1, 1, 7, 20, 45, 90]),  # minutes until then
        st.sampled_from(list(Presence)),
    ),
    min_size=10,
    max_size=22,
)


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=history, counts_out=st.booleans())
def test_no_history_breaks_the_books_of_a_meeting(
    sqlite: Database, acts: list[tuple[str, int, int, Presence]], counts_out: bool
) -> None:
    def live_through(session: Session) -> None:
        batch_id, meeting_id = made.meeting(session, batch={"counts_check_out": counts_out})
        zhou = made.organiser(session)
        people = [made.person(session, batch_id, f"教师{n}") for n in range(4)]
        outsider = make.teacher(session, "外来")
        now, deeds = at(8), []
        secret = windows.secret_of(session, meeting_id)
        for act, number, minutes, state in acts:
            now += timedelta(minutes=minutes)
            who = people[number][0] if number < 4 else outsider
            registration = people[number % 4][1]
            try:
                with session.begin_nested():
                    match act:
                        case "scan" | "out":
                            box = Box.OUT if act == "out" else Box.IN
                            code = check_codes.code_at(secret, meeting_id, box, now)
                            check_in.scan(session, who, meeting_id, code.token, now=now)
                        case "type":
                            types(session, who, meeting_id, now)
                        case "room":
                            digits = check_codes.slot_code(secret, meeting_id, at(9, 10))
                            check_in.enter(session, who, digits, now=now)
                        case "mark":
                            done = marking.mark(
                                session, zhou, meeting_id, absent={registration}, now=now
                            )
                            deeds.append(done.deed_id)
                        case "state":
                            done = marking.set_state(
                                session, zhou, meeting_id, registration, state, now=now
                            )
                            deeds.append(done.deed_id)
                        case "leave" | "unleave":
                            _leave(session, registration, meeting_id, act == "leave")
                        case "close":
                            attendance.close_now(session, zhou, meeting_id, now=now)
                        case "open":
                            attendance.open_now(session, zhou, meeting_id, now=now)
                        case "end":
                            meeting_end.settle(session, now=now)
                        case "undo":
                            if deeds and deeds[-1]:
                                undoing.undo(session, zhou, deeds[-1], now=now)
            except Refusal:
                pass
            session.expire_all()
            _check(session, zhou, batch_id, meeting_id, now)
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(live_through)


def _leave(session: Session, registration: int, meeting_id: int, is_approved: bool) -> None:
    row = session.exec(
        select(Leave).where(Leave.registration_id == registration, Leave.session_id == meeting_id)
    ).first()
    if row is None:
        made.leave(session, registration, meeting_id)
    else:
        row.state = LeaveState.APPROVED if is_approved else LeaveState.CANCELLED
    session.flush()
    meeting_end.follow_leave(session, registration)


def _check(session: Session, zhou: int, batch_id: int, meeting_id: int, now: object) -> None:
    rows = session.exec(select(Attendance, Registration).join(Registration)).all()
    listed = [registration.id for _, registration in rows]
    assert len(set(listed)) == len(listed)
    for row, registration in rows:
        assert registration.batch_id == batch_id
        assert registration.state in ON_LIST
        assert row.out_at is None or row.state is Presence.EXCUSED or row.out_at >= at(8)
        assert (row.by_id is not None) is (row.method in (Method.COORDINATOR, Method.IMPORT))
        if row.state in CAME:
            assert registration.state is RegistrationState.ATTENDING
    counts = attendance.meeting_card(session, zhou, meeting_id, now=now).counts  # type: ignore[arg-type]
    assert counts.expected == 4
    assert counts.unknown >= 0
    assert counts.late + counts.left_early <= counts.came
    for came, of in attendance.presence_of(session, batch_id).values():
        assert 0 <= came <= of <= 1
