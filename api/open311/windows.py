"""How much is answered at once: of which days, and how many."""

from __future__ import annotations

from datetime import datetime, timedelta

from api.open311.parameters import Parameters, refuse
from infra.words import mark

WINDOW = timedelta(days=90)
MOST = 1_000
PAGE_SIZE = 50
LARGEST_PAGE = 500

_TOO_WIDE = mark("Expected at most 90 days from start_date to end_date.")


def window(given: Parameters, at: datetime) -> tuple[datetime, datetime | None]:
    """Return from when on, and before when, things are wanted: the last 90 days, unless told."""
    start, end = given.stretch("start_date"), given.stretch("end_date")
    if start is not None and end is not None:
        if end.begin - start.begin > WINDOW:
            refuse("start_date", _TOO_WIDE)
        return start.begin, end.end
    if start is not None:
        return start.begin, start.begin + WINDOW
    if end is not None:
        return end.begin - WINDOW, end.end
    return at - WINDOW, None


def page(given: Parameters) -> tuple[int, int]:
    """Return how many things are wanted at most, and how many come before them."""
    number, size = given.count("page"), given.count("page_size")
    if number is None and size is None:
        return MOST, 0
    limit = min(size or PAGE_SIZE, LARGEST_PAGE)
    return limit, ((number or 1) - 1) * limit
