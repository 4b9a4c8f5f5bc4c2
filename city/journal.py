"""What loading a city file changed: told in words to who loads it, and kept in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from city import audit
from city.audit import AuditAct
from city.changes import Changes
from city.models import Actor, Category, CategoryGroup, TeamCalendar

# What a row says by an id, the audit tells by the code, as of what the API changes.
_NAMED_BY_ID: dict[str, tuple[str, type[Any]]] = {
    "calendar_id": ("calendar", TeamCalendar),
    "category_id": ("category", Category),
    "group_id": ("group", CategoryGroup),
}


@dataclass(slots=True)
class Journal:
    """The changes so far; `lines` says them in words."""

    lines: list[str] = field(default_factory=list)
    _acts: list[tuple[AuditAct, str, str, dict[str, Any]]] = field(default_factory=list)

    def added(
        self, what: str, code: str, values: Mapping[str, Any], reference: str | None = None
    ) -> None:
        """Note what is new; the reference is how the audit knows it, where that is not the code."""
        self.lines.append(f"{what} {code}: added")
        kind = _kind(what)
        told = dict(audit.told(kind, name, (None, value)) for name, value in values.items())
        self._acts.append((AuditAct.ADDED, what, reference or code, told))

    def changed(self, what: str, code: str, changes: Changes, reference: str | None = None) -> None:
        """Note what has become of what was there, if anything has."""
        if not changes:
            return
        rest = dict(changes)
        if "retired_at" in rest:
            _before, since = rest.pop("retired_at")
            self.lines.append(f"{what} {code}: {'retired' if since else 'back in use'}")
        if rest:
            self.lines.append(f"{what} {code}: {', '.join(sorted(rest))} changed")
        told = dict(audit.told(_kind(what), name, change) for name, change in changes.items())
        self._acts.append((AuditAct.CHANGED, what, reference or code, told))

    def published(self, what: str, code: str, line: str, changes: dict[str, Any]) -> None:
        """Note what changed otherwise: the line in words, and what the audit has of it."""
        self.lines.append(line)
        self._acts.append((AuditAct.CHANGED, what, code, changes))

    def keep(self, session: Session, jurisdiction_id: int, now: datetime) -> None:
        """Write all of it into the audit, as done at the command line."""
        for act, what, reference, changes in self._acts:
            _, _, of = what.partition(" of ")
            audit.record(
                session,
                jurisdiction_id,
                act,
                now,
                actor=Actor.COMMAND,
                thing_kind=_kind(what),
                thing_reference=f"{of.rstrip(':')}/{reference}" if of else reference,
                changes=dict(_by_code(session, *change) for change in changes.items()),
            )


def _kind(what: str) -> str:
    return what.partition(" of ")[0].replace(" ", "_")


def _by_code(session: Session, name: str, change: Any) -> tuple[str, Any]:
    if name not in _NAMED_BY_ID:
        return name, change
    thing, model = _NAMED_BY_ID[name]
    return thing, {
        when: None if id_ is None else session.get_one(model, id_).code
        for when, id_ in change.items()
    }
