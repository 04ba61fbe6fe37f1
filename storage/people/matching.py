"""Whom a row of a table means: by staff number, else by name, else by name and school."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from typing import Generic, TypeVar

from storage.sheets import plain

T = TypeVar("T")


class Doubt(StrEnum):
    """Why nobody is meant."""

    UNKNOWN = "unknown"
    SEVERAL = "several"  # of this name
    OTHER_NAME = "other_name"  # than the staff number's


class People(Generic[T]):
    """Those whom a row can mean: each with staff number, name, and what the school is called."""

    def __init__(self, people: Iterable[tuple[T, str, str, tuple[str, ...]]]) -> None:
        self._by_number: dict[str, tuple[T, str]] = {}
        self._by_name: dict[str, list[tuple[T, tuple[str, ...]]]] = defaultdict(list)
        for one, staff_no, name, schools in people:
            called = squeezed(name)
            self._by_number[plain(staff_no).upper()] = (one, called)
            self._by_name[called].append((one, schools))
        self._with_zeros: dict[str, list[str]] = defaultdict(list)
        for number in self._by_number:
            if number.startswith("0"):
                self._with_zeros[number.lstrip("0")].append(number)

    def find(self, staff_no: str, name: str, school: str) -> T | Doubt:
        """Return who is meant; empty is what the row does not say."""
        number, name, school = plain(staff_no).upper(), squeezed(name), plain(school)
        if number:
            found = self._by_number.get(number) or self._but_for_zeros(number.lstrip("0"))
            if found is None:
                return Doubt.UNKNOWN
            one, called = found
            return Doubt.OTHER_NAME if name and called != name else one
        same = self._by_name.get(name, [])
        if school:
            same = [(one, schools) for one, schools in same if school in schools] or [
                (one, schools) for one, schools in same if any(school in each for each in schools)
            ]
        if len(same) != 1:
            return Doubt.SEVERAL if same else Doubt.UNKNOWN
        return same[0][0]

    def _but_for_zeros(self, bare: str) -> tuple[T, str] | None:
        """Who alone has this number: spreadsheets like to take the zeros off its front."""
        numbers = [*self._with_zeros.get(bare, ()), *({bare} & self._by_number.keys())]
        return self._by_number[numbers[0]] if len(numbers) == 1 else None


def squeezed(name: str) -> str:
    """A name as typed in any width, without its spaces."""
    return "".join(plain(name).split())
