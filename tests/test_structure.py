"""What has to hold of the whole: nothing undeclared, nothing unanswered, nothing out of reach."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from marshmallow import Schema, fields

import api
import city
import geo
import infra
import reports
import workers
from api import callers, errors
from api.blueprint import OF_BODIES, OF_HEADERS
from api.declarations import ERRORS, said
from api.limits import TooManyRequests
from infra.queue import QUEUE_OF, Job, QueueName
from reports.status import GRAPH, Status
from tests.scheduling import OF_THE_PAST
from tests.stack import ROOT
from workers.process import OUTGOING, SWEEPER
from workers.queues import KIND_OF

PACKAGES = (api, workers, reports, city, geo, infra)

# Errors that no request can meet: they stop a command or a process, or are answered on the way.
NOT_FOR_CLIENTS = {
    "api.cursors.BadCursor",
    "api.enquiries.Broken",
    "api.readiness.MigrationsMissing",
    "city.addresses.UnusableAddresses",
    "city.unfit.Unfit",
    "city.file_format.UnusableCityFile",
    "geo.coordinates.ImpossiblePosition",
    "geo.unusable.UnusableFeatures",
    "infra.backup.failure.BackupFailed",
    "infra.embedded.process.StartError",
    "infra.mail.MailRefused",
    "infra.mail.MailUnavailable",
    "infra.outgoing.NoAnswer",
    "infra.outgoing.RequestRefused",
    "infra.settings.SettingsError",
    "reports.photo_process.RenderingCrashed",
    "reports.photo_process.RenderingTooSlow",
    "reports.references.MalformedReference",
    "workers.tools.JobFailed",
}


def _modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def test_packages_are_those_of_this_repository() -> None:
    for package in PACKAGES:
        assert package.__file__ is not None
        assert package.__file__.startswith(f"{ROOT}/")


def test_every_route_declares_who_may_call_it(app: Flask) -> None:
    rules = list(app.url_map.iter_rules())
    assert len(rules) > 20
    for rule in rules:
        declared = callers.declared(app.view_functions[rule.endpoint])
        assert declared in {callers.ANYONE, callers.REPORTER, callers.STAFF}, rule.rule


def test_every_staff_and_reporter_route_refuses_strangers(app: Flask) -> None:
    client = app.test_client()
    tried = 0
    for rule in app.url_map.iter_rules():
        declared = callers.declared(app.view_functions[rule.endpoint])
        if declared == callers.ANYONE:
            continue
        path = re.sub(r"<uuid:\w+>", "6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11", rule.rule)
        path = re.sub(r"<int:\w+>", "1", path)
        path = re.sub(r"<\w+>", "7KM-3QX-9PA", path)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert client.open(path, method=method).status_code == 401, (method, rule.rule)
            tried += 1
    assert tried >= 8


def test_numbers_and_flags_are_read_by_strict_fields_alone(app: Flask) -> None:
    read = [
        field
        for view in app.view_functions.values()
        for taken in said(view).get("arguments", {}).get("parameters", ())
        for field in _fields(taken["schema"])
    ]
    assert len(read) > 40
    assert not {type(field) for field in read} & {fields.Boolean, fields.Float, fields.Integer}


def _fields(schema: Schema) -> Iterator[fields.Field[Any]]:
    for field in schema.load_fields.values():
        yield field
        if isinstance(field, fields.Nested):
            yield from _fields(field.schema)


def test_every_queue_has_a_worker_and_every_job_a_queue() -> None:
    assert set(KIND_OF) == set(QueueName)
    assert set(QUEUE_OF) == set(Job)
    assert set(QUEUE_OF.values()) == set(QueueName)


@pytest.mark.parametrize("job", Job)
def test_every_job_resolves(job: Job) -> None:
    module, _, function = job.value.rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))


KNOWS_ITS_TABLES = """
import importlib, sys
from infra.database import Base
from infra.queue import QueueName
from workers import queues

role = sys.argv[1]
if role in set(QueueName):
    queues.load_jobs(QueueName(role))
else:
    importlib.import_module(f"workers.{role}")
for table in Base.metadata.tables.values():
    for key in table.foreign_keys:
        key.column
"""


@pytest.mark.parametrize("role", [*QueueName, SWEEPER, OUTGOING])
def test_each_process_knows_every_table_that_its_own_point_into(role: str) -> None:
    subprocess.run([sys.executable, "-c", KNOWS_ITS_TABLES, role], cwd=ROOT, check=True)


def test_every_status_is_reachable_and_none_is_a_dead_end() -> None:
    reached = {Status.RECEIVED}
    while True:
        further = {step for status in reached for step in GRAPH[status]} | reached
        if further == reached:
            break
        reached = further
    assert reached == set(Status)
    assert all(GRAPH[status] for status in Status)


def test_every_error_has_a_status() -> None:
    declared = {
        f"{found.__module__}.{found.__qualname__}": found
        for module in _modules()
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, Exception)
        and found.__module__ == module.__name__
    }
    assert len(declared) > 25
    answered = {
        name
        for name, found in declared.items()
        if any(known in errors.TABLE for known in found.__mro__)
    }
    assert declared.keys() - answered == NOT_FOR_CLIENTS


def test_every_error_is_one_that_some_route_declares(app: Flask) -> None:
    declared = {
        error for view in app.view_functions.values() for error in said(view).get(ERRORS, ())
    }
    implied = {TooManyRequests, *errors.ANYWHERE, *OF_BODIES, *chain(*OF_HEADERS.values())}
    assert declared | implied == errors.TABLE.keys()


def test_each_of_the_forty_faults_is_tested() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    numbers = {int(n) for text in sources for n in re.findall(r"mark\.fault\((\d+)\)", text)}
    assert numbers == set(range(1, 41))


def test_whatever_needs_the_past_shares_it() -> None:
    needs = re.compile(r"\b(?:past|demo_stack): (?:Past|Stack)\b")
    files = {path.relative_to(ROOT).as_posix(): path for path in ROOT.glob("tests/**/test_*.py")}
    own = {name for name, path in files.items() if needs.search(path.read_text("utf-8"))}
    assert own == OF_THE_PAST


def test_files_stay_short() -> None:
    sources = [path for package in PACKAGES for path in (ROOT / package.__name__).rglob("*.py")]
    assert len(sources) > 50
    too_long = [
        str(path.relative_to(ROOT))
        for path in sources
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
    ]
    assert too_long == []


def test_no_file_names_a_machine_or_an_index() -> None:
    names = (ROOT / name for name in ("requirements.txt", "requirements-dev.txt"))
    for path in names:
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        assert "--hash=sha256:" in text
