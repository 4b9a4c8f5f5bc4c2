"""Each check turns red for the reason that it is there for."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from aiosmtpd.controller import Controller
from rq import Worker
from rq.serializers import JSONSerializer

from infra.checks import database, places, queue, variables
from infra.checks.findings import Finding, State, examine
from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from infra.queue import QueueName
from infra.settings import Settings
from tests.stack import environment, eventually, free_port

OK, WARNING, WRONG = State.OK, State.WARNING, State.WRONG


def by_name(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


def states(findings: Iterable[Finding]) -> dict[str, State]:
    return {finding.check: finding.state for finding in findings}


def given(**values: str) -> Settings:
    """Return settings that nothing is wrong with but what is given."""
    environ = environment(Path("/folder"), "postgresql:///x", "unix:///x", "smtp://127.0.0.1:9")
    good = {"PUBLIC_URL": "http://127.0.0.1:8000", "MAIL_FROM": "city@city.example"}
    return Settings.from_env({**environ, **good, **values})


def make(cluster: Cluster, name: str, options: str = "") -> str:
    """Make a database and return its address for SQLAlchemy."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {options}")
    return given(DATABASE_URL=cluster.url(name)).database_url


def change(url: str, *statements: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


# --- Variables --------------------------------------------------------------------------------


def test_good_variables_give_no_cause_for_complaint() -> None:
    assert set(states(variables.look(given(), {})).values()) == {OK}


@pytest.mark.parametrize(
    ("check", "state", "values"),
    [
        ("secret key", WRONG, {"SECRET_KEY": "change-me-change-me-change-me-change-me"}),
        ("secret key", WRONG, {"SECRET_KEY": "0" * 64}),
        ("public address", WRONG, {"PUBLIC_URL": "http://tell.city.example"}),
        ("proxies", WARNING, {"PUBLIC_URL": "https://tell.city.example"}),
        ("sender", WARNING, {"MAIL_FROM": "vigie@localhost"}),
        ("mail password", WARNING, {"SMTP_URL": "smtp://user:word@mail.city.example"}),
    ],
)
def test_a_doubtful_variable_is_told(check: str, state: State, values: dict[str, str]) -> None:
    found = states(variables.look(given(**values), {}))
    assert found.pop(check) is state
    assert set(found.values()) == {OK}


def test_an_unusable_variable_is_wrong_and_its_stand_in_is_not_judged() -> None:
    settings, faults = Settings.survey({})
    found = list(variables.look(settings, faults))
    told = [finding.text for finding in found if finding.state is WRONG]
    assert len(told) == len(faults) == 6
    assert "secret key" not in by_name(found)


def test_an_old_python_is_wrong() -> None:
    assert variables.python((3, 10, 12)).state is WRONG


# --- Database ---------------------------------------------------------------------------------


def test_a_sound_database_is_found_so(own_database_url: str) -> None:
    found = states(database.look(given(DATABASE_URL=own_database_url).database_url))
    assert found == dict.fromkeys(database.CHECKS, OK)


def test_a_database_that_is_not_there_is_told_once(cluster: Cluster) -> None:
    [found] = database.look(given(DATABASE_URL=cluster.url("nowhere")).database_url)
    assert found.state is WRONG
    assert 'database "nowhere" does not exist' in found.text


def test_an_empty_database_lacks_extensions_and_tables(cluster: Cluster) -> None:
    url = make(cluster, "bare")
    change(url, "CREATE EXTENSION pg_trgm")
    found = by_name(database.look(url))
    assert found["database"].state is OK
    assert found["extensions"].state is WRONG
    assert "CREATE EXTENSION postgis; CREATE EXTENSION unaccent" in found["extensions"].text
    assert found["postgis"].state is WRONG
    assert found["migrations"].state is WRONG
    assert "alembic upgrade head" in found["migrations"].text
    assert found["writing"].state is WRONG


def test_a_database_of_another_encoding_is_wrong(cluster: Cluster) -> None:
    url = make(cluster, "latin", "ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    found = by_name(database.look(url))
    assert found["encoding"].state is WRONG
    assert "LATIN1" in found["encoding"].text


def test_a_database_of_newer_code_is_wrong(own_database_url: str) -> None:
    change(own_database_url, "UPDATE alembic_version SET version_num = '9999'")
    found = by_name(database.look(given(DATABASE_URL=own_database_url).database_url))
    assert found["migrations"].state is WRONG
    assert "newer code" in found["migrations"].text


def test_a_database_that_takes_no_changes_is_wrong(own_database_url: str) -> None:
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    found = by_name(database.look(given(DATABASE_URL=own_database_url).database_url))
    assert found.pop("writing").state is WRONG
    assert {finding.state for finding in found.values()} == {OK}


@pytest.mark.parametrize(
    ("version", "ahead", "expected"),
    [
        ("140011", "-10 seconds", {"database": WRONG, "clock": WARNING}),
        ("990001", "1 hour", {"backups": WARNING, "clock": WRONG}),
    ],
)
def test_what_the_server_says_of_itself_is_judged(
    own_database_url: str, version: str, ahead: str, expected: dict[str, State]
) -> None:
    # Functions found before the server's own let one server tell what another would.
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        name = connection.info.dbname
        for statement in (
            "CREATE SCHEMA other",
            "CREATE FUNCTION other.current_setting(name text) RETURNS text LANGUAGE sql"
            f" RETURN CASE name WHEN 'server_version_num' THEN '{version}' ELSE 'Asia/Tokyo' END",
            "CREATE FUNCTION other.postgis_lib_version() RETURNS text LANGUAGE sql RETURN '3.2.9'",
            "CREATE FUNCTION other.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
            f" RETURN pg_catalog.clock_timestamp() + interval '{ahead}'",
            f"ALTER DATABASE {name} SET search_path = other, pg_catalog, public",
        ):
            connection.execute(statement)
    found = states(database.look(given(DATABASE_URL=own_database_url).database_url))
    amiss = {check: state for check, state in found.items() if state is not OK}
    assert amiss == {"postgis": WRONG, "time zone": WRONG} | expected


# --- Queue ------------------------------------------------------------------------------------


def test_the_queue_is_judged(own_valkey: Valkey, tmp_path: Path) -> None:
    settings = given(REDIS_URL=own_valkey.url)
    names = [f"workers of {name}" for name in QueueName]
    connection: redis.Redis = redis.Redis.from_url(own_valkey.url)
    found = states(queue.look(settings))
    assert found == {"queue": OK, "eviction": OK, "persistence": OK} | dict.fromkeys(names, WRONG)

    worker = Worker(["photos"], connection=connection, serializer=JSONSerializer)
    worker.register_birth()  # type: ignore[no-untyped-call]
    assert states(queue.look(settings))["workers of photos"] is OK
    connection.hset(worker.key, "last_heartbeat", "2020-01-01T00:00:00.000000Z")
    assert states(queue.look(settings))["workers of photos"] is WRONG
    other = Worker(["photos"], connection=connection, serializer=JSONSerializer)
    other.register_birth()  # type: ignore[no-untyped-call]
    assert states(queue.look(settings))["workers of photos"] is WARNING

    connection.config_set("maxmemory-policy", "allkeys-lru")
    assert states(queue.look(settings))["eviction"] is WRONG
    connection.config_set("maxmemory-policy", "noeviction")

    connection.config_set("maxmemory", 1)
    assert states(queue.look(settings))["queue"] is WRONG
    connection.config_set("maxmemory", 0)

    # A snapshot cannot take a name that a folder has.
    told: Any = connection.config_get()
    Path(told["dir"], told["dbfilename"]).mkdir()
    connection.bgsave()
    eventually(lambda: states(queue.look(settings))["persistence"] is WRONG)
    connection.close()


def test_a_queue_that_is_down_is_told_once() -> None:
    [found] = queue.look(given(REDIS_URL=f"redis://127.0.0.1:{free_port()}"))
    assert found.state is WRONG
    assert "REDIS_URL" in found.text


# --- Storage and disks ------------------------------------------------------------------------


def test_a_storage_is_judged_by_using_it(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    assert states(places.look_at_storage(folder.as_uri()))["storage"] is OK
    assert [path for path in folder.rglob("*") if path.is_file()] == []

    (tmp_path / "file").write_text("in the way")
    found = states(places.look_at_storage((tmp_path / "file" / "photos").as_uri()))
    assert found == {"storage": WRONG, "storage disk": WRONG}


def test_a_disk_without_room_is_wrong() -> None:
    # The file system that the kernel makes there is real, and has no room at all.
    assert places.disk("storage disk", Path("/proc")).state is WRONG
    assert states(places.look_at_disk())["temporary files"] is not WRONG


@pytest.mark.parametrize(
    ("options", "state"), [("size=1g", WARNING), ("size=8g,nr_inodes=100", WRONG)]
)
def test_a_disk_with_little_room_is_told(tmp_path: Path, options: str, state: State) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system needs root")
    try:
        assert places.disk("storage disk", tmp_path).state is state
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


# --- Mail -------------------------------------------------------------------------------------


def mail(url: str) -> Finding:
    [found] = places.look_at_mail(given(SMTP_URL=url))
    return found


def test_a_mail_server_is_asked_and_sent_nothing(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.start()
    try:
        assert mail(mailbox.url).state is OK
        assert list(tmp_path.iterdir()) == []
        place = mailbox.url.removeprefix("smtp://")
        assert mail(f"smtp+starttls://{place}").state is WRONG
        assert mail(f"smtp://user:word@{place}").state is WRONG
        assert mail(f"smtps://{place}").state is WRONG
    finally:
        mailbox.stop()
    assert mail(mailbox.url).state is WRONG


class _Unwilling:
    async def handle_MAIL(self, *_: object) -> str:  # noqa: N802 - aiosmtpd looks for this name
        return "550 not from you"


def test_a_sender_that_the_mail_server_does_not_know_is_wrong() -> None:
    server = Controller(_Unwilling(), hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        found = mail(f"smtp://127.0.0.1:{server.port}")
    finally:
        server.stop()
    assert found.state is WRONG
    assert "MAIL_FROM" in found.text


@contextmanager
def speaking(words: bytes) -> Iterator[int]:
    """Give the port of a server that says the words to everybody, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        heard: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                heard.append(caller)
                caller.sendall(words)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for caller in heard:
            caller.close()


def test_what_speaks_rubbish_is_wrong() -> None:
    with speaking(b"What do you want?\r\n") as port:
        assert mail(f"smtp://127.0.0.1:{port}").state is WRONG
        [found] = queue.look(given(REDIS_URL=f"redis://127.0.0.1:{port}"))
        assert found.state is WRONG
        url = given(DATABASE_URL=f"postgresql://127.0.0.1:{port}/x?sslmode=disable").database_url
        [found] = database.look(url)
        assert found.state is WRONG


def test_a_part_that_never_answers_hides_no_other() -> None:
    with speaking(b"") as port:
        silent = given(SMTP_URL=f"smtp://127.0.0.1:{port}")
        parts = {
            "mail": lambda: places.look_at_mail(silent),
            "variables": lambda: variables.look(given(), {}),
        }
        found = by_name(examine(parts, patience_s=1))
    assert found["mail"].state is WRONG
    assert "no answer within 1 seconds" in found["mail"].text
    assert found["python"].state is OK


class Panic(BaseException):
    """As of a library whose inside gives up: no Exception."""


def test_a_part_that_breaks_down_in_its_own_way_is_wrong_and_not_left_out() -> None:
    def panic() -> Iterator[Finding]:
        raise Panic("inside out")

    (found,) = examine({"storage": panic}, patience_s=5)
    assert (found.check, found.state) == ("storage", WRONG)
    assert "inside out" in found.text
