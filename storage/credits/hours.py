"""Training hours (学时): exact to a tenth, kept as whole tenths so that sums are exact."""

from decimal import ROUND_HALF_UP, Decimal

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

TENTH = Decimal("0.1")


class Hours(sa.types.TypeDecorator[Decimal]):
    """A column of hours as ``Decimal`` with one place."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else int(rounded(value) * 10)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(int(value)) / 10


def rounded(value: Decimal) -> Decimal:
    """Round half up to a tenth of an hour."""
    return Decimal(value).quantize(TENTH, ROUND_HALF_UP)
