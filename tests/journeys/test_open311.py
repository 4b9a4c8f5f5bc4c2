"""Reports that come by Open311 go the way of all reports, and clients that others wrote see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import boston311
import boston311.api
import chicagorequests
import httpx
import pytest
from civicbot.http import HttpTransport, RateLimiter
from civicbot.open311 import Open311Client, ValidationError
from civicbot.registry import Endpoint
from georeport import GeoReport

from infra.clock import now
from tests import web
from tests.api.help import ADMINISTRATOR
from tests.journeys.journey import ANSWER, TEAM, close, send, text_of
from tests.reports.photo_samples import jpeg
from tests.resident import BASE, INSIDE, PASSWORD, bearer, problem_at
from tests.site import Page, Site, serving
from tests.stack import Stack, eventually

OPEN311 = "/open311/v2"
PHOTO = jpeg(640, 480)
CAR = "vehicule-abandonne"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(scope="module")
def variables(site: Site) -> dict[str, str]:
    return {"WEBHOOK_NETWORKS_ALLOWED": "127.0.0.1/32", "WEBHOOK_PORTS": str(site.port)}


@pytest.fixture(scope="module")
def native(stack: Stack) -> Iterator[httpx.Client]:
    with web.Client(base_url=f"{stack.url}{BASE}", timeout=10) as http:
        yield http


@pytest.fixture(scope="module")
def key(native: httpx.Client) -> str:
    """Return the key that an administrator gives to a client."""
    login = {"email": ADMINISTRATOR, "password": PASSWORD}
    office = bearer(native.post("/sessions", json=login).json()["token"])
    part = {"name": "Autre application", "channel": "app", "per_minute": 600}
    answer = native.post("/admin/keys", json=part, headers=office)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


def _form(key: str, reporter: str) -> dict[str, Any]:
    """Return what says the same as the native report of `send`."""
    said = problem_at()
    return {
        "api_key": key,
        "service_code": said["category"],
        "description": said["description"],
        "lat": INSIDE["latitude"],
        "long": INSIDE["longitude"],
        "first_name": "Camille",
        "email": reporter,
        "locale": "fr",
    }


def _decision(native: httpx.Client, reference: str) -> dict[str, Any]:
    told: dict[str, Any] = native.get(f"/reports/{reference}/decision").json()
    del told["decided_at"]
    return told


def _events(native: httpx.Client, reference: str) -> list[tuple[str, str, str]]:
    events = native.get(f"/reports/{reference}/events").json()["items"]
    told = [(one["kind"], one["by"], one["text"]) for one in events]
    return [one for one in told if one[0] != "photo_added"]


def _plain(mails: list[EmailMessage], reference: str, ticket: str) -> list[str]:
    """Return what the mails about a report say, whatever it is called and whenever it came."""
    about = [mail for mail in mails if reference in text_of(mail)]
    texts = [f"{mail['Subject']}\n{text_of(mail)}" for mail in about]
    texts = [text.replace(ticket, "TICKET").replace(reference, "REPORT") for text in texts]
    return [re.sub(r"[?&]t(oken)?=\S+", "", text) for text in texts]


def _three_mails(stack: Stack, to: str) -> list[EmailMessage]:
    eventually(lambda: len(stack.mails(to)) == 3)
    return stack.mails(to)


@pytest.mark.parametrize("way", ["form", "multipart", "media_url"])
def test_a_report_by_open311_goes_the_way_of_a_native_one(
    stack: Stack, native: httpx.Client, site: Site, key: str, way: str
) -> None:
    one, other = (f"{who}-{uuid4().hex}@example.org" for who in ("native", way))
    sent = send(native, one)
    form = _form(key, other)
    files = []
    if way == "multipart":
        files = [("media", ("1.jpg", PHOTO)), ("media", ("2.jpg", jpeg(320, 240)))]
    if way == "media_url":
        form["media_url"] = site.url(site.put(Page(pieces=[PHOTO])))
    answer = web.post(
        f"{stack.url}{OPEN311}/requests.json", data=form, files=files or None, timeout=10
    )
    assert answer.status_code == 200, answer.text
    reference = answer.json()[0]["service_request_id"]
    ticket = native.get(f"/reports/{reference}").json()["ticket"]

    assert _decision(native, reference) == _decision(native, sent["reference"])
    photos = {"form": 0, "multipart": 2, "media_url": 1}[way]
    path = f"{stack.url}{OPEN311}/requests/{reference}.json?extensions=true"

    def ready() -> bool:
        found = web.get(path).json()[0]["extended_attributes"]["media_urls"]
        return len(found) == photos

    eventually(ready)
    if photos:
        shown = web.get(path).json()[0]["media_url"]
        assert shown.endswith("/800.jpg")
        picture = web.get(shown.replace("http://city.example", stack.url))
        assert picture.headers["Content-Type"] == "image/jpeg"

    for one_ticket in (sent["ticket"], ticket):
        close(native, one_ticket)
    assert _events(native, reference) == _events(native, sent["reference"])
    pairs = ((one, sent["reference"], sent["ticket"]), (other, reference, ticket))
    told = [_plain(_three_mails(stack, who), named, its) for who, named, its in pairs]
    assert len(told[0]) == 3
    assert told[0] == told[1]
    teams = [_plain(stack.mails(TEAM), named, its) for _, named, its in pairs]
    assert teams[0]
    assert teams[0] == teams[1]

    polled = web.get(path).json()[0]
    assert polled["status"] == "closed"
    assert polled["status_notes"] == ANSWER
    updates = web.get(
        f"{stack.url}{OPEN311}/servicerequestupdates.json?service_request_id={reference}"
    ).json()
    assert [update["status"] for update in updates] == ["INVESTIGATING", "FIXED"]
    assert ANSWER in updates[-1]["description"]


@pytest.mark.parametrize("suffix", ["json", "xml"])
def test_georeport_reads_it_all(stack: Stack, key: str, suffix: str) -> None:
    path = f"{stack.url}{OPEN311}/requests.json"
    sent = [web.post(path, data=_form(key, "a@example.org")).json()[0] for _ in range(2)]
    ids = [one["service_request_id"] for one in sent]
    client = GeoReport(f"{stack.url}{OPEN311}", "beaurive", output_format=suffix)
    services = client.get_service_list()
    assert len(services) > 10
    assert {service["type"] for service in services} == {"realtime"}
    defined = client.get_service_definition("depot-sauvage")
    assert defined["service_code"] == "depot-sauvage"
    attributes = defined["attributes"] if suffix == "json" else defined["attributes"]["attribute"]
    assert [one["code"] for one in attributes] == ["contenu", "volume", "vu-le"]
    found = client.get_service_requests(service_request_id=",".join(ids))
    assert {one["service_request_id"] for one in found} == set(ids)
    listed = client.get_service_requests(
        service_code="nid-de-poule",
        status="open",
        start_date=f"{now() - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
    )
    assert {*ids} <= {one["service_request_id"] for one in listed}
    assert client.get_service_request(ids[0])["service_request_id"] == ids[0]


def test_boston311_takes_every_request_by_its_strict_models(
    stack: Stack, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boston311.api, "BOSTON_API_ENDPOINT", f"{stack.url}{OPEN311}/")
    path = f"{stack.url}{OPEN311}/requests.json"
    [sent] = web.post(path, data=_form(key, "b@example.org")).json()
    services = boston311.get_services()
    assert services.get_service_name("nid-de-poule") == "Nid-de-poule"
    one = boston311.get_service_request(sent["service_request_id"])
    assert one is not None
    assert one.status.value == "open"
    begin = datetime.now(UTC) - timedelta(hours=1)
    listed = boston311.get_service_requests(service_code="nid-de-poule", start_date=begin)
    assert sent["service_request_id"] in {one.service_request_id for one in listed.service_requests}
    assert len(boston311.get_service_requests()) >= len(listed)


def test_chicagorequests_pages_through_a_day(
    stack: Stack, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{stack.url}{OPEN311}/requests.json"
    monkeypatch.setattr(chicagorequests.Downloader, "BASE_URL", path)
    [sent] = web.post(path, data=_form(key, "c@example.org")).json()
    end = datetime.now(UTC) + timedelta(minutes=1)
    download = chicagorequests.Downloader(
        ["nid-de-poule"], "2026-01-01T00:00:00+00:00", end.isoformat()
    )
    found = download((end - timedelta(days=1), end))
    assert sent["service_request_id"] in {one["service_request_id"] for one in found}
    assert all(one["extended_attributes"]["detailed_status"] for one in found)


def test_civicbot_sends_what_the_definition_asks_for(stack: Stack, key: str) -> None:
    place = Endpoint("beaurive", "Beaurive", f"{stack.url}{OPEN311}", write=True)
    quick = HttpTransport(rate_limiter=RateLimiter(0))
    client = Open311Client(place, quick, "beaurive")
    said = {
        "lat": INSIDE["latitude"],
        "lng": INSIDE["longitude"],
        "description": "Une épave.",
        "api_key": key,
        "dry_run": False,
        "confirm": "SEND",
        "validate_remote": True,
    }
    with pytest.raises(ValidationError, match="description-vehicule"):
        client.create_request(CAR, **said)
    attributes = {"description-vehicule": "Une Clio grise"}
    prepared = client.create_request(CAR, attributes=attributes, **said)
    [sent] = prepared.response
    one = client.get_request(sent["service_request_id"])
    assert one is not None
    assert one["service_code"] == CAR
    assert one["description"] == "Une épave."
    told = client.get_token(sent["service_request_id"])
    assert told[0]["service_request_id"] == sent["service_request_id"]
    assert one in client.list_requests(service_code=CAR, status="open", page_size=50)
