"""The decision log: sealed behind the sweep, exported, and any altered line is found."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage.audit import AuditLog
from storage.database import Database
from storage.people import roles
from storage.people.tables import Role
from storage.refusals import NotAllowed
from storage.training import (
    allotting,
    decisions,
    enrolment,
    nominating,
    registration,
    sealing,
    substituting,
)
from storage.training.sealing import NotALog
from storage.training.tables import Decision, Registration, Seal
from tests import make
from tests.make import NOW
from tests.training import seating
from tests.training.seating import County, county


async def history(database: Database) -> County:
    """A class with some decisions, one with a reason in words."""
    made = await database.write(county)
    lines = {made.schools[0]: 2, made.schools[1]: 1}
    await database.write(allotting.allot, made.county_id, made.batch_id, lines, now=NOW)
    luo, (one, two, *_) = made.coordinators[0], made.people[0]
    await database.write(nominating.nominate, luo, made.batch_id, [one], now=NOW)
    await database.write(enrolment.accept_nomination, one, made.batch_id, now=NOW)
    await database.write(
        nominating.nominate, made.coordinators[1], made.batch_id, [made.people[1][0]], now=NOW
    )
    await database.write(substituting.substitute, luo, made.batch_id, one, two, "家中有事", now=NOW)

    def reason(session: Session) -> None:
        row = session.exec(select(Registration.id).where(Registration.teacher_id == two)).one()
        decisions.decide(session, row, "queued", {"ahead": 1, "why": "因家事请假"}, now=NOW)

    await database.write(reason)
    return made


def rows(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().splitlines()]


def packed(lines: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines).encode()


async def test_the_sweep_seals_each_decision_once_and_then_costs_nothing(
    database: Database,
) -> None:
    made = await history(database)
    assert await database.write(sealing.seal, limit=4) == 4
    assert await database.write(sealing.seal, limit=4) == 2
    statements: list[str] = []

    def idle(session: Session) -> int:
        @sa.event.listens_for(session.connection(), "before_cursor_execute")
        def hear(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            statements.append(statement)

        sealed = sealing.seal(session)
        sa.event.remove(session.connection(), "before_cursor_execute", hear)
        return sealed

    assert await database.write(idle) == 0
    assert len(statements) == 2
    numbers = await database.read(
        lambda s: list(s.exec(select(Seal.number).order_by(col(Seal.number))).all())
    )
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert await database.read(sealing.verify, made.batch_id) is None


async def test_what_was_committed_late_is_sealed_when_the_class_is_exported(
    database: Database,
) -> None:
    made = await history(database)
    await database.write(sealing.seal)

    def late(session: Session) -> None:
        """A decision with a smaller number than the last sealed one."""
        last = session.exec(select(Seal).order_by(col(Seal.number).desc())).first()
        assert last is not None
        session.delete(last)
        session.flush()
        newest = session.exec(select(Decision).order_by(col(Decision.id).desc())).first()
        assert newest is not None
        session.add(
            Seal(
                decision_id=newest.id,
                batch_id=made.batch_id,
                number=last.number,
                line=last.line,
                digest=last.digest,
            )
        )
        first = session.exec(select(Registration.id)).first()
        assert first is not None
        session.add(Decision(id=0, registration_id=first, at=NOW, rule="withdrawn"))

    await database.write(late)
    assert await database.write(sealing.seal) == 0
    exported = await database.write(sealing.export, made.county_id, made.batch_id, now=NOW)
    assert exported.lines == 7


async def test_a_school_reads_all_lines_and_its_own_names(database: Database) -> None:
    made = await history(database)
    luo = made.coordinators[0]
    exported = await database.write(sealing.export, luo, made.batch_id, now=NOW)
    head, *lines, own = rows(exported.content)
    assert (head["lines"], exported.lines, len(lines)) == (6, 6, 6)
    assert set(own["own"].values()) == {"教师00", "教师01"}
    who = {json.loads(line["line"])["who"] for line in lines}
    assert set(own["own"]) < who
    text = exported.content.decode()
    assert "教师10" not in text
    assert "家事" not in text
    assert "家中有事" not in text
    other = await database.write(sealing.export, made.coordinators[1], made.batch_id, now=NOW)
    assert set(rows(other.content)[-1]["own"].values()) == {"教师10"}
    whole = await database.write(sealing.export, made.county_id, made.batch_id, now=NOW)
    assert whole.names == 3
    log = await database.read(
        lambda s: list(s.exec(select(AuditLog).where(AuditLog.action == "export_decisions")))
    )
    assert [x.actor_id for x in log] == [luo, made.coordinators[1], made.county_id]


@pytest.mark.parametrize("reason", ["pregnant", "T000123", "2026-11-20", "approved"])
async def test_a_reason_of_one_plain_word_is_not_read_by_another_school(
    database: Database, reason: str
) -> None:
    made = await history(database)

    def send_back(session: Session) -> None:
        row = session.exec(
            select(Registration.id).where(Registration.teacher_id == made.people[0][1])
        ).one()
        facts = {"by_school": True, "reason": reason, "state": "returned", "what": [reason]}
        decisions.decide(session, row, "returned", facts, now=NOW, actor_id=made.coordinators[0])

    await database.write(send_back)
    exported = await database.write(
        sealing.export, made.coordinators[1], made.batch_id, now=NOW + timedelta(minutes=5)
    )
    last = json.loads(rows(exported.content)[-2]["line"])
    assert last["facts"]["state"] == "returned"
    assert last["facts"]["by_school"] is True
    assert last["facts"]["reason"].startswith("#")
    assert last["facts"]["what"][0].startswith("#")
    assert await database.read(sealing.verify, made.batch_id) is None


async def test_a_person_is_somebody_else_in_another_class(database: Database) -> None:
    assert sealing.pseudonym("salt", 1, 7) != sealing.pseudonym("salt", 2, 7)
    assert sealing.pseudonym("salt", 1, 7) != sealing.pseudonym("other", 1, 7)


async def test_who_has_no_part_in_it_reads_nothing(database: Database) -> None:
    made = await history(database)

    def stranger(session: Session) -> int:
        someone = make.teacher(session, "外校管", at="北山小学")
        roles.appoint(
            session,
            someone,
            Role.SCHOOL_COORDINATOR,
            make.school(session, "北山小学"),
            today=seating.TODAY,
            now=NOW,
        )
        return someone

    outsider = await database.write(stranger)
    exported = await database.write(sealing.export, made.county_id, made.batch_id, now=NOW)
    for someone in (outsider, made.people[0][0]):
        with pytest.raises(NotAllowed):
            await database.write(sealing.export, someone, made.batch_id, now=NOW)
        with pytest.raises(NotAllowed):
            await database.read(sealing.check_file, someone, exported.content, now=NOW)


async def test_an_exported_log_is_found_to_be_the_same_here(database: Database) -> None:
    made = await history(database)
    luo = made.coordinators[0]
    exported = await database.write(sealing.export, luo, made.batch_id, now=NOW)
    checked = await database.read(sealing.check_file, luo, exported.content, now=NOW)
    assert checked.is_sound
    assert (checked.lines, checked.newer) == (6, 0)
    await database.write(
        nominating.take_back,
        made.coordinators[1],
        made.batch_id,
        made.people[1][0],
        now=NOW + timedelta(hours=1),
    )
    await database.write(sealing.seal)
    checked = await database.read(sealing.check_file, luo, exported.content, now=NOW)
    assert (checked.is_sound, checked.newer) == (True, 1)


async def test_anybody_can_check_it_without_anything_of_ours(
    sqlite: Database, tmp_path: Path
) -> None:
    made = await history(sqlite)
    exported = await sqlite.write(sealing.export, made.county_id, made.batch_id, now=NOW)
    path = tmp_path / "《国培》 decision log.jsonl"

    def check(content: bytes) -> str:
        path.write_bytes(content)
        command = rows(content)[0]["check"].replace("FILE", str(path))
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, check=False, timeout=20
        )
        assert not done.stderr, done.stderr
        return done.stdout.strip()

    assert check(exported.content) == "unbroken"
    lines = rows(exported.content)
    lines[3]["line"] = lines[3]["line"].replace("nomin", "nomln")
    assert check(packed(lines)) == "broken from line 3"


async def test_a_log_that_was_altered_and_chained_anew_differs_from_here(
    database: Database,
) -> None:
    made = await history(database)
    exported = await database.write(sealing.export, made.county_id, made.batch_id, now=NOW)
    lines = rows(exported.content)
    lines[2]["line"] = lines[2]["line"].replace('"by":"self"', '"by":"office"')
    digest = lines[0]["genesis"]
    for line in lines[1:-1]:
        digest = line["digest"] = sealing.chained(digest, line["line"])
    checked = await database.read(sealing.check_file, made.county_id, packed(lines), now=NOW)
    assert (checked.broken_at, checked.differs_at) == (None, 2)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_altered_line_is_found(
    data: st.DataObject, sealed: tuple[Database, int, bytes]
) -> None:
    database, county_id, content = sealed
    lines = rows(content)
    number = data.draw(st.integers(1, len(lines) - 2))
    how = data.draw(st.sampled_from(["letter", "digest", "drop", "swap", "double", "number"]))
    line = dict(lines[number])
    match how:
        case "letter":
            at = data.draw(st.integers(0, len(line["line"]) - 1))
            letter = data.draw(st.characters(codec="utf-8").filter(lambda x: x != "\n"))
            altered = line["line"][:at] + letter + line["line"][at + 1 :]
            if altered == line["line"]:
                return
            lines[number] = line | {"line": altered}
        case "digest":
            lines[number] = line | {"digest": line["digest"][::-1]}
        case "drop":
            del lines[number]
        case "swap":
            if number == len(lines) - 2:
                return
            lines[number], lines[number + 1] = lines[number + 1], lines[number]
        case "double":
            lines.insert(number, line)
        case "number":
            lines[number] = line | {"n": number + 1}
    checked = database.write_now(sealing.check_file, county_id, packed(lines), now=NOW)
    assert not checked.is_sound
    found = [x for x in (checked.broken_at, checked.differs_at) if x is not None]
    # A doubled line is the first wrong one where the copy stands.
    assert min(found) == number + (how == "double")


@pytest.fixture
async def sealed(sqlite: Database) -> tuple[Database, int, bytes]:
    made = await history(sqlite)
    exported = await sqlite.write(sealing.export, made.county_id, made.batch_id, now=NOW)
    return sqlite, made.county_id, exported.content


@pytest.mark.parametrize("what", ["rule", "facts", "at", "actor_id", "line", "digest", "words"])
async def test_altering_the_offices_own_records_shows(database: Database, what: str) -> None:
    made = await history(database)
    await database.write(sealing.seal)

    def alter(session: Session) -> int:
        seal = session.exec(select(Seal).where(Seal.number == 3)).one()
        decision = session.exec(select(Decision).where(Decision.id == seal.decision_id)).one()
        match what:
            case "rule":
                decision.rule = "withdrawn"
            case "facts":
                decision.facts = {**decision.facts, "seat": "elsewhere"}
            case "at":
                decision.at += timedelta(microseconds=1)
            case "actor_id":
                decision.actor_id = None
            case "words":
                seal = session.exec(select(Seal).where(Seal.number == 6)).one()
                last = session.exec(select(Decision).where(Decision.id == seal.decision_id)).one()
                last.facts = {**last.facts, "why": "因公请假"}
            case "line":
                seal.line = seal.line.replace("nominated", "nominateb")
            case "digest":
                seal.digest = seal.digest[::-1]
        return seal.number

    number = await database.write(alter)
    assert await database.read(sealing.verify, made.batch_id) == number


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"qinglan": "decision log", "edition": 2}',
        b'{"qinglan": "decision log", "edition": 1, "batch": "x"}',
        b'{"qinglan": "decision log", "edition": 1, "batch": 1}\n{"n": 1}',
        b'{"qinglan": "decision log", "edition": 1, "batch": %d}' % 10**30,
        b'{"qinglan": "decision log", "edition": 1, "batch": true}',
    ],
)
async def test_another_file_is_no_log(sqlite: Database, content: bytes) -> None:
    made = await sqlite.write(county)
    with pytest.raises(NotALog):
        await sqlite.read(sealing.check_file, made.county_id, content, now=NOW)


async def test_a_line_with_half_a_character_makes_it_no_log(sqlite: Database) -> None:
    made = await history(sqlite)
    exported = await sqlite.write(sealing.export, made.county_id, made.batch_id, now=NOW)
    lines = exported.content.splitlines(keepends=True)
    lines[1] = b'{"n": 1, "line": "\\ud800", "digest": "x"}\n'
    with pytest.raises(NotALog):
        await sqlite.read(sealing.check_file, made.county_id, b"".join(lines), now=NOW)


async def test_registering_writes_no_seal(sqlite: Database) -> None:
    batch_id = await sqlite.write(make.batch)
    someone = await sqlite.write(make.teacher)
    await sqlite.write(registration.register, someone, batch_id, now=NOW)
    assert await sqlite.read(lambda s: s.exec(select(Seal)).all()) == []
