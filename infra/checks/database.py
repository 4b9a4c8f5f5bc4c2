"""The database: there, of a kind that suits, with its tables, and taking what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC
from functools import partial

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from infra import revisions
from infra.backup import database as backups
from infra.backup import programs
from infra.backup.failure import BackupFailed
from infra.checks.findings import Finding, first_line, guard, ok, warning, wrong
from infra.clock import now
from infra.database import make_engine

LEAST_SERVER = 15
LEAST_POSTGIS = (3, 3)
EXTENSIONS = ("postgis", "pg_trgm", "unaccent", "btree_gist")
_NOTED_SKEW_S = 2.0
_WORST_SKEW_S = 60.0


def look(url: str) -> Iterator[Finding]:
    """Check the database at the SQLAlchemy URL."""
    engine = make_engine(url, pool_size=1)
    try:
        with engine.connect() as connection:
            for check, question in CHECKS.items():
                yield guard(check, partial(question, connection))
                connection.rollback()
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        yield wrong("database", f"it does not answer: {first_line(cause)}; see DATABASE_URL")
    finally:
        engine.dispose()


def server(connection: Connection) -> Finding:
    """Check the server's version."""
    version = backups.server_version(connection)
    if version < LEAST_SERVER:
        return wrong("database", f"PostgreSQL {version} is too old; Vigie needs {LEAST_SERVER}")
    return ok("database", f"PostgreSQL {version}")


def extensions(connection: Connection) -> Finding:
    """Check that each extension is there."""
    found = connection.execute(
        text(
            "SELECT name, installed_version IS NOT NULL AS made FROM pg_available_extensions"
            " WHERE name = ANY(:names)"
        ),
        {"names": list(EXTENSIONS)},
    )
    state: dict[str, bool] = {row.name: row.made for row in found}
    absent = [name for name in EXTENSIONS if name not in state]
    unmade = [name for name in EXTENSIONS if state.get(name) is False]
    if absent:
        told = "install Debian's postgresql-<version>-postgis-3 and postgresql-contrib there"
        return wrong("extensions", f"the server does not have {', '.join(absent)}; {told}")
    if unmade:
        commands = "; ".join(f"CREATE EXTENSION {name}" for name in unmade)
        return wrong("extensions", f"some are missing; as a superuser run: {commands}")
    return ok("extensions", ", ".join(EXTENSIONS))


def postgis(connection: Connection) -> Finding:
    """Check the version of PostGIS."""
    told: str = connection.execute(text("SELECT postgis_lib_version()")).scalar_one()
    version = tuple(int(part) for part in told.split(".")[:2])
    if version < LEAST_POSTGIS:
        return wrong("postgis", f"PostGIS {told} is too old; Vigie needs 3.3 or newer")
    return ok("postgis", f"PostGIS {told}")


def encoding(connection: Connection) -> Finding:
    """Check that every character can be kept."""
    found: str = connection.execute(text("SHOW server_encoding")).scalar_one()
    if found != "UTF8":
        told = "make a new one by createdb --encoding=UTF8 --template=template0 and restore into it"
        return wrong("encoding", f"the database is in {found}; {told}")
    return ok("encoding", found)


def time_zone(connection: Connection) -> Finding:
    """Check that our sessions get the options that they ask for."""
    found: str = connection.execute(text("SELECT current_setting('TimeZone')")).scalar_one()
    if found != "UTC":
        told = "something between here and the database drops connection options; let it pass them"
        return wrong("time zone", f"sessions are in {found}: {told}")
    return ok("time zone", found)


def clock(connection: Connection) -> Finding:
    """Check that the database's clock and ours tell the same time."""
    asked = now()
    theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one().astimezone(UTC)
    answered = now()
    ahead_s = (theirs - answered).total_seconds()
    behind_s = (asked - theirs).total_seconds()
    skew_s = max(ahead_s, behind_s, 0.0)
    if skew_s < _NOTED_SKEW_S:
        return ok("clock", "the database's and ours agree")
    which = "ahead of" if ahead_s > 0 else "behind"
    told = f"the database's is {skew_s:.0f} s {which} ours; let NTP set both (timedatectl)"
    return (wrong if skew_s > _WORST_SKEW_S else warning)("clock", told)


def migrations(connection: Connection) -> Finding:
    """Check that the tables are those of this code."""
    at, head = revisions.current(connection), revisions.head()
    if at == head:
        return ok("migrations", f"at {head}")
    if revisions.lags(at):
        told = f"at {at or 'none'} instead of {head}; run: alembic upgrade head"
        return wrong("migrations", told)
    told = f"the database is at {at}, which this code does not know; install the newer code"
    return wrong("migrations", told)


def writing(connection: Connection) -> Finding:
    """Check that the database takes changes; nothing is changed."""
    connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
    return ok("writing", "the database takes changes")


def dumping(connection: Connection) -> Finding:
    """Check that backups could be made here."""
    least = backups.server_version(connection)
    try:
        version, folder = programs.find(least)
    except BackupFailed as error:
        return warning("backups", f"none can be made here: {error}")
    return ok("backups", f"pg_dump {version} in {folder}")


CHECKS: dict[str, Callable[[Connection], Finding]] = {
    "database": server,
    "extensions": extensions,
    "postgis": postgis,
    "encoding": encoding,
    "time zone": time_zone,
    "clock": clock,
    "migrations": migrations,
    "writing": writing,
    "backups": dumping,
}
