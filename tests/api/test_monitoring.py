"""The dashboard and the alerts name only what there is, and leave nothing out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from tests.stack import ROOT

MONITORING = ROOT / "docs" / "monitoring"
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
NAME = re.compile(r"\bvigie_\w+")


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
    return found


@pytest.fixture
def told(client: FlaskClient) -> set[str]:
    """Return the names of all series that a scrape can hold."""
    return {
        family.name + suffix
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for suffix in SUFFIXES.get(family.type, ("",))
    }


def test_the_dashboard_shows_every_metric_and_no_other(
    dashboard: dict[str, Any], told: set[str]
) -> None:
    shown = _names(_expressions(dashboard))
    assert shown <= told
    bases = {re.sub("_(bucket|sum|count)$", "", name) for name in shown}
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in told} == bases


def test_the_alerts_watch_what_there_is(told: set[str]) -> None:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) >= 5
    for rule in rules:
        assert rule["annotations"]["summary"]
        assert _names([rule["expr"]]) <= told


def test_the_dashboard_can_be_imported_anywhere(dashboard: dict[str, Any]) -> None:
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert dashboard.get("id") is None
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}"
    places = [_cells(panel["gridPos"]) for panel in dashboard["panels"]]
    taken = [cell for cells in places for cell in cells]
    assert len(set(taken)) == len(taken)


def _expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def _names(expressions: Iterable[str]) -> set[str]:
    return {name for one in expressions for name in NAME.findall(one)}


def _cells(place: dict[str, int]) -> set[tuple[int, int]]:
    columns = range(place["x"], place["x"] + place["w"])
    assert columns[-1] < 24
    return {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}
