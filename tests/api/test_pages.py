"""The page of a report, as mails link to it and as messengers preview it."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import INSIDE, Resident, bearer, move

FRENCH = {"Accept-Language": "fr"}
ENGLISH = {"Accept-Language": "en"}
MARKUP = "<script>alert('1')</script> & \"<b>gras</b>\""


def _previews(page: str) -> dict[str, str]:
    return dict(re.findall(r'<meta property="(og:[a-z_]+)" content="([^"]*)">', page))


def test_the_page_speaks_the_readers_language(client: FlaskClient, resident: Resident) -> None:
    view = resident.report(description="Un trou profond.")
    path = f"/r/{view['reference']}"
    french, english = (client.get(path, headers=language) for language in (FRENCH, ENGLISH))
    for answer, language in ((french, "fr"), (english, "en")):
        assert answer.status_code == 200
        assert answer.mimetype == "text/html"
        assert f'<html lang="{language}">' in answer.text
        assert answer.headers["Content-Language"] == language
        assert "Accept-Language" in answer.vary
        assert view["reference"] in answer.text
        assert "Un trou profond." in answer.text
        assert "<script" not in answer.text
    assert "Nid-de-poule" in french.text
    assert "Équipe voirie" in french.text
    assert "Pothole" in english.text
    assert "Roads team" in english.text


def test_the_page_shows_what_became_of_it(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    contact = {"name": "Camille Secret", "email": "camille.secret@example.org"}
    view = resident.report(place={**INSIDE, "accuracy_m": 123.25}, contact=contact)
    told = {"reason": "Motif entre nous", "public_message": "Le trou est rebouché <hier>."}
    move(client, view["ticket"], dispatcher, "resolved", **told)
    page = client.get(f"/r/{view['reference']}", headers=ENGLISH).text
    status = h.read(client, f"/reports/{view['reference']}", ENGLISH)["status_text"]
    assert status in page
    assert "Le trou est rebouché &lt;hier&gt;." in page
    for secret in ("Secret", "secret@", "Motif entre nous", "123.25", "Claude Marchand"):
        assert secret not in page


@pytest.mark.fault(28)
def test_markup_is_shown_as_it_was_typed(client: FlaskClient, resident: Resident) -> None:
    view = resident.report(description=MARKUP, address="<i>1</i> rue")
    page = client.get(f"/r/{view['reference']}").text
    assert "<script" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;" in page
    assert '"' not in _previews(page)["og:description"]


def test_messengers_get_a_preview(app: Flask, client: FlaskClient, resident: Resident) -> None:
    view = resident.report(description="Un trou profond.")
    path = f"/r/{view['reference']}"
    previews = _previews(client.get(path, headers=FRENCH).text)
    assert previews["og:type"] == "article"
    assert previews["og:url"] == f"{h.PUBLIC_URL}{path}"
    assert previews["og:description"] == "Un trou profond."
    assert "Nid-de-poule" in previews["og:title"]
    assert "og:image" not in previews
    resident.put_photo(view, photo_samples.jpeg(64, 48))
    assert "og:image" not in _previews(client.get(path).text)
    h.render_photos(app, view["reference"])
    page = client.get(path).text
    (photo,) = h.read(client, f"/reports/{view['reference']}")["photos"]
    assert _previews(page)["og:image"] == photo["urls"]["800"]["jpg"]
    assert photo["urls"]["800"]["webp"] in page


def test_the_host_header_makes_no_links(client: FlaskClient, resident: Resident) -> None:
    view = resident.report()
    page = client.get(f"/r/{view['reference']}", headers={"Host": "evil.example"})
    assert "evil.example" not in page.text
    assert "evil.example" not in str(page.headers)


def test_the_page_lets_nothing_else_in(client: FlaskClient, resident: Resident) -> None:
    view = resident.report()
    for path in (f"/r/{view['reference']}", "/r/nothing", "/"):
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("reference", ["7KM-3QX-9PG", "nonsense", "<b>"])
def test_what_is_unknown_is_not_there(client: FlaskClient, reference: str) -> None:
    french, english = (
        client.get(f"/r/{reference}", headers=language) for language in (FRENCH, ENGLISH)
    )
    assert french.status_code == english.status_code == 404
    assert french.mimetype == english.mimetype == "text/html"
    assert french.text != english.text
    assert "<b>" not in french.text


def test_the_reporter_opens_what_is_private(client: FlaskClient, resident: Resident) -> None:
    word = h.a_word()
    view = resident.report(**h.PRIVATE, description=word)
    path, token = f"/r/{view['reference']}", view["tracking_token"]
    for answer in (client.get(path), client.get(f"{path}?token={token}x")):
        assert answer.status_code == 404
        assert word not in answer.text
    for answer in (client.get(f"{path}?token={token}"), client.get(path, headers=bearer(token))):
        assert answer.status_code == 200
        assert word in answer.text
        assert word not in str(_previews(answer.text))
        assert "noindex" in answer.text
        assert "no-cache" in answer.headers["Cache-Control"]


def test_messages_are_for_the_reporter_alone(client: FlaskClient, resident: Resident) -> None:
    word = h.a_word()
    view = resident.report()
    token = view["tracking_token"]
    path = f"/api/v1/reports/{view['reference']}/messages"
    client.post(path, json={"text": word}, headers=bearer(token))
    assert word not in client.get(f"/r/{view['reference']}").text
    assert word in client.get(f"/r/{view['reference']}?token={token}").text


def test_a_hidden_report_is_gone_for_its_reporter(
    app: Flask, client: FlaskClient, resident: Resident
) -> None:
    word = h.a_word()
    view = resident.report(description=word)
    h.hide_report(app, view["reference"])
    path = f"/r/{view['reference']}"
    for suffix, status in (("", 404), (f"?token={view['tracking_token']}", 410)):
        answer = client.get(path + suffix)
        assert answer.status_code == status
        assert answer.mimetype == "text/html"
        assert word not in answer.text
