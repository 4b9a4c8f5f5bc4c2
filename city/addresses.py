"""The city's own addresses: the nearest one to a point."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import ColumnElement, SQLColumnExpression, Text, func, literal, select, text
from sqlalchemy.orm import Session

from city.models import Address
from geo.coordinates import Box, Position
from infra.notation import read_number

# Farther away an address would mislead more than it would help.
NEAREST_WITHIN_M = 150


# What is written behind the address: the town, its code, the country.
_MOST_PARTS = 6


class Known(NamedTuple):
    """An address of the city's and where it is."""

    label: str
    position: Position


class UnusableAddresses(ValueError):
    """The address file cannot be read; the message names the line."""


# The label of the jurisdiction's address nearest to what `around` returns, if one is close. A box
# that crosses the antimeridian is two, and any other is the first of them.
NEAREST = f"""
    SELECT near.label FROM (
        SELECT a.label,
            ST_DistanceSphere(a.location, ST_Point(:longitude, :latitude, 4326)) AS distance_m
        FROM addresses a
        WHERE a.jurisdiction_id = {{jurisdiction_id}} AND (
            a.location && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
            OR a.location && ST_MakeEnvelope(
                -180, :south, CAST(:east_again AS float8), :north, 4326
            )
        )
        ORDER BY distance_m, a.label LIMIT 1
    ) AS near
    WHERE near.distance_m <= {NEAREST_WITHIN_M}
"""


def around(position: Position) -> dict[str, float | None]:
    """Return the values that NEAREST takes, beside the jurisdiction."""
    box = Box.around(position, NEAREST_WITHIN_M)
    crosses = box.west > box.east
    return {
        "latitude": position.latitude,
        "longitude": position.longitude,
        "west": box.west,
        "south": box.south,
        "east": 180.0 if crosses else box.east,
        "east_again": box.east if crosses else None,
        "north": box.north,
    }


def nearest_label(session: Session, jurisdiction_id: int, position: Position) -> str | None:
    """Return the address nearest to the position, or None where none is close."""
    query = text(NEAREST.format(jurisdiction_id=":jurisdiction_id"))
    values = {"jurisdiction_id": jurisdiction_id, **around(position)}
    label: str | None = session.scalar(query, values)
    return label


def find(session: Session, jurisdiction_id: int, text: str) -> Known | None:
    """Return the address that is written in this way, or None where the city has no such address.

    Case, accents and punctuation do not matter, nor what follows after a comma, such as the town.
    """
    parts = text.split(",")
    spellings = [",".join(parts[:end]) for end in range(len(parts), 0, -1)]
    for spelling in spellings[:_MOST_PARTS]:
        wanted = _spelled(literal(spelling, Text))
        found = _known(session, jurisdiction_id, wanted == _spelled(Address.label))
        if found is not None:
            return found
    return None


def find_by_id(session: Session, jurisdiction_id: int, id_: int) -> Known | None:
    """Return the city's address with the number, or None."""
    return _known(session, jurisdiction_id, Address.id == id_)


def _spelled(address: SQLColumnExpression[str]) -> ColumnElement[str]:
    return func.parted(func.folded(address), type_=Text)


def _known(session: Session, jurisdiction_id: int, condition: ColumnElement[bool]) -> Known | None:
    query = select(Address.label, Address.location).where(
        Address.jurisdiction_id == jurisdiction_id, condition
    )
    row = session.execute(query.order_by(Address.id).limit(1)).first()
    return Known(*row) if row else None


def read_addresses(path: Path) -> Iterator[tuple[str, Position]]:
    """Read a CSV file with the columns label, latitude and longitude.

    Raise UnusableAddresses for a file or a line that cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                yield _read_row(path, number, row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableAddresses(f"{path}: {error}") from error


def _read_row(path: Path, number: int, row: Mapping[str, str]) -> tuple[str, Position]:
    try:
        place = Position(read_number(row["latitude"]), read_number(row["longitude"]))
        label = row["label"].strip()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnusableAddresses(f"{path}: line {number} cannot be read") from error
    if not label or "\0" in label:
        raise UnusableAddresses(f"{path}: line {number} has no label that can be shown")
    return label, place
