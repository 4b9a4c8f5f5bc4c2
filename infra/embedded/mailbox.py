"""A mail server that sends nothing on: every message becomes one file to look at."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_PATIENCE_S = 10


class Mailbox:
    """An SMTP server on `host` that keeps each message as one `.eml` file in `folder`.

    File names sort by arrival, also across restarts and when the clock is set back. The
    envelope stands in the headers X-MailFrom and X-RcptTo. Port 0 takes a free one.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        self._folder = folder
        self._host = host
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailbox", daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Return its address, known once it was started."""
        return f"smtp://{self._host}:{self._port}"

    def start(self) -> None:
        """Start it and return once it accepts mail. Raises OSError when the port is taken."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._folder.glob(".*.draft"):
            leftover.unlink()
        self._thread.start()
        opening = asyncio.run_coroutine_threadsafe(self._open(), self._loop)
        self._server = opening.result(_PATIENCE_S)
        self._port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Stop accepting. Messages that were not acknowledged stay with their sender."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()

    async def _open(self) -> asyncio.Server:
        handler = _Keeper(self._folder)
        return await self._loop.create_server(
            lambda: SMTP(handler, enable_SMTPUTF8=True, loop=self._loop), self._host, self._port
        )

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Keeper:
    """Writes one file for each message that aiosmtpd hands over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        known = filter(None, (_arrival(path.stem) for path in folder.glob("*.eml")))
        self._last = max(known, default=datetime.min.replace(tzinfo=UTC))

    async def handle_DATA(  # noqa: N802 - aiosmtpd looks for this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        trace = f"X-MailFrom: {envelope.mail_from}\r\nX-RcptTo: {', '.join(envelope.rcpt_tos)}\r\n"
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        name = self._last.strftime(_STAMP)
        draft = self._folder / f".{name}.draft"
        draft.write_bytes(trace.encode(errors="surrogateescape") + content)
        draft.rename(self._folder / f"{name}.eml")
        return "250 Message kept"


def _arrival(name: str) -> datetime | None:
    try:
        return datetime.strptime(name, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
