"""Somebody new begins to work for the city: an invitation, a password, and one forgotten."""

from __future__ import annotations

import re
from email.message import EmailMessage

from tests import web
from tests.api import help as h
from tests.resident import BASE, PASSWORD, bearer
from tests.stack import Stack, eventually

EMAIL = "nour@beaurive.example"
PERSON = {"email": EMAIL, "name": "Nour Vidal", "role": "team_member", "locale": "en"}


def _link_in(mail: EmailMessage, stack: Stack) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    [link] = re.findall(rf"{stack.url}/password\?token=\S+", body.get_content())
    return str(link)


def test_an_invitation_and_a_reset_come_by_mail_and_open_once(stack: Stack) -> None:
    with web.Client(base_url=f"{stack.url}{BASE}", timeout=30) as http:
        login = {"email": h.ADMINISTRATOR, "password": PASSWORD}
        office = bearer(http.post("/sessions", json=login).json()["token"])
        # Rows are the to-do list: what was owed while no worker ran is sent by the next one.
        stack.stop_workers()
        added = http.post("/admin/people", json={**PERSON, "teams": ["voirie"]}, headers=office)
        assert added.status_code == 201
        stack.start_workers()

        links: list[str] = []
        for password in ("first password", "second password"):
            count = len(links) + 1
            mails = eventually(lambda count=count: stack.mails(EMAIL)[count - 1 :])  # type: ignore[misc]
            links.append(_link_in(mails[0], stack))
            token = links[-1].partition("token=")[2]
            assert http.get(links[-1]).status_code == 200
            form = {"token": token, "password": password}
            assert http.post(f"{stack.url}/password", data=form).status_code == 200
            assert http.post(f"{stack.url}/password", data=form).status_code == 422
            opened = http.post("/sessions", json={"email": EMAIL, "password": password})
            assert opened.json()["person"]["teams"] == ["voirie"]
            if count == 1:
                # A link was sent just now, so another is only sent by the administrator.
                assert http.post("/password-resets", json={"email": EMAIL}).status_code == 204
                path = f"/admin/people/{added.json()['id']}/invitation"
                assert http.post(path, headers=office).status_code == 204
                mine = bearer(opened.json()["token"])
        assert http.get("/tickets", headers=mine).status_code == 401
        assert len(stack.mails(EMAIL)) == len(set(links)) == 2
    for link in links:
        assert link.partition("token=")[2] not in stack.log()
