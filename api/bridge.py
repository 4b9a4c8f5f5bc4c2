"""Between the server's ASGI and the application's WSGI: a whole request in, an answer out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Headers = Iterable[tuple[bytes, bytes]]

_PLAIN_NAMES = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


# Nearly every answer is shorter; of a longer one no more than this is held at a time.
MOST_HELD = 1024 * 1024
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered; `rest` is what follows the body, to be read and closed."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    rest: Rest | None = None


class Rest:
    """What an application has still to answer: iterated where it may block, closed in any case."""

    def __init__(self, parts: Iterable[bytes], following: Iterator[bytes]) -> None:
        self._parts = parts
        self._following = following

    def read(self) -> bytes:
        """Return the next piece, of about PIECE bytes or more, or nothing at the end."""
        parts: list[bytes] = []
        length = 0
        for part in self._following:
            parts.append(part)
            length += len(part)
            if length >= PIECE:
                break
        return b"".join(parts)

    def close(self) -> None:
        """Let the application know that no more of it is read."""
        _close(self._parts)


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
    following = iter(parts)
    try:
        ended = _collect(following, written)
    except BaseException:
        _close(parts)
        raise
    if ended:
        _close(parts)
    status, headers = started[0]
    encoded = [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers]
    rest = None if ended else Rest(parts, following)
    return Answer(int(status[:3]), encoded, b"".join(written), rest)


def _collect(following: Iterator[bytes], written: list[bytes]) -> bool:
    """Read until the end, or until there is as much as may be held; return whether it ended."""
    length = sum(map(len, written))
    for part in following:
        written.append(part)
        length += len(part)
        if length > MOST_HELD:
            return False
    return True


def _close(parts: Iterable[bytes]) -> None:
    if hasattr(parts, "close"):
        parts.close()


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
