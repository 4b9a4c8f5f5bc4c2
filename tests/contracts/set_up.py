"""What Schemathesis sends to the routes of a city's set-up and of its people's accounts.

Few bodies that fit a schema fit the city as well, and who may send them is somebody else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import httpx
from pyotp import TOTP

from tests import web
from tests.resident import BASE, PASSWORD, bearer
from tests.stack import ROOT

ADMIN, ACCOUNT = f"{BASE}/admin/", f"{BASE}/account/"
_KEYS = {
    "teams": "voirie",
    "groups": "voirie",
    "categories": "arbre",
    "calendars": "beaurive",
    "layers": "quartiers",
    "keys": os.environ["API_KEY_ID"],
    "close-reasons": "repare",
    "third-parties": "departement",
    "templates": "terrain-prive",
}
DISTRICTS = json.loads((ROOT / "city" / "demo" / "districts.geojson").read_text(encoding="utf-8"))
_SLASHES = f"{ADMIN}webhooks/{{key}}".count("/")
_NEW: dict[str, dict[str, Any]] = {
    "teams": {"names": {"fr": "Nuit"}, "email": "nuit@beaurive.example"},
    "groups": {"names": {"fr": "Plages"}},
    "categories": {
        "group": "voirie",
        "names": {"fr": "Trottinette"},
        "descriptions": {"fr": "Elle gêne"},
        "kinds": ["problem"],
    },
    "calendars": {
        "names": {"fr": "Nuit"},
        "calendar": {"hours": {"monday": ["18:00-24:00"]}},
    },
    "close-reasons": {"names": {"fr": "Doublon"}, "statuses": ["declined"]},
    "third-parties": {"names": {"fr": "Syndicat des eaux"}},
    "templates": {"names": {"fr": "Merci"}, "texts": {"fr": "Merci pour {reference}."}},
    "people": {"name": "Nour Vidal", "role": "auditor", "locale": "fr"},
    "webhooks": {"events": ["report.anonymised"]},
    "keys": {"channel": "sensor"},
    "rulesets": {"rules": [{"category": "arbre", "team": "espaces-verts"}]},
    "simulations": {"ruleset": int(os.environ["DRAFT"]), "last": 100},
}


def concerns(path: str) -> bool:
    """Tell whether the path is one of these routes."""
    return path.startswith((ADMIN, ACCOUNT)) or path == f"{BASE}/passwords"


def aim(case: Any) -> None:
    """Send the case as who may, to what is there, and as it is now where it says for which."""
    path = case.operation.path
    if not str(case.headers.get("Authorization", "")).startswith("Bearer vgs_"):
        return
    who = "ADMINISTRATOR_TOKEN" if path.startswith(ADMIN) else "LEAD_TOKEN"
    case.headers.update(bearer(os.environ[who]))
    if "{key}" in path:
        case.path_parameters["key"] = _key(path)
        # Of a layer that is new there is no version yet, so the description cannot demand one.
        if "If-Match" in case.headers or _brings_a_layer(case):
            case.headers["If-Match"] = _read(path)["etag"]
    if "{number}" in path:
        case.path_parameters["number"] = 1
    if "{delivery}" in path:
        case.path_parameters["delivery"] = os.environ["DELIVERY"]


def fill(case: Any, number: int) -> None:
    """Give the case a body that fits the city and how things stand."""
    path, method = case.operation.path, case.method.upper()
    if _brings_a_layer(case):
        case.media_type, case.body = "application/json", DISTRICTS
        case.query = {"code_field": "code", "publish": "false"}
    elif path.startswith(ADMIN) and method == "PUT":
        case.body = _read(path)
    elif path.startswith(ADMIN) and method == "POST" and _kind(path) in _NEW and "{" not in path:
        kind = _kind(path)
        case.body = {**_NEW[kind], **_name(kind, number)}
    elif path.startswith(ACCOUNT):
        case.body = _STEPS[path.removeprefix(ACCOUNT)]()
    elif path == f"{BASE}/passwords":
        case.body = {"token": os.environ["LINK_TOKEN"], "password": PASSWORD}


def _brings_a_layer(case: Any) -> bool:
    return str(case.operation.label) == f"PUT {ADMIN}layers/{{key}}"


def _name(kind: str, number: int) -> dict[str, str]:
    if kind == "people":
        return {"email": f"p{number}@example.org"}
    if kind == "webhooks":
        return {"url": f"https://hooks.example.org/{number}"}
    if kind == "keys":
        return {"name": f"Capteur {number}"}
    if kind in ("rulesets", "simulations"):
        return {}
    return {"code": f"c{number}"}


def _begin() -> dict[str, str]:
    _ask("second-factor/end", {"password": PASSWORD})
    return {"password": PASSWORD}


def _confirm() -> dict[str, str]:
    begun = _ask("second-factor", _begin())
    return {"code": TOTP(begun.json()["secret"]).now()}


def _end() -> dict[str, str]:
    _ask("second-factor", {"password": PASSWORD})
    return {"password": PASSWORD}


_STEPS: dict[str, Callable[[], dict[str, str]]] = {
    "second-factor": _begin,
    "second-factor/confirmation": _confirm,
    "second-factor/end": _end,
}


def _kind(path: str) -> str:
    return path.removeprefix(ADMIN).partition("/")[0]


def _key(path: str) -> str:
    kind = _kind(path)
    if kind == "webhooks":
        # What is changed at random may end up disabled, and is then sent nothing.
        return os.environ["WEBHOOK" if path.count("/") > _SLASHES else "CHANGED_WEBHOOK"]
    if kind == "simulations":
        return os.environ["SIMULATION"]
    if kind == "rulesets":
        # What is published once can be written no more.
        return "1" if path.endswith("/publish") else os.environ["DRAFT"]
    return _KEYS.get(kind, os.environ["PERSON"])


def _read(path: str) -> Any:
    url = f"{os.environ['SERVER_URL']}{ADMIN}{_kind(path)}/{_key(path)}"
    headers = bearer(os.environ["ADMINISTRATOR_TOKEN"])
    return web.get(url, headers=headers, timeout=30).json()


def _ask(step: str, body: dict[str, str]) -> httpx.Response:
    url = f"{os.environ['SERVER_URL']}{ACCOUNT}{step}"
    return web.post(url, json=body, headers=bearer(os.environ["LEAD_TOKEN"]), timeout=30)
