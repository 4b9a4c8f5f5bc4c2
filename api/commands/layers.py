"""`flask layers import CITY CODE FILE`: a layer as its file has it, with progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import click
from flask.cli import AppGroup

from api.services import commit, db
from city import jurisdictions, layers
from city.administration import Administration, UnfitPart
from city.jurisdictions import UnknownJurisdiction
from city.layers import BoundaryLayer, Brought, OtherRole, ServiceLayerTaken, Source
from geo.models import LayerRole
from infra.clock import now
from infra.words import SOURCE_LOCALE, say
from reports import moving

group = AppGroup("layers", help="Bring a city's layers.")

_SHOWN = 20


@group.command("import")
@click.argument("city")
@click.argument("code")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--code-field", help="The property with the districts' codes; else numbers.")
@click.option("--name-field", help="The property with their names; else the codes.")
@click.option("--layer", help="Which of several layers that a GeoPackage holds.")
@click.option(
    "--role",
    type=click.Choice([LayerRole.SERVICE.value, LayerRole.REFERENCE.value]),
    default=LayerRole.SERVICE.value,
    help="Districts that teams serve, or what rules ask reports to be near to.",
)
@click.option("--draft", is_flag=True, help="Keep the version without publishing it.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
def bring(
    city: str,
    code: str,
    file: Path,
    code_field: str | None,
    name_field: str | None,
    layer: str | None,
    role: str,
    draft: bool,
    dry_run: bool,
) -> None:
    """Bring FILE as the layer CODE of CITY, and publish it."""
    office = _office(city)
    with _refusals():
        with _step("reading"):
            source = Source(code_field, name_field, layer)
            features = layers.read(office, file.read_bytes(), source, LayerRole(role))
        with _step(f"looking at {len(features):,} features, and keeping them"):
            brought = layers.bring(office, code, LayerRole(role), features)
        with _step("counting what would move"):
            moved = moving.count(db(), brought.version)
        if not draft:
            layers.publish(office, brought.layer, brought.version)
    _tell(brought, moved)
    if dry_run:
        db().rollback()
        click.echo("nothing was changed")
        return
    commit()
    done = "kept as a draft" if draft else "published"
    click.echo(f"version {brought.version.number} of the layer {code} is {done}")


def _office(city: str) -> Administration:
    try:
        found = jurisdictions.find(db(), city)
    except UnknownJurisdiction as error:
        raise click.ClickException(f"there is no city {city!r}") from error
    return Administration(db(), None, found.id, now())


@contextmanager
def _step(what: str) -> Iterator[None]:
    """Say what is being done, and once it is, how long it took."""
    click.echo(f"{what} ...", nl=False)
    began = monotonic()
    try:
        yield
    except Exception:
        click.echo()
        raise
    click.echo(f" {monotonic() - began:.1f} s")


@contextmanager
def _refusals() -> Iterator[None]:
    """End the command with one line for what cannot be."""
    try:
        yield
    except UnfitPart as error:
        lines = [say(SOURCE_LOCALE, one.sentence, **one.values) for _, one in error.faults]
        raise click.ClickException("; ".join(lines)) from error
    except BoundaryLayer as error:
        raise click.ClickException("the boundary comes with the city's file") from error
    except OtherRole as error:
        raise click.ClickException("the layer is there already, for another role") from error
    except ServiceLayerTaken as error:
        raise click.ClickException(f"the city's service layer is {error.code!r}") from error


def _tell(brought: Brought, moved: moving.Moved) -> None:
    problems = [feature["properties"] for feature in brought.version.problems]
    for code in brought.version.repaired:
        click.echo(f"  {code}: its rings crossed and were mended")
    for problem in problems[:_SHOWN]:
        codes = ", ".join(problem["codes"])
        click.echo(f"  {problem['kind']} of {problem['area_m2']:,.1f} m2: {codes}")
    if len(problems) > _SHOWN:
        click.echo(f"  and {len(problems) - _SHOWN:,} more")
    for code in brought.orphans:
        click.echo(f"  {code}: named by a published rule, and not in this version")
    click.echo(f"{moved.tickets} open tickets would change district, {moved.teams} their team")
