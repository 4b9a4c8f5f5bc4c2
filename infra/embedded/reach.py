"""Is it there? One clear line for each outside part that does not answer."""

from __future__ import annotations

import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from infra.embedded.environment import Address
from infra.embedded.process import StartError, setpriv

_PATIENCE_S = 5
# The importable packages lie here, wherever this process was started.
_SOURCES = Path(__file__).parents[2]
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


def demand_storage(url: str, environ: Mapping[str, str]) -> None:
    """Raise StartError unless an object can be put there, read and deleted.

    `environ` brings a bucket's credentials and endpoint. A missing folder is made.
    """
    try:
        probe = subprocess.run(
            [*setpriv(None, signal.SIGKILL), sys.executable, "-m", "infra.embedded.probe"],
            cwd=_SOURCES,
            env={**environ, "STORAGE_URL": url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StartError(_silence(url)) from error
    if probe.returncode != 0:
        last = (probe.stderr.splitlines() or [f"status {probe.returncode}"])[-1]
        raise StartError(f"STORAGE_URL is set but cannot be used: {last}")


def demand_free(address: Address) -> None:
    """Raise StartError unless this process could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise StartError(
                f"PORT {address.port} of {address.host} cannot be used: {error.strerror}"
            ) from error


def why_not_ready(address: Address) -> str | None:
    """Ask the web server's /readyz; return None when all is well, or else what it says."""
    # No proxy stands between this process and its own child, whatever the environment says.
    connection = HTTPConnection(address.reachable, address.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read(2000).decode(errors="replace")
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return None if answer.status == HTTPStatus.OK else " ".join(body.split())


def _silence(url: str) -> str:
    hint = "; are the bucket's AWS_* variables right?" if url.startswith("s3:") else ""
    return f"STORAGE_URL does not answer within {_PATIENCE_S} seconds{hint}"


def _unreachable(name: str, error: Exception) -> StartError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return StartError(f"{name} is set but cannot be reached: {reason}")
