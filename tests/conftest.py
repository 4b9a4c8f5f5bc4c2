"""The parts that tests share: a real PostGIS, a real Valkey, a real SMTP server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy.orm import Session

from api.app import create_app, make_services
from api.services import Services
from city import passwords
from city.file_format import read_city_file
from city.loading import Loading
from infra.clock import now
from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from infra.settings import Settings
from tests.commands import alembic, run_module
from tests.described import DescribedClient
from tests.resident import Resident
from tests.scheduling import Scheduling
from tests.stack import ROOT, Stack, environment

DEMO = ROOT / "city" / "demo" / "city.yaml"

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

_numbers = count(1)


@dataclass(frozen=True)
class Past:
    """A database that holds a past, its photos, and between which moments it was loaded."""

    database: str
    storage: Path
    began: datetime
    ended: datetime


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Return what shares the tests out where they are to go file by file."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("postgres") / "cluster", durable=False)
    cluster.start()
    yield cluster
    cluster.discard()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    valkey = Valkey(tmp_path_factory.mktemp("valkey") / "data")
    valkey.start()
    yield valkey
    valkey.discard()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """Return a Valkey that one test may kill."""
    valkey = Valkey(tmp_path / "valkey")
    valkey.start()
    yield valkey
    valkey.discard()


@pytest.fixture(scope="session")
def mail_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where every mail of the session is kept."""
    return tmp_path_factory.mktemp("mail")


@pytest.fixture(scope="session")
def mailbox(mail_folder: Path) -> Iterator[Mailbox]:
    mailbox = Mailbox(mail_folder)
    mailbox.start()
    yield mailbox
    mailbox.stop()


@pytest.fixture
def own_mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    """Return a mail server whose mails lie in the test's folder `mail`."""
    mailbox = Mailbox(tmp_path / "mail")
    mailbox.start()
    yield mailbox
    mailbox.stop()


@pytest.fixture(scope="session")
def template(cluster: Cluster, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of a migrated database that holds the demo city, to be copied."""
    name = "template_city"
    cluster.create_database(name)
    folder = tmp_path_factory.mktemp("template")
    load_city(environment(folder, cluster.url(name), valkey.url, "smtp://127.0.0.1:9"))
    return name


@pytest.fixture(scope="session")
def database_url(cluster: Cluster, template: str) -> str:
    """Return a database that the tests of a session share."""
    return copy_of(cluster, template)


@pytest.fixture
def own_database_url(cluster: Cluster, template: str) -> str:
    """Return a database that one test has for itself."""
    return copy_of(cluster, template)


@pytest.fixture(scope="session")
def app(
    database_url: str, valkey: Valkey, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("app")
    with application(environment(folder, database_url, valkey.url, mailbox.url)) as app:
        yield app


@pytest.fixture(scope="session")
def routes(
    cluster: Cluster, valkey: Valkey, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> Flask:
    """Return an application that is given other parts for each test, since routes take long."""
    folder, nowhere = tmp_path_factory.mktemp("routes"), cluster.url("nowhere")
    app = create_app(Settings.from_env(environment(folder, nowhere, valkey.url, mailbox.url)))
    app.test_client_class = DescribedClient
    return app


@pytest.fixture
def own_app(
    routes: Flask, own_database_url: str, valkey: Valkey, mailbox: Mailbox, tmp_path: Path
) -> Iterator[Flask]:
    """Return an application over a database that one test has for itself."""
    environ = environment(tmp_path, own_database_url, valkey.url, mailbox.url)
    parts = make_services(Settings.from_env(environ))
    routes.extensions["vigie"] = parts
    yield routes
    parts.engine.dispose()


@pytest.fixture
def new_app(
    own_database_url: str, valkey: Valkey, mailbox: Mailbox, tmp_path: Path
) -> Iterator[Flask]:
    """Return an application that a test may add routes to, over a database of its own."""
    with application(environment(tmp_path, own_database_url, valkey.url, mailbox.url)) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def resident(client: FlaskClient) -> Resident:
    return Resident(client)


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    parts: Services = app.extensions["vigie"]
    with parts.sessions() as session:
        yield session


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """Return what a module's stack is told besides: the module overrides this fixture."""
    return {}


@pytest.fixture(scope="module")
def stack(
    cluster: Cluster,
    template: str,
    mailbox: Mailbox,
    mail_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    variables: dict[str, str],
) -> Iterator[Stack]:
    """Return running processes over a city without a past."""
    folder = tmp_path_factory.mktemp("stack")
    with stack_over(folder, copy_of(cluster, template), mailbox, mail_folder, variables) as one:
        yield one


@pytest.fixture(scope="session")
def past(
    cluster: Cluster, template: str, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Past:
    """Return the demo city with its past, of few photos, to be copied."""
    folder = tmp_path_factory.mktemp("past")
    url = copy_of(cluster, template, "template_past")
    environ = environment(folder, url, valkey.url, "smtp://127.0.0.1:9")
    began = now()
    run_module(environ, "flask", "--app", "wsgi", "demo", "load", "--pictures", "20")
    return Past("template_past", folder / "storage", began, now())


@pytest.fixture(scope="session")
def demo_stack(
    cluster: Cluster,
    past: Past,
    mailbox: Mailbox,
    mail_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """Return running processes over the demo city with its past."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copytree(past.storage, folder / "storage")
    with stack_over(folder, copy_of(cluster, past.database), mailbox, mail_folder) as one:
        yield one


def load_city(environ: dict[str, str]) -> None:
    """Make the tables in an empty database, and the demo city in them."""
    alembic(environ, "upgrade", "head")
    with application(environ) as app, pytest.MonkeyPatch.context() as patch:
        # The city's people log in hundreds of times, and how long that takes is none of its proofs.
        patch.setattr(passwords, "_HASHER", CHEAP)
        parts: Services = app.extensions["vigie"]
        with parts.sessions.begin() as session:
            Loading(session, read_city_file(DEMO), now()).run()


@contextmanager
def stack_over(
    folder: Path,
    database_url: str,
    mailbox: Mailbox,
    mail_folder: Path,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Stack]:
    """Have running processes with a queue of their own.

    A job is named after its row, and in another database that is another row.
    """
    valkey = Valkey(folder / "valkey")
    valkey.start()
    try:
        environ = environment(folder, database_url, valkey.url, mailbox.url)
        with running(Stack(folder, {**environ, **variables}, mail_folder)) as one:
            yield one
    finally:
        valkey.discard()


@contextmanager
def running(stack: Stack) -> Iterator[Stack]:
    stack.start()
    try:
        yield stack
    finally:
        # Whoever asks them to stop in an orderly way does so in the test.
        stack.kill()


def copy_of(cluster: Cluster, template: str, name: str | None = None) -> str:
    """Return the address of a new database that is like the template."""
    name = name or f"city_{next(_numbers)}"
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    return cluster.url(name)


@contextmanager
def application(environ: dict[str, str]) -> Iterator[Flask]:
    """Have an application of these variables, whose clients hold it to its description."""
    app = create_app(Settings.from_env(environ))
    app.test_client_class = DescribedClient
    parts: Services = app.extensions["vigie"]
    try:
        yield app
    finally:
        parts.engine.dispose()
