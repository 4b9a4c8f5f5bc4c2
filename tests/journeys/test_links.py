"""Photos that came as addresses, from the report to what the public sees or the staff are told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from infra.clock import now
from infra.database import make_engine, make_sessions
from infra.settings import Settings
from reports.exchange import links
from reports.gallery import MAX_PHOTO_BYTES
from reports.link_models import PhotoLink
from reports.models import Photo, Report
from tests import web
from tests.reports import photo_samples
from tests.resident import BASE, DISPATCHER, PASSWORD, bearer, problem_at
from tests.site import Page, Site, serving
from tests.stack import Stack, eventually

DEADLINE_S = 2
PICTURE = Page(pieces=[photo_samples.jpeg()])


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(scope="module")
def variables(site: Site) -> dict[str, str]:
    return {
        "WEBHOOK_NETWORKS_ALLOWED": "127.0.0.1/32",
        "WEBHOOK_PORTS": str(site.port),
        "LINK_LEASE_SECONDS": str(DEADLINE_S * 3),
        "LINK_RETRY_SECONDS": "1",
    }


class City:
    """A running city, and the site that its photos are on."""

    def __init__(self, stack: Stack, site: Site) -> None:
        self.stack, self.site = stack, site
        self.http = web.Client(base_url=f"{stack.url}{BASE}", timeout=10)
        self.engine = make_engine(Settings.from_env(stack.environ).database_url, pool_size=1)
        self.sessions = make_sessions(self.engine)
        login = {"email": DISPATCHER, "password": PASSWORD}
        self.staff = bearer(self.http.post("/sessions", json=login).json()["token"])

    def report(self, *paths: str) -> dict[str, Any]:
        """Send a report whose photos are at these paths."""
        answer = self.http.post("/reports", json=problem_at())
        assert answer.status_code == 201, answer.text
        view: dict[str, Any] = answer.json()
        with self.sessions.begin() as session:
            urls = [self.site.url(path) for path in paths]
            links.owe(session, report_of(session, view), urls, now())
        return view

    def photos(self, view: dict[str, Any]) -> list[str]:
        """Return how far the report's photos are."""
        told = self.http.get(f"/reports/{view['reference']}").json()
        return [photo["status"] for photo in told["photos"]]

    def links(self, view: dict[str, Any]) -> list[PhotoLink]:
        with self.sessions() as session:
            report = report_of(session, view)
            query = select(PhotoLink).where(PhotoLink.report_id == report.id)
            return list(session.scalars(query.order_by(PhotoLink.id)))

    def states(self, view: dict[str, Any]) -> list[tuple[str, str | None]]:
        return [(link.status, link.error) for link in self.links(view)]

    def told(self, view: dict[str, Any], headers: dict[str, str] | None = None) -> list[str]:
        """Return what the ticket's history says, to staff unless others are named."""
        ticket = self.http.get(f"/tickets/{view['ticket']}", headers=headers or self.staff).json()
        return [event["text"] for event in ticket["events"]]

    def originals(self, view: dict[str, Any]) -> list[Path]:
        with self.sessions() as session:
            report = report_of(session, view)
        return list((self.stack.folder / "storage" / "originals" / str(report.id)).iterdir())


def report_of(session: Session, view: dict[str, Any]) -> Report:
    return session.scalars(select(Report).where(Report.reference == view["reference"])).one()


@pytest.fixture(scope="module")
def city(stack: Stack, site: Site) -> Iterator[City]:
    city = City(stack, site)
    yield city
    city.http.close()
    city.engine.dispose()


def test_what_is_at_an_address_becomes_a_photo(city: City) -> None:
    path = city.site.put(PICTURE)
    view = city.report(path, path)
    eventually(lambda: city.photos(view) == ["ready"])
    assert city.site.asked.count(path) == 1
    assert city.site.agents[-1] == "Vigie"
    photo = city.http.get(f"/reports/{view['reference']}").json()["photos"][0]
    served = web.get(f"{city.stack.url}{BASE}/photos/{photo['id']}/800.jpg")
    assert photo_samples.quadrants(served.content) == photo_samples.UPRIGHT
    (original,) = city.originals(view)
    assert original.read_bytes() == photo_samples.jpeg()
    assert city.states(view) == [("done", None)]
    assert path not in city.stack.log()


def test_trouble_that_passes_is_waited_for(city: City) -> None:
    view = city.report(city.site.put(Page(500), Page(429), PICTURE))
    eventually(lambda: city.photos(view) == ["ready"])
    assert [link.tries for link in city.links(view)] == [3]
    metrics = web.get(f"{city.stack.url}/metrics").text
    assert 'vigie_link_outcomes_total{outcome="put_off"}' in metrics


