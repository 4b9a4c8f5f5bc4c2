"""Sending mail by SMTP, one conversation per message, with timeouts."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 15
DEFAULT_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
SENDER_TAKEN = 250
PERMANENT_FROM = 500
# What a server would answer to an address of this form.
NO_ADDRESS = 553


class MailRefused(Exception):
    """The server will never take this message; `code` is its SMTP reply."""

    def __init__(self, code: int) -> None:
        super().__init__(f"SMTP {code}")
        self.code = code


class MailUnavailable(Exception):
    """The server could not be reached or asks to come again; trying later may help."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One message to one recipient; to `unsubscribe` a bare POST ends getting such ones."""

    to: str
    subject: str
    text: str
    html: str
    message_id: str
    unsubscribe: str | None = None


class Mailer:
    """Sends from one address through the server at `smtp_url`."""

    def __init__(self, smtp_url: str, sender: str) -> None:
        self._parts = urlsplit(smtp_url)
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Hand the message over; raise MailRefused or MailUnavailable."""
        message = self._compose(mail)
        try:
            server = self._connect()
            try:
                self._log_in(server)
                server.send_message(message, from_addr=self._sender, to_addrs=[mail.to])
                _leave(server)
            finally:
                # A server that went silent would keep us waiting for its farewell.
                server.close()
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
            raise _failure(code) from error
        except smtplib.SMTPDataError as error:
            raise _failure(error.smtp_code) from error
        except (smtplib.SMTPException, OSError) as error:
            # Any other refusal is of us, and says nothing of this message.
            raise MailUnavailable(_name(error)) from error

    def check(self) -> None:
        """Log in and name the sender as if to send; raise MailRefused or MailUnavailable."""
        try:
            server = self._connect()
            try:
                self._log_in(server)
                server.ehlo_or_helo_if_needed()
                code, _ = server.mail(self._sender)
                if code != SENDER_TAKEN:
                    raise _failure(code)
                server.rset()
            finally:
                _leave(server)
        except (smtplib.SMTPException, OSError) as error:
            raise MailUnavailable(_name(error)) from error

    def _connect(self) -> smtplib.SMTP:
        scheme, host = self._parts.scheme, self._parts.hostname or ""
        port = self._parts.port or DEFAULT_PORTS[scheme]
        if scheme == "smtps":
            return smtplib.SMTP_SSL(
                host, port, timeout=TIMEOUT_S, context=ssl.create_default_context()
            )
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
        try:
            if scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        if self._parts.username:
            server.login(unquote(self._parts.username), unquote(self._parts.password or ""))

    def _compose(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mail.to
        if [address.addr_spec for address in message["To"].addresses] != [mail.to]:
            raise MailRefused(NO_ADDRESS)
        message["Subject"] = " ".join(mail.subject.split())
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = mail.message_id
        # Out-of-office answers to what a machine wrote would reach nobody.
        message["Auto-Submitted"] = "auto-generated"
        if mail.unsubscribe is not None:
            # RFC 8058: the mail program's own button.
            message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message


def _leave(server: smtplib.SMTP) -> None:
    # The message is the server's once its data were answered; a farewell changes nothing.
    with suppress(smtplib.SMTPException, OSError):
        server.quit()


def _failure(code: int) -> MailRefused | MailUnavailable:
    return MailRefused(code) if code >= PERMANENT_FROM else MailUnavailable(f"SMTP {code}")


def _name(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"
