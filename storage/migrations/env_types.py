"""When a column's type differs from its model's, where the usual comparison cannot know."""

from typing import Any

import sqlalchemy as sa


def same_type(
    _context: Any, _inspected: Any, _kept: Any, inspected: Any, wanted: Any
) -> bool | None:
    """Return True when they differ, False when not, None to leave it to the default.

    A choice is kept as a plain string, so that a new choice needs no migration.
    """
    if isinstance(wanted, sa.Enum) and isinstance(inspected, sa.String):
        return bool(inspected.length != wanted.length)
    if isinstance(wanted, sa.types.TypeDecorator):
        return same_type(None, None, None, inspected, wanted.impl_instance)
    return None
