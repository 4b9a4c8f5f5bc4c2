"""Simulations, for the city's administrators: rules and layers tried on the reports of the past."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from api import cursors, documents, offices
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.documents import GEOJSON
from api.schemas.layers import DistrictCollectionSchema
from api.schemas.simulations import (
    BetweenSchema,
    ChangedQuerySchema,
    ChangedReportsSchema,
    SimulationRequestSchema,
    SimulationSchema,
    SimulationsSchema,
    between_from,
    wanted_from,
)
from api.services import commit, locale
from city.access import Act
from city.administration import Administration, UnfitPart
from city.staff import Staff
from infra.notation import in_utc
from reports.simulation import asking, telling
from reports.simulation.telling import ChangedReport, Chosen, SimulationView
from reports.simulation_models import Simulation

blueprint = resource("simulations", "Rules and layers tried on past reports, for administrators.")

WANTED = {"ruleset": 2, "layers": {"quartiers": 2}, "last": 1_000}


@blueprint.route("/admin/simulations")
@staff(Act.SET_UP)
@blueprint.response(200, SimulationsSchema)
def list_simulations(staff: Staff) -> Response:
    """List the city's simulations, the newest first; the oldest are forgotten."""
    office = offices.of(staff)
    views = telling.views(office.session, asking.every(office), locale())
    return offices.listed(_simulation(view) for view in views)


@blueprint.route("/admin/simulations", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart)
@blueprint.arguments(SimulationRequestSchema, example=WANTED)
@blueprint.response(202, SimulationSchema)
def simulate(body: dict[str, Any], staff: Staff) -> Response:
    """Try rules, layers or both on past reports: which would have gone elsewhere, and where to.

    It runs in the background, with its progress in `done`, and touches no ticket. Reports are
    decided as they came, by their own category, place, answers and time.
    """
    office = offices.of(staff)
    row = asking.ask(office, wanted_from(body))
    commit()
    answer = _answer(office, row)
    answer.status_code = 202
    return answer


@blueprint.route("/admin/simulations/<int:key>")
@staff(Act.SET_UP)
@offices.found(asking.find)
@blueprint.response(200, SimulationSchema)
def get_simulation(row: Simulation, office: Administration) -> Response:
    """See how far a simulation is and what it has found."""
    return _answer(office, row)


@blueprint.route("/admin/simulations/<int:key>/reports")
@staff(Act.SET_UP)
@offices.found(asking.find)
@blueprint.arguments(ChangedQuerySchema, location="query")
@blueprint.response(200, ChangedReportsSchema)
def list_changed(query: dict[str, Any], row: Simulation, office: Administration) -> Response:
    """List the reports that would have got another team or another district, the newest first."""
    between, limit = between_from(query), query["limit"]
    page = telling.page(office.session, row, between, locale(), limit, query["cursor"])
    items = [_changed(one) for one in page.items]
    return jsonify({"items": items, "next": cursors.next_url(page.next)})


@blueprint.route("/admin/simulations/<int:key>/map")
@staff(Act.SET_UP)
@offices.found(asking.find)
@blueprint.arguments(BetweenSchema, location="query")
@blueprint.response(200, DistrictCollectionSchema, content_type=GEOJSON)
def map_changed(query: dict[str, Any], row: Simulation, office: Administration) -> Response:
    """See the same reports as GeoJSON points, to be laid on a map; at most the newest 20,000."""
    found = telling.on_map(office.session, row, between_from(query), locale())
    features = [_feature(one) for one in found]
    return documents.answer({"type": "FeatureCollection", "features": features}, GEOJSON)


def _answer(office: Administration, row: Simulation) -> Response:
    [view] = telling.views(office.session, [row], locale())
    return jsonify(_simulation(view))


def _simulation(view: SimulationView) -> dict[str, Any]:
    row = view.row
    return {
        "number": row.number,
        "status": row.status,
        "created_at": in_utc(row.created_at),
        "finished_at": in_utc(row.finished_at),
        "from": in_utc(row.since),
        "to": in_utc(row.until),
        "last": row.at_most,
        "done": row.done,
        "total": row.total,
        "before": {"ruleset": view.before.ruleset, "layers": view.before.layers},
        "after": {"ruleset": view.after.ruleset, "layers": view.after.layers},
        "changed": {"teams": view.teams, "districts": view.districts},
        "right": {"before": view.right_before, "after": view.right_after},
        "moves": [
            {
                "before": documents.thing(move.before),
                "after": documents.thing(move.after),
                "reports": move.reports,
            }
            for move in view.moves
        ],
    }


def _changed(one: ChangedReport) -> dict[str, Any]:
    place = one.location
    return {
        "reference": one.reference,
        "ticket": one.ticket,
        "category": documents.thing(one.category),
        "location": {"latitude": place.latitude, "longitude": place.longitude},
        "created_at": in_utc(one.created_at),
        "before": _chosen(one.before),
        "after": _chosen(one.after),
    }


def _feature(one: ChangedReport) -> dict[str, Any]:
    told = _changed(one)
    place = told.pop("location")
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [place["longitude"], place["latitude"]]},
        "properties": told,
    }


def _chosen(chosen: Chosen) -> dict[str, Any]:
    return {
        "team": documents.thing(chosen.team),
        "district": documents.thing(chosen.district),
    }
