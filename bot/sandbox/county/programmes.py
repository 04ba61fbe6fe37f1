"""The county's training: all programmes of the sample, and six short courses of these weeks."""

from bot.sandbox.county.person import SCHOOLS
from bot.sandbox.county.rolls import QY26_HOURS, QY26_STARTED, Rolls, rolls_of_all
from bot.sandbox.county.writing import Block, Flow, Folded

ALL_STAGES = ["kindergarten", "primary", "junior", "senior", "vocational"]
CENTRE = "县教师发展中心"
CONTACT = "县教师发展中心培训部 顾岩"


def _roll(state: str, at: str, numbers: list[str], **more: object) -> Block:
    return Block(state=state, at=at, **more, teachers=Folded(numbers))


def programmes() -> list[Block]:
    """Return the programmes as they stand in the plan."""
    rolls = rolls_of_all()
    return [*_county_types(rolls), *_higher_levels(rolls), *_history(rolls), *_courses(rolls)]


def _meeting(title: str, day: str, begins: str, ends: str, place: str = "") -> Flow:
    return Flow(title=title, start=f"{day}T{begins}", end=f"{day}T{ends}", place=place)


def _item(kind: str, title: str, measure: str, required: int, weight: float) -> Flow:
    return Flow(kind=kind, title=title, measure=measure, required=required, weight=weight)


