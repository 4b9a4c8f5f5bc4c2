"""Schemathesis asks the running server whatever openapi.yaml lets it ask, and more."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import REQUEST_ID
from api.open311 import blueprint as open311
from api.open311.description import DESCRIPTION
from tests import web
from tests.api.help import ADMINISTRATOR, AUDITOR, LEAD_OF_ROADS
from tests.described import METHODS, description
from tests.reports import photo_samples
from tests.resident import BASE, DISPATCHER, PASSWORD, bearer, problem_at
from tests.stack import ROOT, Stack, eventually

SEED = 20_261_124
EXAMPLES = 5
EXAMPLES_OF_OPEN311 = 2
OPEN311 = ROOT / "api" / "open311" / "openapi.yaml"
PREPARING = "preparing"
METRICS_TOKEN = "the-token-of-who-reads-the-metrics"
_SUFFIX = re.compile(r"\.(?:json|xml)$")
_PARAMETER = re.compile(r"<(?:[^<>]*:)?([^<>]*)>")


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    return {
        "TRUSTED_PROXIES": "1",
        "METRICS_TOKEN": METRICS_TOKEN,
    }


@pytest.mark.timeout(400)
def test_the_server_does_what_the_description_says(stack: Stack, tmp_path: Path) -> None:
    environ = _prepare(stack, tmp_path)
    _run("schemathesis.toml", ROOT / "openapi.yaml", stack.url, tmp_path, environ, EXAMPLES)
    assert sorted(_described(description()) - _succeeded(stack.log())) == []


@pytest.mark.timeout(200)
def test_the_server_does_what_the_description_of_open311_says(stack: Stack, tmp_path: Path) -> None:
    environ = _prepare_open311(stack)
    url = f"{stack.url}{open311.BASE}"
    _run("open311.toml", OPEN311, url, tmp_path, environ, EXAMPLES_OF_OPEN311)
    described = {
        _SUFFIX.sub(".{suffix}", operation.replace(" ", f" {open311.BASE}", 1))
        for operation in _described(DESCRIPTION) - {"GET /openapi.json"}
    }
    assert sorted(described - _succeeded(stack.log())) == []


def _run(
    config: str, described: Path, url: str, folder: Path, environ: dict[str, str], examples: int
) -> None:
    """Have Schemathesis ask for what is described at the address."""
    shutil.copy(Path(__file__).with_name(config), folder)
    options = os.environ.get("SCHEMATHESIS_OPTIONS", f"--seed={SEED} --max-examples={examples}")
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(folder / config)),
            *("run", str(described), "--url", url, "--no-shrink", *options.split()),
        ],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _prepare_open311(stack: Stack) -> dict[str, str]:
    """Make a report, and a key of who works for the city; return the process's variables."""
    headers = {REQUEST_ID: PREPARING}
    with httpx.Client(base_url=f"{stack.url}{BASE}", timeout=30, headers=headers) as http:
        login = {"email": ADMINISTRATOR, "password": PASSWORD}
        office = bearer(http.post("/sessions", json=login).json()["token"])
        part = {"name": "Open311", "channel": "app", "per_minute": 6_000, "moves_tickets": True}
        key = http.post("/admin/keys", json=part, headers=office).json()
        sent = http.post("/reports", json=problem_at()).json()
    return {"API_KEY": key["secret"], "REPORT": sent["reference"]}


