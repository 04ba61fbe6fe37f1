"""Refusals: the rules do not allow it, and nothing was changed.

A refusal carries plain values, never rows: the row would be detached by the time the
refusal is put into words.
"""


class Refusal(Exception):
    """The rules do not allow this; nothing was changed."""


class NotLinked(Refusal):
    """The account is not linked to a teacher."""


class NotFound(Refusal):
    """The thing that a button or link names is not there (any more)."""

    def __init__(self, thing: str) -> None:
        super().__init__(f"no such {thing}")
        self.thing = thing


class NotAllowed(Refusal):
    """Whoever acts has no right to do this to that."""


class OwnCase(NotAllowed):
    """It is about whoever acts, and nobody decides about themselves."""
