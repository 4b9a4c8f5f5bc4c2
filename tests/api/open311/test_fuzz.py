"""Whatever is sent: an Open311 error at worst, in the format of the address, and never HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.api.open311.peer import BASE, PLACE, POTHOLE, TYPES, Peer, refused

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">%s]><l>&z;</l>""" % b"".join(
    b'<!ENTITY %c "%s">' % (97 + at, b"&%c;" % (96 + at) * 10) for at in range(1, 26)
)
OUTSIDE = b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>'
DEEP = b"[" * 100_000 + b"]" * 100_000

PARAMETERS = (
    *("jurisdiction_id", "locale", "api_key", "extensions", "service_request_id", "service_code"),
    *("start_date", "end_date", "status", "detailed_status", "updated_after", "updated_before"),
    *("lat", "long", "radius", "bbox", "q", "page", "page_size"),
)
FIELDS = (
    *("api_key", "jurisdiction_id", "service_code", "lat", "long", "address_string", "address_id"),
    *("email", "device_id", "account_id", "first_name", "last_name", "phone", "description"),
    *("media_url", "kind", "locale", "update_id", "service_request_id", "updated_datetime"),
    *("status", "attribute[taille]", "attribute[taille][]", "attribute[taille][0]", "attribute[]"),
    *("attribute", "attribute[", "attribute[[a]]", "attribute[a][b][c]", "attribute[\x00]"),
)
GETS = ("/services", "/services/nid-de-poule", "/requests", "/requests/000-000-000")
LISTS = ("/tokens/nope", "/servicerequestupdates", "/discovery")
POSTS = ("/requests", "/servicerequestupdates")

# As they stand in an address or in a form, so that bytes which are no text are among them.
HOSTILE = st.one_of(
    st.sampled_from(
        [
            *("%00", "%ED%A0%80", "%ED%B0%80", "%FF%FE", "caf%E9", "%", "%zz", "%u0041", "+", ""),
            *("NaN", "nan", "inf", "-inf", "Infinity", "1e400", "-1e400", "1e-400", "0x10", "1_0"),
            *("9" * 5_000, "-" + "9" * 400, "%D9%A1", "1e", "0" * 400, "-0", ".", "1,2,3,4", ",,"),
            *("180,90,-180,-90", "nan,nan,nan,nan", "0000-00-00", "9999-12-31T23:59:59-14:00"),
            *("2026-02-30", "1900-01-01T00:00:00%2B14:00", "2999-12-31T23:59:60Z", "true", "[]"),
            *("%3Cscript%3Ealert(1)%3C/script%3E", "%27%20OR%201=1--", "..%2F..%2Fetc", "%0D%0A"),
            *("%E2%80%AE", "%F0%9F%9A%B2", "a%CC%81" * 300, "fr;q=2", "*", "x" * 5_000),
        ]
    ),
    st.text(max_size=30).map(lambda text: quote(text.encode("utf-8", "surrogatepass"))),
    st.binary(max_size=20).map(quote),
    st.floats().map(str),
    st.integers().map(str),
)


def pairs(*names: str) -> st.SearchStrategy[str]:
    """Return what makes queries and forms of the names, of which some come again."""
    name = st.one_of(st.sampled_from([quote(one, safe="[]") for one in names]), HOSTILE)
    one = st.builds("{}={}".format, name, HOSTILE)
    return st.lists(one, min_size=1, max_size=5).map("&".join)


def tried(count: int) -> Callable[[Any], Any]:
    """Try so many; what is taken in stays, and hinders no other."""
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


def proper(answer: TestResponse, suffix: str) -> int:
    """Return the status of an answer in the format, which is an error as Open311 has it or 200."""
    assert answer.status_code < 500, answer.text
    assert answer.content_type == TYPES[suffix], (answer.request.path, answer.status)
    assert "<html" not in answer.text.lower()
    if suffix == "xml":
        root = ElementTree.fromstring(answer.data)
        assert (root.tag == "errors") == (answer.status_code != 200)
    else:
        assert answer.json is not None
    if answer.status_code != 200:
        refused(answer, answer.status_code)
    return answer.status_code


