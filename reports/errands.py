"""Errands: the nudges that a unit of work owes once it is committed."""

from __future__ import annotations

from sqlalchemy.orm import Session

from infra.queue import Job, Nudge

_KEY = "errands"


def owe(session: Session, job: Job, row_id: int) -> None:
    """Remember that the row is waiting for the job."""
    session.info.setdefault(_KEY, []).append(Nudge(job, row_id))


def take(session: Session) -> list[Nudge]:
    """Return what is owed and forget it; to be called after the commit, or after a rollback."""
    nudges: list[Nudge] = session.info.pop(_KEY, [])
    return nudges
