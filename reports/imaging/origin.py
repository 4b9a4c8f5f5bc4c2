"""Where and when a photo was taken, as far as the camera wrote it down.

What is read here is compared with a ticket once, and written down nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from PIL import ExifTags

from geo.coordinates import ImpossiblePosition, Position
from reports.imaging.formats import UnusablePhoto, decoding, open_photo

_AS_WRITTEN = "%Y:%m:%d %H:%M:%S"
_SIGNS = {"N": 1, "S": -1, "E": 1, "W": -1}
_DEGREES, _MINUTES, _SECONDS = 1, 60, 3600


@dataclass(frozen=True, slots=True)
class Origin:
    """What a camera wrote; None stands for what it did not write, or nothing that makes sense.

    `error_m` is by how much it may have mistaken the position. `taken_at` is without a zone where
    the camera named none: then it is the time of the place.
    """

    position: Position | None = None
    error_m: float = 0
    taken_at: datetime | None = None


def read(data: bytes) -> Origin:
    """Return the origin of a photo that was proved to be one."""
    try:
        with decoding():
            exif = open_photo(data).image.getexif()
            place = exif.get_ifd(ExifTags.IFD.GPSInfo)
            camera = exif.get_ifd(ExifTags.IFD.Exif)
    except UnusablePhoto:
        return Origin()
    error_m = _number(place.get(ExifTags.GPS.GPSHPositioningError))
    return Origin(_position(place), max(error_m or 0, 0), _moment(camera))


def _position(place: Mapping[int, Any]) -> Position | None:
    latitude = _degrees(place, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef)
    longitude = _degrees(place, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef)
    if latitude is None or longitude is None or latitude == longitude == 0:
        # Two zeros are what phones write that do not know.
        return None
    try:
        return Position(latitude, longitude)
    except ImpossiblePosition:
        return None


def _degrees(place: Mapping[int, Any], tag: int, side: int) -> float | None:
    """Return the degrees that are written as degrees, minutes and seconds."""
    sign = _SIGNS.get(str(place.get(side)).strip("\0 ").upper())
    parts = place.get(tag)
    if sign is None or not isinstance(parts, tuple):
        return None
    numbers = [_number(part) for part in parts]
    known = [one for one in numbers if one is not None]
    if not known or len(known) < len(numbers):
        return None
    divisors = (_DEGREES, _MINUTES, _SECONDS)
    return sign * sum(one / by for one, by in zip(known, divisors, strict=False))


def _number(written: Any) -> float | None:
    try:
        number = float(written)
    except (ArithmeticError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _moment(camera: Mapping[int, Any]) -> datetime | None:
    written = str(camera.get(ExifTags.Base.DateTimeOriginal)).strip("\0 ")
    zone = str(camera.get(ExifTags.Base.OffsetTimeOriginal)).strip("\0 ")
    try:
        return datetime.strptime(f"{written}{zone}", f"{_AS_WRITTEN}%z").astimezone(UTC)
    except (OverflowError, ValueError):
        pass
    try:
        return datetime.strptime(written, _AS_WRITTEN)  # noqa: DTZ007 (the camera named no zone)
    except ValueError:
        return None
