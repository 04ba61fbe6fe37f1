"""The codes by which people show that they are in the room.

A meeting has a secret of 128 bits, and from it come three kinds of codes, each under a name of
its own, so that knowing one kind does not give away another:

- the code of the moment, six digits to type and a token to scan, new every thirty seconds and
  taken for two of them, apart for coming and going;
- the code of an authenticator (RFC 6238, its usual form, which any such program can show),
  for a trainer's phone in a room without a signal;
- the code of a printed slot of five minutes, for a room without any phone.

The last two say when somebody was there, so they can be typed in later.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

STEP = timedelta(seconds=30)
SLOT = timedelta(minutes=5)
TAKEN_FOR = 2  # steps: the present one and the one before, which may still be on the screen
DIGITS = 6


class Box(StrEnum):
    """Coming or going."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True)
class Code:
    """What is shown now; it is replaced at ``changes_at``."""

    digits: str
    token: str
    changes_at: datetime


def new_secret() -> str:
    """Return 128 random bits, in hexadecimal."""
    return secrets.token_hex(16)


def code_at(secret: str, session_id: int, box: Box, now: datetime) -> Code:
    """Return the code of the moment."""
    step = _step(now, STEP)
    made = _mac(secret, session_id, step, box)
    return Code(_digits(made), _token(made), _moment(step + 1, STEP))


def typed_box(secret: str, session_id: int, typed: str, now: datetime) -> Box | None:
    """Return for what the typed digits are taken now; None when they are not."""
    return _box(secret, session_id, now, lambda made: _same(_digits(made), typed))


def scanned_box(secret: str, session_id: int, token: str, now: datetime) -> Box | None:
    """Return for what the scanned token is taken now; None when it is not."""
    return _box(secret, session_id, now, lambda made: _same(_token(made), token))


def _box(secret: str, session_id: int, now: datetime, fits: Callable[[bytes], bool]) -> Box | None:
    step = _step(now, STEP)
    found = None
    for box in Box:
        for age in range(TAKEN_FOR):
            if fits(_mac(secret, session_id, step - age, box)) and found is None:
                found = box
    return found


def slots(opens_at: datetime, closes_at: datetime) -> Iterator[datetime]:
    """Yield the beginnings of the printed slots from one moment to another."""
    slot = _step(opens_at, SLOT)
    while _moment(slot, SLOT) < closes_at:
        yield _moment(slot, SLOT)
        slot += 1


def slot_code(secret: str, session_id: int, slot_at: datetime) -> str:
    """Return the printed code of the slot in which this moment lies."""
    return _digits(_mac(secret, session_id, _step(slot_at, SLOT), "slot"))


def key_of(secret: str, session_id: int) -> str:
    """Return the authenticator's key as it is typed in: 32 characters of base 32."""
    return base64.b32encode(_key(secret, session_id)).decode()


def otpauth(secret: str, session_id: int, label: str) -> str:
    """Return the address that an authenticator reads from a QR code."""
    return (
        f"otpauth://totp/{quote(label, safe='')}?secret={key_of(secret, session_id)}"
        f"&algorithm=SHA1&digits={DIGITS}&period={int(STEP.total_seconds())}"
    )


def shown_by_authenticator(secret: str, session_id: int, now: datetime) -> str:
    """Return what an authenticator with the meeting's key shows now."""
    return totp(_key(secret, session_id), _step(now, STEP))


def totp(key: bytes, step: int, digits: int = DIGITS) -> str:
    """Return the one-time password of RFC 6238, with SHA-1 as all programs have it."""
    made = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    offset = made[-1] & 15
    number = int.from_bytes(made[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"


def time_of(
    secret: str, session_id: int, typed: str, opens_at: datetime, until: datetime
) -> datetime | None:
    """Return when, between two moments, the room was shown this code; None when never.

    Of a printed slot its beginning; should two moments have the same digits, the first.
    """
    key = _key(secret, session_id)
    found: datetime | None = None
    for step in range(_step(opens_at, STEP), _step(until, STEP) + 1):
        if _same(totp(key, step), typed) and found is None:
            found = _moment(step, STEP)
    for slot in slots(opens_at, until):
        if _same(slot_code(secret, session_id, slot), typed) and (found is None or slot < found):
            found = slot
    return None if found is None else max(found, opens_at)


def as_typed(text: str) -> str | None:
    """Return the digits of a code as people type it, in any width; None for what is none."""
    plain = re.sub(r"[\s\-–—.·]", "", unicodedata.normalize("NFKC", text))
    return plain if re.fullmatch(rf"[0-9]{{{DIGITS}}}", plain) else None


def _mac(secret: str, session_id: int, step: int, name: str) -> bytes:
    said = f"{session_id}|{step}|{name}".encode()
    return hmac.digest(bytes.fromhex(secret), said, "sha256")


def _key(secret: str, session_id: int) -> bytes:
    return _mac(secret, session_id, 0, "authenticator")[:20]


def _digits(made: bytes) -> str:
    return f"{int.from_bytes(made[:8], 'big') % 10**DIGITS:0{DIGITS}}"


def _token(made: bytes) -> str:
    return base64.urlsafe_b64encode(made[8:20]).decode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _step(moment: datetime, length: timedelta) -> int:
    return int(moment.timestamp() // length.total_seconds())


def _moment(step: int, length: timedelta) -> datetime:
    return datetime.fromtimestamp(step * length.total_seconds(), UTC)
