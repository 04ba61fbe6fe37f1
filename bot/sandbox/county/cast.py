"""The listed cast: the people whom a newcomer to the sandbox can be, and who tests speak of."""

from datetime import date
from typing import Any

from bot.sandbox.county.person import Person

PRINCIPAL: dict[str, Any] = {"duties": ("principal",), "roles": ("principal",)}
COORDINATOR: dict[str, Any] = {"roles": ("school_coordinator",)}
SPECIAL_POST: dict[str, Any] = {"route": "special_post", "tier": "new"}


def _listed(no: str, name: str, unit: str, subject: str, hired: str = "", **more: Any) -> Person:
    hire = date.fromisoformat(hired) if hired else None
    for key in ("service_end", "title_since"):
        if key in more:
            more[key] = date.fromisoformat(more[key])
    return Person(no, name, unit, hire, subject=subject, listed=True, **more)


CAST = (
    _listed("CH060012", "林若溪", "CH-S06", "语文", "2026-08-20", tier="new"),
    _listed(
        "CH060003",
        "周明远",
        "CH-S06",
        "语文",
        "2009-08-15",
        tier="backbone",
        title="senior_associate",
        title_since="2021-12-01",
    ),
    _listed(
        "CH060001",
        "韩静仪",
        "CH-S06",
        "语文",
        "1998-08-15",
        tier="named_leader",
        title="senior_full",
    ),
    _listed("CH060002", "沈志衡", "CH-S06", "数学", "1996-08-15", **PRINCIPAL),
    _listed("CH060020", "罗佳宁", "CH-S06", "数学", "2015-08-20", **COORDINATOR),
    _listed(
        "CH090004",
        "石晓岚",
        "CH-S09",
        "数学",
        "2025-08-25",
        service_end="2028-08-31",
        **SPECIAL_POST,
    ),
    _listed("CH090001", "丁广田", "CH-S09", "语文", "1999-08-15", **PRINCIPAL),
    _listed("CH090006", "白雨桐", "CH-S09", "语文", "2018-08-20", **COORDINATOR),
    _listed(
        "CH030007",
        "欧阳立",
        "CH-S03",
        "英语",
        "2012-08-20",
        tier="backbone",
        duties=("homeroom",),
    ),
    _listed("CH030011", "姜书航", "CH-S03", "物理", "2019-08-20", tier="rising_star"),
    _listed("CH030002", "邵云帆", "CH-S03", "数学", "2003-08-15", **COORDINATOR),
    _listed(
        "CH010031",
        "高以宁",
        "CH-S01",
        "数学",
        "2005-08-15",
        tier="backbone",
        title="senior_associate",
        title_since="2023-01-01",
    ),
    _listed("CH010002", "傅文岳", "CH-S01", "历史", "1994-08-15", **PRINCIPAL),
    _listed(
        "CH050009",
        "贺小满",
        "CH-S05",
        "英语",
        "2024-08-20",
        service_end="2027-08-31",
        **SPECIAL_POST,
    ),
    _listed(
        "CH110005",
        "叶知秋",
        "CH-S11",
        "保教",
        "2016-08-20",
        tier="rising_star",
        cert="kindergarten",
        language_code="zh-hant",
    ),
    _listed("CH120003", "田蕾", "CH-S12", "保教", "2023-08-20", hint="准备教师资格考试"),
    _listed("CHDC0001", "顾岩", "CH-DC", "", roles=("county_coordinator",), route=""),
    _listed("CHRO0001", "梁素问", "CH-RO", "语文", roles=("research_officer",), route=""),
    _listed(
        "CHRO0002",
        "钟牧之",
        "CH-RO",
        "数学",
        roles=("research_officer",),
        route="",
        language_code="en",
    ),
)
