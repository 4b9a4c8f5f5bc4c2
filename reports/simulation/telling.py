"""What a simulation found: figures, and the reports that would have gone elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, aliased

from city.models import Category, Jurisdiction, Ruleset, Team
from geo import layers
from geo.coordinates import Position
from geo.models import Layer, LayerVersion
from infra.database import Names
from infra.words import Reader
from reports.filters import Mark
from reports.models import Membership, Report, Ticket
from reports.simulation_models import SimulatedChange, Simulation
from reports.things import Thing

MOST_ON_MAP = 20_000


@dataclass(frozen=True, slots=True)
class Move:
    """How many reports would have gone from one team to another."""

    before: Thing
    after: Thing
    reports: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The versions by which one side of a simulation decides: of the rules, and of each layer."""

    ruleset: int | None
    layers: dict[str, int]


@dataclass(frozen=True, slots=True)
class SimulationView:
    """A simulation in the reader's language.

    `right_before` and `right_after` are how many of the reports were and would have been sent to
    the team that has their ticket by now.
    """

    row: Simulation
    before: Compared
    after: Compared
    teams: int
    districts: int
    right_before: int
    right_after: int
    moves: list[Move]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a report is given by one side."""

    team: Thing
    district: Thing | None


@dataclass(frozen=True, slots=True)
class ChangedReport:
    """A report that would have got another team or another district."""

    id: int
    reference: str
    ticket: str | None
    category: Thing
    location: Position
    created_at: datetime
    before: Chosen
    after: Chosen


@dataclass(frozen=True, slots=True)
class Between:
    """Only what would have gone from this team or to that one; None leaves it open."""

    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ChangedPage:
    """A page of changed reports, the newest first."""

    items: list[ChangedReport]
    next: Mark | None


def views(session: Session, rows: Sequence[Simulation], locale: str) -> list[SimulationView]:
    """Return simulations of one city as they are told."""
    if not rows:
        return []
    reader = _reader(session, rows[0].jurisdiction_id, locale)
    teams = _teams(session, {id_ for row in rows for *pair, _ in row.moves for id_ in pair}, reader)
    ids = {id_ for row in rows for id_ in (row.ruleset_id, row.base_ruleset_id)}
    query = select(Ruleset.id, Ruleset.number).where(Ruleset.id.in_(ids - {None}))
    numbers: dict[int | None, int] = dict(session.execute(query).all())
    versions = _versions(session, rows)
    return [
        SimulationView(
            row=row,
            before=Compared(
                numbers.get(row.base_ruleset_id),
                dict(versions[id_] for id_ in _used(row.base_map_version_id, row.base_stands_in)),
            ),
            after=Compared(
                numbers.get(row.ruleset_id),
                dict(versions[id_] for id_ in _used(row.map_version_id, row.stands_in)),
            ),
            teams=sum(count for *_pair, count in row.moves),
            districts=row.told.get("districts", 0),
            right_before=row.told.get("right_before", 0),
            right_after=row.told.get("right_after", 0),
            moves=[Move(teams[before], teams[after], count) for before, after, count in row.moves],
        )
        for row in rows
    ]


def page(
    session: Session,
    row: Simulation,
    between: Between,
    locale: str,
    limit: int,
    after: Mark | None = None,
) -> ChangedPage:
    """Return the reports that would have got another team or another district."""
    found = _changed(session, row, between, locale, limit + 1, after)
    last = found[limit - 1] if len(found) > limit else None
    return ChangedPage(found[:limit], Mark(last.created_at, last.id) if last else None)


def on_map(session: Session, row: Simulation, between: Between, locale: str) -> list[ChangedReport]:
    """Return the newest MOST_ON_MAP of them."""
    return _changed(session, row, between, locale, MOST_ON_MAP, None)


def _changed(
    session: Session,
    row: Simulation,
    between: Between,
    locale: str,
    limit: int,
    after: Mark | None,
) -> list[ChangedReport]:
    base_team, team = aliased(Team), aliased(Team)
    query = (
        select(SimulatedChange, Report, Category.code, Category.names, Ticket.reference)
        .join(Report, Report.id == SimulatedChange.report_id)
        .join(Category, Category.id == Report.category_id)
        .join(base_team, base_team.id == SimulatedChange.base_team_id)
        .join(team, team.id == SimulatedChange.team_id)
        .outerjoin(Membership, (Membership.report_id == Report.id) & Membership.left_at.is_(None))
        .outerjoin(Ticket, Ticket.id == Membership.ticket_id)
        .where(SimulatedChange.simulation_id == row.id)
        .order_by(SimulatedChange.report_id.desc())
        .limit(limit)
    )
    if between.before is not None:
        query = query.where(base_team.code == between.before)
    if between.after is not None:
        query = query.where(team.code == between.after)
    if after is not None:
        query = query.where(SimulatedChange.report_id < after.id)
    rows = session.execute(query).all()
    return _told(session, rows, _reader(session, row.jurisdiction_id, locale))


def _told(
    session: Session,
    rows: Sequence[Row[SimulatedChange, Report, str, Names, str]],
    reader: Reader,
) -> list[ChangedReport]:
    changes = [row[0] for row in rows]
    team_ids = {id_ for one in changes for id_ in (one.base_team_id, one.team_id)}
    teams = _teams(session, team_ids, reader)
    district_ids = {id_ for one in changes for id_ in (one.base_district_id, one.district_id)}
    named = layers.district_names(session, [id_ for id_ in district_ids if id_ is not None])
    districts = {id_: Thing(code, reader.name(names)) for id_, (code, names) in named.items()}
    return [
        ChangedReport(
            id=report.id,
            reference=report.reference,
            ticket=ticket,
            category=Thing(code, reader.name(names)),
            location=report.location,
            created_at=report.created_at,
            before=Chosen(teams[one.base_team_id], districts.get(one.base_district_id or 0)),
            after=Chosen(teams[one.team_id], districts.get(one.district_id or 0)),
        )
        for one, report, code, names, ticket in rows
    ]


def _reader(session: Session, jurisdiction_id: int, locale: str) -> Reader:
    return Reader(locale, session.get_one(Jurisdiction, jurisdiction_id).locales)


def _teams(session: Session, ids: set[int], reader: Reader) -> dict[int, Thing]:
    query = select(Team.id, Team.code, Team.names).where(Team.id.in_(ids))
    return {id_: Thing(code, reader.name(names)) for id_, code, names in session.execute(query)}


def _used(map_version_id: int | None, stands_in: Sequence[int]) -> list[int]:
    return [id_ for id_ in (map_version_id, *stands_in) if id_ is not None]


def _versions(session: Session, rows: Sequence[Simulation]) -> dict[int, tuple[str, int]]:
    """Return the code of the layer and the number of each version that the simulations use."""
    ids = {
        id_
        for row in rows
        for id_ in (
            *_used(row.base_map_version_id, row.base_stands_in),
            *_used(row.map_version_id, row.stands_in),
        )
    }
    query = (
        select(LayerVersion.id, Layer.code, LayerVersion.number)
        .join(Layer, Layer.id == LayerVersion.layer_id)
        .where(LayerVersion.id.in_(ids))
        .order_by(Layer.code)
    )
    return {id_: (code, number) for id_, code, number in session.execute(query)}
