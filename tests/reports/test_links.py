"""Addresses of photos: which are refused, where none leads to, and when nobody asks any more."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from ipaddress import ip_network
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from city.models import KeptText
from city.unfit import Unfit
from infra.clock import now
from infra.outgoing import Outgoing
from reports import work
from reports.exchange import links
from reports.exchange.links import MAX_TRIES, MAX_URL_CHARACTERS
from reports.gallery import MAX_PHOTOS
from reports.link_models import PhotoLink
from reports.models import Photo, Report
from reports.privacy import forgetting
from reports.upkeep import owed
from reports.webhooks.endpoints import Reachable
from tests import traces
from tests.reports import photo_samples
from tests.reports.retained import Town
from tests.resident import BASE, Resident, log_in, read_ticket
from tests.site import Page, Site, serving
from tests.stack import eventually
from workers.links import Fetcher

PUBLIC = Reachable((), frozenset({80, 443}))
PICTURE = Page(pieces=[photo_samples.jpeg()])
HERE = ip_network("127.0.0.1/32")

INWARDS = (
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "169.254.169.254",
    "10.1.2.3",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "localhost",
)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@contextmanager
def fetching(town: Town, outgoing: Outgoing) -> Iterator[None]:
    stopped = threading.Event()
    thread = threading.Thread(target=Fetcher(town.kit, outgoing).run, args=(stopped,))
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def owe(town: Town, *urls: str) -> dict[str, Any]:
    """Send a report whose photos are at these addresses."""
    contact = {"email": f"{uuid4().hex}@example.org"}
    view = Resident(town.app.test_client()).report(contact=contact)
    report = report_of(town.session, view)
    links.owe(town.session, report, urls, now())
    town.session.commit()
    return view


def report_of(session: Session, view: dict[str, Any]) -> Report:
    return session.scalars(select(Report).where(Report.reference == view["reference"])).one()


def states(town: Town) -> list[tuple[str, str | None]]:
    town.session.rollback()
    query = select(PhotoLink).order_by(PhotoLink.id).execution_options(populate_existing=True)
    return [(link.status, link.error) for link in town.session.scalars(query)]


@pytest.mark.fault(30)
@pytest.mark.parametrize("host", INWARDS)
def test_30_addresses_of_inside_are_refused_before_anything_is_written(host: str) -> None:
    with pytest.raises(Unfit, match="public"):
        links.check(f"http://{host}/photo.jpg", PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/photo.jpg",
        "file:///etc/passwd",
        "http://example.org:22/photo.jpg",
        "http://user:secret@example.org/photo.jpg",
        "http://example.org/a photo.jpg",
        "photo.jpg",
        "",
    ],
)
def test_what_is_no_address_of_a_photo_is_refused(url: str) -> None:
    with pytest.raises(Unfit, match="http or https"):
        links.check(url, PUBLIC)


def test_an_address_has_an_end() -> None:
    url = "https://example.org/".ljust(MAX_URL_CHARACTERS, "a")
    links.check(url, PUBLIC)
    with pytest.raises(Unfit, match="too long"):
        links.check(f"{url}a", PUBLIC)


@pytest.mark.fault(30)
def test_30_no_address_of_inside_is_asked(town: Town, site: Site) -> None:
    path = site.put(PICTURE)
    hosts = ("127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "169.254.169.254", "[::1]")
    owe(town, *(site.url(path, host) for host in hosts))
    with fetching(town, Outgoing(ports={site.port})):
        eventually(lambda: {status for status, _ in states(town)} == {"failed"})
    assert site.asked == []
    assert town.session.scalars(select(Photo)).all() == []


@pytest.mark.fault(31)
def test_31_a_name_that_turns_inwards_leads_nowhere(town: Town, site: Site) -> None:
    asked: list[str] = []

    def resolve(name: str, _within_s: float) -> Sequence[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    trouble = site.put(Page(503), PICTURE)
    owe(town, site.url(trouble, "rebinding.example"))
    with fetching(town, Outgoing(resolve=resolve, allowed=[HERE], ports={site.port})):
        eventually(lambda: states(town) == [("pending", "HTTP 503")])
        _make_due(town)
        eventually(lambda: states(town)[0][0] == "failed")
    # Looked up once for each request, and asked at what was found alone.
    assert len(asked) == 2
    assert site.asked == [trouble]
    assert "not public" in str(states(town)[0][1])


def test_what_fails_again_and_again_is_given_up(town: Town, site: Site) -> None:
    path = site.put(Page(502))
    view = owe(town, site.url(path))
    with fetching(town, Outgoing(allowed=[HERE], ports={site.port})):
        waits = []
        for tries in range(1, MAX_TRIES):
            eventually(lambda tries=tries: len(site.asked) == tries)  # type: ignore[misc]
            eventually(lambda: _link(town).leased_until is None)
            waits.append((_link(town).due_at - now()).total_seconds())
            _make_due(town)
        eventually(lambda: states(town) == [("failed", "HTTP 502")])
    assert len(site.asked) == MAX_TRIES
    assert waits == sorted(waits)
    assert waits[-1] > 3_000
    client = town.app.test_client()
    ticket, _ = read_ticket(client, view["ticket"], log_in(client))
    assert ticket["events"][-1]["kind"] == "photo_failed"
    assert site.url(path) not in str(ticket)


def test_attempts_that_end_without_a_word_come_to_an_end(town: Town, site: Site) -> None:
    owe(town, site.url(site.put(PICTURE)))
    _link(town).tries = MAX_TRIES
    town.session.commit()
    with fetching(town, Outgoing(allowed=[HERE], ports={site.port})):
        eventually(lambda: states(town) == [("failed", "attempts exhausted")])
    assert site.asked == []


def test_a_storage_in_trouble_says_nothing_about_the_address(town: Town, site: Site) -> None:
    blocking = town.folder / "storage" / "originals"
    blocking.parent.mkdir(exist_ok=True)
    blocking.touch()
    owe(town, site.url(site.put(PICTURE)))
    with fetching(town, Outgoing(allowed=[HERE], ports={site.port})):
        eventually(lambda: (_link(town).attempt, _link(town).leased_until) == (1, None))
        assert (_link(town).status, _link(town).tries) == ("pending", 0)
        blocking.unlink()
        _make_due(town)
        eventually(lambda: states(town) == [("done", None)])
    assert len(traces.files(town.folder, "originals")) == 1


def test_a_report_withdrawn_meanwhile_gets_no_photo(town: Town, site: Site) -> None:
    view = owe(town, site.url(site.put(PICTURE)))
    ticket = work.lock_of(town.session, report_of(town.session, view).id)
    ticket.withdrawn = True
    town.session.commit()
    with fetching(town, Outgoing(allowed=[HERE], ports={site.port})):
        eventually(lambda: states(town) == [("failed", "withdrawn")])
    assert traces.files(town.folder, "originals") == []


def test_with_its_reporter_an_address_goes_and_is_asked_no_more(town: Town, site: Site) -> None:
    path = site.put(PICTURE)
    view = owe(town, site.url(path))
    assert traces.in_database(town.session, path)
    forget(town, view)
    assert traces.in_database(town.session, path) == []
    later = site.put(PICTURE)
    owe(town, site.url(later))
    with fetching(town, Outgoing(allowed=[HERE], ports={site.port})):
        eventually(lambda: states(town) == [("done", None)])
    assert site.asked == [later]


def test_a_photo_that_is_on_its_way_is_forgotten_too(town: Town, site: Site) -> None:
    on_its_way, forgotten = threading.Event(), threading.Event()

    def page() -> Page:
        on_its_way.set()
        forgotten.wait(30)
        return PICTURE

    view = owe(town, site.url(site.put(page)))
    with fetching(town, Outgoing(allowed=[HERE], ports={site.port})):
        assert on_its_way.wait(30)
        forget(town, view)
        forgotten.set()
    assert town.session.scalars(select(Photo)).all() == []
    assert traces.files(town.folder, "originals") == []


def test_whoever_asks_is_handed_the_addresses(town: Town, site: Site) -> None:
    url = site.url(site.put(PICTURE))
    view = owe(town, url)
    client = town.app.test_client()
    who, staff = {"email": view["contact"]["email"]}, log_in(client)
    answer = client.post(f"{BASE}/residents/export", json=who, headers=staff)
    data = answer.data
    answer.close()
    with ZipFile(BytesIO(data)) as archive:
        (report,) = json.loads(archive.read("data.json"))["reports"]
    assert report["photo_links"] == [url]


def test_no_more_addresses_are_kept_than_there_may_be_photos(town: Town) -> None:
    urls = [f"https://example.org/{number}.jpg" for number in range(MAX_PHOTOS + 2)]
    owe(town, urls[0], *urls)
    kept = town.session.scalars(select(PhotoLink.url).order_by(PhotoLink.id)).all()
    assert kept == urls[:MAX_PHOTOS]


def test_the_doctor_learns_of_addresses_that_wait(town: Town) -> None:
    owe(town, "https://example.org/photo.jpg")
    since = owed.waits_since(town.session, now())
    assert since is not None
    assert since <= _link(town).due_at


def forget(town: Town, view: dict[str, Any]) -> None:
    report = report_of(town.session, view)
    ticket = work.lock_of(town.session, report.id)
    forgetting.forget(town.session, ticket, report, KeptText.KEEP, now())
    town.session.commit()


def _link(town: Town) -> PhotoLink:
    town.session.rollback()
    query = select(PhotoLink).execution_options(populate_existing=True)
    return town.session.scalars(query).one()


def _make_due(town: Town) -> None:
    _link(town).due_at = now()
    town.session.commit()
