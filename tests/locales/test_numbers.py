"""Hours, percentages and lists."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales.numbers import hours, joined, percent


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("12.5", "12.5"),
        ("24.0", "24"),
        ("24.50", "24.5"),
        ("0.00", "0"),
        ("-3.0", "-3"),
        ("120", "120"),
        ("1E+2", "100"),
        ("-0.0", "0"),
        ("0.25", "0.25"),
        ("1200", "1200"),
    ],
)
def test_hours_carry_no_idle_zeros(amount: str, text: str) -> None:
    assert hours(Decimal(amount), "zh_Hans") == hours(Decimal(amount), "en") == text


@pytest.mark.parametrize(
    ("numerator", "denominator", "target", "text"),
    [
        (9996, 10000, None, "99.9"),
        (9496, 10000, Decimal("0.95"), "94.9"),
        (9496, 10000, 0.95, "94.9"),
        (9496, 10000, Fraction(95, 100), "94.9"),
        (9496, 10000, None, "95.0"),
        (95, 100, 0.95, "95.0"),
        (9504, 10000, 0.95, "95.0"),
        (8245, 10000, None, "82.5"),
        (82449, 100000, None, "82.4"),
        (0, 96, None, "0.0"),
        (96, 96, 1.0, "100.0"),
        (1, 3, None, "33.3"),
        (97, 96, None, "101.0"),
        (0, 0, 0.95, "—"),
    ],
)
def test_a_rate_is_never_rounded_up_to_its_target_nor_to_the_whole(
    numerator: int, denominator: int, target: float | None, text: str
) -> None:
    assert percent(numerator, denominator, target) == text


def test_a_target_in_per_cent_is_refused() -> None:
    with pytest.raises(ValueError, match="a part of one"):
        percent(95, 100, 95)


@given(st.integers(0, 100_000), st.integers(1, 100_000), st.integers(0, 1000))
def test_what_is_shown_is_within_a_tenth_and_reaches_the_target_only_if_the_rate_does(
    numerator: int, denominator: int, tenths: int
) -> None:
    rate, target = Fraction(numerator, denominator), Fraction(tenths, 1000)
    shown = Fraction(percent(numerator, denominator, target)) / 100
    assert abs(shown - rate) < Fraction(1, 1000)
    assert shown < target or rate >= target
    assert shown < 1 or rate >= 1


def test_names_are_joined_as_the_language_does() -> None:
    assert joined(["语文", "数学"], "zh_Hans") == "语文、数学"
    assert joined(["語文", "數學"], "zh_Hant") == "語文、數學"
    assert joined(iter(["Chinese", "mathematics"]), "en") == "Chinese, mathematics"
    assert joined([], "en") == ""