def _county_types(rolls: Rolls) -> list[Block]:
    """The eleven county types of training, and the remote training of all staff."""
    hosts = {
        "CH-S05": "2026-10-21",
        "CH-S08": "2026-11-18",
        "CH-S09": "2027-03-24",
        "CH-S12": "2027-04-21",
    }
    named = {school.code: school.name for school in SCHOOLS}
    return [
        Block(
            code="CH26-01",
            title="学校教育干部培训（校长、中层）",
            category="management",
            mode="face_to_face",
            enrolment="nomination",
            owner="CH-DC",
            hours=24,
            audience=Flow(post=["principal", "vice_principal", "middle_leader"]),
            seats=80,
            reg_close="2026-10-16T18:00",
            start="2026-10-26",
            end="2026-10-28",
            place=f"{CENTRE}报告厅",
            contact=CONTACT,
            registrations=[
                _roll(
                    "completed", "2026-10-14T10:00", rolls.completed["CH26-01"], source="nominated"
                )
            ],
        ),
        Block(
            code="CH26-02",
            title="中小学班主任培训",
            category="homeroom",
            mode="blended",
            enrolment="nomination",
            approval="county",
            owner="CH-DC",
            hours=30,
            audience=Flow(duty="homeroom"),
            seats=120,
            start="2026-11-02",
            end="2026-12-18",
            place=f"{CENTRE}二楼",
            contact=CONTACT,
            sessions=[
                _meeting("开班与班级文化建设", "2026-11-02", "09:00", "16:30"),
                _meeting("家校沟通案例工作坊", "2026-11-27", "14:00", "17:00"),
                _meeting("结业展示", "2026-12-18", "09:00", "16:30"),
            ],
            registrations=[
                _roll(
                    "attending", "2026-10-23T10:00", rolls.attending["CH26-02"], source="nominated"
                ),
                _roll("school_approved", "2026-11-18T15:20", ["CH030007"], source="nominated"),
            ],
        ),
        Block(
            code="CH26-03",
            title="语文、数学学科骨干教师培训",
            category="subject_backbone",
            mode="blended",
            enrolment="nomination",
            owner="CH-DC",
            hours=60,
            audience=Flow(subject=["语文", "数学"], tier=["backbone", "rising_star"]),
            seats=60,
            start="2026-10-19",
            end="2027-05-28",
            about="专家引领、实践研修、课题主线、考核评价四个模块。",
            sessions=[
                _meeting("专家引领（一）", "2026-10-24", "09:00", "16:30", f"{CENTRE}三楼"),
                _meeting("实践研修：同课异构", "2026-12-12", "09:00", "16:30", "澄禾县实验小学"),
                _meeting("考核评价", "2027-05-28", "09:00", "16:30", f"{CENTRE}三楼"),
            ],
            registrations=[
                _roll(
                    "attending", "2026-10-12T10:00", rolls.attending["CH26-03"], source="nominated"
                )
            ],
        ),
        Block(
            code="CH26-04",
            title="远程培训管理员培训（含微课制作）",
            category="remote_admin",
            mode="face_to_face",
            enrolment="automatic",
            owner="CH-DC",
            hours=16,
            audience=Flow(role="school_coordinator"),
            start="2026-09-17",
            end="2026-09-18",
            about="成果：微课一节。",
            registrations=[
                _roll(
                    "completed", "2026-09-10T10:00", rolls.completed["CH26-04"], source="automatic"
                )
            ],
        ),
        Block(
            code="CH26-05",
            title="2026年新教师岗前培训",
            category="pre_service",
            mode="blended",
            enrolment="automatic",
            owner="CH-DC",
            hours=60,
            audience=Flow(hire_year=2026),
            start="2026-08-24",
            end="2026-09-30",
            certificate="持证上岗",
            registrations=[
                _roll(
                    "completed", "2026-08-20T10:00", rolls.completed["CH26-05"], source="automatic"
                )
            ],
        ),
        Block(
            code="CH26-06",
            title="2025级新教师结业培训",
            category="new_teacher_completion",
            mode="blended",
            enrolment="automatic",
            owner="CH-DC",
            hours=60,
            audience=Flow(hire_year=2025),
            start="2027-04-12",
            end="2027-06-18",
            about="集中研修、返岗实践、观摩、考核与教坛新秀评选。",
            sessions=[
                _meeting("集中研修", "2027-04-12", "09:00", "16:30", f"{CENTRE}报告厅"),
                _meeting("结业考核", "2027-06-18", "09:00", "16:30", f"{CENTRE}报告厅"),
            ],
        ),
        Block(
            code="CH26-07",
            title="幼儿园教师培训（3—6岁指南）",
            category="kindergarten",
            mode="blended",
            enrolment="automatic",
            owner="CH-DC",
            hours=40,
            audience=Flow(stage="kindergarten"),
            start="2026-10-12",
            end="2026-12-04",
            place="澄禾县幼儿园",
            sessions=[
                _meeting("健康领域", "2026-10-17", "09:00", "16:30"),
                _meeting("语言领域", "2026-10-31", "09:00", "16:30"),
                _meeting("社会领域", "2026-11-14", "09:00", "16:30"),
                _meeting("科学领域", "2026-11-28", "09:00", "16:30"),
                _meeting("艺术领域与结业", "2026-12-04", "14:00", "17:00"),
            ],
        ),
        Block(
            code="CH26-08",
            title="幼儿教师资格考前培训",
            category="kg_cert_prep",
            mode="remote",
            enrolment="open",
            owner="CH-DC",
            hours=30,
            audience=Flow(stage="kindergarten", cert="none"),
            seats=40,
            reg_open="2026-12-07",
            reg_close="2026-12-25",
            start="2027-01-04",
            end="2027-02-28",
            contact=CONTACT,
            about="考试日期以省公告为准。",
        ),
        Block(
            code="CH26-09",
            title="送教下乡",
            category="outreach",
            mode="outreach",
            enrolment="invitation",
            owner="CH-RO",
            hours=8,
            audience=Flow(unit=list(hosts)),
            start="2026-10-21",
            end="2027-04-21",
            sessions=[
                _meeting(f"送教{named[code]}", day, "09:00", "16:30", named[code])
                for code, day in hosts.items()
            ],
        ),
        Block(
            code="CH26-10",
            title="校本培训（三个一）",
            level="school",
            category="school_based",
            mode="face_to_face",
            enrolment="automatic",
            owner="CH-DC",
            hours=24,
            audience=Flow(stage=ALL_STAGES),
            start="2026-09-18",
            end="2027-06-25",
            place="本校",
            sessions=[
                _meeting("定一个专题：中期研讨", "2026-12-02", "15:40", "17:10"),
                _meeting("研一套理论：期末交流", "2027-01-15", "15:40", "17:10"),
                _meeting("育一批新人：学年总结", "2027-06-25", "15:40", "17:10"),
            ],
        ),
        Block(
            code="CH26-11",
            title="师德师风专题及其它培训",
            category="ethics",
            mode="face_to_face",
            enrolment="automatic",
            owner="CH-DC",
            hours=8,
            audience=Flow(stage=ALL_STAGES),
            start="2027-03-08",
            end="2027-03-26",
            place="本校",
            sessions=[
                _meeting("师德专题报告", "2027-03-10", "14:00", "17:30"),
                _meeting("身边的好老师", "2027-03-24", "14:00", "17:30"),
            ],
        ),
        Block(
            code="QY26",
            title="2026年中小学、幼儿园教师全员岗位远程培训",
            category="post_skill",
            mode="remote",
            enrolment="automatic",
            owner="CH-DC",
            hours=QY26_HOURS,
            audience=Flow(stage=ALL_STAGES),
            roster_date="2026-10-09",
            start="2026-10-19",
            end="2026-12-18",
            contact="各校培训管理员",
            about="观看课程不少于900分钟，作业2次，研讨发帖4次，参加校内研讨1次。",
            remote=Block(
                platform=Flow(
                    name="云川教师研修网",
                    url="https://study.yunchuan.example",
                    guide="用工号登录，初始密码由学校培训管理员发放。",
                ),
                targets=Flow({"participation_rate": "1.00", "pass_rate": "0.98"}),
                makeup=Flow(start="2027-01-04", end="2027-01-15"),
                items=[
                    _item("watch_minutes", "观看课程", "minutes", 900, 0.4),
                    _item("homework", "作业", "times", 2, 0.3),
                    _item("forum", "研讨发帖", "times", 4, 0.15),
                    _item("seminar", "校内研讨", "times", 1, 0.15),
                ],
            ),
            registrations=[
                _roll(
                    "attending",
                    QY26_STARTED,
                    numbers,
                    source="automatic",
                    hours=percent * QY26_HOURS / 100,
                )
                for percent, numbers in rolls.remote.items()
            ],
        ),
    ]


