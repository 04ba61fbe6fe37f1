"""The county's classroom teaching competition: five rounds from autumn to May."""

from datetime import date

from bot.sandbox.county.writing import Block, Flow

_TRACKS = (
    ("小学语文", "primary", "语文"),
    ("小学数学", "primary", "数学"),
    ("初中英语", "junior", "英语"),
    ("初中物理", "junior", "物理"),
    ("高中数学", "senior", "数学"),
    ("学前保教", "kindergarten", "保教"),
)

_RUBRIC = (
    ("aims", "教学目标", 20, "目标明确，符合课程标准与学情"),
    ("process", "教学过程", 40, "环节清楚，学生参与充分"),
    ("effect", "教学效果", 25, "目标达成，学生有所得"),
    ("teacher", "教师素养", 15, "语言、板书与信息技术运用"),
)


_WORK = "https://jiaoyan.example.cn/kt2027/"

# Staff number, track, title, marks of three judges, comments; whoever has two rounds goes on.
_ENTRIES: tuple[tuple[str, str, str, int, tuple[tuple[int, ...], ...], tuple[str, ...]], ...] = (
    (
        "CH060003",
        "小学语文",
        "草船借箭",
        2,
        ((18, 37, 23, 14), (18, 36, 23, 14), (19, 36, 22, 14)),
        (),
    ),
    (
        "CH060013",
        "小学语文",
        "慈母情深",
        2,
        ((18, 35, 22, 13), (17, 35, 22, 13), (18, 34, 22, 13)),
        (),
    ),
    (
        "CH060012",
        "小学语文",
        "火烧云",
        1,
        ((17, 33, 20, 13), (16, 33, 21, 12), (17, 32, 20, 13)),
        (
            "朗读指导很有感染力，学生愿意开口，这是很好的起点。",
            "建议减少追问的数量，把时间留给学生自己读、自己品。",
            "板书清楚，仪态大方；小组交流前可以先给出具体任务。",
        ),
    ),
    (
        "CH060014",
        "小学语文",
        "落花生",
        1,
        ((16, 32, 20, 12), (16, 31, 20, 12), (15, 32, 20, 12)),
        ("结构完整，练习设计可再分层。",),
    ),
    (
        "CH060017",
        "小学语文",
        "桂花雨",
        1,
        ((16, 31, 20, 12), (16, 31, 19, 12), (16, 30, 20, 12)),
        ("情感线索抓得准，收尾可再从容。",),
    ),
    (
        "CH060008",
        "小学数学",
        "分数的初步认识",
        2,
        ((18, 36, 22, 13), (18, 36, 22, 13), (18, 35, 22, 13)),
        (),
    ),
    (
        "CH060030",
        "小学数学",
        "平行与垂直",
        1,
        ((17, 34, 21, 13), (17, 33, 21, 13), (17, 33, 21, 12)),
        ("操作活动组织有序，归纳可交给学生。",),
    ),
    (
        "CH030007",
        "初中英语",
        "Unit 5 What are the shirts made of?",
        2,
        ((18, 36, 23, 14), (18, 36, 22, 14), (18, 37, 22, 13)),
        (),
    ),
    (
        "CH030012",
        "初中英语",
        "Unit 3 Could you please clean your room?",
        1,
        ((17, 33, 21, 13), (17, 33, 21, 12), (16, 33, 21, 13)),
        ("情境真实，输出环节时间可再充裕。",),
    ),
    (
        "CH030011",
        "初中物理",
        "浮力的产生",
        2,
        ((19, 37, 23, 14), (18, 37, 23, 14), (19, 36, 23, 14)),
        (
            "自制教具效果直观，实验环环相扣。",
            "学生猜想与验证充分，建议复赛保留分组实验。",
            "语言精练，注意控制前半段节奏。",
        ),
    ),
    (
        "CH030038",
        "初中物理",
        "光的折射",
        1,
        ((17, 33, 21, 12), (16, 34, 21, 12), (17, 33, 20, 13)),
        ("现象引入精彩，作图环节可再放慢。",),
    ),
    (
        "CH010031",
        "高中数学",
        "函数的单调性",
        2,
        ((18, 37, 23, 14), (18, 37, 22, 14), (19, 36, 22, 14)),
        (),
    ),
    (
        "CH010009",
        "高中数学",
        "等差数列",
        1,
        ((17, 34, 21, 13), (17, 34, 20, 13), (16, 34, 21, 13)),
        ("推导清楚，变式可再精选。",),
    ),
    (
        "CH110005",
        "学前保教",
        "沉与浮（大班科学）",
        2,
        ((18, 37, 23, 14), (18, 36, 23, 14), (18, 36, 23, 13)),
        (),
    ),
    (
        "CH110002",
        "学前保教",
        "小雨沙沙（中班音乐）",
        1,
        ((17, 34, 21, 13), (17, 33, 21, 13), (17, 34, 21, 12)),
        ("游戏化程度高，可多给幼儿即兴表达的机会。",),
    ),
)


