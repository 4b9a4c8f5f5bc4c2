"""Backups: what was saved comes back, wholly or not at all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from infra.embedded.process import Child
from infra.embedded.valkey import Valkey
from infra.settings import Settings
from tests.api.help import parts_of, read
from tests.commands import alembic
from tests.conftest import DEMO
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, body_of, log_in
from tests.stack import ROOT, Stack, environment, eventually

FLASK = ("flask", "--app", "wsgi")

_numbers = count(1)
_OF_NOW = re.compile(rb'"(age|time_left)_s":-?[0-9]+')


@pytest.fixture
def empty_url(cluster: Cluster) -> str:
    """Return a database with nothing in it."""
    name = f"restored_{next(_numbers)}"
    cluster.create_database(name)
    return cluster.url(name)


@pytest.fixture
def environ(
    tmp_path: Path, own_database_url: str, valkey: Valkey, mailbox: Mailbox
) -> dict[str, str]:
    """Return the variables of `own_app`."""
    return environment(tmp_path, own_database_url, valkey.url, mailbox.url)


@contextmanager
def running(environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app(Settings.from_env(environ))
    yield app
    parts_of(app).engine.dispose()


def run(app: Flask, *arguments: object) -> str:
    """Run a command that must end well, and return what it printed."""
    done = app.test_cli_runner().invoke(args=[str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def refused(app: Flask, *arguments: object) -> str:
    """Return the complaint of a command that must fail."""
    done = app.test_cli_runner().invoke(args=[str(argument) for argument in arguments])
    assert done.exit_code == 1, (done.output, done.exception)
    return done.stderr


def answers(client: FlaskClient, staff: dict[str, str]) -> dict[str, bytes]:
    """Return what the city's lists say, and each address that they lead to."""
    reports = read(client, "/reports?limit=15")["items"]
    tickets = read(client, "/tickets?limit=10", staff)["items"]
    paths = [
        f"{BASE}/categories?latitude=48.81&longitude=2.23",
        f"{BASE}/reports?limit=100",
        f"{BASE}/tickets?limit=100",
        f"{BASE}/tickets?q=lampadaires+eteints",
        *(path for report in reports for path in paths_of(report)),
        *(f"{BASE}/tickets/{ticket['reference']}" for ticket in tickets),
    ]
    told = {path: client.get(path, headers=staff if "/tickets" in path else {}) for path in paths}
    assert {answer.status_code for answer in told.values()} == {200}
    # How old a ticket is differs by when it is asked.
    return {path: _OF_NOW.sub(b"", answer.data) for path, answer in told.items()}


def paths_of(report: dict[str, Any]) -> list[str]:
    place = f"{BASE}/reports/{report['reference']}"
    photos = (
        urlsplit(url).path
        for photo in report["photos"]
        for urls in photo["urls"].values()
        for url in urls.values()
    )
    return [place, f"{place}/events", f"{place}/decision", f"/r/{report['reference']}", *photos]


def test_a_city_comes_back_as_it_was(
    demo_stack: Stack, empty_url: str, valkey: Valkey, mailbox: Mailbox, tmp_path: Path
) -> None:
    # A deadline may come near while nobody does anything.
    demo_stack.stop_workers()
    with running(demo_stack.environ) as app:
        staff = log_in(app.test_client())
        saved = run(app, "backup", tmp_path)
        before = answers(app.test_client(), staff)
    demo_stack.start_workers()
    [backup] = tmp_path.iterdir()
    assert backup.name.startswith("vigie-")
    assert backup.stat().st_mode & 0o777 == 0o600
    assert "SECRET_KEY is not in it" in saved
    assert demo_stack.environ["SECRET_KEY"].encode() not in backup.read_bytes()

    fresh = environment(tmp_path / "fresh", empty_url, valkey.url, mailbox.url)
    fresh["PUBLIC_URL"] = demo_stack.url
    with running(fresh) as app:
        assert "warning" not in run(app, "restore", backup)
        assert answers(app.test_client(), staff) == before
    assert len([path for path in before if "/photos/" in path]) > 10
    assert files(storage_of(fresh)) == files(storage_of(demo_stack.environ))


def storage_of(environ: dict[str, str]) -> Path:
    return Path(urlsplit(environ["STORAGE_URL"]).path)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_by_hand_it_is_a_tar_with_checksums(own_app: Flask, tmp_path: Path) -> None:
    resident = Resident(own_app.test_client())
    assert resident.put_photo(resident.report(), photo_samples.jpeg()).status_code == 201
    run(own_app, "backup", tmp_path / "city.tar")
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "city.tar", "-C", unpacked], check=True)
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=unpacked, check=True)
    listed = subprocess.run(
        ["pg_restore", "--list", "database.dump"], cwd=unpacked, check=True, capture_output=True
    )
    assert b"TABLE DATA public reports" in listed.stdout
    assert photo_samples.jpeg() in files(unpacked).values()


