"""`flask retention run`: what the workers do every day, by hand and told."""

from __future__ import annotations

from collections import Counter

import click
from flask.cli import AppGroup

from api.services import commit, db
from city.models import Actor, Jurisdiction
from infra.clock import now
from reports.privacy import retention

group = AppGroup("retention", help="Forget the reporters of what was closed long ago.")


@group.command("run")
@click.option("--dry-run", is_flag=True, help="Only say how many of what would go.")
@click.option("--jurisdiction", "code", metavar="CODE", help="This city alone.")
def run(dry_run: bool, code: str | None) -> None:
    """Apply each city's retention; files are then removed by the workers."""
    cities = retention.cities(db(), code)
    if code is not None and not cities:
        raise click.ClickException(f"there is no city {code!r} with a retention")
    if not cities:
        click.echo("no city has a retention")
    for city in cities:
        counts = _run(city, dry_run)
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        click.echo(f"{city.code}: {told or 'nothing to do'}")
    if dry_run:
        click.echo("nothing was changed")


def _run(city: Jurisdiction, dry_run: bool) -> Counter[str]:
    """Go through the city batch by batch; a dry run does each batch and takes it back."""
    moment = now()
    total = retention.count_due(db(), city, moment)
    counts: Counter[str] = Counter()
    place, more = None, total > 0
    while more:
        batch = retention.run_batch(db(), city, moment, Actor.COMMAND, place)
        if dry_run:
            db().rollback()
        else:
            commit()
        counts += batch.counts
        place = batch.end
        more = place is not None and counts["tickets"] < total
        click.echo(f"\r  {city.code}: {counts['tickets']} of {total} tickets", nl=not more)
    return counts
