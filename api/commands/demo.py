"""`flask demo load` and `flask demo describe`: the invented city for trying things out."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import click
import yaml
from flask.cli import AppGroup

from api.commands import city as city_commands
from api.services import commit, db, public_url, services
from city import jurisdictions, keys
from city.administration import Administration
from city.jurisdictions import UnknownJurisdiction
from city.keys import MOST_PER_MINUTE, TOKEN_PREFIX
from city.models import Channel, Jurisdiction
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
    _give_key(jurisdiction)
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
        "open311": {"url": public_url("/open311/v2"), "api_key": _api_key()},
        "places": places,
    }
    click.echo(json.dumps(described, ensure_ascii=False, indent=2))


def _give_key(city: Jurisdiction) -> None:
    """Give the city a key for trying Open311 out, unless it has had it before."""
    if keys.is_known(db(), _api_key()):
        return
    part = {
        "name": "Open311",
        "channel": Channel.APP.value,
        "per_minute": MOST_PER_MINUTE,
        "moves_tickets": True,
    }
    keys.create(Administration(db(), None, city.id, now()), part, _api_key())


def _api_key() -> str:
    """Return the secret of the demo's key: keys are kept hashed, so it is made, and not kept."""
    secret = services().settings.secret_key.encode()
    return TOKEN_PREFIX + hmac.new(secret, b"demo", "sha256").hexdigest()
