"""Where and when a photo says it was taken: what cameras write, and what makes no sense."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from PIL import ExifTags, Image

from reports.imaging import origin
from reports.imaging.origin import Origin
from tests.reports import photo_samples as samples

NORTH_EAST: dict[int, Any] = {
    ExifTags.GPS.GPSLatitudeRef: "N",
    ExifTags.GPS.GPSLatitude: (48.0, 30.0, 36.0),
    ExifTags.GPS.GPSLongitudeRef: "E",
    ExifTags.GPS.GPSLongitude: (2.0, 15.0, 0.0),
}


def taken(place: dict[int, Any] | None = None, camera: dict[int, Any] | None = None) -> Origin:
    """Return the origin that is read of a JPEG with these tags."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(place or {})
    exif.get_ifd(ExifTags.IFD.Exif).update(camera or {})
    out = BytesIO()
    samples.picture(32, 32).save(out, "JPEG", exif=exif.tobytes())
    return origin.read(out.getvalue())


def where(origin: Origin) -> tuple[float, float] | None:
    place = origin.position
    return (round(place.latitude, 4), round(place.longitude, 4)) if place else None


@pytest.mark.parametrize(
    "data",
    [
        samples.jpeg(64, 48, gps=True),
        samples.png(64, 48, gps=True),
        samples.webp(64, 48, gps=True),
        samples.avif(64, 48, gps=True),
        samples.heic_with_gps(),
    ],
    ids=["jpeg", "png", "webp", "avif", "heic"],
)
def test_every_format_tells_where(data: bytes) -> None:
    assert where(origin.read(data)) == samples.LAT_LON


def test_south_and_west_are_less_than_nothing_and_seconds_count() -> None:
    assert where(taken(NORTH_EAST)) == (48.51, 2.25)
    other_side: dict[int, Any] = {
        ExifTags.GPS.GPSLatitudeRef: "S",
        ExifTags.GPS.GPSLongitudeRef: "W",
    }
    assert where(taken(NORTH_EAST | other_side)) == (-48.51, -2.25)


@pytest.mark.parametrize(
    "wrong",
    [
        {ExifTags.GPS.GPSLatitudeRef: "?"},
        {ExifTags.GPS.GPSLatitude: (95.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLatitude: 48},
        {ExifTags.GPS.GPSLatitude: (0.0,) * 3, ExifTags.GPS.GPSLongitude: (0.0,) * 3},
    ],
)
def test_a_place_that_makes_no_sense_is_none(wrong: dict[int, Any]) -> None:
    assert taken(NORTH_EAST | wrong).position is None


@pytest.mark.parametrize(
    ("written", "zone", "read"),
    [
        ("2026:07:14 12:00:00", "+02:00", datetime(2026, 7, 14, 10, tzinfo=UTC)),
        ("2026:07:14 12:00:00", None, datetime(2026, 7, 14, 12)),  # noqa: DTZ001
        ("2026:07:14 12:00:00", "there", datetime(2026, 7, 14, 12)),  # noqa: DTZ001
        ("0000:00:00 00:00:00", "+02:00", None),
        ("0001:01:01 00:00:00", "+14:00", datetime(1, 1, 1)),  # noqa: DTZ001
        ("yesterday", None, None),
    ],
)
def test_a_time_is_as_exact_as_the_camera_was(
    written: str, zone: str | None, read: datetime | None
) -> None:
    tags: dict[int, Any] = {ExifTags.Base.DateTimeOriginal: written}
    tags |= {ExifTags.Base.OffsetTimeOriginal: zone} if zone else {}
    assert taken(camera=tags).taken_at == read


def test_what_says_nothing_or_is_damaged_has_no_origin() -> None:
    whole = samples.jpeg(64, 48, gps=True)
    assert origin.read(samples.jpeg(64, 48)) == Origin()
    for at in range(whole.index(b"Exif"), whole.index(b"Exif") + 120):
        spoilt = bytearray(whole)
        spoilt[at] ^= 0xFF
        assert isinstance(origin.read(bytes(spoilt)), Origin)
