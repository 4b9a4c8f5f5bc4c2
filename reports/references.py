"""References: short, speakable, with a check character, not to be guessed from one another."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress

from stdnum import luhn

# Crockford's alphabet: no I, L, O or U, so that what is read aloud is written down right.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TICKET_PREFIX = "T"
RANDOM_LENGTH = 8
GROUP = 3

_BITS = 5
_MASK = 2**_BITS - 1
_SHIFTS = range(0, RANDOM_LENGTH * _BITS, _BITS)

_LOOKALIKES = str.maketrans("OIL", "011")


class MalformedReference(ValueError):
    """This cannot be a reference: a character too many or too few, or the check fails."""


def new_report_reference() -> str:
    """Return a fresh reference such as `7KM-3QX-9PA`: 40 random bits and a check character."""
    number = secrets.randbits(RANDOM_LENGTH * _BITS)
    body = "".join(ALPHABET[number >> shift & _MASK] for shift in _SHIFTS)
    return _group(body + luhn.calc_check_digit(body, ALPHABET))


def new_ticket_reference() -> str:
    """Return a fresh reference such as `T-7KM-3QX-9PA`."""
    return f"{TICKET_PREFIX}-{new_report_reference()}"


def normalise(text: str) -> str:
    """Return the reference as we write it, from what somebody typed; or raise.

    Case, spaces, dashes and look-alike letters do not matter.
    """
    compact = "".join(c for c in text.upper() if c not in "- ")
    prefix = ""
    if len(compact) == RANDOM_LENGTH + 2 and compact.startswith(TICKET_PREFIX):
        prefix, compact = f"{TICKET_PREFIX}-", compact[1:]
    compact = compact.translate(_LOOKALIKES)
    if len(compact) != RANDOM_LENGTH + 1 or not luhn.is_valid(compact, ALPHABET):
        raise MalformedReference(text)
    return prefix + _group(compact)


def well_formed(texts: Iterable[str]) -> list[str]:
    """Return those of the texts that can be references, as we write them."""
    found = []
    for text in texts:
        with suppress(MalformedReference):
            found.append(normalise(text))
    return found


def _group(compact: str) -> str:
    return "-".join(compact[start : start + GROUP] for start in range(0, len(compact), GROUP))