def test_a_city_is_replaced_only_when_told(
    own_app: Flask, environ: dict[str, str], tmp_path: Path
) -> None:
    backup, storage, client = tmp_path / "city.tar", storage_of(environ), own_app.test_client()
    resident = Resident(client)
    kept = resident.report(contact={"email": "camille@example.org"})
    assert resident.put_photo(kept, photo_samples.jpeg()).status_code == 201
    run(own_app, "backup", backup)
    originals = files(storage)
    lost = resident.report()
    for path in originals:
        (storage / path).unlink()

    assert "--replace" in refused(own_app, "restore", backup)
    assert client.get(f"{BASE}/reports/{lost['reference']}").status_code == 200
    assert files(storage) == {}

    told = run(own_app, "restore", backup, "--replace", "--hold-notices")
    assert "2 notices were owed and are held back" in told
    assert "1 photos wait" in told
    assert client.get(f"{BASE}/reports/{lost['reference']}").status_code == 404
    mine = client.get(f"{BASE}/reports/{kept['reference']}", headers=bearer(kept["tracking_token"]))
    assert body_of(mine)["contact"]["email"] == "camille@example.org"
    assert files(storage) == originals
    # What comes from now on is found by its words.
    later = resident.report(description="Deux lampadaires éteints")
    found = read(client, "/tickets?q=lampadaire+eteint", log_in(client))
    assert [item["reference"] for item in found["items"]] == [later["ticket"]]


def test_without_being_held_the_notices_stay_owed(
    own_app: Flask, environ: dict[str, str], empty_url: str, tmp_path: Path
) -> None:
    Resident(own_app.test_client()).report()
    run(own_app, "backup", tmp_path / "city.tar")
    other_key = "another key that is as long as it has to be"
    with running({**environ, "DATABASE_URL": empty_url, "SECRET_KEY": other_key}) as fresh:
        told = run(fresh, "restore", tmp_path / "city.tar")
    assert "1 notices are owed and will be sent" in told
    assert "warning: SECRET_KEY is not the one" in told


def test_a_damaged_backup_changes_nothing(
    own_app: Flask, environ: dict[str, str], tmp_path: Path
) -> None:
    backup = tmp_path / "city.tar"
    run(own_app, "backup", backup)
    Resident(own_app.test_client()).report()
    whole = backup.read_bytes()
    middle, end = len(whole) // 2, whole.rindex(b"SHA256SUMS")
    turned = bytes([whole[middle] ^ 1])
    with psycopg.connect(environ["DATABASE_URL"]) as connection:
        before = tables(connection)
        for damaged, complaint in (
            (whole[:middle] + turned + whole[middle + 1 :], "'database.dump' in it is damaged"),
            (whole[:middle], "it is no whole tar file"),
            (whole[:end], "its end is missing"),
            (b"no tar at all", "it is no whole tar file"),
        ):
            backup.write_bytes(damaged)
            told = refused(own_app, "restore", backup, "--replace")
            assert complaint in told
            assert "the database is as it was" in told
            assert tables(connection) == before


@pytest.fixture
def plain(cluster: Cluster, environ: dict[str, str]) -> dict[str, str]:
    """Return the variables of a city whose database user may not make every extension."""
    name = f"plain_{next(_numbers)}"
    cluster.create_database(name)
    with psycopg.connect(cluster.url(name), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"ALTER DATABASE {name} OWNER TO {name}")
        connection.execute("CREATE EXTENSION postgis")
    variables = {**environ, "DATABASE_URL": cluster.url(name).replace("user=vigie", f"user={name}")}
    alembic(variables, "upgrade", "head")
    return variables