def multipart(fields: list[tuple[str, str]]) -> bytes:
    """Return the fields as MULTIPART has them."""
    line = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    return "".join([*(line.format(*field) for field in fields), "--b--\r\n"]).encode()


@pytest.mark.parametrize("path", [*GETS, *LISTS])
@tried(25)
@given(query=pairs(*PARAMETERS), suffix=st.sampled_from(["json", "xml"]))
def test_queries(peer: Peer, path: str, query: str, suffix: str) -> None:
    proper(peer.client.get(f"{BASE}{path}.{suffix}?{query}"), suffix)


@tried(40)
@given(name=st.sampled_from(PARAMETERS), value=HOSTILE)
def test_each_parameter(peer: Peer, name: str, value: str) -> None:
    for path in ("/requests", "/servicerequestupdates"):
        proper(peer.client.get(f"{BASE}{path}.json?{name}={value}"), "json")


@pytest.mark.parametrize("path", POSTS)
@tried(60)
@given(form=pairs(*FIELDS), suffix=st.sampled_from(["json", "xml"]), may=st.booleans())
def test_forms(peer: Peer, path: str, form: str, suffix: str, may: bool) -> None:
    fixed = {**POTHOLE, **PLACE, "api_key": peer.key} if may else {}
    body = f"{form}&{urlencode(fixed)}"
    answer = peer.client.post(f"{BASE}{path}.{suffix}", data=body, content_type=URLENCODED)
    assert proper(answer, suffix) == 200 or answer.status_code in {400, 403, 404}


@pytest.mark.parametrize("path", POSTS)
@tried(40)
@given(
    body=st.one_of(
        st.binary(max_size=200), st.sampled_from([b"", b"\x00", b"--b", LAUGHS, OUTSIDE, DEEP])
    ),
    kind=st.one_of(
        st.sampled_from(
            [
                *(URLENCODED, MULTIPART, "multipart/form-data", "text/xml", "application/xml"),
                *("application/json", "text/html", "image/jpeg", "", "x", "a/b; c", "multipart/x"),
                *(f"{URLENCODED}; charset={name}" for name in ("utf-16", "utf-7", "latin-1", "?")),
                *("multipart/form-data; boundary=" + "b" * 300, "multipart/form-data; boundary="),
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
    ),
    suffix=st.sampled_from(["json", "xml"]),
)
def test_bodies(peer: Peer, path: str, body: bytes, kind: str, suffix: str) -> None:
    answer = peer.client.post(
        f"{BASE}{path}.{suffix}?api_key={peer.key}", data=body, content_type=kind or None
    )
    assert proper(answer, suffix) in {400, 403}


@tried(30)
@given(
    parts=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [
                    *(b"--b\r\n", b"--b--", b"--b--\r\n", b"\r\n\r\n", b"--b\n\n", b"--"),
                    b'Content-Disposition: form-data; name="lat"\r\n\r\n1\r\n',
                    b'Content-Disposition: form-data; name="\xff\x00"\r\n\r\n1\r\n',
                    b'Content-Disposition: form-data; name="media"; filename="a"\r\n\r\n1\r\n',
                    b"Content-Disposition: form-data\r\n\r\n1\r\n",
                    b"Content-Type: text/plain; charset=utf-16\r\n",
                    b"Content-Transfer-Encoding: base64\r\n",
                    b"Content-Length: -1\r\n",
                ]
            ),
        ),
        max_size=8,
    )
)
def test_multipart_that_is_broken(peer: Peer, parts: list[bytes]) -> None:
    path = f"{BASE}/requests.json?api_key={peer.key}"
    answer = peer.client.post(path, data=b"".join(parts), content_type=MULTIPART)
    assert proper(answer, "json") == 400


