"""Close reasons, third parties and answer templates, as an administrator sets them up."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api import help as h
from tests.api.conftest import LogIn
from tests.resident import BASE, body_of

NEW: dict[str, dict[str, Any]] = {
    "close-reasons": {"names": {"fr": "Doublon"}, "statuses": ["declined"]},
    "third-parties": {"names": {"fr": "Syndicat des eaux"}},
    "templates": {
        "names": {"fr": "Merci"},
        "category": "nid-de-poule",
        "status": "resolved",
        "texts": {"fr": "Merci pour {reference}."},
    },
}


@pytest.fixture
def office(as_person: LogIn) -> dict[str, str]:
    """Return the header of the administrator's session."""
    return as_person(h.ADMINISTRATOR)


def _add(client: FlaskClient, office: dict[str, str], kind: str, **members: Any) -> TestResponse:
    body = {"code": f"c{uuid4().hex}", **NEW[kind], **members}
    return client.post(f"{BASE}/admin/{kind}", json=body, headers=office)


@pytest.mark.parametrize("kind", NEW)
def test_a_setting_is_added_changed_and_retired_and_each_is_written_down(
    client: FlaskClient, office: dict[str, str], kind: str
) -> None:
    added = _add(client, office, kind)
    assert added.status_code == 201, added.text
    one = body_of(added)
    listed = h.read(client, f"/admin/{kind}", office)["items"]
    assert listed[-1] == one
    path = f"{BASE}/admin/{kind}/{one['code']}"
    h.refused(_add(client, office, kind, code=one["code"]), 409)
    names = {"fr": "Autre", "en": "Other"}
    h.refused(client.put(path, json={**one, "names": names}, headers=office), 428)
    tag = {"If-Match": one["etag"]}
    wanted = {**one, "names": names, "retired": True}
    changed = client.put(path, json=wanted, headers={**office, **tag})
    assert changed.status_code == 200, changed.text
    assert (body_of(changed)["names"], body_of(changed)["retired"]) == (names, True)
    h.refused(client.put(path, json=wanted, headers={**office, **tag}), 412)
    audit = h.read(client, f"/admin/audit?reference={one['code']}", office)["items"]
    assert [line["act"] for line in audit] == ["changed", "added"]
    renamed = {"from": NEW[kind]["names"], "to": names}
    # A third party may be somebody.
    told = {"changed": True} if kind == "third-parties" else renamed
    assert audit[0]["changes"]["names"] == told
    assert audit[0]["changes"]["retired"] == {"from": False, "to": True}


@pytest.mark.parametrize(
    ("kind", "members", "place"),
    [
        ("templates", {"texts": {"fr": "{reference.__class__}"}}, "/texts/fr"),
        ("templates", {"texts": {"fr": "Bon.", "en": "{adress}"}}, "/texts/en"),
        ("templates", {"texts": {"fr": "{{reference}}"}}, "/texts/fr"),
        ("templates", {"texts": {"fr": "{reference"}}, "/texts/fr"),
        ("templates", {"texts": {"en": "Only English"}}, "/texts"),
        ("templates", {"category": "nothing"}, "/category"),
        ("close-reasons", {"statuses": ["waiting"]}, "/statuses/0"),
        ("close-reasons", {"public_texts": {"en": "Done."}}, "/public_texts"),
        ("third-parties", {"names": {"en": "Only English"}}, "/names"),
    ],
)
def test_what_breaks_a_rule_is_told_at_its_place(
    client: FlaskClient, office: dict[str, str], kind: str, members: dict[str, Any], place: str
) -> None:
    assert h.blamed(_add(client, office, kind, **members)) == [place]
