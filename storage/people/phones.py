"""Phone numbers of the roster: only a salted hash is kept, for matching a shared contact."""

import hashlib
import hmac
import re
import unicodedata

SHORTEST = 6
CHINA = "86"
_NO_DIGIT = re.compile("[^0-9]")


def normalised(phone: str) -> str:
    """Return the number as digits with its country code, or "" when it cannot be a number.

    Spaces, dashes, brackets, full-width digits and the ways to write the country code
    (+86, 0086, none) make no difference. Eleven digits that begin with 1 are a mobile number
    of the mainland.
    """
    digits = _NO_DIGIT.sub("", unicodedata.normalize("NFKC", phone))
    digits = digits.removeprefix("00")
    if len(digits) == 11 and digits.startswith("1"):
        digits = CHINA + digits
    return digits if SHORTEST <= len(digits) <= 15 else ""


def hashed(phone: str, salt: str) -> str:
    """Return what is kept of a number: HMAC-SHA256 under the office's own salt.

    The salt keeps a stolen table from being compared with a list of all numbers made
    elsewhere, and makes the hashes of two offices different.
    """
    return hmac.new(salt.encode(), normalised(phone).encode(), hashlib.sha256).hexdigest()
