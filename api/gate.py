"""The gate: no request reaches the application, or takes a thread of it, before it is whole.

A thread is then never held by a client that sends or reads slowly, or by a connection that idles.
Reading and sending happen in the server's event loop, where a connection costs next to nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from api.bodies import BodyTooSlow, MalformedBody, Overloaded
from api.bridge import PIECE, Answer, Rest, call, make_environ
from api.errors import problem
from api.problems import MEDIA_TYPE
from api.spool import Room, Spool
from infra.words import SOURCE_LOCALE

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

T = TypeVar("T")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Bound = Callable[["WSGIEnvironment"], int]

REFUSAL = "vigie.refusal"
"""Where the application finds the error that it is to answer instead of doing anything else."""

# A simple client reads no answer before it has sent all of its body. So much is thrown away for it.
MAX_DRAINED = 64 * 1024 * 1024
# Longer than any one question to the storage, so that what waits behind one learns its outcome.
WAIT_S = 15
WAITING_PER_THREAD = 32


class _BodyCut(MalformedBody):
    """The client went away, or stopped making sense, in the middle of its body."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow a client may be: nothing at all for `stall_s`; and after `grace_s` the body must
    have come at `bytes_per_s` on the average, which is the slowest of mobile networks.
    """

    stall_s: float = 30
    grace_s: float = 60
    bytes_per_s: int = 4_000


class Gate:
    """An ASGI application before a WSGI application that runs in `threads` threads.

    `bound` returns the longest body in bytes that is read for a request. Of a longer one nothing
    can be read; its CONTENT_LENGTH says by how much it is too long. What arrives in chunks has a
    CONTENT_LENGTH as well.
    """

    def __init__(
        self,
        application: WSGIApplication,
        bound: Bound,
        threads: int,
        *,
        pace: Pace | None = None,
        room: Room | None = None,
    ) -> None:
        self._application = application
        self._bound = bound
        self._pace = pace or Pace()
        self._room = room or Room()
        self._pool = ThreadPoolExecutor(threads, "request")
        # To refuse must not take a thread of those that are all busy.
        self._refusing = ThreadPoolExecutor(1, "refusal")
        self._most = threads * (1 + WAITING_PER_THREAD)
        self._taken = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise NotImplementedError("only HTTP is served here")
        with Spool(self._room) as spool:
            environ = make_environ(scope, spool.file)
            try:
                unread = not await self._take_in(environ, spool, receive)
            except (MalformedBody, BodyTooSlow, Overloaded) as error:
                environ[REFUSAL], unread = error, True
                spool.close()
            answer = await self._answer(environ)
        await self._deliver(answer, receive, send)
        if unread:
            with suppress(_BodyCut, BodyTooSlow):
                await self._pour(receive, len, MAX_DRAINED)

    async def _take_in(self, environ: WSGIEnvironment, spool: Spool, receive: Receive) -> bool:
        """Receive the body; return False where it is longer than it may be."""
        if not environ["PATH_INFO"].startswith("/"):
            raise MalformedBody
        coding = environ.pop("HTTP_TRANSFER_ENCODING", "").lower()
        declared = int(environ.get("CONTENT_LENGTH", 0))
        if coding not in ("", "chunked"):
            raise MalformedBody
        if not coding and declared == 0:
            return True
        limit = self._bound(environ)
        if declared <= limit:
            length = await self._pour(receive, spool.write, limit)
            environ["CONTENT_LENGTH"] = str(length)
            spool.rewind()
            if length <= limit:
                return True
        environ["wsgi.input"] = BytesIO()
        return False

    async def _pour(self, receive: Receive, take: Callable[[bytes], object], most: int) -> int:
        """Hand over the body's pieces until its end or beyond `most` bytes; return how many."""
        now = asyncio.get_running_loop().time
        pace, count, more = self._pace, 0, True
        slowest = now() + pace.grace_s
        try:
            async with asyncio.timeout(pace.stall_s) as deadline:
                while more and count <= most:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise _BodyCut
                    piece = message.get("body", b"")
                    take(piece)
                    count += len(piece)
                    more = message.get("more_body", False)
                    deadline.reschedule(
                        min(now() + pace.stall_s, slowest + count / pace.bytes_per_s)
                    )
        except TimeoutError as error:
            raise BodyTooSlow from error
        return count

    async def _answer(self, environ: WSGIEnvironment) -> Answer:
        loop = asyncio.get_running_loop()
        if self._taken >= self._most:
            environ.setdefault(REFUSAL, Overloaded())
        if REFUSAL in environ:
            return await loop.run_in_executor(self._refusing, self._call, environ)
        self._taken += 1
        try:
            latest = monotonic() + WAIT_S
            return await loop.run_in_executor(self._pool, self._call_in_time, environ, latest)
        finally:
            self._taken -= 1

    def _call_in_time(self, environ: WSGIEnvironment, latest: float) -> Answer:
        if monotonic() > latest:
            environ[REFUSAL] = Overloaded()
        return self._call(environ)

    def _call(self, environ: WSGIEnvironment) -> Answer:
        try:
            return call(self._application, environ)
        except BaseException as error:  # What is no Exception passes by the application's handlers.
            log.error("unexpected error", exc_info=error)
            return _failure()

    async def _deliver(self, answer: Answer, receive: Receive, send: Send) -> None:
        """Send the answer; a client that does not read it is left."""
        start = {"status": answer.status, "headers": answer.headers}
        with suppress(TimeoutError):
            await send({"type": "http.response.start", **start})
            await self._send(answer.body, send, more=answer.rest is not None)
            if answer.rest is not None:
                await self._go_on(answer.rest, receive, send)
        if answer.rest is not None:
            await self._in_pool(answer.rest.close)

    async def _go_on(self, rest: Rest, receive: Receive, send: Send) -> None:
        """Send what is read piece by piece, until its end or until the client has gone."""
        gone = asyncio.ensure_future(self._leaves(receive))
        try:
            while not gone.done():
                part = await self._in_pool(rest.read)
                await self._send(part, send, more=bool(part))
                if not part:
                    break
        finally:
            gone.cancel()

    async def _leaves(self, receive: Receive) -> None:
        """Wait until the client has gone; to send to it would raise nothing."""
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _in_pool(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _send(self, body: bytes, send: Send, *, more: bool) -> None:
        for begin in range(0, len(body) or 1, PIECE):
            end = begin + PIECE
            piece = {"body": body[begin:end], "more_body": more or end < len(body)}
            async with asyncio.timeout(self._pace.stall_s):
                await send({"type": "http.response.body", **piece})


def _failure() -> Answer:
    """Return what a client gets where the application broke down instead of answering."""
    body = problem(500, "unexpected").as_json(SOURCE_LOCALE).encode()
    headers = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "content-language": SOURCE_LOCALE,
        "cache-control": "no-store",
    }
    return Answer(500, [(name.encode(), text.encode()) for name, text in headers.items()], body)
