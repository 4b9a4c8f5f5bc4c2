"""`flask restore FILE`: everything as a backup holds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from api.commands.progress import Progress
from api.services import db, services
from infra import revisions
from infra.backup import archive, database, objects, programs
from infra.backup.archive import About
from infra.backup.failure import BackupFailed
from infra.storage import StorageError
from reports.upkeep import owed


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Give up what is in the database now.")
@click.option("--hold-notices", is_flag=True, help="Send no mail or webhook that was still owed.")
@with_appcontext
def group(file: Path, replace: bool, hold_notices: bool) -> None:
    """Bring database and storage back from FILE, a backup that you trust.

    The database becomes what the backup says wholly or not at all. Objects in the storage that
    the backup does not hold stay there. Stop the web server and the workers before.
    """
    try:
        about = _check(file)
        where = _prepare(about, replace=replace)
        _restore_storage(file)
        _restore_database(file, where, replace=replace, hold_notices=hold_notices)
    except (BackupFailed, StorageError, ValueError, OSError, SQLAlchemyError) as error:
        raise click.ClickException(f"{error}\nthe database is as it was") from error
    click.echo("database: restored; now the migrations that it lacks")
    # A migration may take longer than any statement of a request.
    migrating = create_engine(services().settings.database_url, poolclass=NullPool)
    try:
        with migrating.connect() as connection:
            revisions.upgrade(connection)
    except SQLAlchemyError as error:
        told = f"all is restored, but migrating failed: {error}\nsee to it: alembic upgrade head"
        raise click.ClickException(told) from error
    _tell_what_follows(about)


def _check(file: Path) -> About:
    with Progress("checked") as progress:
        about = archive.verify(file, progress.add)
    click.echo(f"the backup is whole; made {about.made_at} at migration {about.revision}")
    if not revisions.is_known(about.revision):
        raise BackupFailed(
            f"it was made by a newer Vigie: this code has no migration {about.revision};"
            " install at least the version that made it"
        )
    if about.key_print != archive.print_of(services().settings.secret_key):
        click.echo(
            "warning: SECRET_KEY is not the one that this backup was made with: no tracking token"
            " that residents hold will work until it is"
        )
    return about


def _prepare(about: About, *, replace: bool) -> Path:
    """Return where PostgreSQL's programs are; raise BackupFailed where it must not go on."""
    with services().engine.connect() as connection:
        if not (replace or database.is_empty(connection)):
            raise BackupFailed("the database is not empty; with --replace all in it is given up")
        if others := database.count_others(connection):
            click.echo(
                f"warning: {others} other connections to the database;"
                " the web server and the workers should be stopped"
            )
        _, where = programs.find(max(database.server_version(connection), about.programs))
    return where


def _restore_storage(file: Path) -> None:
    """Put all objects there first: until the database names them, nobody sees them."""
    with Progress("storage") as progress, file.open("rb") as archived, archive.readable():
        for size in objects.put_all(services().storage, _objects(archive.read(archived))):
            progress.add(size)


def _objects(members: Iterator[archive.Member]) -> Iterator[tuple[str, bytes]]:
    return ((member.key, member.data.read()) for member in members if member.key is not None)


def _restore_database(file: Path, where: Path, *, replace: bool, hold_notices: bool) -> None:
    click.echo("database: being restored, in one transaction")
    with file.open("rb") as archived, archive.readable():
        dump = next(one.data for one in archive.read(archived) if one.name == archive.DUMP)
        database.load(
            services().settings.database_url,
            where,
            dump,
            replace=replace,
            last=[owed.HOLD_NOTICES, owed.HOLD_LETTERS, owed.HOLD_WEBHOOKS] if hold_notices else [],
        )


def _tell_what_follows(about: About) -> None:
    still = owed.count(db())
    click.echo(f"restored; {still.photos} photos wait to be worked on")
    if still.held:
        click.echo(f"{still.held} notices were owed and are held back; none of them is sent")
    elif still.notices:
        click.echo(
            f"{still.notices} notices are owed and will be sent once the workers run;"
            f" what was sent after {about.made_at} may be sent again"
        )
    click.echo("check it with: flask --app wsgi doctor")
