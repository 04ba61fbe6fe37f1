"""Writing a plan that people like to read: one line a teacher, folded lists of numbers."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

NUMBERS_IN_LINE = 9
# What YAML takes as something else than text, at the beginning or inside of a plain word.
UNSAFE = re.compile(r"^[\s\-?:,\[\]{}#&*!|>'\"%@`~]|[,\[\]{}]|: | #|[:\s]$|^$|^null$|\n")


class Flow(dict[str, Any]):
    """A mapping on one line; empty texts and None are left out."""


class Block(dict[str, Any]):
    """A mapping with one line a key; empty texts and None are left out."""


class Folded(list[str]):
    """Words in one text, over as many lines as they need."""


def document(heading: str, content: dict[str, Any]) -> str:
    """Return the YAML text, with the heading as comment on top."""
    lines = [f"# {line}" for line in heading.splitlines()]
    for key, value in content.items():
        lines += ["", *_entry(key, value)]
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Block):
        yield f"{key}:"
        for inner, each in _given(value):
            yield from _indented(_entry(inner, each))
    elif isinstance(value, Folded):
        yield f"{key}: >-"
        for start in range(0, len(value), NUMBERS_IN_LINE):
            yield "  " + " ".join(value[start : start + NUMBERS_IN_LINE])
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        yield f"{key}:"
        for each in value:
            yield from _indented(_item(each))
    else:
        yield f"{key}: {_flow(value)}"


def _item(value: Any) -> Iterator[str]:
    if not isinstance(value, Block):
        yield f"- {_flow(value)}"
        return
    mark = "- "
    for key, each in _given(value):
        for line in _entry(key, each):
            yield mark + line
            mark = "  "


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in _given(value)) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if UNSAFE.search(text) else text


def _given(value: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    return ((key, each) for key, each in value.items() if each is not None and each != "")


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
