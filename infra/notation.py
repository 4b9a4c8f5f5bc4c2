"""How numbers and times are written in texts; Python by itself reads far more than this."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

NUMBER = r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?"

_NUMBER = re.compile(NUMBER)
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = re.compile(_DATE)
_MOMENT = re.compile(
    rf"({_DATE}T{_CLOCK}):([0-5][0-9]|60)(\.[0-9]+)?(Z|[-+]{_CLOCK})", re.IGNORECASE | re.ASCII
)


def read_number(text: str) -> float:
    """Return the number that is written in decimal digits, or raise ValueError."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text)


def read_whole(text: str) -> int:
    """Return the whole number that is written in decimal digits, or raise ValueError."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def read_day(text: str) -> date:
    """Return the day that is written as RFC 3339 has it; raise ValueError."""
    if _DAY.fullmatch(text) is None:
        raise ValueError(text)
    return date.fromisoformat(text)


def read_moment(text: str) -> datetime:
    """Return the time that is written as RFC 3339 has it, in UTC.

    Raise ValueError, or OverflowError for a time that lies beyond the first or the last year.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    minute, _, second, fraction, offset, _ = found.groups()
    if second != "60":
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    # A leap second, which Python does not know, is told as the second after it.
    told = f"{minute}:59{fraction or ''}{offset}".upper()
    moment = datetime.fromisoformat(told).astimezone(UTC) + timedelta(seconds=1)
    if (moment.day, moment.hour, moment.minute) != (1, 0, 0):
        raise ValueError(text)
    return moment


def in_utc(moment: datetime | None) -> str | None:
    """Return a time as it is told: in UTC with a Z."""
    return f"{moment.astimezone(UTC).isoformat()[:-6]}Z" if moment else None


def is_day(text: str) -> bool:
    """Tell whether the text is a date as RFC 3339 has it."""
    try:
        read_day(text)
    except ValueError:
        return False
    return True
