"""The embedded parts, for real: they start, come back after a SIGKILL and leave nothing behind."""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import text

from infra.database import make_engine
from infra.embedded import environment, places
from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from infra.embedded.process import StartError, working_below
from infra.embedded.valkey import Valkey


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "postgres", durable=False)
    yield cluster
    cluster.discard()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    valkey = Valkey(tmp_path / "a folder" / "valkey")
    yield valkey
    valkey.discard()


def test_cluster_keeps_what_was_committed_before_a_kill(cluster: Cluster) -> None:
    cluster.start()
    cluster.create_database("city")
    cluster.create_database("city")
    with psycopg.connect(cluster.url("city")) as connection:
        connection.execute("CREATE EXTENSION postgis")
        connection.execute("CREATE TABLE spot (at geography(Point, 4326))")
        connection.execute("INSERT INTO spot VALUES ('POINT(2.27 48.82)')")

    cluster.kill()
    assert not cluster.is_alive()
    cluster.start()

    with psycopg.connect(cluster.url("city")) as connection:
        row = connection.execute("SELECT ST_AsText(at), current_setting('port') FROM spot")
        assert row.fetchone() == ("POINT(2.27 48.82)", "5432")
        row = connection.execute("SHOW listen_addresses")
        assert row.fetchone() == ("",)


def test_an_address_suits_psycopg_and_sqlalchemy(cluster: Cluster) -> None:
    cluster.start()
    cluster.create_database("ville nº 1")
    url = cluster.url("ville nº 1")
    assert url.startswith("postgresql:///")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("ville nº 1",)
    environ = {"DATABASE_URL": url}
    engine = make_engine(environment.check(environ).database_url)
    with engine.connect() as sqlalchemy_connection:
        database = sqlalchemy_connection.execute(text("SELECT current_database()")).scalar_one()
    engine.dispose()
    assert database == "ville nº 1"


def test_cluster_mistakes_no_stranger_for_itself(cluster: Cluster, tmp_path: Path) -> None:
    cluster.start()
    data = (tmp_path / "postgres" / "data").resolve()
    stale = (data / "postmaster.pid").read_text()
    cluster.stop()
    _, *rest = stale.splitlines(keepends=True)
    (data / "postmaster.pid").write_text("".join([f"{os.getppid()}\n", *rest]))
    (data.parent / "run" / ".s.PGSQL.5432.lock").write_text(f"{os.getppid()}\n")

    cluster.start()
    assert cluster.is_alive()


