"""The rules that say which team answers, for the city's administrators: drafted, then published."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import documents, offices
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.documents import GEOJSON
from api.schemas.layers import DistrictCollectionSchema
from api.schemas.rulesets import FindingsSchema, RulesetSchema, RulesetsSchema
from api.services import commit, db, locale
from city import lint, rulesets
from city.access import Act
from city.administration import Administration, UnfitPart
from city.lint import Finding
from city.models import Jurisdiction, Ruleset
from city.rule_texts import sentence
from city.rulesets import RulesetPublished, RulesetView
from city.staff import Staff
from infra.notation import in_utc
from infra.words import Reader

blueprint = resource("rulesets", "Which team answers for what, for the city's administrators.")

RULES = {
    "rules": [
        {"category": "nid-de-poule", "district": "ile-aux-cygnes", "team": "espaces-verts"},
        {"group": "voirie", "team": "voirie"},
    ]
}


@blueprint.route("/admin/rulesets")
@staff(Act.SET_UP)
@blueprint.response(200, RulesetsSchema)
def list_rulesets(staff: Staff) -> Response:
    """List every version of the rules, the newest first."""
    office = offices.of(staff)
    return offices.listed(_ruleset(one) for one in rulesets.every(office))


@blueprint.route("/admin/rulesets", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart)
@blueprint.arguments(RulesetSchema, example=RULES)
@blueprint.response(201, RulesetSchema)
def add_ruleset(body: dict[str, Any], staff: Staff) -> Response:
    """Keep rules as a draft, which decides nothing until it is published."""
    office = offices.of(staff)
    ruleset = rulesets.create(office, body)
    commit()
    return _answer(office, ruleset, 201)


@blueprint.route("/admin/rulesets/<int:key>")
@staff(Act.SET_UP)
@offices.found(rulesets.find)
@blueprint.response(200, RulesetSchema)
def get_ruleset(row: Ruleset, office: Administration) -> Response:
    """Read a version of the rules."""
    return _answer(office, row)


@blueprint.route("/admin/rulesets/<int:key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(rulesets.find)
@offices.unchanged
@raises(UnfitPart, RulesetPublished)
@blueprint.arguments(RulesetSchema, example=RULES)
@blueprint.response(200, RulesetSchema)
def change_ruleset(body: dict[str, Any], row: Ruleset, office: Administration) -> Response:
    """Write a draft anew; what was published once stays as it is."""
    rulesets.change(office, row, body)
    commit()
    return _answer(office, row)


@blueprint.route("/admin/rulesets/<int:key>/publish", methods=["POST"])
@staff(Act.SET_UP)
@offices.found(rulesets.find)
@offices.unchanged
@raises(UnfitPart)
@blueprint.response(200, RulesetSchema)
def publish_ruleset(row: Ruleset, office: Administration) -> Response:
    """Have a version decide, be it a draft or an earlier one, which comes back like that.

    Reports that arrive meanwhile go by the one or by the other. Tickets keep their team.
    """
    rulesets.publish(office, row)
    commit()
    return _answer(office, row)


@blueprint.route("/admin/rulesets/<int:key>/lint")
@staff(Act.SET_UP)
@offices.found(rulesets.find)
@blueprint.response(200, FindingsSchema)
def lint_ruleset(row: Ruleset, office: Administration) -> Response:
    """See what is odd about a version of the rules, be it a draft; nothing is changed.

    Told is what no rule reaches, or on conditions alone, what only the order of the rules decides,
    which rules can never win and which teams get nothing, on the map that is published.
    """
    return offices.listed(_finding(one) for one in lint.examine(office, row, locale()))


@blueprint.route("/admin/rulesets/<int:key>/lint/map")
@staff(Act.SET_UP)
@offices.found(rulesets.find)
@blueprint.response(200, DistrictCollectionSchema, content_type=GEOJSON)
def map_lint(row: Ruleset, office: Administration) -> Response:
    """See as GeoJSON in which districts something is odd about a version of the rules, and what."""
    return documents.answer(lint.as_geojson(office, row, locale()), GEOJSON)


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "kind": found.kind.value,
        "text": found.text,
        "rules": list(found.rules),
        "category": found.category,
        "team": found.team,
        "districts": found.districts,
    }


def _answer(office: Administration, ruleset: Ruleset, status: int = 200) -> Response:
    return offices.answer(_ruleset(rulesets.view(office, ruleset)), ruleset, status)


def _ruleset(view: RulesetView) -> dict[str, Any]:
    ruleset = view.ruleset
    city = db().get_one(Jurisdiction, ruleset.jurisdiction_id)
    reader = Reader(locale(), city.locales)
    return {
        "version": ruleset.number,
        "published_at": in_utc(ruleset.published_at),
        "current": view.current,
        "etag": offices.etag(ruleset),
        "rules": [{**codes, "text": sentence(told, reader)} for codes, told in view.rules],
    }
