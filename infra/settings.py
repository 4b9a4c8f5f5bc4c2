"""The one place where the environment is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar
from urllib.parse import urlsplit

from infra.queue import QueueName

T = TypeVar("T")
Network = IPv4Network | IPv6Network

MOST = 100_000
SIMULATION_TIMEOUT_S = 3_600

STAND_INS = {
    "DATABASE_URL": "postgresql:///vigie",
    "REDIS_URL": "unix:///socket",
    "STORAGE_URL": "file:///folder",
    "SMTP_URL": "smtp://127.0.0.1",
    "PUBLIC_URL": "http://127.0.0.1",
    "SECRET_KEY": "x" * 64,
}
"""Values of the required variables that pass every check and lead nowhere."""


class SettingsError(Exception):
    """A variable is missing or unusable; the message is one line that names it."""

    def __init__(self, variable: str, complaint: str) -> None:
        super().__init__(f"{variable} {complaint}")
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation is told from outside.

    `database_url` is a SQLAlchemy URL for psycopg; `redis_url` takes redis, rediss and unix
    schemes; `storage_url` is `file:///folder` or `s3://bucket/prefix`; `smtp_url` is
    `smtp://`, `smtps://` or `smtp+starttls://`, with optional credentials. Durations end in
    `_s` and are seconds.
    """

    database_url: str
    redis_url: str
    storage_url: str
    smtp_url: str
    public_url: str
    secret_key: str
    mail_from: str
    session_hours: int
    photo_lease_s: int
    photo_retry_s: int
    notice_lease_s: int
    notice_retry_s: int
    webhook_lease_s: int
    webhook_retry_s: int
    link_lease_s: int
    link_retry_s: int
    webhook_networks: tuple[Network, ...]
    webhook_ports: frozenset[int]
    sweep_interval_s: int
    photo_workers: int
    reads_per_minute: int
    writes_per_minute: int
    web_threads: int
    trusted_proxies: int
    metrics_token: str
    log_level: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read every variable, or raise SettingsError at the first one that cannot be used."""
        storage_url = _read(environ, "STORAGE_URL", _storage_url).rstrip("/")
        if storage_url.startswith("s3:"):
            # obstore reads it by itself, and its complaint would come with the first photo.
            _read(environ, "AWS_ENDPOINT", _endpoint, "")
        return cls(
            database_url=_read(environ, "DATABASE_URL", _database_url),
            redis_url=_read(environ, "REDIS_URL", _queue_url),
            storage_url=storage_url,
            smtp_url=_read(environ, "SMTP_URL", _url("smtp", "smtps", "smtp+starttls")),
            public_url=_read(environ, "PUBLIC_URL", _public_url).rstrip("/"),
            secret_key=_read(environ, "SECRET_KEY", _secret),
            mail_from=_read(environ, "MAIL_FROM", _mail_address, "vigie@localhost"),
            session_hours=_read(environ, "SESSION_HOURS", _positive, "12"),
            photo_lease_s=_read(environ, "PHOTO_LEASE_SECONDS", _positive, "40"),
            photo_retry_s=_read(environ, "PHOTO_RETRY_SECONDS", _positive, "20"),
            notice_lease_s=_read(environ, "NOTICE_LEASE_SECONDS", _positive, "60"),
            notice_retry_s=_read(environ, "NOTICE_RETRY_SECONDS", _positive, "30"),
            webhook_lease_s=_read(environ, "WEBHOOK_LEASE_SECONDS", _positive, "20"),
            webhook_retry_s=_read(environ, "WEBHOOK_RETRY_SECONDS", _positive, "30"),
            link_lease_s=_read(environ, "LINK_LEASE_SECONDS", _positive, "60"),
            link_retry_s=_read(environ, "LINK_RETRY_SECONDS", _positive, "60"),
            webhook_networks=_read(environ, "WEBHOOK_NETWORKS_ALLOWED", _networks, ""),
            webhook_ports=_read(environ, "WEBHOOK_PORTS", _ports, "80,443,8080,8443"),
            sweep_interval_s=_read(environ, "SWEEP_INTERVAL_SECONDS", _positive, "5"),
            photo_workers=_read(environ, "PHOTO_WORKERS", _positive, "1"),
            reads_per_minute=_read(environ, "READS_PER_MINUTE", _positive, "6000"),
            writes_per_minute=_read(environ, "WRITES_PER_MINUTE", _positive, "1200"),
            web_threads=_read(environ, "WEB_THREADS", _positive, "16"),
            trusted_proxies=_read(environ, "TRUSTED_PROXIES", _count, "0"),
            metrics_token=_read(environ, "METRICS_TOKEN", _token, ""),
            log_level=_read(environ, "LOG_LEVEL", _log_level, "INFO"),
        )

    @classmethod
    def survey(cls, environ: Mapping[str, str] = os.environ) -> tuple[Settings, dict[str, str]]:
        """Return the settings, and under its name what is wrong with each unusable variable.

        Where a variable cannot be used, its default or a stand-in is among the settings.
        """
        faults: dict[str, str] = {}
        while True:
            stand_ins = {name: STAND_INS.get(name, "") for name in faults}
            try:
                return cls.from_env({**environ, **stand_ins}), faults
            except SettingsError as error:
                faults[error.variable] = str(error)

    @property
    def job_timeouts_s(self) -> dict[QueueName, int]:
        """Return how long a job of each queue may take: less than its lease on the row.

        A simulation extends its lease on the way.
        """
        return {
            QueueName.PHOTOS: max(1, self.photo_lease_s * 4 // 5),
            QueueName.NOTICES: max(1, self.notice_lease_s * 4 // 5),
            QueueName.SIMULATIONS: SIMULATION_TIMEOUT_S,
        }


def _read(
    environ: Mapping[str, str], name: str, parse: Callable[[str], T], default: str | None = None
) -> T:
    text = environ.get(name, "").strip() or default
    if text is None:
        raise SettingsError(name, "is not set")
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(name, f"cannot be used: {error}") from error


def _url(*schemes: str, needs_host: bool = True) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or "://" not in text or not (parts.netloc or parts.path):
            raise ValueError(f"expected an address that begins with {'://, '.join(schemes)}://")
        # Reading the port is what makes urllib check it.
        _ = parts.port
        if needs_host and not parts.hostname:
            raise ValueError("the host is missing")
        return text

    return parse


def _database_url(text: str) -> str:
    _url("postgresql", "postgres", "postgresql+psycopg", needs_host=False)(text)
    return "postgresql+psycopg://" + text.split("://", 1)[1]


def _queue_url(text: str) -> str:
    return _url("redis", "rediss", "unix", needs_host=not text.startswith("unix:"))(text)


def _storage_url(text: str) -> str:
    _url("file", "s3", needs_host=not text.startswith("file:"))(text)
    if text.startswith("file:") and not text.startswith("file:///"):
        raise ValueError("expected file:///folder, with the whole path")
    return text


def _endpoint(text: str) -> str:
    if text:
        _url("http", "https")(text)
    return text


def _public_url(text: str) -> str:
    _url("http", "https")(text)
    if any(character in text for character in "?#;,'\"") or not text.isascii():
        raise ValueError("expected an address such as https://tell.example.org")
    if urlsplit(text).path.strip("/"):
        raise ValueError("expected an address without a path: Vigie needs a host of its own")
    return text


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:7]) <= MOST):
        raise ValueError(f"expected a whole number from 1 to {MOST}")
    return int(text)


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())


def _ports(text: str) -> frozenset[int]:
    return frozenset(_positive(one.strip()) for one in text.split(","))


def _count(text: str) -> int:
    return 0 if text == "0" else _positive(text)


def _secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError("expected at least 32 characters")
    return text


def _token(text: str) -> str:
    if text and not (len(text) >= 16 and text.isascii() and text.isprintable() and " " not in text):
        raise ValueError("expected at least 16 plain characters without a space")
    return text


def _mail_address(text: str) -> str:
    is_plain = text.isascii() and not any(character.isspace() for character in text)
    if text.count("@") != 1 or not is_plain:
        raise ValueError("expected one e-mail address")
    return text


def _log_level(text: str) -> str:
    if text.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("expected DEBUG, INFO, WARNING or ERROR")
    return text.upper()