def test_cluster_takes_over_from_one_that_was_left_running(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.start()
    cluster.create_database("kept")
    successor = Cluster(tmp_path / "postgres", durable=False)
    successor.start()
    try:
        assert not cluster.is_alive()
        with psycopg.connect(successor.url("kept")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        successor.stop()


def test_cluster_begins_again_after_a_broken_initdb(cluster: Cluster, tmp_path: Path) -> None:
    cluster.start()
    cluster.stop()
    data = (tmp_path / "postgres" / "data").resolve()
    (data / "global" / "pg_control").unlink()
    data.rename(data.with_name("data.new"))
    cluster.start()
    assert cluster.is_alive()
    assert not data.with_name("data.new").exists()


def test_data_that_root_copied_are_given_back_to_their_server(
    cluster: Cluster, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can copy what belongs to another")
    cluster.start()
    cluster.create_database("kept")
    cluster.stop()
    data = (tmp_path / "postgres" / "data").resolve()
    for path in [data, *data.rglob("*")]:
        os.chown(path, 0, 0, follow_symlinks=False)

    successor = Cluster(tmp_path / "postgres", durable=False)
    successor.start()
    try:
        with psycopg.connect(successor.url("kept")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        successor.stop()


def test_data_of_a_version_that_is_not_installed_are_refused(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.start()
    cluster.stop()
    (tmp_path / "postgres" / "data").resolve().joinpath("PG_VERSION").write_text("9.6\n")
    with pytest.raises(StartError, match=r"need PostgreSQL 9\.6 with PostGIS"):
        cluster.start()


def test_valkey_keeps_its_data_over_a_kill_and_evicts_nothing(valkey: Valkey) -> None:
    valkey.start()
    with closing(redis.Redis.from_url(valkey.url)) as client:
        client.set("kept", "yes")
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}

    valkey.kill()
    assert not valkey.is_alive()
    valkey.start()

    with closing(redis.Redis.from_url(valkey.url)) as client:
        assert client.get("kept") == b"yes"


def test_a_path_too_long_for_a_socket_gets_a_short_stand_in(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20) / "valkey"
    valkey = Valkey(folder)
    try:
        valkey.start()
        assert folder.readlink() == places.fallback(folder)
        with closing(redis.Redis.from_url(valkey.url)) as client:
            assert client.ping()
    finally:
        valkey.discard()
    assert not places.fallback(folder).exists()
    assert not folder.is_symlink()


def test_a_copied_link_does_not_share_the_data(tmp_path: Path) -> None:
    other = tmp_path / ("long" * 20) / "valkey"
    copy = tmp_path / ("copy" * 20) / "valkey"
    try:
        data = places.settle(other, "valkey.sock", None)
        copy.parent.mkdir()
        copy.symlink_to(data)
        assert places.settle(copy, "valkey.sock", None) != data
        assert data.exists()
    finally:
        places.discard(other)
        places.discard(copy)


@pytest.mark.parametrize(
    ("part", "program"), [("cluster.Cluster", "postgres"), ("valkey.Valkey", "valkey-server")]
)
def test_a_server_dies_with_a_killed_parent(tmp_path: Path, part: str, program: str) -> None:
    module, name = part.split(".")
    script = (
        "import pathlib, sys, time\n"
        f"from infra.embedded.{module} import {name}\n"
        f"{name}(pathlib.Path(sys.argv[1])).start()\n"
        "print('up', flush=True)\n"
        "time.sleep(60)\n"
    )
    folder = tmp_path / "server"
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        assert working_below(folder.resolve(), program)
        parent.kill()

    deadline = time.monotonic() + 30
    while working_below(folder.resolve(), program):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    places.discard(folder)


def test_mailbox_keeps_each_message_in_order(tmp_path: Path) -> None:
    for _ in range(2):
        mailbox = Mailbox(tmp_path / "mail")
        mailbox.start()
        for subject in ("Première", "Second"):
            _send(mailbox.url, subject)
        mailbox.stop()

    files = sorted((tmp_path / "mail").iterdir())
    assert [path.suffix for path in files] == [".eml"] * 4
    messages = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
    assert [message["Subject"] for message in messages] == ["Première", "Second"] * 2
    assert messages[0]["X-RcptTo"] == "a@example.org, b@example.org"
    assert messages[0]["X-MailFrom"] == "city@example.org"
    assert messages[0].get_content().strip() == "Le trou est rebouché."


def test_mailbox_outlives_a_clock_set_back(tmp_path: Path) -> None:
    (tmp_path / "29991231T235959.000000Z.eml").touch()
    mailbox = Mailbox(tmp_path)
    mailbox.start()
    _send(mailbox.url, "Later")
    mailbox.stop()
    assert sorted(path.name for path in tmp_path.iterdir())[-1] == "29991231T235959.000001Z.eml"


def test_a_folder_of_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder of somebody else")
    folder = tmp_path / ("long" * 20) / "valkey"
    short = places.fallback(folder)
    short.symlink_to(tmp_path)
    try:
        with pytest.raises(StartError, match="not a folder of this user"):
            Valkey(folder).start()
    finally:
        short.unlink()


def _send(url: str, subject: str) -> None:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "city@example.org"
    message["To"] = "a@example.org"
    message.set_content("Le trou est rebouché.")
    host, port = url.removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port), timeout=5) as client:
        client.send_message(message, to_addrs=["a@example.org", "b@example.org"])
