"""Buttons: what a tap means, in at most 64 bytes that name a thing and never a right.

A button's data is its class's tag and its fields. Whatever does not parse was made by an
older edition or by a stranger, and is refused without anything being done.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, ClassVar, Self, get_type_hints

from storage.refusals import Refusal

LIMIT = 64
_KINDS: dict[str, tuple[type, ...]] = {}
_TEXT = re.compile(r"[A-Za-z0-9_.+-]{0,24}")


class StaleButton(Refusal):
    """The data of a tap is not that of any button that exists."""


@dataclasses.dataclass(frozen=True)
class Button:
    """The base of all buttons; a subclass sets ``tag`` and has int and short str fields."""

    tag: ClassVar[str] = ""
    _all: ClassVar[dict[str, type[Button]]] = {}

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if cls.tag in Button._all:
            raise TypeError(f"two buttons are tagged {cls.tag!r}")
        Button._all[cls.tag] = cls

    @property
    def data(self) -> str:
        """The callback data."""
        packed = ":".join([self.tag, *(str(value) for value in dataclasses.astuple(self))])
        if len(packed.encode()) > LIMIT:
            raise ValueError(f"{packed!r} is over {LIMIT} bytes")
        return packed

    @classmethod
    def parse(cls, data: str | None) -> Self:
        """Read callback data; raise ``StaleButton`` when it is not exactly of this form."""
        tag, *values = (data or "").split(":")
        kinds = _kinds(cls)
        if tag != cls.tag or len(values) != len(kinds):
            raise StaleButton
        made: list[int | str] = []
        for kind, value in zip(kinds, values, strict=True):
            if kind is int:
                if not re.fullmatch(r"-?[0-9]{1,18}", value):
                    raise StaleButton
                made.append(int(value))
            elif _TEXT.fullmatch(value):
                made.append(value)
            else:
                raise StaleButton
        return cls(*made)


def tag_of(data: str | None) -> str:
    """The tag of a button's data, whatever stands behind it."""
    return (data or "").split(":", 1)[0]


def _kinds(button: type[Button]) -> tuple[type, ...]:
    """The types of a button's fields, in order; found out once, for taps come by hundreds."""
    known = _KINDS.get(button.tag)
    if known is None:
        hints = get_type_hints(button)
        known = tuple(hints[field.name] for field in dataclasses.fields(button))
        _KINDS[button.tag] = known
    return known
