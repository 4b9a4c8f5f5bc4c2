"""The way of one report, over real processes and a folder."""

from __future__ import annotations

from tests.journeys import journey
from tests.stack import Stack


def test_a_report_goes_from_the_phone_to_its_closing(stack: Stack) -> None:
    journey.travel(stack)
