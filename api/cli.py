"""The commands: `flask city load FILE` and the demo city's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml
from flask import Flask
from flask.cli import AppGroup

from api.services import commit, db, services
from city import jurisdictions
from city.file_format import CityFile, UnusableCityFile, read_city_file
from city.loading import Loading
from infra.clock import now
from reports.demo import loader

DEMO = Path(__file__).resolve().parents[1] / "city" / "demo"

city_commands = AppGroup("city", help="Set up a city.")
demo_commands = AppGroup("demo", help="The invented city for trying things out.")


def install(app: Flask) -> None:
    """Give the application its commands."""
    app.cli.add_command(city_commands)
    app.cli.add_command(demo_commands)


@city_commands.command("load")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
def load_city(file: Path, dry_run: bool) -> None:
    """Make the city as FILE says; loading it again changes nothing."""
    changes = _load(_read(file))
    for change in changes:
        click.echo(change)
    if dry_run:
        db().rollback()
        click.echo(f"{len(changes)} changes would be made; nothing was changed")
    else:
        commit()
        click.echo(f"{len(changes)} changes made")


@demo_commands.command("load")
def load_demo() -> None:
    """Load the demo city, and its past if it has none."""
    city = _read(DEMO / "city.yaml")
    _load(city)
    jurisdiction = jurisdictions.find(db(), city.jurisdiction.code)
    if loader.is_loaded(db(), jurisdiction):
        click.echo("the demo city is there already")
    else:
        for done, total in loader.load(db(), services().storage, jurisdiction, now()):
            click.echo(f"\r  past reports: {done} of {total}", nl=done == total)
    commit()


@demo_commands.command("describe")
def describe_demo() -> None:
    """Print who can log in, and spots to try, as JSON."""
    city = _read(DEMO / "city.yaml")
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


def _read(file: Path) -> CityFile:
    try:
        return read_city_file(file)
    except UnusableCityFile as error:
        raise click.ClickException(str(error)) from error


def _load(city: CityFile) -> list[str]:
    try:
        return Loading(db(), city, now()).run()
    except UnusableCityFile as error:
        raise click.ClickException(str(error)) from error
