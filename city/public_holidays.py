"""Public holidays of countries and their parts, as the holidays package knows them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from importlib import import_module
from types import ModuleType


@lru_cache(maxsize=1024)
def of_year(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """Return the days off of a year; the codes are ISO 3166's."""
    return frozenset(_holidays().country_holidays(country, subdiv=subdivision, years=year))


def check(country: str, subdivision: str | None) -> None:
    """Raise ValueError where the package knows no such country, or no such part of it."""
    known = _holidays().list_supported_countries()
    if country not in known:
        raise ValueError(f"the holidays of {country!r} are not known")
    if subdivision is not None and subdivision not in known[country]:
        parts = ", ".join(known[country]) or "none"
        raise ValueError(f"{country!r} has no part {subdivision!r} with holidays: {parts}")


def _holidays() -> ModuleType:
    # Of all processes few ask, and in a worker of photos every megabyte is counted.
    return import_module("holidays")
