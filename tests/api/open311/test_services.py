"""Lines 10 to 14 and 16 to 18 of the checklist: what there is, errors, services."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient

from infra.clock import now
from tests.api import help as h
from tests.api.open311.peer import BASE, PLACE, POTHOLE, Peer, as_xml_reads, key_of, refused
from tests.city import towns
from tests.resident import INSIDE

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"


@pytest.mark.parametrize("path", ["/open311/discovery", "/open311/v2/discovery"])
def test_10_discovery_tells_where_the_endpoint_is(client: FlaskClient, path: str) -> None:
    told = client.get(f"{path}.json").json
    assert told is not None
    assert told.keys() == {"changeset", "contact", "key_service", "endpoints"}
    for endpoint in told["endpoints"]:
        assert endpoint.keys() == {"specification", "url", "changeset", "type", "formats"}
        assert endpoint["specification"] == SPECIFICATION
        assert endpoint["url"] == f"{h.PUBLIC_URL}{BASE}"
        assert endpoint["type"] in {"production", "test"}
    root = ElementTree.fromstring(client.get(f"{path}.xml").data)
    assert root.tag == "discovery"
    found = [format_.text for format_ in root.iterfind("endpoints/endpoint/formats/format")]
    assert set(found) == {"text/xml", "application/json"}
    assert root.findtext("endpoints/endpoint/url") == f"{h.PUBLIC_URL}{BASE}"


def test_11_the_changeset_is_past_and_there_are_two_of_each(client: FlaskClient) -> None:
    told = client.get("/open311/discovery.json").json
    assert told is not None
    assert len(told["endpoints"]) >= 2
    for one in (told, *told["endpoints"]):
        assert datetime.fromisoformat(one["changeset"]).astimezone(UTC) <= now()
    assert all(len(endpoint["formats"]) >= 2 for endpoint in told["endpoints"])


def test_12_errors_have_a_code_and_a_description(peer: Peer) -> None:
    assert "nope" not in refused(peer.get("/services/nope.json"), 404)
    refused(peer.get("/services/nope.xml"), 404)
    several = refused(peer.send(**POTHOLE, **PLACE, email="nobody", phone="x" * 60), 400)
    assert len(several.splitlines()) == 2
    assert "email: " in several
    assert "phone: " in several


def test_13_statuses_are_404_403_and_400(peer: Peer, app: Flask) -> None:
    stranger = Peer(app.test_client())
    withdrawn = Peer(app.test_client(), "vk_withdrawn")
    for suffix in ("json", "xml"):
        refused(peer.get(f"/nothing.{suffix}"), 404)
        refused(peer.get(f"/services/nope.{suffix}"), 404)
        refused(peer.get(f"/requests.{suffix}", service_code="nope"), 404)
        refused(peer.get(f"/requests.{suffix}", jurisdiction_id="nope"), 404)
        refused(peer.send(suffix, **{**POTHOLE, **PLACE, "service_code": "nope"}), 404)
        refused(peer.send(suffix, **POTHOLE, **PLACE, jurisdiction_id="nope"), 404)
        refused(stranger.send(suffix, **POTHOLE, **PLACE), 403)
        refused(withdrawn.send(suffix, **POTHOLE, **PLACE), 403)
        refused(peer.send(suffix, **POTHOLE), 400)
        refused(peer.get(f"/requests.{suffix}", status="done"), 400)
        refused(peer.get(f"/requests.{suffix}", page="0"), 400)
        refused(peer.get(f"/requests.{suffix}", bbox="1,2,3"), 400)
        refused(peer.get(f"/requests.{suffix}", q="\x00"), 400)


def test_14_the_jurisdiction_is_needed_where_there_are_several(
    own_app: Flask, tmp_path: Path
) -> None:
    peer = Peer(own_app.test_client(), key_of(own_app))
    sent = peer.sent()
    assert peer.sent(jurisdiction_id="beaurive")
    with h.parts_of(own_app).sessions.begin() as session:
        towns.load(session, towns.write(tmp_path))
    for path in ("/services", "/services/nid-de-poule", "/requests", f"/requests/{sent}"):
        refused(peer.get(f"{path}.json"), 400)
        refused(peer.get(f"{path}.json", jurisdiction_id="nowhere"), 404)
        assert peer.get(f"{path}.json", jurisdiction_id="beaurive").status_code == 200
    assert peer.requests(jurisdiction_id="essai") == []
    refused(peer.get(f"/requests/{sent}.json", jurisdiction_id="essai"), 404)
    refused(peer.send(**POTHOLE, **PLACE), 400)
    refused(peer.send(**POTHOLE, **PLACE, jurisdiction_id="essai"), 403)
    assert peer.sent(jurisdiction_id="beaurive")
    assert peer.client.get("/open311/discovery.json").status_code == 200


def test_16_services_are_the_categories(client: FlaskClient, peer: Peer) -> None:
    services = peer.json("/services")
    query = "&".join(f"{name}={value}" for name, value in INSIDE.items())
    categories = client.get(f"/api/v1/categories?{query}", headers={"Accept-Language": "fr"}).json
    assert categories is not None
    assert len(services) == len(categories["items"])
    for service, category in zip(services, categories["items"], strict=True):
        assert service == {
            "service_code": category["code"],
            "service_name": category["name"],
            "description": category["description"],
            "metadata": bool(category["questions"]),
            "type": "realtime",
            "keywords": ",".join((category["group"]["code"], *category["kinds"])),
            "group": category["group"]["name"],
        }


def test_17_a_definition_has_the_questions_as_attributes(peer: Peer) -> None:
    defined = peer.json("/services/nid-de-poule")
    assert defined == {
        "service_code": "nid-de-poule",
        "attributes": [
            {
                "variable": True,
                "code": "taille",
                "datatype": "singlevaluelist",
                "required": False,
                "datatype_description": None,
                "order": 1,
                "description": "Quelle est la taille du trou ?",
                "values": [
                    {"key": "petit", "name": "Comme une assiette"},
                    {"key": "moyen", "name": "Comme une roue de voiture"},
                    {"key": "grand", "name": "Plus grand"},
                ],
            }
        ],
    }
    assert as_xml_reads(defined)["attributes"].keys() == {"attribute"}
    assert peer.json("/services/velo") == {"service_code": "velo", "attributes": []}


def test_18_datatypes_are_known_and_orders_rise(peer: Peer) -> None:
    known = {"string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"}
    seen = set()
    for service in peer.json("/services"):
        attributes = peer.json(f"/services/{service['service_code']}")["attributes"]
        assert bool(attributes) == service["metadata"]
        assert [one["order"] for one in attributes] == list(range(1, len(attributes) + 1))
        for one in attributes:
            seen.add(one["datatype"])
            assert bool(one["values"]) == one["datatype"].endswith("list")
    assert len(seen) > 1
    assert seen <= known
