"""What Prometheus reads: true, the same from every process, and not for everybody."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from infra.embedded.valkey import Valkey
from infra.queue import Job
from tests import web
from tests.api.conftest import Build
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, problem_at
from tests.stack import Stack, eventually

TOKEN = "a-token-for-prometheus"
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}
# Whatever a label may say; the values of the others come from lists of our own.
LABELS = {
    "le",
    "method",
    "outcome",
    "part",
    "problem",
    "python",
    "queue",
    "route",
    "status",
    "task",
}
LABELS |= {"kind", "version"}

Samples = Mapping[str, float]


@pytest.fixture(scope="module")
def sibling(stack: Stack) -> Iterator[Stack]:
    """Return one web server more over the same parts, without workers of its own."""
    folder = stack.folder / "sibling"
    folder.mkdir()
    sibling = Stack(folder, stack.environ, folder)
    sibling.start_web()
    yield sibling
    sibling.stop()


def test_it_tells_how_things_stand(build: Build, own_database_url: str, own_valkey: Valkey) -> None:
    client = build(DATABASE_URL=own_database_url, REDIS_URL=own_valkey.url)
    resident = Resident(client)
    view = resident.report(contact={"email": "camille@example.org"})
    assert resident.put_photo(view, photo_samples.jpeg()).status_code == 201

    samples = read(client.get("/metrics").text)
    assert samples['vigie_photos{status="pending"}'] == 1
    assert samples['vigie_photos{status="ready"}'] == 0
    assert samples['vigie_notices{status="pending"}'] == 2
    assert samples['vigie_notices{status="failed"}'] == 0
    assert samples['vigie_tickets_open{status="received"}'] == 1
    for queue in ("photos", "notices"):
        assert samples[f'vigie_oldest_pending_seconds{{queue="{queue}"}}'] > 0
    assert samples['vigie_queue_depth{queue="photos"}'] == 1
    assert samples['vigie_queue_depth{queue="notices"}'] == 2
    for part in ("database", "queue", "storage"):
        assert samples[f'vigie_part_up{{part="{part}"}}'] == 1
    assert samples["vigie_database_connections_allowed"] >= 32


def test_every_process_tells_what_all_of_them_did(stack: Stack, sibling: Stack) -> None:
    before = scrape(stack)
    data = photo_samples.jpeg()
    with web.Client(base_url=stack.url, timeout=30) as client:
        view = client.post(f"{BASE}/reports", json=problem_at()).json()
        url = view["photo_upload"]["template"].replace("{uuid}", str(uuid4()))
        headers = {**bearer(view["tracking_token"]), "Content-Type": "image/jpeg"}
        assert client.put(url, content=data, headers=headers).status_code == 201
        assert client.get("/nowhere").status_code == 404

    post = 'method="POST",route="/api/v1/reports"'
    grown = {
        f'vigie_http_requests_total{{{post},status="201"}}': 1,
        f"vigie_http_request_seconds_count{{{post}}}": 1,
        'vigie_http_refusals_total{problem="http-404",status="404"}': 1,
        'vigie_jobs_total{outcome="done",task="workers.photos.render"}': 1,
        'vigie_photo_outcomes_total{outcome="ready"}': 1,
        'vigie_notice_outcomes_total{outcome="sent"}': 1,
        "vigie_photo_seconds_count": 1,
        "vigie_photo_bytes_total": len(data),
    }
    for asked in (stack, sibling):
        eventually(partial(_has_grown, asked, before, grown))
    ended = {(line["job"], line["outcome"]) for line in _lines(stack, "job ended")}
    assert {(Job.RENDER_PHOTO, "done"), (Job.SEND_NOTICE, "done")} <= ended
    sweeps = 'vigie_sweeps_total{outcome="done"}'
    eventually(lambda: scrape(sibling)[sweeps] > before[sweeps])


def test_counts_only_grow_though_processes_come_and_go(stack: Stack, sibling: Stack) -> None:
    counted = 'vigie_http_requests_total{method="GET",route="/healthz",status="200"}'
    seen = [scrape(stack).get(counted, 0)]
    web.get(f"{sibling.url}/healthz")
    # An orderly end hands over what was counted in the last moment.
    sibling.stop()
    seen.append(scrape(stack)[counted])
    sibling.start_web()
    seen += [scrape(sibling)[counted], scrape(stack)[counted]]
    assert all(earlier <= later for earlier, later in pairwise(seen))
    assert seen[1] > seen[0]


def test_a_histogram_reads_as_one(stack: Stack) -> None:
    web.get(f"{stack.url}/healthz")
    families = text_string_to_metric_families(scrape_text(stack))
    found = next(one for one in families if one.name == "vigie_http_request_seconds")
    buckets = [
        (float(one.labels["le"]), one.value)
        for one in found.samples
        if one.name.endswith("_bucket") and one.labels["route"] == "/healthz"
    ]
    assert buckets == sorted(buckets)
    assert [count for _, count in buckets] == sorted(count for _, count in buckets)
    count = scrape(stack)['vigie_http_request_seconds_count{method="GET",route="/healthz"}']
    assert 0 < buckets[-1][1] <= count


def test_no_label_says_what_a_client_made_up(client: FlaskClient) -> None:
    for number in range(20):
        client.get(f"/camille-{number}?q=camille")
        client.open("/", method=f"CAMILLE{number}")
        client.post(f"{BASE}/reports", json={f"camille{number}": number})
    text = client.get("/metrics").text
    assert "camille" not in text.lower()
    named = {
        name
        for family in text_string_to_metric_families(text)
        for one in family.samples
        for name in one.labels
    }
    assert named <= LABELS


def test_only_this_machine_may_read_without_a_token(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base=ELSEWHERE).status_code == 401
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert client.get("/metrics", headers={name: "127.0.0.1"}).status_code == 401


def test_who_has_the_token_may_read_from_anywhere(build: Build) -> None:
    client = build(METRICS_TOKEN=TOKEN)
    told = client.get("/metrics", headers=bearer(TOKEN), environ_base=ELSEWHERE)
    assert told.status_code == 200
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=bearer(TOKEN[:-1])).status_code == 401
    assert client.get("/metrics", headers=bearer("é" * 20)).status_code == 401


def test_what_is_down_is_told_and_the_rest_remains(build: Build) -> None:
    told = read(build(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none").get("/metrics").text)
    assert told['vigie_part_up{part="database"}'] == 0
    assert told['vigie_part_up{part="queue"}'] == 1
    assert "vigie_photo_bytes_total" in told
    assert 'vigie_photos{status="ready"}' not in told

    told = read(build(REDIS_URL="redis://127.0.0.1:1").get("/metrics").text)
    assert told['vigie_part_up{part="queue"}'] == 0
    assert 'vigie_photos{status="ready"}' in told
    assert "vigie_photo_bytes_total" not in told


def test_parts_that_never_answer_hold_up_no_scrape(build: Build) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        client = build(
            DATABASE_URL=f"postgresql://nobody@{address}/none", REDIS_URL=f"redis://{address}"
        )
        told = read(client.get("/metrics").text)
    assert told['vigie_part_up{part="database"}'] == told['vigie_part_up{part="queue"}'] == 0
    assert told['vigie_part_up{part="storage"}'] == 1


def test_counts_wait_for_a_store_that_is_down(build: Build, own_valkey: Valkey) -> None:
    counted = 'vigie_http_requests_total{method="GET",route="/",status="200"}'
    client = build(REDIS_URL=own_valkey.url)
    assert counted not in read(client.get("/metrics").text)
    own_valkey.stop()
    assert client.get("/").status_code == 200
    own_valkey.start()
    eventually(lambda: read(client.get("/metrics").text).get(counted) == 1)


def read(text: str) -> Samples:
    """Return every sample by its name and labels, as they are written."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def scrape_text(stack: Stack) -> str:
    answer = web.get(f"{stack.url}/metrics", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.text


def scrape(stack: Stack) -> Samples:
    return read(scrape_text(stack))


def _lines(stack: Stack, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in stack.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def _has_grown(asked: Stack, before: Samples, by: Samples) -> bool:
    after = scrape(asked)
    # At least so much: what other tests left in the queue is worked off meanwhile.
    return all(after.get(name, 0) - before.get(name, 0) >= more for name, more in by.items())
