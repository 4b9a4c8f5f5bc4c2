"""How much the city's keys are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reports.models import Report

LATELY = timedelta(days=30)


class Usage(NamedTuple):
    """How many reports came by a key: in all, and within LATELY."""

    reports: int = 0
    lately: int = 0


def of_keys(session: Session, key_ids: Sequence[int], now: datetime) -> Mapping[int, Usage]:
    """Return the use of those of the keys that were used at all, by the key's id."""
    lately = func.count().filter(Report.created_at >= now - LATELY)
    query = (
        select(Report.api_key_id, func.count(), lately)
        .where(Report.api_key_id.in_(key_ids))
        .group_by(Report.api_key_id)
    )
    return {key_id: Usage(*counts) for key_id, *counts in session.execute(query) if key_id}