def _higher_levels(rolls: Rolls) -> list[Block]:
    nomination = {"enrolment": "nomination", "approval": "county"}
    return [
        Block(
            code="GP26-01",
            title="国培·乡村骨干教师（语文）短期集中",
            level="national",
            category="subject_backbone",
            mode="face_to_face",
            **nomination,
            owner="YC",
            hours=80,
            audience=Flow(area_type=["town", "rural", "urban"]),
            seats=6,
            quotas=Flow(**{"CH-S04": 1, "CH-S05": 1, "CH-S08": 1, "CH-S09": 2, "CH-S02": 1}),
            nominate_close="2026-09-25T17:00",
            roster_date="2026-09-30",
            start="2026-10-19",
            end="2026-10-30",
            registrations=[
                _roll(
                    "completed", "2026-09-24T10:00", rolls.completed["GP26-01"], source="nominated"
                ),
                _roll(
                    "declined",
                    "2026-09-23T10:00",
                    ["CH090004"],
                    source="nominated",
                    reason="本学期承担毕业班教学",
                ),
            ],
        ),
        Block(
            code="GP26-02",
            title="国培·网络研修",
            level="national",
            category="post_skill",
            mode="remote",
            **nomination,
            owner="YC",
            hours=80,
            seats=90,
            nominate_close="2026-10-14T17:00",
            start="2026-10-26",
            end="2026-12-25",
            registrations=[
                _roll(
                    "attending", "2026-10-13T10:00", rolls.attending["GP26-02"], source="nominated"
                )
            ],
        ),
        Block(
            code="SP26-01",
            title="省级骨干教师培训",
            level="provincial",
            category="subject_backbone",
            mode="blended",
            **nomination,
            owner="YC",
            hours=60,
            audience=Flow(tier=["backbone", "named_leader"]),
            seats=8,
            nominate_close="2027-01-08",
            start="2027-03-15",
            end="2027-05-28",
        ),
        Block(
            code="SP26-02",
            title="中小学校长培训",
            level="provincial",
            category="management",
            mode="blended",
            **nomination,
            owner="YC",
            hours=60,
            audience=Flow(post="principal"),
            seats=3,
            nominate_close="2027-01-08",
            start="2027-04-12",
            end="2027-06-11",
        ),
        Block(
            code="CT26-01",
            title="心理健康辅导员资格培训",
            level="city",
            category="counsellor",
            mode="face_to_face",
            **nomination,
            owner="AL",
            hours=40,
            seats=12,
            nominate_close="2026-12-04T17:00",
            start="2026-12-14",
            end="2026-12-18",
            certificate="qualification",
        ),
        Block(
            code="CT26-02",
            title="培训管理者研修",
            level="city",
            category="remote_admin",
            mode="blended",
            **nomination,
            owner="AL",
            hours=24,
            audience=Flow(role=["school_coordinator", "county_coordinator"]),
            seats=2,
            nominate_close="2027-02-26",
            start="2027-03-15",
            end="2027-04-16",
        ),
    ]


