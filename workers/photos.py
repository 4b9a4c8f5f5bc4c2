"""The photo job: an original becomes the derivatives that the public may see."""

from __future__ import annotations

import structlog

from infra.clock import now
from infra.queue import Job
from infra.storage import MissingObject, StorageError
from reports import gallery
from reports import photos as rendering
from reports.desk import flags
from reports.leases import Lease
from reports.models import Photo
from workers.tools import Tools, logged, tools

log = structlog.get_logger()


def render(row_id: int, request_id: str | None) -> None:
    """Make the derivatives of a photo; a photo that is done or in other hands is left alone."""
    with logged(Job.RENDER_PHOTO, row_id, request_id):
        kit = tools()
        with kit.sessions.begin() as session:
            claimed = gallery.claim(session, row_id, now(), kit.settings.photo_lease_s)
        if claimed is not None:
            _work(kit, claimed)


def _work(kit: Tools, claimed: Lease[Photo]) -> None:
    if gallery.is_exhausted(claimed):
        _reject(kit, claimed, gallery.GAVE_UP)
        return
    photo = claimed.row
    try:
        original = kit.storage.get(photo.original)
        with kit.metrics.photo_seconds.time():
            rendered = rendering.render(original)
        kit.metrics.photo_bytes.inc(len(original))
        gallery.publish(kit.storage, photo, rendered)
    except rendering.UnusablePhoto as error:
        _reject(kit, claimed, error.code)
    except MemoryError:
        # The process is bounded so that a file which says less of itself than is true ends here.
        _reject(kit, claimed, rendering.TOO_MUCH_MEMORY)
    except MissingObject:
        _reject(kit, claimed, gallery.GAVE_UP)
    except StorageError:
        log.exception("storage unavailable; the photo will be tried again")
        with kit.sessions.begin() as session:
            gallery.put_off(session, claimed, now(), kit.settings.photo_retry_s)
        kit.metrics.photo_outcomes.labels("put_off").inc()
    else:
        with kit.sessions.begin() as session:
            flags.record_ready(session, claimed, rendered, now())
        log.info("photo ready")
        kit.metrics.photo_outcomes.labels("ready").inc()


def _reject(kit: Tools, claimed: Lease[Photo], reason: str) -> None:
    with kit.sessions.begin() as session:
        gallery.record_rejected(session, claimed, reason, now())
    log.warning("photo rejected", reason=reason)
    kit.metrics.photo_outcomes.labels("rejected").inc()