def test_what_fails_half_way_leaves_the_database_as_it_was(
    plain: dict[str, str], cluster: Cluster, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.tar", tmp_path / "bad.tar"
    administrator = re.sub("user=plain_[0-9]+", "user=vigie", plain["DATABASE_URL"])
    with running(plain) as app, psycopg.connect(administrator, autocommit=True) as connection:
        run(app, "city", "load", DEMO)
        run(app, "backup", good)
        connection.execute("CREATE EXTENSION file_fdw")
        run(app, "backup", bad)
        connection.execute("DROP EXTENSION file_fdw")
        before = tables(connection)

        complaint = refused(app, "restore", bad, "--replace")

        assert 'permission denied to create extension "file_fdw"' in complaint
        assert "the database is as it was" in complaint
        assert tables(connection) == before
        run(app, "restore", good, "--replace")
        assert tables(connection) != before
        assert read(app.test_client(), "/categories?latitude=48.81&longitude=2.23")["items"]


def tables(connection: psycopg.Connection[Any]) -> list[tuple[str, int]]:
    """Return name and identity of every table: one that was made anew has another identity."""
    query = "SELECT relname, oid::int FROM pg_class WHERE relkind = 'r' ORDER BY relname"
    return connection.execute(query).fetchall()


def test_a_killed_backup_leaves_nothing_that_looks_whole(
    own_app: Flask, environ: dict[str, str], tmp_path: Path
) -> None:
    backup, partial = tmp_path / "city.tar", tmp_path / "city.tar.partial"
    secretive = {**environ, "DATABASE_URL": f"{environ['DATABASE_URL']}&password=top-secret"}
    with psycopg.connect(environ["DATABASE_URL"]) as connection:
        connection.execute("LOCK TABLE reports")
        process = command(secretive, tmp_path, "backup", str(backup))
        process.start()
        [dumper] = eventually(lambda: children(process.pid or 0, b"--format=custom"))
        assert b"top-secret" not in Path(f"/proc/{dumper}/cmdline").read_bytes()
        assert b"PGPASSWORD=top-secret" in Path(f"/proc/{dumper}/environ").read_bytes()
        assert "is being written by another backup" in refused(own_app, "backup", backup)
        os.kill(process.pid or 0, signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{dumper}").exists())
        process.kill()
    assert not backup.exists()
    assert partial.exists()
    assert "the database is as it was" in refused(own_app, "restore", partial, "--replace")

    run(own_app, "backup", backup)
    assert not partial.exists()
    assert "exists and is left as it is" in refused(own_app, "backup", backup)
    assert not partial.exists()


def test_a_killed_restore_leaves_the_database_as_it_was(
    own_app: Flask, environ: dict[str, str], tmp_path: Path
) -> None:
    backup = tmp_path / "city.tar"
    run(own_app, "backup", backup)
    process = command(environ, tmp_path, "restore", str(backup), "--replace")
    with psycopg.connect(environ["DATABASE_URL"]) as connection:
        before = tables(connection)
        # Some tables are dropped before it comes to this one, and some after.
        connection.execute("LOCK TABLE reports IN ACCESS SHARE MODE")
        process.start()
        [writer] = eventually(lambda: children(process.pid or 0, b"ON_ERROR_STOP"))
        eventually(lambda: waits_for_a_lock(environ["DATABASE_URL"]))
        os.kill(process.pid or 0, signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{writer}").exists())
        process.kill()
        connection.rollback()
        eventually(lambda: not waits_for_a_lock(environ["DATABASE_URL"]))
        assert tables(connection) == before
    run(own_app, "restore", backup, "--replace")


def waits_for_a_lock(url: str) -> bool:
    with psycopg.connect(url) as connection:
        query = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return connection.execute(query).fetchone() is not None


def command(environ: dict[str, str], folder: Path, *arguments: str) -> Child:
    """Return a process that a test can kill."""
    return Child(
        arguments[0],
        [sys.executable, "-m", *FLASK, *arguments],
        folder / f"{arguments[0]}.log",
        cwd=ROOT,
        environ=environ,
    )


def children(pid: int, option: bytes) -> list[int]:
    """Return the children of a process that were started with the option."""
    try:
        pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(one) for one in pids if option in Path(f"/proc/{one}/cmdline").read_bytes()]
    except OSError:
        return []


def test_a_backup_that_fails_leaves_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    storage_of(environ).write_text("in the way of the folder")
    with running(environ) as app:
        assert "no backup was made" in refused(app, "backup", tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_backup_of_the_first_migration_is_brought_up_to_date(
    environ: dict[str, str], cluster: Cluster, empty_url: str, tmp_path: Path
) -> None:
    name = f"old_{next(_numbers)}"
    cluster.create_database(name)
    old = {**environ, "DATABASE_URL": cluster.url(name)}
    fresh = {**environ, "DATABASE_URL": empty_url}
    alembic(old, "upgrade", "0001")
    with running(old) as app:
        run(app, "backup", tmp_path / "old.tar")
    with running(fresh) as app:
        run(app, "restore", tmp_path / "old.tar")
    assert "No new upgrade operations detected" in alembic(fresh, "check")


def test_a_backup_of_newer_code_is_refused(
    own_app: Flask, environ: dict[str, str], tmp_path: Path
) -> None:
    with psycopg.connect(environ["DATABASE_URL"]) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    run(own_app, "backup", tmp_path / "new.tar")
    complaint = refused(own_app, "restore", tmp_path / "new.tar", "--replace")
    assert "has no migration 9999" in complaint