def test_what_drips_ends_by_the_deadline_and_holds_up_nobody(city: City) -> None:
    began = time.monotonic()
    dripping = city.report(city.site.put(city.site.dripping))
    view = city.report(city.site.put(PICTURE))
    eventually(lambda: city.photos(view) == ["ready"])
    eventually(lambda: city.states(dripping)[0][1] in {"ReadTimeout", "it took too long"})
    assert city.states(dripping)[0][0] == "pending"
    assert time.monotonic() - began < DEADLINE_S + 8
    assert city.photos(dripping) == []


UNFETCHED = "A photo could not be fetched from the address sent for it."
NO_PHOTO = "At an address that was sent for a photo there is none to be used."
TOO_MANY = "A photo was left out: the report has as many as it may have."


def test_what_is_no_photo_is_told_to_staff_alone(city: City) -> None:
    site, chunk = city.site, bytes(1_000_000)
    elsewhere = site.put(PICTURE)
    too_large = [chunk] * (MAX_PHOTO_BYTES // len(chunk) + 1)
    expected = [
        (Page(404), "HTTP 404", UNFETCHED),
        (Page(204), "HTTP 204", UNFETCHED),
        (
            Page(302, headers={"Location": site.url(elsewhere)}),
            "the answer is a redirect",
            UNFETCHED,
        ),
        (Page(pieces=too_large), "the answer is too large", UNFETCHED),
        (Page(pieces=[b"<html>not here</html>"]), "unsupported_type", NO_PHOTO),
    ]
    view = city.report(*(site.put(page) for page, _, _ in expected))
    ends = [("failed", error) for _, error, _ in expected]
    eventually(lambda: city.states(view) == ends)
    assert site.asked.count(elsewhere) == 0
    assert [link.tries for link in city.links(view)] == [1] * len(expected)
    assert city.photos(view) == []
    told = city.told(view)
    assert (told.count(UNFETCHED), told.count(NO_PHOTO)) == (4, 1)
    public = city.http.get(f"/reports/{view['reference']}/events").text
    assert UNFETCHED not in public
    assert NO_PHOTO not in public


def test_there_are_never_more_photos_than_there_may_be(city: City) -> None:
    paths = [
        city.site.put(Page(pieces=[photo_samples.jpeg(width=640 + number)])) for number in range(7)
    ]
    city.stack.stop_workers()
    view = city.report(*paths)
    own = f"/reports/{view['reference']}/photos/6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11"
    headers = {**bearer(view["tracking_token"]), "Content-Type": "image/jpeg"}
    assert city.http.put(own, content=photo_samples.jpeg(), headers=headers).status_code == 201
    city.stack.start_workers()
    eventually(lambda: city.photos(view) == ["ready"] * 5, 60)
    eventually(lambda: sorted(city.states(view))[-1] == ("failed", "too_many"))
    assert [status for status, _ in city.states(view)].count("done") == 4
    assert len(city.links(view)) == 5
    assert not [path for path in paths[5:] if path in city.site.asked]
    assert city.told(view).count(TOO_MANY) == 1
    assert len(city.originals(view)) == 5


def test_killed_in_the_middle_and_run_again_gives_one_photo(city: City) -> None:
    path = city.site.put(city.site.silent, PICTURE)
    view = city.report(path)
    eventually(lambda: path in city.site.asked)
    assert city.stack.kill_workers("outgoing")
    eventually(lambda: city.photos(view) == ["ready"], 60)
    assert city.site.asked.count(path) == 2
    assert len(city.originals(view)) == 1
    assert city.states(view) == [("done", None)]


def test_a_late_attempt_leaves_nothing_behind(city: City) -> None:
    def overtaken() -> Page:
        """Have the lease run out, and go on once a later attempt has brought the photo."""
        with city.sessions.begin() as session:
            link = session.scalars(select(PhotoLink).order_by(PhotoLink.id.desc()).limit(1)).one()
            link.leased_until = now()
        eventually(lambda: city.states(view) == [("done", None)], DEADLINE_S)
        return PICTURE

    path = city.site.put(overtaken, PICTURE)
    view = city.report(path)
    eventually(lambda: city.photos(view) == ["ready"])
    assert city.site.asked.count(path) == 2
    eventually(lambda: len(city.originals(view)) == 1)
    with city.sessions() as session:
        of_report = select(Photo).where(Photo.report_id == report_of(session, view).id)
        assert len(session.scalars(of_report).all()) == 1
