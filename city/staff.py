"""Who is acting for the city."""

from __future__ import annotations

from dataclasses import dataclass

from city.access import Act, Reach, Role, reach


@dataclass(frozen=True, slots=True)
class Staff:
    """Who is acting: a person, their jurisdiction, role and teams."""

    person_id: int
    jurisdiction_id: int
    name: str
    email: str
    role: Role
    locale: str
    team_ids: tuple[int, ...]
    team_codes: tuple[str, ...]

    def reach(self, act: Act) -> Reach | None:
        """Return how far this person may carry the act."""
        return reach(self.role, act)

    def may(self, act: Act, team_id: int) -> bool:
        """Tell whether this person may do the act on something of that team."""
        found = self.reach(act)
        return found is Reach.JURISDICTION or (found is Reach.TEAMS and team_id in self.team_ids)
