"""Pictures for the chat and sheets for paper, set by typst from templates beside this file.

A template gets its data as JSON and shows every text of it as text: nothing that a person wrote
is ever read as markup. Rendering takes milliseconds of a processor, so callers keep it off the
event loop (``asyncio.to_thread``).
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import noto_cjk_sans_otc
import typst

TEMPLATES = Path(__file__).parent
PIXELS_PER_INCH = 216  # a page of 360 pt, a phone's width, becomes 1080 pixels
FAMILIES = {"zh_Hant": "Noto Sans CJK TC"}
FAMILY = "Noto Sans CJK SC"

HOURS_LABELS = (
    "title",
    "this_year",
    "by_level",
    "by_category",
    "missing",
    "nothing_missing",
    "forecast",
    "counted",
    "not_counted",
    "not_official",
)
"""The words that ``hours_picture`` needs, already in the reader's language."""

_compiling = threading.Lock()


@dataclass(frozen=True, slots=True)
class Bar:
    """One line with a bar; the shares are parts of the bar's whole length, 0 to 1."""

    label: str
    value: str
    note: str = ""
    counted: float = 0
    earned: float = 0  # counted and not counted together
    mark: float | None = None  # where a minimum or cap stands


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is still missing; advice is marked more quietly."""

    text: str
    detail: str
    is_advice: bool = False


@dataclass(frozen=True, slots=True)
class HoursPicture:
    """A teacher's hours as the picture shows them: texts are ready to read, shares 0 to 1."""

    language: str
    name: str
    as_of: str
    counted: str
    total: str  # such as "of 360 hours"
    share: float
    share_if_completed: float
    hero: tuple[tuple[str, str], ...]  # label and value, beside the ring
    year: Bar
    levels: tuple[Bar, ...]
    categories: tuple[Bar, ...]
    missing: tuple[Lack, ...]
    forecast: str
    small_print: tuple[str, ...]


def hours_picture(facts: HoursPicture, labels: Mapping[str, str]) -> bytes:
    """Return "my hours" as a PNG of a phone's width; ``labels`` has all of ``HOURS_LABELS``."""
    data = {"facts": asdict(facts), "labels": {key: labels[key] for key in HOURS_LABELS}}
    (page,) = render("hours", data, language=facts.language)
    return page


def render(
    template: str,
    data: Mapping[str, Any],
    *,
    language: str,
    form: Literal["png", "pdf"] = "png",
) -> list[bytes]:
    """Return the template's pages as PNG, or one PDF of them all."""
    inputs = {"data": json.dumps(data, ensure_ascii=False), "font": font_family(language)}
    # One compiler keeps fonts and parsed templates; it serves one thread at a time.
    with _compiling:
        made = _compiler().compile(
            input=str(TEMPLATES / f"{template}.typ"),
            format=form,
            ppi=PIXELS_PER_INCH,
            sys_inputs=inputs,
        )
    assert made is not None, "typst returns the document when it is given no file to write"
    return made if isinstance(made, list) else [made]


def font_family(language: str) -> str:
    """Return the family whose shapes of Chinese characters the reader's region uses."""
    return FAMILIES.get(language, FAMILY)


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(Path(str(noto_cjk_sans_otc.FONT_PATH)).parent)],
    )
    return typst.Compiler(root=str(TEMPLATES), font_paths=fonts)
