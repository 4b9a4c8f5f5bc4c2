"""Lines 19 to 28 of the checklist: what a client sends, and tokens."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from city.models import Address
from reports.link_models import PhotoLink
from reports.models import Contact, Report
from tests.api import help as h
from tests.api.open311.peer import BASE, PLACE, POTHOLE, Peer, first, key_of, refused
from tests.city import towns
from tests.reports.photo_samples import jpeg
from tests.resident import Resident

DUMPED = {"service_code": "depot-sauvage", "description": "Un tas devant l'école."}
CAR = {"service_code": "vehicule-abandonne", "description": "Une épave."}


def _row(session: Session, reference: str) -> Report:
    return session.scalars(select(Report).where(Report.reference == reference)).one()


def _posted(peer: Peer, body: str, path: str = "/requests.json", **options: Any) -> Any:
    kind = options.pop("content_type", "application/x-www-form-urlencoded")
    return peer.client.post(BASE + path, data=body, content_type=kind, **options)


def test_19_a_form_with_a_key_and_a_service_is_taken(
    app: Flask, peer: Peer, session: Session
) -> None:
    id_ = peer.sent(description="Été, déjà ?")
    assert peer.request(id_)["description"] == "Été, déjà ?"
    row = _row(session, id_)
    assert row.api_key_id is not None
    assert row.kind == "problem"
    assert "service_code" in refused(peer.send(**PLACE), 400)
    refused(peer.send(**{**POTHOLE, **PLACE, "api_key": None}), 403)
    refused(peer.send(**{**POTHOLE, **PLACE, "api_key": "wrong"}), 403)
    refused(_posted(peer, "{}", content_type="application/json"), 400)


def test_20_a_place_is_needed_and_zero_is_one(peer: Peer) -> None:
    for place in ({}, {"lat": PLACE["lat"]}, {"long": PLACE["long"]}, {"lat": "x", "long": "1"}):
        refused(peer.send(**POTHOLE, **place), 400)
    for place in ({"lat": "91", "long": "0"}, {"lat": "0", "long": "-181"}):
        refused(peer.send(**POTHOLE, **place), 400)
    # Zero is a place in the sea, and not none at all.
    assert "outside every city" in refused(peer.send(**POTHOLE, lat="0", long="0"), 400)


@pytest.mark.parametrize(
    "address",
    ["61 rue de Bellevue", "61, RUE DE BELLÉVUE", "61 rue de Bellevue, 92999 Beaurive, France"],
)
def test_20_an_address_is_looked_up(peer: Peer, address: str) -> None:
    id_ = first(peer.send(**POTHOLE, address_string=address))["service_request_id"]
    one = peer.request(id_)
    assert (one["lat"], one["long"]) == (48.805499, 2.215675)
    assert one["address"] == "61 rue de Bellevue"


def test_20_an_address_may_be_told_by_its_number(peer: Peer, session: Session) -> None:
    known = session.scalars(select(Address).where(Address.label == "61 rue de Bellevue")).one()
    id_ = first(peer.send(**POTHOLE, address_id=str(known.id)))["service_request_id"]
    assert peer.request(id_)["address"] == known.label
    assert "address_id" in refused(peer.send(**POTHOLE, address_id="999999"), 400)
    refused(peer.send(**POTHOLE, address_id="x"), 400)
    told = refused(peer.send(**POTHOLE, address_string="1 rue de Nulle Part"), 400)
    assert "address_string" in told


def test_20_an_address_beside_a_place_is_only_told(peer: Peer) -> None:
    id_ = peer.sent(address_string="Devant la mairie")
    one = peer.request(id_)
    assert one["address"] == "Devant la mairie"
    assert one["lat"] == float(PLACE["lat"])


def test_21_who_sends_it_is_known_to_the_city_alone(peer: Peer, session: Session) -> None:
    person = {"email": "ada@example.org", "phone": "01 23 45 67 89"}
    names = {"first_name": "Ada", "last_name": "Lovelace"}
    account = {"account_id": "a-17", "device_id": "d-42"}
    answer = first(peer.send(**POTHOLE, **PLACE, **person, **names, **account))
    assert answer["account_id"] == "a-17"
    id_ = answer["service_request_id"]
    row = _row(session, id_)
    contact = session.get_one(Contact, row.id)
    assert (contact.name, contact.email) == ("Ada Lovelace", "ada@example.org")
    assert contact.phone is not None
    assert row.issuer is not None
    assert row.issuer.endswith("/account_id")
    assert row.subject == "a-17"
    told = peer.get(f"/requests/{id_}.json", extensions="true").text
    for secret in (*person.values(), *names.values(), *account.values()):
        assert secret not in told
    nobody = first(peer.send(**POTHOLE, **PLACE, device_id="d-42"))
    assert nobody["account_id"] is None
    assert _row(session, nobody["service_request_id"]).subject == "d-42"


def test_21_a_description_is_plain_text_of_4_000_characters(peer: Peer) -> None:
    markup = "<script>alert(1)</script> & <b>gras</b>"
    assert peer.request(peer.sent(description=markup))["description"] == markup
    longest = "é" * 4_000
    assert peer.request(peer.sent(description=longest))["description"] == longest
    assert "description" in refused(
        peer.send(**{**POTHOLE, **PLACE, "description": "é" * 4_001}), 400
    )
    assert peer.request(peer.sent(description=""))["description"] is None
    assert "email" in refused(peer.send(**POTHOLE, **PLACE, email="nobody"), 400)


def test_22_a_missing_attribute_is_named(peer: Peer) -> None:
    for suffix in ("json", "xml"):
        told = refused(peer.send(suffix, **CAR, **PLACE), 400)
        assert "description-vehicule required" in told
    told = refused(peer.send(**DUMPED, **PLACE, **{"attribute[volume]": "beaucoup"}), 400)
    assert "contenu required" in told
    assert "volume: " in told
    told = refused(peer.send(**POTHOLE, **PLACE, **{"attribute[taille]": "1"}), 400)
    assert "taille: " in told


@pytest.mark.parametrize(
    "given",
    [
        "attribute[contenu][]=meubles&attribute[contenu][]=sacs",
        "attribute[contenu]=meubles&attribute[contenu]=sacs",
        "attribute[contenu][0]=meubles&attribute[contenu][1]=sacs",
        "attribute%5Bcontenu%5D%5B%5D=meubles&attribute%5Bcontenu%5D%5B%5D=sacs",
    ],
)
def test_23_attributes_come_in_every_form(peer: Peer, session: Session, given: str) -> None:
    fixed = {**DUMPED, **PLACE, "api_key": peer.key}
    body = "&".join([*(f"{name}={quote(str(value))}" for name, value in fixed.items()), given])
    id_ = first(_posted(peer, body))["service_request_id"]
    assert _row(session, id_).answers == {"contenu": ["meubles", "sacs"]}


def test_23_one_value_is_one(peer: Peer, session: Session) -> None:
    id_ = peer.sent(**CAR, **{"attribute[description-vehicule]": "Une Clio"})
    assert _row(session, id_).answers == {"description-vehicule": "Une Clio"}
    id_ = peer.sent(**DUMPED, **{"attribute[contenu]": "sacs"})
    assert _row(session, id_).answers == {"contenu": ["sacs"]}
    id_ = peer.sent(**{"attribute[taille]": "grand"})
    assert _row(session, id_).answers == {"taille": "grand"}
    twice = "attribute[taille][]=grand&attribute[taille][]=petit"
    fixed = {**POTHOLE, **PLACE, "api_key": peer.key}
    body = "&".join([*(f"{name}={quote(str(value))}" for name, value in fixed.items()), twice])
    refused(_posted(peer, body), 400)


def test_23_attributes_that_nobody_asks_for_lose_no_report(peer: Peer, session: Session) -> None:
    extras = {"attribute[easting]": "1", "attribute[fixmystreet_id]": "17"}
    id_ = peer.sent(**extras, **{"attribute[taille]": "grand"})
    assert _row(session, id_).answers == {"taille": "grand"}
    many = {f"attribute[a{at}]": "1" for at in range(51)}
    assert "attribute: " in refused(peer.send(**POTHOLE, **PLACE, **many), 400)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T10:00", "2026-11-20T09:00:00+00:00"),
        ("2026-11-20T10:00:00 01:00", "2026-11-20T09:00:00+00:00"),
        ("2026-07-20 10:00:00", "2026-07-20T08:00:00+00:00"),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00+00:00"),
    ],
)
def test_23_times_are_by_the_citys_clocks(
    peer: Peer, session: Session, said: str, kept: str
) -> None:
    id_ = peer.sent(**DUMPED, **{"attribute[contenu]": "sacs", "attribute[vu-le]": said})
    assert _row(session, id_).answers["vu-le"] == kept
    bad = {"attribute[contenu]": "sacs", "attribute[vu-le]": "hier"}
    assert "vu-le: " in refused(peer.send(**DUMPED, **PLACE, **bad), 400)


def test_24_key_and_jurisdiction_may_stand_in_the_address(peer: Peer) -> None:
    path = f"{BASE}/requests.json?jurisdiction_id=beaurive&api_key={peer.key}"
    assert first(peer.client.post(path, data={**POTHOLE, **PLACE}))["service_request_id"]
    nowhere = path.replace("beaurive", "nowhere")
    refused(peer.client.post(nowhere, data={**POTHOLE, **PLACE}), 404)


@pytest.mark.parametrize(
    "names", [["media"], ["media[]", "media[]"], ["photo1", "photo2"], ["file_0", "file_zz"]]
)
def test_25_photos_come_under_every_name(app: Flask, peer: Peer, names: list[str]) -> None:
    photos = [
        (name, (BytesIO(jpeg(64 + at, 48)), f"{at}.jpg", "image/jpeg"))
        for at, name in enumerate(names)
    ]
    form = [*POTHOLE.items(), *PLACE.items(), ("api_key", peer.key), *photos]
    answer = peer.client.post(f"{BASE}/requests.json", data=MultiDict(form))
    id_ = first(answer)["service_request_id"]
    assert peer.request(id_)["media_url"] is None
    h.render_photos(app, id_)
    one = peer.request(id_, extensions="true")
    urls = one["extended_attributes"]["media_urls"]
    assert len(urls) == len(names)
    assert one["media_url"] == urls[0]
    assert urls[0].endswith("/800.jpg")
    assert peer.client.get(urls[0].removeprefix(h.PUBLIC_URL)).mimetype == "image/jpeg"


def test_25_what_is_no_photo_keeps_nothing(peer: Peer, client: FlaskClient) -> None:
    word = h.a_word()
    for files in (
        [b"no photo"],
        [jpeg(64, 48), b"\xff\xd8\xff"],
        [jpeg(64, 48 + at) for at in range(6)],
    ):
        form: dict[str, Any] = {**POTHOLE, **PLACE, "api_key": peer.key, "description": word}
        form |= {f"photo{at}": (BytesIO(data), "a.jpg") for at, data in enumerate(files)}
        refused(client.post(f"{BASE}/requests.json", data=form), 400)
    assert peer.requests(q=word) == []
    form = {**POTHOLE, **PLACE, "api_key": peer.key, "description": word}
    form["media"] = (BytesIO(b""), "")
    assert first(client.post(f"{BASE}/requests.json", data=form))


def test_26_lines_are_normalised_and_bad_bytes_no_trouble(peer: Peer) -> None:
    id_ = peer.sent(description="une\r\ndeux\rtrois\n")
    assert peer.request(id_)["description"] == "une\ndeux\ntrois"
    fixed = "&".join(f"{n}={quote(str(v))}" for n, v in {**PLACE, "api_key": peer.key}.items())
    for end in (b"&description=caf\xe9", b"&description=caf%E9", b"&descr\xffiption=x"):
        body = fixed.encode() + b"&service_code=nid-de-poule" + end
        answer = peer.client.post(
            f"{BASE}/requests.json", data=body, content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code in {200, 400}
        if answer.status_code == 400:
            refused(answer, 400)
    refused(peer.send(**{**POTHOLE, **PLACE, "description": "a\x00b"}), 400)


def test_27_the_answer_has_the_id_at_once(peer: Peer) -> None:
    answer = first(peer.send(**POTHOLE, **PLACE))
    assert answer.keys() == {"service_request_id", "service_notice", "account_id"}
    assert answer["service_notice"]
    root = ElementTree.fromstring(peer.send("xml", **POTHOLE, **PLACE).data)
    assert root.tag == "service_requests"
    assert [node.tag for node in root] == ["request"]
    assert peer.request(root.findtext("request/service_request_id") or "")


def test_28_a_token_leads_to_its_report(app: Flask, peer: Peer, resident: Resident) -> None:
    view = resident.report()
    for token in (view["tracking_token"], view["reference"]):
        told = peer.json(f"/tokens/{token}")
        assert told == [{"service_request_id": view["reference"], "token": token}]
    for token in ("nope", "vgr_nope", "000-000-000", view["ticket"]):
        for suffix in ("json", "xml"):
            refused(peer.get(f"/tokens/{token}.{suffix}"), 404)
    h.hide_report(app, view["reference"])
    for token in (view["tracking_token"], view["reference"]):
        refused(peer.get(f"/tokens/{token}.json"), 404)


def test_the_kind_may_be_said(peer: Peer, session: Session) -> None:
    assert _row(session, peer.sent(service_code="velo")).kind == "problem"
    assert _row(session, peer.sent(service_code="velo", kind="idea")).kind == "idea"
    assert "kind" in refused(peer.send(**POTHOLE, **PLACE, kind="idea"), 400)
    assert "kind" in refused(peer.send(**POTHOLE, **PLACE, kind="nope"), 400)


def test_a_key_of_another_city_is_none_here(own_app: Flask, tmp_path: Any) -> None:
    with h.parts_of(own_app).sessions.begin() as session:
        towns.load(session, towns.write(tmp_path))
    elsewhere = Peer(own_app.test_client(), key_of(own_app, "essai"))
    refused(elsewhere.send(**POTHOLE, **PLACE, jurisdiction_id="beaurive"), 403)
    told = elsewhere.send(**{**POTHOLE, "service_code": "hole"}, **PLACE, jurisdiction_id="essai")
    refused(told, 400)


def test_25_photos_may_be_somewhere_else(peer: Peer, session: Session) -> None:
    urls = ["http://photos.example/1.jpg", "https://photos.example/2.jpg?a=1,2"]
    urls.append("https://xn--caf-dma.example/%C3%A9t%C3%A9.jpg")
    given = [*urls[:2], "https://café.example/été.jpg"]
    body = {**POTHOLE, **PLACE, "api_key": peer.key, "media_url": [*given, urls[0], ""]}
    id_ = first(peer.client.post(f"{BASE}/requests.json", data=body))["service_request_id"]
    assert peer.request(id_)["media_url"] is None
    query = select(PhotoLink.url).where(PhotoLink.report_id == _row(session, id_).id)
    assert session.scalars(query.order_by(PhotoLink.id)).all() == urls


@pytest.mark.parametrize(
    "url",
    [
        *("nonsense", "ftp://photos.example/a.jpg", "http://user:secret@photos.example/"),
        *("http://169.254.169.254/", "http://[::ffff:127.0.0.1]/", "http://photos.example:22/"),
        "http://photos.example/" + "x" * 2_000,
    ],
)
def test_25_where_nothing_can_be_fetched_is_refused(peer: Peer, url: str) -> None:
    word = h.a_word()
    told = refused(peer.send(**{**POTHOLE, **PLACE, "description": word}, media_url=url), 400)
    assert told.startswith("media_url: ")
    assert peer.requests(q=word) == []


def test_an_endless_form_is_not_taken_apart(peer: Peer) -> None:
    form = {**POTHOLE, **PLACE, "api_key": peer.key}
    refused(_posted(peer, urlencode({**form, "unknown": "x" * 500_001})), 400)
    refused(_posted(peer, urlencode([*form.items(), *[("x", "x" * 20)] * 60_000])), 400)
    refused(_posted(peer, "&" * 10_000_000), 400)