def _prepare(stack: Stack, folder: Path) -> dict[str, str]:
    """Make a report with a photo that is ready, and another, and write down what they are called.

    Return the variables of Schemathesis's process.
    """
    headers = {REQUEST_ID: PREPARING}
    with web.Client(base_url=f"{stack.url}{BASE}", timeout=30, headers=headers) as http:
        login = {"email": DISPATCHER, "password": PASSWORD}
        session = http.post("/sessions", json=login).json()["token"]
        login["email"] = AUDITOR
        auditor = http.post("/sessions", json=login).json()["token"]
        login["email"] = LEAD_OF_ROADS
        lead = http.post("/sessions", json=login).json()["token"]
        login["email"] = ADMINISTRATOR
        administrator = http.post("/sessions", json=login).json()["token"]
        guest = {"email": "invitee@example.org", "name": "Nour Vidal", "role": "auditor"}
        office = bearer(administrator)
        http.post("/admin/people", json={**guest, "locale": "fr"}, headers=office)
        people = http.get("/admin/people", headers=office).json()["items"]
        # Not the guest: another invitation would end the link of the first.
        [person] = [one["id"] for one in people if one["email"] == AUDITOR]
        [mail] = eventually(lambda: stack.mails(guest["email"]))
        hooks = [_add_webhook(http, office) for _ in range(2)]
        ping = http.post(f"/admin/webhooks/{hooks[0]}/test", headers=office).json()
        sensors = {"name": "Capteurs", "channel": "sensor", "per_minute": 6_000}
        key = http.post("/admin/keys", json=sensors, headers=office).json()
        rules = http.get("/admin/rulesets/1", headers=office).json()["rules"]
        draft = http.post("/admin/rulesets", json={"rules": rules}, headers=office).json()
        wanted = {"ruleset": draft["version"]}
        simulation = http.post("/admin/simulations", json=wanted, headers=office).json()
        other = http.post("/reports", json=problem_at()).json()
        sent = http.post("/reports", json=problem_at(contact={"email": "a@example.org"})).json()
        moderated = http.post("/reports", json=problem_at()).json()
        photo, hidden = _add_photo(http, sent), _add_photo(http, moderated)
    names = {
        "reports": sent["reference"],
        "tickets": sent["ticket"],
        "photos": photo,
        "emails": DISPATCHER,
        "passwords": PASSWORD,
    }
    for name, value in names.items():
        (folder / f"{name}.txt").write_text(f'"{value}"\n')
    return {
        "METRICS_TOKEN": METRICS_TOKEN,
        "SERVER_URL": stack.url,
        "SESSION_TOKEN": session,
        "AUDITOR_TOKEN": auditor,
        "LEAD_TOKEN": lead,
        "ADMINISTRATOR_TOKEN": administrator,
        "PERSON": str(person),
        "WEBHOOK": str(hooks[0]),
        "CHANGED_WEBHOOK": str(hooks[1]),
        "DELIVERY": str(ping["id"]),
        "API_KEY": key["secret"],
        "API_KEY_ID": str(key["id"]),
        "DRAFT": str(draft["version"]),
        "SIMULATION": str(simulation["number"]),
        "LINK_TOKEN": _token_in(mail),
        "REPORT": sent["reference"],
        "TICKET": sent["ticket"],
        "PHOTO": photo,
        "MODERATED_REPORT": moderated["reference"],
        "MODERATED_PHOTO": hidden,
        "OTHER_REPORT": other["reference"],
        "OTHER_TRACKING_TOKEN": other["tracking_token"],
        "TRACKING_TOKEN": sent["tracking_token"],
    }


def _add_webhook(http: httpx.Client, office: dict[str, str]) -> int:
    body = {"url": "https://hooks.example.org/", "events": ["report.anonymised"]}
    added: int = http.post("/admin/webhooks", json=body, headers=office).json()["id"]
    return added


def _token_in(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    [token] = re.findall(r"/password\?token=(\S+)", body.get_content())
    return str(token)


def _add_photo(http: httpx.Client, sent: dict[str, Any]) -> str:
    """Send a photo, wait until it is ready, and return what it is called."""
    template = sent["photo_upload"]["template"]
    url = template.replace("{uuid}", "5f0c7f0e-3d5c-4d53-9c55-0f3c6f0a5a11")
    headers = {**bearer(sent["tracking_token"]), "Content-Type": "image/jpeg"}
    photo = http.put(url, content=photo_samples.jpeg(), headers=headers).json()
    eventually(lambda: http.get(photo["urls"]["320"]["jpg"]).status_code == 200)
    name: str = photo["id"]
    return name


def _described(description: dict[str, Any]) -> set[str]:
    """Return every operation of the description."""
    return {
        f"{method.upper()} {path}"
        for path, operations in description["paths"].items()
        for method in operations.keys() & METHODS
    }


def _succeeded(log: str) -> set[str]:
    """Return every operation that was answered with 2xx, by what the server logged."""
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    return {
        line["method"] + " " + _PARAMETER.sub(r"{\1}", line["route"])
        for line in lines
        if line["event"] == "request"
        and line["request_id"] != PREPARING
        and line["route"]
        and line["status"] // 100 == 2
    }
