"""Five platforms that do not exist, and how each exports what its people have studied.

Every export is made by code from the same kind of rows: the shapes and encodings are those of
real platforms, the platforms and people are invented.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import xlsxwriter

from tests import old_workbook


@dataclass(frozen=True)
class Studied:
    """What a platform knows of somebody."""

    staff_no: str
    name: str
    school: str
    phone: str = ""
    minutes: float = 0
    homework: int = 0
    posts: int = 0
    seminar: bool = False
    score: float | None = None
    last: date | None = None


def orchid(people: Sequence[Studied], *, until: str = "2026-11-19 18:00") -> bytes:
    """兰台研修网: a workbook with a merged title and two sheets, one of study and one of work."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        first = book.add_worksheet("学习情况")
        first.merge_range(0, 0, 0, 5, f"全员岗位远程培训学习情况统计表（数据截至{until}）")
        first.write_row(
            1, 0, ["序号", "工号", "姓名", "所在单位", "学习时长(分钟)", "最近学习时间"]
        )
        for n, one in enumerate(people):
            last = one.last.isoformat() if one.last else "--"
            row = [n + 1, one.staff_no, one.name, one.school, one.minutes, f"{last} 20:15"]
            first.write_row(n + 2, 0, row if one.last else [*row[:5], "--"])
        first.write_row(len(people) + 2, 1, ["", "合计", "", sum(one.minutes for one in people)])
        second = book.add_worksheet("作业与研讨")
        second.merge_range(0, 0, 0, 5, "全员岗位远程培训作业与研讨")
        second.write_row(1, 0, ["序号", "工号", "姓名", "提交作业", "研讨发帖", "校本研修"])
        for n, one in enumerate(people):
            seminar = "已参加" if one.seminar else "未参加"
            row = [n + 1, one.staff_no, one.name, f"{one.homework}/2", f"{one.posts}帖", seminar]
            second.write_row(n + 2, 0, row)
        book.add_worksheet("填报说明").write(0, 0, "本表由系统自动生成")
    return made.getvalue()


def bamboo(people: Sequence[Studied], *, required: float = 900) -> bytes:
    """竹简学堂: comma-separated in GB18030, no staff numbers, phone tails, and percentages."""
    made = io.StringIO()
    rows = csv.writer(made)
    rows.writerow(
        ["学员姓名", "学校", "手机尾号", "课程观看进度", "作业", "论坛发帖数", "校本研修", "总成绩"]
    )
    for one in people:
        share = f"{min(100.0, one.minutes / required * 100):.1f}%"
        seminar = "是" if one.seminar else "否"
        score = "" if one.score is None else f"{one.score:g}"
        tail = one.phone[-4:]
        rows.writerow([one.name, one.school, tail, share, one.homework, one.posts, seminar, score])
    return made.getvalue().encode("gb18030")


def tidal(people: Sequence[Studied]) -> bytes:
    """潮声在线: one sheet with a heading of two storeys, and durations in words."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet("导出")
        for c, heading in enumerate(("教师编号", "真实姓名", "单位名称")):
            sheet.merge_range(0, c, 1, c, heading)
        sheet.merge_range(0, 3, 0, 4, "自主学习")
        sheet.write_row(1, 3, ["累计时长", "最近登录"])
        sheet.merge_range(0, 5, 0, 7, "互动研修")
        sheet.write_row(1, 5, ["作业提交", "发帖", "线下研讨"])
        for n, one in enumerate(people):
            hours, minutes = divmod(int(one.minutes), 60)
            row = [
                one.staff_no,
                one.name,
                one.school,
                f"{hours}小时{minutes}分",
                one.last.strftime("%Y/%m/%d") if one.last else "-",
                f"{one.homework}篇",
                one.posts,
                "√" if one.seminar else "×",
            ]
            sheet.write_row(n + 2, 0, row)
    return made.getvalue()


def harbour(people: Sequence[Studied]) -> bytes:
    """Harbour Learning: English headings, a user id that is the staff number, and short words."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Sheet1")
        headings = ["User ID", "Name", "Organisation", "Watched (h)", "HW", "Posts", "Seminar"]
        sheet.write_row(0, 0, [*headings, "Last login"])
        for n, one in enumerate(people):
            person = [one.staff_no, one.name, one.school, one.minutes / 60, one.homework, one.posts]
            seminar = "Y" if one.seminar else "N"
            last = one.last.isoformat() if one.last else "-"
            sheet.write_row(n + 1, 0, [*person, seminar, last])
    return made.getvalue()


def gallery(people: Sequence[Studied]) -> bytes:
    """石渠学习网: a workbook of the old kind (.xls), figures as numbers, shares as hundredths."""
    rows: list[list[str | float]] = [
        ["全员岗位远程培训学习统计（截止2026年11月19日）"],
        ["序号", "继教号", "学员姓名", "工作单位", "学习时长(小时)", "作业完成率", "发帖", "研讨"],
    ]
    for n, one in enumerate(people):
        person: list[str | float] = [float(n + 1), one.staff_no, one.name, one.school]
        work = [one.homework / 2, float(one.posts), "是" if one.seminar else "否"]
        rows.append([*person, one.minutes / 60, *work])
    rows.append(["合计", "", "", "", sum(one.minutes for one in people) / 60])
    return old_workbook.made(rows)
