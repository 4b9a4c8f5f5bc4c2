"""The fetcher of links: what another system said where to find becomes a photo like any other.

It looks for due rows itself and needs no nudge. Each link is worked on in a thread of its own.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog
from sqlalchemy.exc import SQLAlchemyError

from infra.clock import now
from infra.outgoing import Outgoing
from infra.storage import StorageError
from reports import gallery
from reports.exchange import links
from reports.exchange.links import EXPECTED, Failure, Outcome
from reports.gallery import MAX_PHOTO_BYTES, Upload
from reports.leases import Lease
from reports.link_models import PhotoLink
from workers.tools import Tools

log = structlog.get_logger()

AT_ONCE = 4
LOOK_EVERY_S = 1.0
LONGEST_DOWNLOAD_S = 20.0
_HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity"}


class Fetcher:
    """Fetches photos while it runs."""

    def __init__(self, kit: Tools, outgoing: Outgoing) -> None:
        self._kit = kit
        self._outgoing = outgoing
        self._lease_s = kit.settings.link_lease_s
        # The rest of the lease is for the storage.
        self._patience_s = min(LONGEST_DOWNLOAD_S, self._lease_s / 3)
        # What a photo takes while it is looked at, it takes beside those that are on their way.
        self._looking = threading.Lock()

    def run(self, stopped: threading.Event) -> None:
        """Fetch until stopped, then wait for what is under way."""
        under_way: set[Future[None]] = set()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="link") as threads:
            while not stopped.is_set():
                taken = self._claim(AT_ONCE - len(under_way))
                under_way |= {threads.submit(self._work, lease) for lease in taken}
                if under_way:
                    _, under_way = wait(under_way, LOOK_EVERY_S, FIRST_COMPLETED)
                else:
                    stopped.wait(LOOK_EVERY_S)

    def _claim(self, at_most: int) -> list[Lease[PhotoLink]]:
        if not at_most:
            return []
        try:
            with self._kit.sessions.begin() as session:
                return links.claim_due(session, now(), self._lease_s, at_most)
        except SQLAlchemyError as error:
            log.warning("links put off", error=type(error).__name__)
            return []

    def _work(self, lease: Lease[PhotoLink]) -> None:
        try:
            outcome = self._attempt(lease)
        except Exception:
            # Once its lease is over the link is due again.
            log.exception("link left", link_id=lease.row.id)
        else:
            self._tell(lease, outcome)

    def _attempt(self, lease: Lease[PhotoLink]) -> Outcome | None:
        if links.is_exhausted(lease):
            return self._fail(lease, links.EXHAUSTED)
        try:
            return self._fetch(lease)
        except EXPECTED as error:
            return self._fail(lease, links.judge(error))
        except StorageError:
            log.exception("storage unavailable; the link will be tried again")
            with self._kit.sessions.begin() as session:
                return links.put_off(session, lease, self._kit.settings.link_retry_s, now())
        except SQLAlchemyError:
            raise
        except Exception as error:
            # Whatever it is that fails with it must not be tried for ever.
            log.exception("link cannot be worked on", link_id=lease.row.id)
            return self._fail(lease, links.judge(error))

    def _fetch(self, lease: Lease[PhotoLink]) -> Outcome | None:
        reply = self._outgoing.fetch(
            "GET",
            lease.row.url,
            headers=_HEADERS,
            deadline_s=self._patience_s,
            max_bytes=MAX_PHOTO_BYTES,
        )
        data = links.content(reply)
        with self._looking:
            upload = gallery.receive(links.photo_uuid(lease.row), data)
        return self._take_in(lease, upload, data)

    def _take_in(self, lease: Lease[PhotoLink], upload: Upload, data: bytes) -> Outcome | None:
        """Put the original into the storage before its row, and remove it where none names it."""
        key = gallery.original_key(lease.row.report_id, upload.name)
        self._kit.storage.put(key, data, upload.facts.media_type)
        is_new: bool | None = None
        try:
            with self._kit.sessions.begin() as session:
                is_new = links.record_done(session, lease, upload, now())
        finally:
            if not is_new:
                self._drop(key)
        return None if is_new is None else Outcome.DONE

    def _drop(self, key: str) -> None:
        try:
            self._kit.storage.delete(key)
        except StorageError:
            log.warning("superfluous original left behind")

    def _fail(self, lease: Lease[PhotoLink], failure: Failure) -> Outcome | None:
        with self._kit.sessions.begin() as session:
            outcome = links.record_failure(
                session, lease, failure, self._kit.settings.link_retry_s, now()
            )
        if outcome is not None:
            log.warning("link failed", link_id=lease.row.id, error=failure.error)
        return outcome

    def _tell(self, lease: Lease[PhotoLink], outcome: Outcome | None) -> None:
        """Log and count what became of the attempt; what a later one took over, that one tells."""
        if outcome is None:
            return
        log.info(
            "link attempted",
            link_id=lease.row.id,
            attempt=lease.attempt,
            outcome=outcome.value,
        )
        self._kit.metrics.link_outcomes.labels(outcome.value).inc()
        self._kit.metrics.flush()