def _entries() -> list[Block]:
    """Entries of the schools whose people one can be: the first round is over, the second on."""
    found = []
    for n, (no, track, title, rounds, marks, comments) in enumerate(_ENTRIES):
        first = Flow(
            state="advanced" if rounds > 1 else "out",
            marks=[list(each) for each in marks],
            comments=list(comments) or None,
        )
        found.append(
            Block(
                teacher=no,
                track=track,
                title=title,
                on=date(2026, 9, 21 + n % 5),
                works=Flow(plan=f"{_WORK}{no.lower()}"),
                rounds=[first, *([Flow(state="ready")] if rounds > 1 else [])],
            )
        )
    return found


def competitions() -> list[Block]:
    """Return the competitions as they stand in the plan."""
    rubric = [
        Flow(key=key, title=title, most=most, hint=hint) for key, title, most, hint in _RUBRIC
    ]
    ties = ["criterion:process", "median", "lot"]
    lesson_plan = Flow(key="plan", title="教学设计", kinds=["docx", "pdf", "link"], most_mb=20)
    slides = Flow(key="slides", title="课件", kinds=["pptx", "pdf"], most_mb=20)
    video = Flow(key="video", title="课堂实录", kinds=["link", "mp4"], most_mb=20, required=False)
    return [
        Block(
            code="KT2027",
            title="澄禾县第十二届中小学课堂教学大赛",
            kind="classroom",
            school_year="2026-2027",
            owner="CH-RO",
            contact="县教研室 梁素问",
            offers_resources=True,
            tracks=[Flow(title=t, stage=stage, subject=subject) for t, stage, subject in _TRACKS],
            rounds=[
                Block(
                    name="初赛",
                    level="teaching_group",
                    season="autumn",
                    entry_open="2026-09-14T08:00",
                    entry_close="2026-10-09T18:00",
                    start="2026-10-12",
                    end="2026-10-30",
                    result_due="2026-11-02",
                    quota=Flow(share=0.4, min=1),
                    materials=[lesson_plan],
                    rubric=rubric,
                    ties=ties,
                ),
                Block(
                    name="复赛",
                    level="school",
                    season="autumn",
                    start="2026-11-09",
                    end="2026-11-27",
                    result_due="2026-12-01",
                    forward_due="2026-12-04T17:00",
                    quota=Flow(each=1, units=Flow({"CH-S06": 2})),
                    materials=[lesson_plan],
                    rubric=rubric,
                    ties=ties,
                ),
                Block(
                    name="决赛",
                    level="county",
                    season="spring",
                    material_due="2027-03-08T18:00",
                    start="2027-03-15",
                    end="2027-04-02",
                    result_due="2027-04-06",
                    publicity_from="2027-04-07",
                    publicity_until="2027-04-13",
                    materials=[lesson_plan, slides, video],
                    rubric=rubric,
                    judges=3,
                    ties=ties,
                ),
                Block(
                    name="推送市赛",
                    level="city",
                    season="spring",
                    external=True,
                    forward_due="2027-04-20T12:00",
                    quota=Flow(each=2),
                ),
                Block(
                    name="推送省赛",
                    level="province",
                    season="spring",
                    external=True,
                    forward_due="2027-05-20T12:00",
                    quota=Flow(each=1),
                ),
            ],
            awards=[
                Flow(name="一等奖", share=0.15, tier="backbone", hours="18"),
                Flow(name="二等奖", share=0.25, hours="18"),
                Flow(name="三等奖", share=0.30, hours="18"),
            ],
            entries=_entries(),
        )
    ]
