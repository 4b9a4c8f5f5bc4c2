"""`flask backup FILE`: database and storage in one file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from api.commands.progress import Progress
from api.services import services
from infra import revisions
from infra.backup import archive, database, objects, programs
from infra.backup.archive import About
from infra.backup.failure import BackupFailed
from infra.clock import now
from infra.storage import StorageError


@click.command("backup")
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@with_appcontext
def group(target: Path) -> None:
    """Save database and storage into FILE, a tar file, while everything runs.

    Where FILE is a folder, a new file in it is named after the time. SECRET_KEY is not in it.
    """
    if target.is_dir():
        target /= f"vigie-{now():%Y%m%dT%H%M%SZ}.tar"
    try:
        with archive.draft(target) as file, archive.writing(file) as writer:
            _write(writer, target.parent)
    except (BackupFailed, StorageError, OSError, SQLAlchemyError) as error:
        raise click.ClickException(f"no backup was made: {error}") from error
    click.echo(f"{target}: {target.stat().st_size:,} bytes, readable by you alone")
    click.echo("SECRET_KEY is not in it: keep that elsewhere, for without it tracking tokens die.")


def _write(writer: archive.Writer, folder: Path) -> None:
    """Save the database first: then no row names an original that was not there yet."""
    parts = services()
    with parts.engine.connect() as connection:
        server = database.server_version(connection)
        revision = revisions.current(connection)
    if not revision:
        raise BackupFailed("the database holds no tables of Vigie; is DATABASE_URL right?")
    version, where = programs.find(server)
    writer.add_about(
        About(
            made_at=f"{now():%Y-%m-%dT%H:%M:%SZ}",
            revision=revision,
            server=server,
            programs=version,
            key_print=archive.print_of(parts.settings.secret_key),
        )
    )
    # Beside the backup, since that disk has to have room for it anyway.
    with tempfile.TemporaryFile(dir=folder) as dump:
        click.echo(f"database: saved by pg_dump {version}, ", nl=False)
        database.dump(parts.settings.database_url, where, dump)
        click.echo(f"{writer.add_dump(dump):,} bytes")
    with Progress("storage") as progress:
        for key, data in objects.fetch_all(parts.storage):
            writer.add_object(key, data)
            progress.add(len(data))
