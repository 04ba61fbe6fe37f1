"""How people are addressed, and how they are shown where their name is nobody's business."""

import re
from collections.abc import Iterable

from locales import known

# Compound surnames that are still met. Those whose first half is a common surname and whose
# second half begins many given names (乐正, 梁丘, 谷梁, 单于) are left out on purpose: taking
# 乐正华 for a 乐正 is the likelier mistake.
_COMPOUND_SURNAMES = """
    欧阳 歐陽 司马 司馬 上官 诸葛 諸葛 司徒 司空 司寇 尉迟 尉遲 夏侯 皇甫 公孙 公孫 令狐 慕容
    长孙 長孫 宇文 轩辕 軒轅 钟离 鐘離 鍾離 端木 独孤 獨孤 百里 呼延 万俟 淳于 太史 申屠
    濮阳 濮陽 赫连 赫連 拓跋 拓拔 澹台 澹臺 公冶 宗政 第五 东方 東方 东郭 東郭 西门 西門
    南宫 南宮 南门 南門 北宫 北宮 羊舌 微生 公羊 公西 公良 仲孙 仲孫 鲜于 鮮于 闻人 聞人
    闾丘 閭丘 颛孙 顓孫 亓官 巫马 巫馬 漆雕 壤驷 壤駟 完颜 完顏 纳兰 納蘭 贺兰 賀蘭 耶律
    爱新觉罗 愛新覺羅 叶赫那拉 葉赫那拉
"""
COMPOUND_SURNAMES = frozenset(_COMPOUND_SURNAMES.split())
_LONGEST = max(map(len, COMPOUND_SURNAMES))
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_DOTS = re.compile(r"[·•・‧．]")

_TEACHER = {"zh_Hans": "老师", "zh_Hant": "老師"}
_PRINCIPAL = {"zh_Hans": "校长", "zh_Hant": "校長"}


def titles(given: Iterable[str], language: str) -> str:
    """Titles in a row: ``《作业设计》、《书法》``, ``Assignments; Calligraphy``."""
    if known(language) == "en":
        return "; ".join(given)
    return "、".join(f"《{title}》" for title in given)


def addressee(name: str, language: str, principal: bool = False) -> str:
    """How a message addresses somebody: ``林老师``, ``欧阳老師``, ``沈校长``; in English by name.

    A name that is not of the surname-first kind is kept whole (``John Smith老师``); of one with
    a dot (``阿依古丽·买买提``) the part before it.
    """
    language = known(language)
    if language == "en":
        return " ".join(name.split())
    title = (_PRINCIPAL if principal else _TEACHER)[language]
    return surname(name) + title


def surname(name: str) -> str:
    """The part of a name that stands before 老师: one character, or a compound surname."""
    # Rosters spread short names: 张　三.
    together = "".join(name.split())
    if _DOTS.search(together):
        return _DOTS.split(together)[0]
    if not _CHINESE.fullmatch(together):
        return " ".join(name.split())
    for length in range(_LONGEST, 1, -1):
        # 欧阳 alone is 欧 with the given name 阳.
        if len(together) > length and together[:length] in COMPOUND_SURNAMES:
            return together[:length]
    return together[:1]


def mask_name(name: str) -> str:
    """``林若溪 → 林*溪``, ``张三 → 张*``, ``欧阳立 → 欧*立`` (domain/8-messages.md §8.2)."""
    together = "".join(name.split()) if _CHINESE.search(name) else " ".join(name.split())
    if len(together) < 2:
        return "*" if together else ""
    if len(together) == 2:
        return together[0] + "*"
    return together[0] + "*" * (len(together) - 2) + together[-1]


def mask_phone(phone: str | int) -> str:
    """``13812345678 → 138****5678``; of a number that is shorter than a mobile's, the end only."""
    digits = "".join(character for character in str(phone) if character.isdigit())
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    if len(digits) < 11:
        shown = 2 if len(digits) > 4 else 0
        return "*" * (len(digits) - shown) + digits[len(digits) - shown :]
    return digits[:3] + "*" * (len(digits) - 7) + digits[-4:]


def mask_staff_no(staff_no: str) -> str:
    """``CH060012 → CH***12``; of a short number less is shown, so that most stays hidden."""
    staff_no = staff_no.strip()
    if not staff_no:
        return ""
    shown = 2 if len(staff_no) >= 8 else 1 if len(staff_no) >= 5 else 0
    return staff_no[:shown] + "***" + staff_no[len(staff_no) - shown :]
