"""The audit: which acts on people's data and on the city's set-up were done, and by whom."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from city.models import Actor, AuditEntry

# Of whom or whose mailbox it was is kept where it can be forgotten, and never in the audit. Nor are
# addresses that may hold secrets, or words that administrators wrote for themselves.
_UNTOLD = frozenset({"email", "name", "url", "description"})
# A third party may be somebody, and what is written to residents may say whom to call.
_UNTOLD_OF = frozenset(
    {("third_party", "names"), ("template", "texts"), ("close_reason", "public_texts")}
)


class AuditAct(StrEnum):
    """What was done."""

    RETENTION = "retention"
    EXPORT = "export"
    ERASURE = "erasure"
    ADDED = "added"
    CHANGED = "changed"
    ROTATED = "rotated"
    REPLAYED = "replayed"
    INVITED = "invited"
    PASSWORD_SET = "password_set"  # noqa: S105 (the name of an act)
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"


def record(
    session: Session,
    jurisdiction_id: int,
    act: AuditAct,
    now: datetime,
    *,
    person_id: int | None = None,
    actor: Actor = Actor.PERSON,
    thing_kind: str,
    thing_reference: str | None = None,
    changes: dict[str, Any],
) -> None:
    """Write an act down, in the transaction that does it.

    `changes` holds ids, codes, counts and the city's own published words alone: an entry is never
    changed, so nothing in it could be forgotten.
    """
    session.add(
        AuditEntry(
            jurisdiction_id=jurisdiction_id,
            at=now,
            actor=actor.value,
            person_id=person_id,
            act=act.value,
            thing_kind=thing_kind,
            thing_reference=thing_reference,
            changes=changes,
        )
    )


def told(kind: str, name: str, change: tuple[Any, Any]) -> tuple[str, dict[str, Any]]:
    """Return what an entry says of a column of that kind of thing that has become another."""
    before, after = change
    if name in _UNTOLD or (kind, name) in _UNTOLD_OF:
        return name, {"changed": True}
    if name == "retired_at":
        return "retired", {"from": before is not None, "to": after is not None}
    return name, {"from": before, "to": after}
