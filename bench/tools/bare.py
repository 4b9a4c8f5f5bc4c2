"""The least that takes an upload: a WSGI application that writes the body to the disk."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from api.gate import Gate
from reports.gallery import MAX_PHOTO_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Set by bench.tools.servers.
FOLDER = Path(os.environ["BENCH_FOLDER"]) / "bare"
FOLDER.mkdir(exist_ok=True)


def write(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Return once the body, and its name in the folder, would survive a power cut."""
    if environ["REQUEST_METHOD"] == "PUT":
        path = FOLDER / uuid4().hex
        with path.open("xb") as file:
            file.write(environ["wsgi.input"].read())
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(FOLDER, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    start("200 OK", [("Content-Length", "0")])
    return []


app = Gate(write, lambda _environ: MAX_PHOTO_BYTES, 16)
