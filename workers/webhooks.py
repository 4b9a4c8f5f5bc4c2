"""The courier of webhooks: sends what is owed to each of them, many at once, one at a time to each.

It looks for due rows itself and needs no nudge. All rows are read and written by its one thread;
only the requests themselves have threads of their own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from infra import signatures
from infra.clock import now
from infra.outgoing import NoAnswer, Outgoing, RequestRefused
from reports.leases import Lease
from reports.webhook_models import Webhook, WebhookDelivery
from reports.webhooks import bodies, delivery
from reports.webhooks.delivery import Attempt
from workers.tools import Tools

log = structlog.get_logger()

AT_ONCE = 16
LOOK_EVERY_S = 1.0
LONGEST_ANSWER_S = 10.0

_InHand = Lease[WebhookDelivery]


@dataclass(frozen=True, slots=True)
class _Message:
    url: str
    headers: Mapping[str, str]
    body: bytes


class Courier:
    """Sends deliveries while it runs."""

    def __init__(self, kit: Tools, outgoing: Outgoing) -> None:
        self._kit = kit
        self._outgoing = outgoing
        self._lease_s = kit.settings.webhook_lease_s
        self._patience_s = min(LONGEST_ANSWER_S, self._lease_s / 2)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")
        self._under_way: dict[Future[Attempt], _InHand] = {}

    def run(self, stopped: threading.Event) -> None:
        """Send until stopped, then wait for the answers that are still to come."""
        while not stopped.is_set():
            try:
                self._start_due()
                if self._under_way:
                    wait(self._under_way, LOOK_EVERY_S, FIRST_COMPLETED)
                else:
                    stopped.wait(LOOK_EVERY_S)
                self._settle()
            except SQLAlchemyError as error:
                log.warning("webhooks put off", error=type(error).__name__)
                stopped.wait(LOOK_EVERY_S)
        self._threads.shutdown()
        with suppress(SQLAlchemyError):
            self._settle()

    def _start_due(self) -> None:
        free = AT_ONCE - len(self._under_way)
        if not free:
            return
        busy = {lease.row.webhook_id for lease in self._under_way.values()}
        with self._kit.sessions.begin() as session:
            taken = delivery.claim_due(session, now(), self._lease_s, free, busy)
        for lease in taken:
            self._under_way[self._start(lease)] = lease

    def _start(self, lease: _InHand) -> Future[Attempt]:
        try:
            if delivery.is_exhausted(lease):
                return _known(Attempt(None, "attempts exhausted", 0))
            message = self._write(lease)
        except SQLAlchemyError:
            raise
        except Exception as error:
            # A message that cannot even be written must not be tried for ever.
            log.exception("webhook cannot be written", delivery_id=lease.row.id)
            return _known(Attempt(None, type(error).__name__, 0))
        return self._threads.submit(self._send, message)

    def _write(self, lease: _InHand) -> _Message:
        at = now()
        with self._kit.sessions() as session:
            hook = session.get_one(Webhook, lease.row.webhook_id)
            body = bodies.compose(session, lease.row, self._kit.settings.public_url)
            signing = delivery.signing(hook, at)
            headers = signatures.headers(lease.row.message_id, at, body, signing)
            return _Message(hook.url, {**headers, "Content-Type": "application/json"}, body)

    def _send(self, message: _Message) -> Attempt:
        began = time.monotonic()
        status, error, later_s = None, None, None
        try:
            reply = self._outgoing.fetch(
                "POST",
                message.url,
                headers=message.headers,
                body=message.body,
                deadline_s=self._patience_s,
            )
        except (RequestRefused, NoAnswer) as refusal:
            error = str(refusal)
        else:
            status = reply.status
            if not 200 <= status < 300:
                error = f"HTTP {status}"
                later_s = _seconds(reply.headers.get("retry-after", ""), now())
        return Attempt(status, error, round((time.monotonic() - began) * 1000), later_s)

    def _settle(self) -> None:
        done = [one for one in self._under_way if one.done()]
        for future in done:
            self._record(self._under_way[future], future.result())
            del self._under_way[future]
        if done:
            self._kit.metrics.flush()

    def _record(self, lease: _InHand, made: Attempt) -> None:
        retry_s = self._kit.settings.webhook_retry_s
        with self._kit.sessions.begin() as session:
            outcome = delivery.record(session, lease, made, retry_s, now())
        if outcome is None:
            return
        self._kit.metrics.webhook_outcomes.labels(outcome.value).inc()
        log.info(
            "webhook attempted",
            webhook_id=lease.row.webhook_id,
            delivery_id=lease.row.id,
            attempt=lease.attempt,
            outcome=outcome.value,
            status=made.status,
            error=made.error,
        )


def _known(made: Attempt) -> Future[Attempt]:
    future: Future[Attempt] = Future()
    future.set_result(made)
    return future


def _seconds(retry_after: str, at: datetime) -> int | None:
    """Return how long an endpoint wants to be left alone, told in seconds or as a date."""
    if retry_after.isascii() and retry_after.isdigit():
        return int(retry_after[:9])
    with suppress(ValueError):
        return max(0, round((parsedate_to_datetime(retry_after) - at).total_seconds()))
    return None
