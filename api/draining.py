"""What a client still sends after its answer is known: read and thrown away, within bounds.

A server that closes the connection on bytes nobody read resets it, and a simple client then never
gets to see its answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# So much is read before the answer, so that the connection can serve the next request.
SMALL_REST = 1_000_000
MAX_DRAINED = 64 * 1024 * 1024
_CHUNK = 64 * 1024


class Draining:
    """A WSGI application around another that leaves no request's body unread."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer as the application does, then see to the rest of the body."""
        source = _Counted(environ["wsgi.input"])
        environ["wsgi.input"] = source
        answer = self._application(environ, start)
        declared = int(environ.get("CONTENT_LENGTH") or 0)
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        rest = declared - source.count
        if source.ended or not (chunked or rest > 0):
            return answer
        if not chunked and rest <= SMALL_REST:
            source.drain(rest)
            return answer
        return _AnswerFirst(answer, source)


class _Counted:
    """A body that knows how much of it was read."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.count = 0
        self.ended = False

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._source.read(size)
        self.count += len(data)
        self.ended = self.ended or (not data and size != 0)
        return data

    def readline(self, size: int = -1) -> bytes:
        data: bytes = self._source.readline(size)
        self.count += len(data)
        return data

    def drain(self, most: int) -> None:
        drained = 0
        try:
            while drained < most and (data := self.read(min(_CHUNK, most - drained))):
                drained += len(data)
        except OSError:
            return


class _AnswerFirst:
    """An answer that is sent at once; the body is drained when all of it is out."""

    def __init__(self, answer: Iterable[bytes], source: _Counted) -> None:
        self._answer = answer
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer
        self._source.drain(MAX_DRAINED)

    def close(self) -> None:
        if hasattr(self._answer, "close"):
            self._answer.close()
