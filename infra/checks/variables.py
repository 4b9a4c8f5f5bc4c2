"""The variables: those that cannot be used, and those that can but should not."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from infra.checks.findings import Finding, ok, warning, wrong
from infra.settings import Settings

_LEAST_PYTHON = (3, 11)
# What zlib makes of random characters is hardly shorter than they are.
_ZLIB_FRAME_BYTES = 8
_LEAST_SUBSTANCE_BYTES = 24
_NEW_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"


def look(settings: Settings, faults: dict[str, str]) -> Iterator[Finding]:
    """Check what `Settings.survey` returned, and the Python that it runs on."""
    yield python(sys.version_info[:3])
    for fault in faults.values():
        yield wrong("variables", f"{fault}; docs/running.md lists them all")
    if not faults:
        yield ok("variables", "every one of them can be used")
    if "SECRET_KEY" not in faults:
        yield secret_key(settings)
    if "PUBLIC_URL" not in faults:
        yield public_url(settings)
        yield proxies(settings)
    if "MAIL_FROM" not in faults:
        yield sender(settings)
    if "SMTP_URL" not in faults:
        yield mail_password(settings)


def python(version: tuple[int, ...]) -> Finding:
    """Check the version of Python."""
    told = ".".join(map(str, version))
    if version < _LEAST_PYTHON:
        return wrong("python", f"{told} is too old; Vigie needs 3.11 or newer")
    return ok("python", told)


def secret_key(settings: Settings) -> Finding:
    """Check that the key repeats itself no more than chance does."""
    substance = len(zlib.compress(settings.secret_key.encode(), 9)) - _ZLIB_FRAME_BYTES
    if substance < _LEAST_SUBSTANCE_BYTES:
        told = "SECRET_KEY repeats itself, so tracking tokens can be forged; make one with "
        return wrong("secret key", told + _NEW_KEY)
    return ok("secret key", f"{len(settings.secret_key)} characters")


def public_url(settings: Settings) -> Finding:
    """Check that what residents send is encrypted on its way."""
    if not settings.public_url.startswith("https:") and not _is_local(settings.public_url):
        told = "is not https: everybody on the way reads what residents send; put TLS in front"
        return wrong("public address", f"{settings.public_url} {told}")
    return ok("public address", settings.public_url)


def proxies(settings: Settings) -> Finding:
    """Check that callers are told apart where a proxy speaks TLS for Vigie, which itself cannot."""
    if settings.public_url.startswith("https:") and settings.trusted_proxies == 0:
        told = "TRUSTED_PROXIES is 0 behind a proxy: all callers count as one address; set it to 1"
        return warning("proxies", told)
    return ok("proxies", f"{settings.trusted_proxies} of them are believed")


def sender(settings: Settings) -> Finding:
    """Check that other mail servers could believe the sender."""
    domain = settings.mail_from.rpartition("@")[2]
    if "." not in domain:
        told = "is no address on the internet, and most mail servers refuse it; set MAIL_FROM"
        return warning("sender", f"{settings.mail_from} {told}")
    return ok("sender", settings.mail_from)


def mail_password(settings: Settings) -> Finding:
    """Check that the mail server's password is encrypted on its way."""
    parts = urlsplit(settings.smtp_url)
    if parts.scheme == "smtp" and parts.username and not _is_local(settings.smtp_url):
        told = "SMTP_URL sends its password unencrypted; use smtp+starttls:// or smtps://"
        return warning("mail password", told)
    return ok("mail password", "it does not travel unencrypted")


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
