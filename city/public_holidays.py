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


def parts_of(country: str) -> list[str] | None:
    """Return which parts of a country have holidays of their own; None: nothing is known of it."""
    known: dict[str, list[str]] = _holidays().list_supported_countries()
    return known.get(country)


def _holidays() -> ModuleType:
    # Of all processes few ask, and in a worker of photos every megabyte is counted.
    return import_module("holidays")
