"""What a plan says of remote study is what the class has, and stays what people made of it."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from storage.database import Database
from storage.plan import load_plan, read_plan
from storage.training.remote.tables import Measure, Platform, ProgressItem, RemotePlan
from tests.make import NOW

PLAN = """
office: {tenant: ch, name: 澄禾县, unit: CH}
units:
  county: {code: CH, name: 澄禾县}
programmes:
  - code: QY26
    title: 全员岗位远程培训
    mode: remote
    enrolment: automatic
    hours: 50
    start: 2026-10-19
    end: 2026-12-18
    remote:
      platform: {name: 云川教师研修网, url: "https://study.yunchuan.example"}
      targets: {participation_rate: 1.00, pass_rate: 0.98}
      makeup: {start: 2027-01-04, end: 2027-01-15}
      items:
        - {kind: watch_minutes, title: 观看课程, measure: minutes, required: 900, weight: 0.4}
        - {kind: homework, title: 作业, measure: times, required: 2, weight: 0.6, due: 2026-12-04}
"""


def load(session: Session, text: str = PLAN) -> Any:
    return load_plan(session, read_plan(text, "plan.yaml"), now=NOW)


def items(session: Session) -> list[tuple[str, float, float]]:
    rows = session.exec(select(ProgressItem).order_by(col(ProgressItem.position))).all()
    return [(row.title, row.required, row.weight) for row in rows]


async def test_a_plan_says_how_it_is_studied_remotely(database: Database) -> None:
    def work(session: Session) -> None:
        report = load(session)
        assert (report.new["remote plan"], report.new["item"], report.new["platform"]) == (1, 2, 1)
        row = session.exec(select(RemotePlan)).one()
        platform = session.exec(select(Platform)).one()
        assert (row.platform_id, platform.name) == (platform.id, "云川教师研修网")
        assert (row.participation_target, row.pass_target, row.slack) == (1.0, 0.98, 15)
        assert row.makeup_until is not None
        homework = session.exec(select(ProgressItem).where(ProgressItem.kind == "homework")).one()
        assert homework.measure is Measure.TIMES
        assert homework.due_at is not None

    await database.write(work)


async def test_the_same_plan_changes_nothing_and_what_is_added_by_hand_stays(
    database: Database,
) -> None:
    def work(session: Session) -> None:
        load(session)
        assert load(session, PLAN + "# the same\n").changed_nothing
        first = session.exec(select(ProgressItem).where(ProgressItem.position == 1)).one()
        session.add(
            ProgressItem(
                batch_id=first.batch_id,
                position=3,
                kind="exam",
                title="测试",
                measure=Measure.POINTS,
                required=60,
            )
        )
        report = load(session, PLAN.replace("required: 2,", "required: 3,"))
        assert (dict(report.new), dict(report.changed)) == ({}, {"item": 1})
        assert items(session) == [("观看课程", 900, 0.4), ("作业", 3, 0.6), ("测试", 60, 1.0)]

    await database.write(work)
