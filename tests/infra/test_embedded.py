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

from infra.embedded import places
from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from infra.embedded.process import working_below
from infra.embedded.valkey import Valkey


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "postgres", durable=False)
    yield cluster
    cluster.discard()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    valkey = Valkey(tmp_path / "valkey")
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


def test_valkey_dies_with_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time\n"
        "from infra.embedded.valkey import Valkey\n"
        "Valkey(pathlib.Path(sys.argv[1])).start()\n"
        "print('up', flush=True)\n"
        "time.sleep(60)\n"
    )
    folder = tmp_path / "valkey"
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        assert working_below(folder.resolve(), "valkey-server")
        parent.kill()

    deadline = time.monotonic() + 10
    while working_below(folder.resolve(), "valkey-server"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
        with pytest.raises(places.StartError, match="not a folder of this user"):
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
