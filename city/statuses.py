"""Where the work on a ticket can stand."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where the work on a ticket stands."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    RESOLVED = "resolved"
    DECLINED = "declined"
    REOPENED = "reopened"


CLOSED = frozenset({Status.RESOLVED, Status.DECLINED})
