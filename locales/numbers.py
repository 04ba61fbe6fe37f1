"""Hours, percentages and lists as people read them."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from locales import known

NO_FIGURE = "—"


def hours(amount: Decimal, language: str) -> str:
    """Training hours without a unit and without idle zeros: ``12.5``, ``24``.

    All three languages write them alike, in half-width digits and without grouping.
    """
    del language
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def percent(
    numerator: int | Decimal,
    denominator: int | Decimal,
    target: Decimal | Fraction | float | None = None,
) -> str:
    """A rate in per cent with one decimal and without the sign: ``82.4``; ``—`` of nobody.

    Rounded half up, but never up to the target or to 100 (domain/3-rates.md §3.4.6). The target
    is a part of one, as plans write it: ``0.95``.

    Raises ``ValueError`` for a target above one, which was meant in per cent.
    """
    goal = None if target is None else _exact(target)
    if goal is not None and goal > 1:
        raise ValueError(f"a target is a part of one, not {target}")
    if denominator == 0:
        return NO_FIGURE
    rate = Fraction(numerator) / Fraction(denominator)
    tenths = int(rate * 1000 + Fraction(1, 2))
    for limit in (goal, Fraction(1)):
        if limit is not None and rate < limit <= Fraction(tenths, 1000):
            tenths = int(rate * 1000)
    return f"{tenths // 10}.{tenths % 10}"


def joined(names: Iterable[str], language: str) -> str:
    """Several names in a row: ``语文、数学``, ``Chinese, mathematics``."""
    return (", " if known(language) == "en" else "、").join(names)


def _exact(number: Decimal | Fraction | float) -> Fraction:
    # A target that went through JSON is a float: 0.95 means 95 %, not its nearest binary.
    return Fraction(str(number)) if isinstance(number, float) else Fraction(number)
