"""A small WSGI application behind the gate, with little patience, for the gate's own tests."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from api.gate import REFUSAL, Gate, Pace
from api.spool import Room

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

THREADS = 2
LIMIT = 1_000_000
STALL_S = 1.0
GRACE_S = 2.0
BYTES_PER_S = 1_000
BIG = 30_000_000
PIECE, PIECES = 1_000_000, 600
ERRORS = {"/fail": RuntimeError, "/panic": BaseException}
# In how many pieces something is answered, and of how many bytes each.
LARGE = {"/big": (1, BIG), "/stream": (PIECES, PIECE)}

_calls: list[str] = []


class _Closing:
    """An answer in pieces that notes when it was closed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            _calls.append("piece")
            yield piece

    def close(self) -> None:
        _calls.append("closed")


def _application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    if refusal := environ.get(REFUSAL):
        start("599 Refused", [])
        return [type(refusal).__name__.encode()]
    path = environ["PATH_INFO"]
    _calls.append(path)
    if error := ERRORS.get(path):
        raise error("on purpose")
    if path in LARGE:
        count, size = LARGE[path]
        start("200 OK", [("Content-Length", str(count * size))])
        return _Closing(bytes(size) for _ in range(count))
    start("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    if path == "/pieces":
        return _Closing([b"one ", b"two"])
    if path == "/calls":
        return [json.dumps(_calls).encode()]
    if path == "/wait":
        while not Path(os.environ["GO_ON"]).exists():
            time.sleep(0.02)
    told = {name: value for name, value in environ.items() if isinstance(value, str | bool)}
    return [json.dumps({**told, "received": len(environ["wsgi.input"].read())}).encode()]


app = Gate(
    _application,
    lambda _environ: LIMIT,
    THREADS,
    pace=Pace(STALL_S, GRACE_S, BYTES_PER_S),
    room=Room(memory=300_000, disk=2_000_000, each_in_memory=100_000),
)
