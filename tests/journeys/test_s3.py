"""Photos in a bucket: the same journey, nothing open to anybody, and what its failures cost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra import queue
from infra.database import make_engine, make_sessions
from infra.mail import Mailer
from infra.metrics import Metrics
from infra.settings import Settings
from infra.storage import Storage
from reports import gallery
from tests import web
from tests.bucket import BUCKET, PAGE, BucketServer
from tests.journeys import journey
from tests.reports import photo_samples
from tests.resident import DISPATCHER, PASSWORD, bearer, problem_at
from tests.stack import Stack, eventually
from workers import sweeper
from workers.tools import Tools

ONE_SET = ["1600.jpg", "1600.webp", "320.jpg", "320.webp", "800.jpg", "800.webp"]
# More than the web server has threads.
MANY_CALLS = 24


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    server = BucketServer(tmp_path_factory.mktemp("bucket"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def variables(bucket: BucketServer) -> dict[str, str]:
    # As in production, a photo's lease outlasts the patience with a bucket that does not answer.
    return {**bucket.environ, "PHOTO_LEASE_SECONDS": "40"}


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    with web.Client(base_url=f"{stack.url}/api/v1", timeout=30) as client:
        yield client


def test_a_report_goes_the_same_way_over_a_bucket(stack: Stack, bucket: BucketServer) -> None:
    journey.travel(stack)

    assert len(bucket.keys("originals/")) == 2
    kept = sorted(key.rpartition("/")[2] for key in bucket.keys("derivatives/"))
    assert kept == sorted(ONE_SET * 2)
    assert not (stack.folder / "storage").exists()


def test_nothing_in_the_bucket_is_open_and_no_address_leads_to_an_original(
    stack: Stack, bucket: BucketServer, http: httpx.Client
) -> None:
    earlier = set(bucket.keys("originals/"))
    sent = _send(http)
    assert _put(http, sent).status_code == 201
    photo = _ready(http, sent)

    (original,) = set(bucket.keys("originals/")) - earlier
    keys = [original, gallery.derivative_key(photo["id"], 320, "jpg")]
    assert {bucket.read_as_anybody(key).status_code for key in keys} == {403}
    # Else the server would refuse whatever it is asked without a key.
    bucket.publish(keys[1])
    assert bucket.read_as_anybody(keys[1]).status_code == 200

    told = "".join(_answers_about(stack, http, sent, photo))
    for secret in (bucket.endpoint, BUCKET, "s3:", "originals", original):
        assert secret not in told
    for name in ("original", "original.jpg", "2000.jpg", "..%2f..%2foriginals"):
        assert http.get(f"/photos/{photo['id']}/{name}").status_code == 404


def test_a_bucket_that_refuses_costs_photos_alone_and_heals(
    stack: Stack, bucket: BucketServer, http: httpx.Client
) -> None:
    sent = _send(http)
    assert _put(http, sent).status_code == 201
    photo = _ready(http, sent)
    picture = photo["urls"]["320"]["jpg"]

    with bucket.forbidden():
        later = _send(http)
        _expect_unavailable(_put(http, later))
        _expect_unavailable(http.get(picture))
        _expect_red(stack)

    assert _put(http, later).status_code == 201
    _ready(http, later)
    assert http.get(picture).status_code == 200
    _expect_green(stack)


def test_a_bucket_that_does_not_answer_holds_nobody_up_for_long(
    stack: Stack, bucket: BucketServer, http: httpx.Client
) -> None:
    done, waiting = _send(http), _send(http)
    assert _put(http, done).status_code == 201
    picture = _ready(http, done)["urls"]["320"]["jpg"]
    stack.stop_workers()
    assert _put(http, waiting).status_code == 201

    with bucket.paused():
        stack.start_workers()
        with ThreadPoolExecutor(MANY_CALLS) as pool:
            calls = [pool.submit(http.get, picture) for _ in range(MANY_CALLS)]
            another = _send(http)
            for call in calls:
                _expect_unavailable(call.result())
        _expect_unavailable(_put(http, another))
        _expect_red(stack)
        eventually(lambda: "the photo will be tried again" in stack.log())

    _ready(http, waiting)
    assert eventually(lambda: _or_none(http.get(picture)))
    _expect_green(stack)


def test_a_bucket_that_is_gone_and_comes_back(
    stack: Stack, bucket: BucketServer, http: httpx.Client
) -> None:
    bucket.stop()
    sent = _send(http)
    _expect_unavailable(_put(http, sent))
    _expect_red(stack)
    bucket.start()

    assert _put(http, sent).status_code == 201
    _ready(http, sent)
    _expect_green(stack)


def test_originals_without_a_photo_are_removed_from_a_bucket(
    stack: Stack, bucket: BucketServer, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = _send(http)
    assert _put(http, sent).status_code == 201
    kept = bucket.keys("originals/")
    for name, value in bucket.environ.items():
        monkeypatch.setenv(name, value)
    # No server lets an object be older than it is.
    monkeypatch.setattr(sweeper, "UNFINISHED_AFTER_S", -60)
    settings = Settings.from_env(stack.environ)
    engine = make_engine(settings.database_url, pool_size=1)
    storage = Storage.from_url(settings.storage_url)
    kit = Tools(
        settings,
        make_sessions(engine),
        storage,
        Mailer("smtp://127.0.0.1:9", "a@b"),
        Metrics(queue.connect(settings.redis_url)),
    )
    with ThreadPoolExecutor(4) as pool:
        for number in range(PAGE * 2):
            key = gallery.original_key(number, uuid4())
            pool.submit(storage.put, key, b"orphan", "image/jpeg")
    assert len(list(storage.list(gallery.ORIGINALS))) == PAGE * 2 + len(kept)
    storage.put("probes/left", b"of a check", "application/octet-stream")

    sweeper.tidy(kit)
    sweeper.purge(kit)

    engine.dispose()
    assert bucket.keys("originals/") == kept
    assert not bucket.keys("probes/")


def _send(http: httpx.Client) -> dict[str, Any]:
    answer = http.post("/reports", json=problem_at())
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return {**view, "uuid": uuid4()}


def _put(http: httpx.Client, sent: dict[str, Any]) -> httpx.Response:
    headers = {**bearer(sent["tracking_token"]), "Content-Type": "image/jpeg"}
    path = f"/reports/{sent['reference']}/photos/{sent['uuid']}"
    # A picture of its own, so that no call is answered as the repeat of another.
    return http.put(path, content=photo_samples.jpeg(comment=uuid4().hex), headers=headers)


def _ready(http: httpx.Client, sent: dict[str, Any]) -> dict[str, Any]:
    return eventually(lambda: _photo_when(http, sent, "ready"), 60)


def _photo_when(http: httpx.Client, sent: dict[str, Any], status: str) -> dict[str, Any] | None:
    view = http.get(f"/reports/{sent['reference']}").json()
    found: list[dict[str, Any]] = [one for one in view["photos"] if one["status"] == status]
    return found[0] if found else None


def _answers_about(
    stack: Stack, http: httpx.Client, sent: dict[str, Any], photo: dict[str, Any]
) -> Iterator[str]:
    """Yield all that residents, reporters and staff are told, and every header of a picture."""
    report = f"/reports/{sent['reference']}"
    login = http.post("/sessions", json={"email": DISPATCHER, "password": PASSWORD}).json()
    staff, reporter = bearer(login["token"]), bearer(sent["tracking_token"])
    for path in (report, f"{report}/events", f"{report}/decision", "/reports"):
        yield http.get(path).text
        yield http.get(path, headers=reporter).text
    for path in ("/tickets", f"/tickets/{sent['ticket']}"):
        yield http.get(path, headers=staff).text
    yield http.get(f"{stack.url}/r/{sent['reference']}").text
    for urls in photo["urls"].values():
        for url in urls.values():
            answer = http.get(url)
            assert answer.status_code == 200
            yield f"{url} {answer.headers}"


def _or_none(answer: httpx.Response) -> httpx.Response | None:
    return answer if answer.status_code == 200 else None


def _expect_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["type"].endswith("storage-unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def _expect_red(stack: Stack) -> None:
    answer = eventually(lambda: _readiness(stack, 503))
    parts = answer.json()["parts"]
    assert parts.pop("storage") != "ok"
    assert set(parts.values()) == {"ok"}


def _expect_green(stack: Stack) -> None:
    eventually(lambda: _readiness(stack, 200))


def _readiness(stack: Stack, status: int) -> httpx.Response | None:
    answer = web.get(f"{stack.url}/readyz", timeout=30)
    return answer if answer.status_code == status else None
