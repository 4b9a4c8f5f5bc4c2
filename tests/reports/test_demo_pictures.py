"""The drawn pictures: real JPEGs, the same each time, one for every subject."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from PIL import Image, ImageChops, ImageStat

from geo.coordinates import Position
from reports.demo.pictures import SIZE_PX, SUBJECTS, draw, taken
from reports.imaging import origin


def opened(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture))
    image.load()
    return image


def mean_difference(one: bytes, other: bytes) -> float:
    difference = ImageChops.difference(opened(one).convert("L"), opened(other).convert("L"))
    return ImageStat.Stat(difference).mean[0]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_subject_gives_a_jpeg_with_something_on_it(subject: str) -> None:
    image = opened(draw(subject, 7))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", SIZE_PX)
    assert max(ImageStat.Stat(image).stddev) > 20


def test_the_size_is_about_that_of_a_small_photo() -> None:
    assert SIZE_PX == (1280, 960)
    assert 50_000 < len(draw("nid-de-poule", 1)) < 500_000


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert draw("banc", 5) == draw("banc", 5)


def test_another_seed_gives_another_picture() -> None:
    assert mean_difference(draw("banc", 5), draw("banc", 6)) > 2


def test_another_subject_gives_another_picture() -> None:
    assert mean_difference(draw("banc", 5), draw("nid-de-poule", 5)) > 10


def test_a_street_light_is_photographed_at_dusk() -> None:
    evening, noon = (
        ImageStat.Stat(opened(draw(code, 1)).convert("L")).mean[0] for code in ("lampadaire", "rue")
    )
    assert evening < 0.7 * noon


def test_an_unknown_subject_gives_a_street() -> None:
    image = opened(draw("no-such-subject", 1))
    assert image.size == SIZE_PX


def test_a_picture_tells_where_and_when_it_was_taken_and_shows_the_same() -> None:
    drawn, at = draw("rue", 3), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    told = taken(drawn, Position(48.813734, 2.237843), at)
    found = origin.read(told)
    assert found.position is not None
    assert found.position.latitude == pytest.approx(48.813734, abs=1e-6)
    assert found.position.longitude == pytest.approx(2.237843, abs=1e-6)
    assert found.taken_at == at
    assert opened(told).tobytes() == opened(drawn).tobytes()
