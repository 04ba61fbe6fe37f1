"""The county's classroom teaching competition: five rounds from autumn to May."""

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


def competitions() -> list[Block]:
    """Return the competitions as they stand in the plan."""
    rubric = [
        Flow(key=key, title=title, most=most, hint=hint) for key, title, most, hint in _RUBRIC
    ]
    ties = ["criterion:process", "median", "lot"]
    lesson_plan = Flow(key="plan", title="教学设计", kinds=["docx", "pdf"], most_mb=20)
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
        )
    ]
