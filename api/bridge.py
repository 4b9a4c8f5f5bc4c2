"""Between the server's ASGI and the application's WSGI: a whole request in, a whole answer out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Headers = Iterable[tuple[bytes, bytes]]

_PLAIN_NAMES = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered, all of it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def make_environ(scope: Mapping[str, Any], body: IO[bytes]) -> WSGIEnvironment:
    """Return the WSGI environment of an HTTP request, by PEP 3333, with `body` to be read."""
    host, port = scope["server"]
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    # A server on a Unix socket has no client with an address.
    if scope.get("client"):
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = map(str, scope["client"])
    _add_headers(environ, scope["headers"])
    return environ


def call(application: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Have the application answer; whatever it raises is raised here."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start(
        status: str, headers: list[tuple[str, str]], _error: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        started[:] = [(status, headers)]
        return written.append

    parts = application(environ, start)
    try:
        written.extend(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = started[0]
    encoded = [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers]
    return Answer(int(status[:3]), encoded, b"".join(written))


def _add_headers(environ: MutableMapping[str, Any], headers: Headers) -> None:
    for raw_name, raw_text in headers:
        name, text = raw_name.decode("latin-1"), raw_text.decode("latin-1")
        # `X_Forwarded_For` would take the place of the header that a proxy has set.
        if "_" in name:
            continue
        key = _PLAIN_NAMES.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        if key in environ:
            text = f"{environ[key]}{'; ' if name == 'cookie' else ','}{text}"
        environ[key] = text
