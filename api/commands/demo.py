"""`flask demo load` and `flask demo describe`: the invented city for trying things out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml
from flask.cli import AppGroup

from api.commands import city as city_commands
from api.services import commit, db, services
from city import jurisdictions
from city.jurisdictions import UnknownJurisdiction
from infra.clock import now
from reports.demo import loader

DEMO = Path(__file__).resolve().parents[2] / "city" / "demo"

group = AppGroup("demo", help="The invented city for trying things out.")


@group.command("load")
@click.option(
    "--pictures", type=int, help="How many to draw at most, the newest; otherwise all there are."
)
def load(pictures: int | None) -> None:
    """Load the demo city and its past; what is there already stays as it has become."""
    city = city_commands.read(DEMO / "city.yaml")
    try:
        jurisdiction = jurisdictions.find(db(), city.jurisdiction.code)
    except UnknownJurisdiction:
        city_commands.apply(city)
        jurisdiction = jurisdictions.find(db(), city.jurisdiction.code)
    if loader.is_loaded(db(), jurisdiction):
        click.echo("the demo city is there already")
    else:
        past = loader.load(db(), services().storage, jurisdiction, now(), pictures)
        for done, total in past:
            click.echo(f"\r  past reports: {done} of {total}", nl=done == total)
    commit()


@group.command("describe")
def describe() -> None:
    """Print who can log in, and spots to try, as JSON."""
    city = city_commands.read(DEMO / "city.yaml")
    places: list[dict[str, Any]] = yaml.safe_load((DEMO / "places.yaml").read_text("utf-8"))
    people = [
        {
            "role": person.role,
            "email": person.email,
            "password": person.initial_password,
            "teams": sorted(person.teams),
        }
        for person in city.people
    ]
    described = {
        "jurisdiction": city.jurisdiction.code,
        "people": people,
        "open311": None,
        "places": places,
    }
    click.echo(json.dumps(described, ensure_ascii=False, indent=2))