@tried(60)
@given(
    part=HOSTILE,
    suffix=st.sampled_from(["json", "xml"]),
    before=st.sampled_from(
        ["/services/", "/requests/", "/tokens/", "/", "/requests.json/", "/x/y/"]
    ),
)
def test_paths(peer: Peer, part: str, suffix: str, before: str) -> None:
    path = f"{BASE}{before}{part.replace('?', '%3F')}.{suffix}"
    assert proper(peer.client.get(path), suffix) == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "BREW"])
@pytest.mark.parametrize("path", ["/requests", "/services", "/requests/x", "/tokens/x"])
def test_methods(peer: Peer, method: str, path: str) -> None:
    for suffix in TYPES:
        answer = peer.client.open(f"{BASE}{path}.{suffix}", method=method)
        assert proper(answer, suffix) == 405
        assert "GET" in answer.headers["Allow"]
    refused(peer.client.open(f"{BASE}/nothing.json", method=method), 404)


def test_5_000_characters(peer: Peer) -> None:
    for suffix in TYPES:
        long = {**POTHOLE, **PLACE, "description": "é" * 5_000}
        assert "description" in refused(peer.send(suffix, **long), 400)
        told = {"service_request_id": "000-000-000", "update_id": "x", "status": "OPEN"}
        told |= {"updated_datetime": "2026-11-27", "api_key": str(peer.key)}
        form = {**told, "description": "é" * 5_000}
        path = f"{BASE}/servicerequestupdates.{suffix}"
        assert "description" in refused(peer.client.post(path, data=form), 400)


@pytest.mark.parametrize("name", ["attribute[a{}]", "attribute[taille][{}]", "media_url", "x{}"])
def test_ten_thousand_of_a_kind(peer: Peer, name: str) -> None:
    fixed = [*POTHOLE.items(), *PLACE.items(), ("api_key", str(peer.key))]
    many = [(name.format(at), f"https://p.example/{at}") for at in range(10_000)]
    for suffix in TYPES:
        path = f"{BASE}/requests.{suffix}"
        form = urlencode([*fixed, *many])
        answer = peer.client.post(path, data=form, content_type=URLENCODED)
        # What has a name that nobody knows is left alone.
        assert proper(answer, suffix) == (200 if name.startswith("x") else 400)
        assert len(answer.data) < 20_000
        body = multipart([*fixed, *many])
        answer = peer.client.post(path, data=body, content_type=MULTIPART)
        assert proper(answer, suffix) == 400


def test_a_megabyte_in_one_field(peer: Peer) -> None:
    for name in ("description", "q", "attribute[taille]", "media_url", "api_key"):
        form = {**POTHOLE, **PLACE, "api_key": str(peer.key), name: "x" * 1_000_000}
        for body, kind in (
            (urlencode(form).encode(), URLENCODED),
            (multipart(list(form.items())), MULTIPART),
        ):
            answer = peer.client.post(f"{BASE}/requests.xml", data=body, content_type=kind)
            assert refused(answer, answer.status_code), (name, kind)
            assert answer.status_code in {400, 403}, (name, kind)


def test_2_000_ids_at_once(peer: Peer) -> None:
    id_ = peer.sent()
    for ids in (["000-000-000"] * 2_000, [f"{at:03}-{at:03}-000" for at in range(2_000)]):
        for suffix in TYPES:
            listed = ",".join([*ids, id_])
            answer = peer.get(f"/requests.{suffix}", service_request_id=listed)
            assert proper(answer, suffix) == 200
            assert id_ in answer.text
            assert (
                proper(
                    peer.get(f"/servicerequestupdates.{suffix}", service_request_id=listed), suffix
                )
                == 200
            )


def test_addresses_of_any_length(peer: Peer) -> None:
    for part in ("x" * 50_000, "x/" * 5_000, "%00" * 1_000, "." * 10_000):
        for suffix in TYPES:
            for before in ("/requests/", "/services/", "/tokens/", "/", "//"):
                answer = peer.client.get(f"{BASE}{before}{part}.{suffix}")
                assert proper(answer, suffix) == 404
