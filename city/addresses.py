"""The city's own addresses: the nearest one to a point."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from city.models import Address
from geo.columns import PositionColumn
from geo.coordinates import Box, Position
from geo.filters import inside

# Farther away an address would mislead more than it would help.
NEAREST_WITHIN_M = 150


class UnusableAddresses(ValueError):
    """The address file cannot be read; the message names the line."""


def nearest_label(session: Session, jurisdiction_id: int, position: Position) -> str | None:
    """Return the address nearest to the position, or None where none is close."""
    spot = func.ST_SetSRID(
        func.ST_MakePoint(position.longitude, position.latitude), 4326, type_=PositionColumn
    )
    distance = func.ST_DistanceSphere(Address.location, spot)
    row = session.execute(
        select(Address.label, distance.label("distance_m"))
        .where(
            Address.jurisdiction_id == jurisdiction_id,
            inside(Address.location, Box.around(position, NEAREST_WITHIN_M)),
        )
        .order_by("distance_m", Address.label)
        .limit(1)
    ).first()
    return row.label if row is not None and row.distance_m <= NEAREST_WITHIN_M else None


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
        place = Position(float(row["latitude"]), float(row["longitude"]))
        label = row["label"].strip()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnusableAddresses(f"{path}: line {number} cannot be read") from error
    if not label or "\0" in label:
        raise UnusableAddresses(f"{path}: line {number} has no label that can be shown")
    return label, place
