"""A cluster of what came back, as it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from geo.coordinates import Box, Position
from reports.bounces.changes import Effect, Parting, Refusal
from reports.things import Thing


@dataclass(frozen=True, slots=True)
class SendingRule:
    """The rule by which tickets had gone; no position where it is no longer in force."""

    id: str
    position: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """A cluster as it is told.

    `team` is whom the tickets were sent to, `ended_with` the other team that `agreed` of those that
    bounced ended with. `change` is a rule as administrators write it, to be put in at its position,
    or None, and then `why_not` says why. `places` are those of the tickets that bounced.
    """

    rule: SendingRule | None
    category: Thing
    district: Thing | None
    team: Thing
    sent: int
    bounced: int
    share: float
    handed_back: int
    overridden: int
    ended_with: Thing | None
    agreed: int
    places: Sequence[Position]
    location: Position
    extent: Box
    separated_by: Parting | None
    change: dict[str, Any] | None
    effect: Effect | None
    why_not: Refusal | None
    text: str
