"""Is it there? One clear line for each outside part that does not answer."""

from __future__ import annotations

import smtplib
import socket
from urllib.parse import urlsplit

import psycopg
import redis

from infra.embedded.process import StartError

_PATIENCE_S = 5
_SMTP_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


def demand_database(url: str) -> None:
    """Raise StartError unless a PostgreSQL with PostGIS answers at this SQLAlchemy URL."""
    query = "SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        with psycopg.connect(plain, connect_timeout=_PATIENCE_S) as connection:
            has_postgis = connection.execute(query).fetchone() is not None
    except psycopg.Error as error:
        raise _unreachable("DATABASE_URL", error) from error
    if not has_postgis:
        raise StartError("DATABASE_URL cannot be used: that server has no PostGIS installed")


def demand_queue(url: str) -> None:
    """Raise StartError unless a Redis or Valkey answers at this URL."""
    client = redis.Redis.from_url(
        url, socket_connect_timeout=_PATIENCE_S, socket_timeout=_PATIENCE_S
    )
    try:
        client.ping()
    except redis.RedisError as error:
        raise _unreachable("REDIS_URL", error) from error
    finally:
        client.close()


def demand_mail(url: str) -> None:
    """Raise StartError unless a mail server greets at this URL."""
    parts = urlsplit(url)
    connect = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    host, port = parts.hostname or "localhost", parts.port or _SMTP_PORTS[parts.scheme]
    try:
        with connect(host, port, timeout=_PATIENCE_S):
            pass
    except (OSError, smtplib.SMTPException) as error:
        raise _unreachable("SMTP_URL", error) from error


def demand_free_port(port: int) -> None:
    """Raise StartError unless this process could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            raise StartError(
                f"PORT {port} cannot be used: {error.strerror}; set PORT to another one"
            ) from error


def _unreachable(name: str, error: Exception) -> StartError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return StartError(f"{name} is set but cannot be reached: {reason}")
