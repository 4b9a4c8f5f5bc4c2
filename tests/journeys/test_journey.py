"""The way of one report, over real processes and a folder."""

from __future__ import annotations

import re
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from tests import web
from tests.journeys import journey
from tests.journeys.journey import TEAM, close, send, text_of
from tests.stack import Stack, eventually

STILL = "Le trou est revenu dès la première pluie."


def test_a_report_goes_from_the_phone_to_its_closing(stack: Stack) -> None:
    journey.travel(stack)


def test_what_is_not_solved_is_opened_again_from_the_mail(stack: Stack) -> None:
    reporter = f"after-{uuid4().hex}@example.org"
    with web.Client(base_url=f"{stack.url}/api/v1", timeout=10) as http:
        sent = send(http, reporter)
        path = f"/reports/{sent['reference']}"
        close(http, sent["ticket"])
        yes, no = _answers(eventually(lambda: _mails(stack, reporter, 3))[2])
        # What looks at every link of a mail changes nothing.
        assert web.get(yes).status_code == web.get(no).status_code == 200
        assert http.get(path).json()["status"] == "resolved"

        _answer(no, STILL)

        assert http.get(path).json()["status"] == "reopened"
        [told] = eventually(lambda: [one for one in stack.mails(TEAM) if STILL in text_of(one)])
        assert sent["reference"] in told["Subject"]
        close(http, sent["ticket"])
        mails = eventually(lambda: _mails(stack, reporter, 6))
        _answer(_answers(mails[5])[0], "")
        assert http.get(path).json()["status"] == "resolved"
        assert [bool(_answers(mail)) for mail in mails] == [False, False, True, False, False, True]
        assert "Est-ce réglé pour vous" in text_of(mails[5])


def _mails(stack: Stack, reporter: str, count: int) -> list[EmailMessage] | None:
    mails = stack.mails(reporter)
    return mails if len(mails) >= count else None


def _answers(mail: EmailMessage) -> list[str]:
    """Return the links of a mail by which one says whether it is solved."""
    return re.findall(r"http://\S+solved=\w+", text_of(mail))


def _answer(link: str, text: str) -> None:
    """Fill in the form that a link opens, as a browser without JavaScript does."""
    page, query = urlsplit(link), parse_qs(urlsplit(link).query)
    form = {name: value[0] for name, value in query.items()} | {"text": text}
    answer = web.post(page._replace(query="").geturl(), data=form)
    assert answer.status_code == 303, answer.text
