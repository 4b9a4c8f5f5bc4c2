"""`flask city load FILE`: a city as its file says."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from api.services import commit, db
from city.file_format import CityFile, UnusableCityFile, read_city_file
from city.loading import Loading
from infra.clock import now

group = AppGroup("city", help="Set up a city.")


@group.command("load")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
def load(file: Path, dry_run: bool) -> None:
    """Make the city as FILE says; loading it again changes nothing."""
    changes = apply(read(file))
    for change in changes:
        click.echo(change)
    if dry_run:
        db().rollback()
        click.echo(f"{len(changes)} changes would be made; nothing was changed")
    else:
        commit()
        click.echo(f"{len(changes)} changes made")


def read(file: Path) -> CityFile:
    """Read a city's file, or end the command with every fault in it."""
    try:
        return read_city_file(file)
    except UnusableCityFile as error:
        raise click.ClickException(str(error)) from error


def apply(city: CityFile) -> list[str]:
    """Make the city so in the open transaction, and return the changes in words."""
    try:
        return Loading(db(), city, now()).run()
    except UnusableCityFile as error:
        raise click.ClickException(str(error)) from error
