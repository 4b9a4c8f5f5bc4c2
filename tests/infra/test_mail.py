"""Mail over TLS: who is on the other side is proved, and nothing is said before that."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from infra.mail import Mail, Mailer, MailUnavailable
from tests.stack import free_port

LETTER = Mail("camille@example.org", "Reçu", "Merci.", "<p>Merci.</p>", "<1@city.example>")


class Keeper:
    """Takes whatever it is given and remembers who sent it."""

    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.passwords: list[bytes] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd looks for this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.recipients += envelope.rcpt_tos
        return "250 kept"

    def authenticate(self, *arguments: object) -> AuthResult:
        login = arguments[-1]
        assert isinstance(login, LoginPassword)
        self.passwords.append(login.password)
        return AuthResult(success=login.password == b"p@ss/word", handled=False)


@dataclass(frozen=True, slots=True)
class Server:
    """A running mail server with a certificate for its name."""

    port: int
    kept: Keeper


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process believe the authority and no other."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


@pytest.fixture
def implicit(authority: trustme.CA) -> Iterator[Server]:
    """Return a server that speaks TLS from the first byte."""
    keeper = Keeper()
    port = free_port()
    controller = Controller(keeper, "127.0.0.1", port, ssl_context=_context(authority))
    yield from _serve(controller, keeper)


@pytest.fixture
def upgraded(authority: trustme.CA) -> Iterator[Server]:
    """Return a server that wants STARTTLS, and a password after it."""
    keeper = Keeper()
    controller = Controller(
        keeper,
        "127.0.0.1",
        free_port(),
        tls_context=_context(authority),
        require_starttls=True,
        auth_required=True,
        authenticator=keeper.authenticate,
    )
    yield from _serve(controller, keeper)


@pytest.fixture
def plain() -> Iterator[Server]:
    """Return a server that knows no TLS but would take a password."""
    keeper = Keeper()
    controller = Controller(
        keeper,
        "127.0.0.1",
        free_port(),
        auth_require_tls=False,
        authenticator=keeper.authenticate,
    )
    yield from _serve(controller, keeper)


def _context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def _serve(controller: Controller, keeper: Keeper) -> Iterator[Server]:
    controller.start()
    yield Server(controller.port, keeper)
    controller.stop()


def _send(url: str) -> None:
    Mailer(url, "vigie@example.org").send(LETTER)


@pytest.mark.usefixtures("trusted")
def test_tls_from_the_first_byte(implicit: Server) -> None:
    _send(f"smtps://localhost:{implicit.port}")
    assert implicit.kept.recipients == [LETTER.to]


@pytest.mark.usefixtures("trusted")
def test_starttls_with_a_password(upgraded: Server) -> None:
    _send(f"smtp+starttls://city:p%40ss%2Fword@localhost:{upgraded.port}")
    assert upgraded.kept.recipients == [LETTER.to]


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_may_be_mended_and_tried_again(upgraded: Server) -> None:
    with pytest.raises(MailUnavailable):
        _send(f"smtp+starttls://city:wrong@localhost:{upgraded.port}")
    assert upgraded.kept.recipients == []


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_certificate_of_an_unknown_authority_is_not_believed(
    scheme: str, implicit: Server, upgraded: Server
) -> None:
    server = implicit if scheme == "smtps" else upgraded
    with pytest.raises(MailUnavailable):
        _send(f"{scheme}://city:p%40ss%2Fword@localhost:{server.port}")
    assert not server.kept.recipients
    assert not server.kept.passwords


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_certificate_for_another_name_is_not_believed(
    scheme: str, implicit: Server, upgraded: Server
) -> None:
    server = implicit if scheme == "smtps" else upgraded
    with pytest.raises(MailUnavailable):
        _send(f"{scheme}://city:p%40ss%2Fword@127.0.0.1:{server.port}")
    assert not server.kept.recipients
    assert not server.kept.passwords


def test_a_server_that_withholds_starttls_gets_no_password(plain: Server) -> None:
    with pytest.raises(MailUnavailable):
        _send(f"smtp+starttls://city:p%40ss%2Fword@localhost:{plain.port}")
    assert not plain.kept.recipients
    assert not plain.kept.passwords
