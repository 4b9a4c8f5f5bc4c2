"""Another system that speaks Open311, over the test client."""

from __future__ import annotations

from typing import Any

import xmltodict
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from city import keys
from city.administration import Administration
from city.models import Channel, Jurisdiction
from infra.clock import now
from tests.api import help as h
from tests.resident import INSIDE

BASE = "/open311/v2"
POTHOLE = {"service_code": "nid-de-poule", "description": "Un trou devant le numéro 12."}
PLACE = {"lat": str(INSIDE["latitude"]), "long": str(INSIDE["longitude"])}
TYPES = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}


def key_of(app: Flask, code: str = "beaurive", **members: Any) -> str:
    """Return the secret of a key that the city's administrators have given."""
    part = {"name": "Open311", "channel": Channel.APP.value, "per_minute": 6_000, **members}
    with h.parts_of(app).sessions.begin() as session:
        city = session.query(Jurisdiction).filter_by(code=code).one()
        return keys.create(Administration(session, None, city.id, now()), part)[1]


class Peer:
    """Another system with a key, or without one."""

    def __init__(self, client: FlaskClient, key: str | None = None) -> None:
        self.client = client
        self.key = key

    def get(self, path: str, **parameters: Any) -> TestResponse:
        """Ask, with the format at the end of the path."""
        return self.client.get(BASE + path, query_string=parameters)

    def json(self, path: str, **parameters: Any) -> Any:
        """Return what is answered in JSON, once it is proved that XML says the same."""
        told = self.get(f"{path}.json", **parameters)
        assert told.status_code == 200, told.text
        assert told.content_type == TYPES["json"]
        same = self.get(f"{path}.xml", **parameters)
        assert same.status_code == 200, same.text
        assert same.content_type == TYPES["xml"]
        root = xmltodict.parse(same.data, strip_whitespace=False)
        assert len(root) == 1
        assert as_xml_reads(told.json) == (next(iter(root.values())) or None), path
        return told.json

    def requests(self, **parameters: Any) -> list[dict[str, Any]]:
        """Return the list of requests."""
        found: list[dict[str, Any]] = self.json("/requests", **parameters)
        return found

    def request(self, id_: str, **parameters: Any) -> dict[str, Any]:
        """Return one request."""
        found = self.json(f"/requests/{id_}", **parameters)
        assert len(found) == 1
        one: dict[str, Any] = found[0]
        return one

    def send(self, suffix: str = "json", /, **form: Any) -> TestResponse:
        """Send a form that has the key, unless it says otherwise."""
        data = {"api_key": self.key, **form}
        return self.client.post(
            f"{BASE}/requests.{suffix}",
            data={name: value for name, value in data.items() if value is not None},
        )

    def sent(self, **form: Any) -> str:
        """Send a form that is taken, and return the request's id."""
        answer = self.send(**{**POTHOLE, **PLACE, **form})
        assert answer.status_code == 200, answer.text
        return str(first(answer)["service_request_id"])

    def tell(self, id_: str, status: str, **form: Any) -> TestResponse:
        """Send an update of a request."""
        data = {
            "api_key": self.key,
            "update_id": f"{id_}-{status}",
            "service_request_id": id_,
            "updated_datetime": "2026-11-27T10:00:00Z",
            "status": status,
            **form,
        }
        return self.client.post(f"{BASE}/servicerequestupdates.json", data=data)


def first(answer: TestResponse) -> dict[str, Any]:
    """Return the one item of a list in JSON."""
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json, list)
    assert len(answer.json) == 1
    one: dict[str, Any] = answer.json[0]
    return one


def refused(answer: TestResponse, status: int) -> str:
    """Return the descriptions of an error, which is one as Open311 has it."""
    assert answer.status_code == status, answer.text
    suffix = answer.request.path.rpartition(".")[2]
    if suffix == "json":
        assert answer.content_type == TYPES["json"]
        errors = answer.json
        assert isinstance(errors, list)
    else:
        assert answer.content_type == TYPES["xml"]
        found = xmltodict.parse(answer.data, force_list=("error",))
        assert found.keys() == {"errors"}
        errors = found["errors"]["error"]
    assert errors
    for error in errors:
        assert error.keys() == {"code", "description"}
        assert error["code"] == str(status)
        assert error["description"]
    return "\n".join(error["description"] for error in errors)


def as_xml_reads(value: Any, name: str = "") -> Any:
    """Return what a JSON value is once it was written as XML and read by xmltodict."""
    if isinstance(value, dict):
        return {key: as_xml_reads(inner, key) for key, inner in value.items()} or None
    if isinstance(value, list):
        items = [as_xml_reads(item) for item in value]
        if not items:
            return None
        return {_item(value, name): items[0] if len(items) == 1 else items}
    if isinstance(value, bool):
        return str(value).lower()
    return None if value in (None, "") else str(value)


def _item(value: list[Any], name: str) -> str:
    named = {"attributes": "attribute", "values": "value", "media_urls": "media_url"}
    named |= {"endpoints": "endpoint", "formats": "format"}
    if name in named:
        return named[name]
    keys = value[0].keys()
    if "update_id" in keys:
        return "request_update"
    return "request" if "service_request_id" in keys else "service"