def _history(rolls: Rolls) -> list[Block]:
    """What this autumn brought before the office came to the product."""

    def past(code: str, title: str, day: str, hours: int, **more: object) -> Block:
        return Block(
            code=code,
            title=title,
            **more,
            enrolment="automatic",
            owner="CH-DC",
            hours=hours,
            audience=Flow(stage=ALL_STAGES),
            start=f"{day}T08:30",
            end=f"{day}T17:00",
            state="finished",
            registrations=[
                _roll("completed", f"{day}T08:30", rolls.completed[code], source="automatic")
            ],
        )

    return [
        past(
            "HX26-01",
            "秋季开学校本研修",
            "2026-09-04",
            8,
            level="school",
            category="school_based",
            mode="face_to_face",
        ),
        past("HX26-02", "师德师风开学第一课", "2026-09-11", 4, category="ethics", mode="live"),
        past(
            "HX26-03",
            "新课标学科教研集中培训",
            "2026-09-19",
            12,
            category="new_curriculum",
            mode="face_to_face",
        ),
        past("HX26-04", "数字素养与课堂应用", "2026-10-10", 10, category="digital", mode="blended"),
    ]


def _courses(rolls: Rolls) -> list[Block]:
    """Six short courses around the day on which the demo begins."""

    def course(code: str, title: str, category: str, hours: int, **more: object) -> Block:
        return Block(
            code=code,
            title=title,
            category=category,
            **({"mode": "face_to_face"} | more),
            enrolment="open",
            owner="CH-DC",
            hours=hours,
            contact=CONTACT,
        )

    def seated(code: str, at: str) -> Block:
        return _roll("approved", at, rolls.registered[code])

    both, primary = Flow(stage=["primary", "junior"]), Flow(stage="primary")
    return [
        course(
            "KC26-01",
            "小学语文作业设计工作坊",
            "post_skill",
            8,
            audience=Flow(stage="primary", subject="语文"),
            seats=12,
            waiting_limit=10,
            reg_open="2026-11-09T12:30",
            reg_close="2026-12-02T17:00",
            start="2026-12-08T09:00",
            end="2026-12-08T16:30",
            place=f"{CENTRE}三楼研讨室",
            bring="一份本学期布置过的单元作业",
            about="小班工作坊：把一份真实的单元作业改到学生愿意做、老师批得完。带走一套可直接用的作业单。",
            sessions=[
                _meeting("诊断：这份作业在练什么", "2026-12-08", "09:00", "11:30"),
                _meeting("重做：分层、限量、可反馈", "2026-12-08", "14:00", "16:30"),
            ],
            registrations=[seated("KC26-01", "2026-11-09T12:31")],
        ),
        course(
            "KC26-02",
            "人工智能助教入门：备课与学情分析",
            "digital",
            12,
            mode="blended",
            audience=both,
            seats=60,
            quotas=Flow(
                **{
                    "CH-S03": 10,
                    "CH-S04": 8,
                    "CH-S05": 6,
                    "CH-S06": 12,
                    "CH-S07": 8,
                    "CH-S08": 5,
                    "CH-S09": 4,
                }
            ),
            release="2026-11-24T12:00",
            reg_open="2026-11-12T12:30",
            reg_close="2026-11-27T17:00",
            start="2026-12-05T09:00",
            end="2026-12-12T11:30",
            place="澄禾县职业教育中心机房",
            bring="自己的笔记本电脑（没有也可以用机房电脑）",
            about="不讲概念，只做三件事：写一份教案、出一组分层练习、读懂一次测验的数据。各校名额未用完的，到时回到全县。",
            sessions=[
                _meeting("面授：上机做一遍", "2026-12-05", "09:00", "16:30"),
                _meeting("线上答疑与作品交流", "2026-12-12", "09:00", "11:30", "线上"),
            ],
            registrations=[seated("KC26-02", "2026-11-12T12:31")],
        ),
        course(
            "KC26-03",
            "心理健康与班级管理：听懂学生的情绪",
            "homeroom",
            8,
            audience=Flow(stage=["primary", "junior", "senior"]),
            seats=30,
            waiting_limit=20,
            reg_open="2026-11-05T12:30",
            reg_close="2026-11-30T17:00",
            start="2026-12-09T09:00",
            end="2026-12-09T16:30",
            place=f"{CENTRE}一楼团体辅导室",
            bring="一个匿名的班级案例",
            about="案例演练为主：情绪激动的学生、沉默的学生、焦虑的家长，各怎么说第一句话。",
            sessions=[
                _meeting("倾听与回应", "2026-12-09", "09:00", "11:30"),
                _meeting("班级冲突的处理", "2026-12-09", "14:00", "16:30"),
            ],
            registrations=[
                seated("KC26-03", "2026-11-05T12:31"),
                _roll("waitlisted", "2026-11-10T09:00", rolls.waiting["KC26-03"]),
            ],
        ),
        course(
            "KC26-04",
            "跨学科主题学习设计",
            "new_curriculum",
            12,
            audience=both,
            seats=50,
            reg_open="2026-11-25T12:30",
            reg_close="2026-12-09T17:00",
            start="2026-12-15T09:00",
            end="2026-12-16T16:30",
            place="澄禾县实验小学录播教室",
            bring="所教年级的教材",
            about="以“家乡的河”为例，走完一次跨学科主题学习：问题、任务、证据、评价。两天做出自己的一份方案。",
            sessions=[
                _meeting("从一个真问题开始", "2026-12-15", "09:00", "16:30"),
                _meeting("方案打磨与展示", "2026-12-16", "09:00", "16:30"),
            ],
        ),
        course(
            "KC26-05",
            "书法与板书：一堂课的最后一笔",
            "post_skill",
            4,
            audience=primary,
            seats=40,
            reg_open="2026-11-06T12:30",
            reg_close="2026-11-25T17:00",
            start="2026-12-03T14:00",
            end="2026-12-03T17:00",
            place="城东小学书法教室",
            bring="常用的粉笔或毛笔",
            about="粉笔字、硬笔字与板书布局，现场写、现场改。",
            sessions=[_meeting("粉笔字与板书布局", "2026-12-03", "14:00", "17:00")],
            registrations=[seated("KC26-05", "2026-11-06T12:31")],
        ),
        course(
            "KC26-06",
            "科学实验教学：二十个随手可做的实验",
            "post_skill",
            4,
            audience=both,
            seats=30,
            reg_open="2026-11-10T12:30",
            reg_close="2026-11-26T17:00",
            start="2026-12-03T14:30",
            end="2026-12-03T17:30",
            place="城关初级中学实验楼",
            bring="一支铅笔，其余材料现场提供",
            about="用身边的材料做出看得见的科学，也适合语文、班队课上用。",
            sessions=[_meeting("动手做与安全要点", "2026-12-03", "14:30", "17:30")],
            registrations=[seated("KC26-06", "2026-11-10T12:31")],
        ),
    ]
