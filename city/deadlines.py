"""Target times: until when a ticket should be closed."""

from __future__ import annotations

from datetime import datetime, timedelta


def due_at(start: datetime, target_hours: int | None, *, owes_deadline: bool) -> datetime | None:
    """Return the deadline, or None where nothing is owed: ideas, compliments, no target."""
    if target_hours is None or not owes_deadline:
        return None
    return start + timedelta(hours=target_hours)
