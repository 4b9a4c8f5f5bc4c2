"""Asking for simulations: of which rules and layers, over which reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from city import rulesets
from city.administration import Administration, UnfitPart, UnknownSetting
from city.models import Jurisdiction
from city.parts import UNKNOWN
from city.unfit import Unfit
from geo.models import Layer, LayerRole, LayerVersion
from infra.queue import Job
from infra.words import mark
from reports import errands
from reports.models import Report
from reports.simulation_models import SimulatedChange, Simulation, SimulationStatus

KEPT = 20
DEFAULT_LAST = 1_000
MOST_REPORTS = 10_000_000
MOST_LAYERS = 20
NOTHING = mark("name rules or a layer that are not in force")
_NO_VERSION = mark("the layer '{code}' has no version {number}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be tried: a version of the rules, versions of layers by code, or both.

    Over the newest `last` reports of those sent from `since` until before `until`; where none of
    the three is given, over the newest DEFAULT_LAST.
    """

    ruleset: int | None
    layers: Mapping[str, int]
    last: int | None
    since: datetime | None
    until: datetime | None

    @property
    def at_most(self) -> int | None:
        """Return over how many of the newest reports at most."""
        open_ended = self.last is None and self.since is None and self.until is None
        return DEFAULT_LAST if open_ended else self.last


def ask(office: Administration, wanted: Wanted) -> Simulation:
    """Keep a simulation to be run, and forget the city's oldest ones; raise UnfitPart."""
    city = office.lock()
    ruleset_id = _ruleset_id(office, city, wanted)
    published = _published(office)
    tried = {**published, **_tried(office, wanted)}
    if ruleset_id == city.ruleset_id and tried == published:
        raise UnfitPart(((), Unfit(NOTHING)))
    row = Simulation(
        jurisdiction_id=city.id,
        number=_next_number(office.session, city.id),
        created_at=office.now,
        ruleset_id=ruleset_id,
        base_ruleset_id=city.ruleset_id,
        map_version_id=_map(tried),
        base_map_version_id=_map(published),
        base_stands_in=_references(published),
        stands_in=_references(tried),
        since=wanted.since,
        until=min(wanted.until or office.now, office.now),
        at_most=wanted.at_most,
        status=SimulationStatus.PENDING.value,
        attempt=0,
        done=0,
        moves=[],
        told={},
    )
    row.total = _count(office.session, row)
    office.session.add(row)
    office.session.flush()
    _forget_old(office.session, city.id)
    errands.owe(office.session, Job.SIMULATE, row.id)
    return row


def every(office: Administration) -> list[Simulation]:
    """Return the city's simulations, the newest first."""
    query = select(Simulation).where(Simulation.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(Simulation.number.desc())))


def find(office: Administration, number: int) -> Simulation:
    """Return the simulation as it stands now, or raise UnknownSetting."""
    found = office.session.scalar(
        select(Simulation)
        .where(Simulation.jurisdiction_id == office.jurisdiction_id, Simulation.number == number)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise UnknownSetting
    return found


def _ruleset_id(office: Administration, city: Jurisdiction, wanted: Wanted) -> int | None:
    if wanted.ruleset is None:
        return city.ruleset_id
    try:
        return rulesets.find(office, wanted.ruleset).id
    except UnknownSetting as error:
        unfit = Unfit(UNKNOWN, what="ruleset", code=str(wanted.ruleset))
        raise UnfitPart((("ruleset",), unfit)) from error


def _published(office: Administration) -> dict[Layer, int]:
    """Return the layers in use that decide about reports, each with its published version."""
    query = select(Layer).where(
        Layer.jurisdiction_id == office.jurisdiction_id,
        Layer.role != LayerRole.BOUNDARY.value,
        Layer.retired_at.is_(None),
    )
    return {
        layer: layer.published_version_id
        for layer in office.session.scalars(query)
        if layer.published_version_id is not None
    }


def _tried(office: Administration, wanted: Wanted) -> dict[Layer, int]:
    """Return the versions of layers that are to be tried."""
    found = {}
    for code, number in wanted.layers.items():
        row = office.session.execute(
            select(Layer, LayerVersion.id)
            .outerjoin(
                LayerVersion,
                (LayerVersion.layer_id == Layer.id) & (LayerVersion.number == number),
            )
            .where(
                Layer.jurisdiction_id == office.jurisdiction_id,
                Layer.code == code,
                Layer.role != LayerRole.BOUNDARY.value,
            )
        ).one_or_none()
        if row is None:
            raise UnfitPart((("layers", code), Unfit(UNKNOWN, what="layer", code=code)))
        layer, version_id = row
        if version_id is None:
            unfit = Unfit(_NO_VERSION, code=code, number=str(number))
            raise UnfitPart((("layers", code), unfit))
        found[layer] = version_id
    return found


def _map(versions: Mapping[Layer, int]) -> int | None:
    """Return the version of the service layer."""
    of_service = (id_ for layer, id_ in versions.items() if layer.role == LayerRole.SERVICE.value)
    return next(of_service, None)


def _references(versions: Mapping[Layer, int]) -> list[int]:
    """Return the versions of the reference layers."""
    return sorted(id_ for layer, id_ in versions.items() if layer.role == LayerRole.REFERENCE.value)


def _next_number(session: Session, jurisdiction_id: int) -> int:
    query = select(func.max(Simulation.number)).where(Simulation.jurisdiction_id == jurisdiction_id)
    return (session.scalar(query) or 0) + 1


def _count(session: Session, row: Simulation) -> int:
    """Return how many reports the simulation is about."""
    newest = select(Report.id).where(
        Report.jurisdiction_id == row.jurisdiction_id, Report.created_at < row.until
    )
    if row.since is not None:
        newest = newest.where(Report.created_at >= row.since)
    if row.at_most is not None:
        newest = newest.limit(row.at_most)
    return session.scalar(select(func.count()).select_from(newest.subquery())) or 0


def _forget_old(session: Session, jurisdiction_id: int) -> None:
    newest = (
        select(Simulation.id)
        .where(Simulation.jurisdiction_id == jurisdiction_id)
        .order_by(Simulation.number.desc())
        .limit(KEPT)
    )
    forgotten = session.scalars(
        delete(Simulation)
        .where(Simulation.jurisdiction_id == jurisdiction_id, Simulation.id.not_in(newest))
        .returning(Simulation.id)
    ).all()
    session.execute(delete(SimulatedChange).where(SimulatedChange.simulation_id.in_(forgotten)))
