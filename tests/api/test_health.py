"""Whether the service says what it lacks: alive, ready, and short of a part."""

from __future__ import annotations

import os
import signal
import socket

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.api import help as h
from tests.api.conftest import Build
from tests.reports import photo_samples
from tests.resident import BASE, INSIDE, PASSWORD, Resident, bearer, body_of, problem_at
from tests.stack import eventually

DEAD_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
DEAD_STORAGE = "file:///dev/null/storage"
DEAD_QUEUE = "redis://127.0.0.1:1"
PART = "database queue storage"


def test_all_is_well(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert body_of(answer)["parts"] == dict.fromkeys(PART.split(), "ok")


@pytest.mark.parametrize(
    ("environ", "dead"),
    [
        ({"DATABASE_URL": DEAD_DATABASE}, {"database"}),
        ({"REDIS_URL": DEAD_QUEUE}, {"queue"}),
        ({"STORAGE_URL": DEAD_STORAGE}, {"storage"}),
        ({"DATABASE_URL": DEAD_DATABASE, "REDIS_URL": DEAD_QUEUE}, {"database", "queue"}),
    ],
)
def test_what_does_not_answer_is_named(
    build: Build, environ: dict[str, str], dead: set[str]
) -> None:
    client = build(**environ)
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    parts = body_of(answer)["parts"]
    assert set(parts) == set(PART.split())
    assert {name for name, found in parts.items() if found != "ok"} == dead
    assert "127.0.0.1" not in answer.text
    assert "/dev/null" not in answer.text


def test_parts_that_take_a_connection_and_never_answer_are_named(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT", f"http://{address}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        client = build(
            DATABASE_URL=f"postgresql://nobody@{address}/none",
            REDIS_URL=f"redis://{address}",
            STORAGE_URL="s3://photos",
        )
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert body_of(answer)["parts"] == dict.fromkeys(PART.split(), "TimeoutError")


def test_a_part_that_freezes_is_named_until_it_goes_on(build: Build) -> None:
    client = build()
    assert client.get("/readyz").status_code == 200
    engine = h.parts_of(client.application).engine
    with engine.connect() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    os.kill(pid, signal.SIGSTOP)
    try:
        parts = eventually(lambda: _troubles(client))
        assert parts == {"database": "TimeoutError"}
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: client.get("/readyz").status_code == 200)


def _troubles(client: FlaskClient) -> dict[str, str]:
    parts: dict[str, str] = body_of(client.get("/readyz"))["parts"]
    return {name: found for name, found in parts.items() if found != "ok"}


def test_without_its_database_it_asks_to_come_back(build: Build) -> None:
    client = build(DATABASE_URL=DEAD_DATABASE)
    staff, reporter = bearer("vgs_" + "A" * 43), bearer("vgr_7KM-3QX-9PG.x")
    login = {"email": "regulateur@beaurive.example", "password": PASSWORD}
    place = f"latitude={INSIDE['latitude']}&longitude={INSIDE['longitude']}"
    reference = "7KM-3QX-9PG"
    for answer in (
        client.get(f"{BASE}/reports"),
        client.get(f"{BASE}/categories"),
        client.get(f"{BASE}/locate?{place}"),
        client.get(f"{BASE}/reports/{reference}", headers=reporter),
        client.get(f"{BASE}/photos/6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11/320.jpg"),
        client.get(f"/r/{reference}"),
        client.get(f"{BASE}/tickets", headers=staff),
        client.post(f"{BASE}/reports", json=problem_at()),
        client.post(f"{BASE}/sessions", json=login),
    ):
        problem = h.refused(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
        assert "psycopg" not in str(problem)
    for path in ("/", "/openapi.json", "/api/docs"):
        assert client.get(path).status_code == 200
    h.refused(client.get(f"{BASE}/tickets"), 401)
    h.refused(client.post(f"{BASE}/reports", json={}), 422)


def test_without_its_storage_it_takes_reports_but_no_photos(build: Build) -> None:
    resident = Resident(build(STORAGE_URL=DEAD_STORAGE))
    view = resident.report()
    answer = resident.put_photo(view, photo_samples.jpeg(32, 32))
    problem = h.refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert "/dev/null" not in str(problem)
    assert h.read(resident.client, f"/reports/{view['reference']}")["photos"] == []
