"""Lines 1 to 8 and 15 of the checklist: XML and JSON, and what stands in them."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask

from tests.api import help as h
from tests.api.open311.peer import BASE, TYPES, Peer, refused
from tests.resident import Resident

NASTY = "5 < 6 & \"<b>gras</b>\" ]]> '\u00e9\u4e2d\U0001f6b2'\n<!-- & -->"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.mark.parametrize("path", ["/services", "/services/nid-de-poule", "/requests"])
def test_01_the_suffix_picks_the_format(peer: Peer, path: str) -> None:
    for suffix, kind in TYPES.items():
        answer = peer.get(f"{path}.{suffix}")
        assert answer.status_code == 200
        assert answer.content_type == kind


def test_02_xml_is_declared_and_escaped_and_has_no_namespace(
    peer: Peer, resident: Resident
) -> None:
    view = resident.report(description=NASTY)
    told = peer.get(f"/requests/{view['reference']}.xml").data
    assert told.lower().startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    root = ElementTree.fromstring(told)
    assert root.findtext("request/description") == NASTY
    for node in root.iter():
        assert not node.attrib
        assert "{" not in str(node.tag)
    assert b"<b>" not in told


def test_02_what_xml_cannot_hold_is_replaced(peer: Peer, resident: Resident) -> None:
    view = resident.report(description="un\x01deux\x1b\uffff")
    root = ElementTree.fromstring(peer.get(f"/requests/{view['reference']}.xml").data)
    assert root.findtext("request/description") == "un\ufffddeux\ufffd\ufffd"
    assert peer.get(f"/requests/{view['reference']}.json").json == [
        {**_only(peer, view), "description": "un\x01deux\x1b\uffff"}
    ]


def test_03_json_has_lists_without_a_root_and_null(peer: Peer, resident: Resident) -> None:
    view = resident.report(location=h.DOCKS)
    listed = peer.get("/requests.json", service_request_id=view["reference"]).json
    assert isinstance(listed, list)
    assert len(listed) == 1
    assert listed[0]["media_url"] is None
    assert isinstance(peer.get("/services.json").json, list)
    xml = peer.get(f"/requests/{view['reference']}.xml").text
    assert "<media_url/>" in xml or "<media_url></media_url>" in xml


def test_04_nothing_found_is_an_empty_list(peer: Peer) -> None:
    assert peer.requests(q=h.a_word()) == []
    root = ElementTree.fromstring(peer.get("/requests.xml", q=h.a_word()).data)
    assert root.tag == "service_requests"
    assert len(root) == 0


def test_05_codes_are_strings_places_numbers_and_truth_lower_case(
    peer: Peer, resident: Resident
) -> None:
    view = resident.report()
    one = peer.request(view["reference"])
    for name in ("service_request_id", "service_code"):
        assert isinstance(one[name], str)
    assert isinstance(one["lat"], float)
    assert isinstance(one["long"], float)
    assert one["zipcode"] is None or isinstance(one["zipcode"], str)
    for service in peer.json("/services"):
        assert isinstance(service["service_code"], str)
        assert isinstance(service["metadata"], bool)
    defined = peer.json("/services/nid-de-poule")
    for attribute in defined["attributes"]:
        assert isinstance(attribute["variable"], bool)
        assert isinstance(attribute["required"], bool)
        assert isinstance(attribute["code"], str)
        assert all(isinstance(value["key"], str) for value in attribute["values"])
    xml = peer.get("/services/nid-de-poule.xml").text
    assert "<variable>true</variable>" in xml
    assert "<required>false</required>" in xml


def test_06_a_request_carries_every_key(app: Flask, peer: Peer, resident: Resident) -> None:
    view = resident.report(location=h.DOCKS)
    one = peer.request(view["reference"])
    assert list(one) == [
        "service_request_id",
        "status",
        "status_notes",
        "service_name",
        "service_code",
        "description",
        "agency_responsible",
        "service_notice",
        "requested_datetime",
        "updated_datetime",
        "expected_datetime",
        "address",
        "address_id",
        "zipcode",
        "lat",
        "long",
        "media_url",
    ]
    assert isinstance(one["address"], str)
    assert one["media_url"] is None
    idea = resident.report(kind="idea", category="velo")
    assert peer.request(idea["reference"])["expected_datetime"] is None


def test_07_times_are_in_utc_to_the_second(peer: Peer, resident: Resident) -> None:
    one = peer.request(resident.report()["reference"])
    for name in ("requested_datetime", "updated_datetime", "expected_datetime"):
        assert MOMENT.fullmatch(one[name])
    told = json.loads(peer.client.get("/open311/discovery.json").data)
    assert MOMENT.fullmatch(told["changeset"])


def test_08_an_empty_parameter_is_none(peer: Peer, resident: Resident) -> None:
    word = h.a_word()
    reference = resident.report(description=word)["reference"]
    empty = dict.fromkeys(
        ("jurisdiction_id", "service_request_id", "service_code", "start_date", "end_date"), ""
    )
    empty |= dict.fromkeys(("status", "page", "page_size", "bbox", "lat", "long", "radius"), " ")
    empty |= dict.fromkeys(("updated_after", "updated_before", "extensions", "api_key"), "")
    found = peer.requests(q=word, **empty)
    assert [one["service_request_id"] for one in found] == [reference]
    sent = peer.sent(media_url="", email="", address_string="", **{"attribute[taille]": ""})
    assert peer.request(sent)["media_url"] is None


@pytest.mark.parametrize("path", ["/requests.txt", "/services", "/services.XML", "/requests.jsonp"])
def test_15_an_unknown_suffix_is_404(peer: Peer, path: str) -> None:
    answer = peer.get(path)
    assert answer.status_code == 404
    assert ElementTree.fromstring(answer.data).findtext("error/code") == "404"


def test_what_is_nowhere_is_404_and_what_is_no_method_405(peer: Peer) -> None:
    refused(peer.client.get("/open311/nothing.json"), 404)
    refused(peer.client.post("/open311/v2/nothing.xml"), 404)
    answer = peer.client.delete(f"{BASE}/requests.json")
    refused(answer, 405)
    assert answer.headers["Allow"] == "GET, POST"
    refused(peer.client.post(f"{BASE}/services.json"), 405)


def _only(peer: Peer, view: dict[str, Any]) -> dict[str, Any]:
    found = peer.get(f"/requests/{view['reference']}.json").json
    assert isinstance(found, list)
    one: dict[str, Any] = found[0]
    return one


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "BREW"])
def test_a_method_that_nobody_has_heard_of_is_405_too(peer: Peer, method: str) -> None:
    for suffix in TYPES:
        answer = peer.client.open(f"{BASE}/requests.{suffix}", method=method)
        refused(answer, 405)
        assert answer.headers["Allow"] == "GET, POST"
        refused(peer.client.open(f"{BASE}/nothing.{suffix}", method=method), 404)


@pytest.mark.parametrize("path", ["", "/", "/v2//requests.json", "//a.json", "/v2/%0D%0A.json"])
def test_nothing_else_is_answered_in_another_way(peer: Peer, path: str) -> None:
    refused(peer.client.get(f"/open311{path}"), 404)
