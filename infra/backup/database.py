"""The database's part of a backup: pg_dump out of it, and psql into it in one transaction."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, text

from infra.backup.failure import BackupFailed
from infra.embedded.process import setpriv

_CONNECT_TIMEOUT_S = 10
# A table that somebody is just changing is waited for, but not for ever.
_LOCK_TIMEOUT_S = 60
_PIECE_BYTES = 1 << 20
_LINES_TOLD = 5

# What an extension brought is not ours to drop; what belongs to a table goes with it.
_OURS = """
    NOT EXISTS (
      SELECT FROM pg_depend d
      WHERE d.classid = o.tableoid AND d.objid = o.oid AND d.deptype IN ('e', 'i', 'a')
    )
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_RELATIONS = f"""
    FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace
    WHERE o.relkind IN ('r', 'p', 'v', 'm', 'S') AND {_OURS}
"""
_EMPTY = f"""
DO $$
DECLARE command text;
BEGIN
  FOR command IN
    SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE o.relkind
      WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
      ELSE 'TABLE' END, n.nspname, o.relname) {_RELATIONS}
  LOOP EXECUTE command; END LOOP;
  FOR command IN
    SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', o.oid::regprocedure)
    FROM pg_proc o JOIN pg_namespace n ON n.oid = o.pronamespace WHERE {_OURS}
  LOOP EXECUTE command; END LOOP;
  FOR command IN
    SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, o.typname)
    FROM pg_type o JOIN pg_namespace n ON n.oid = o.typnamespace
    WHERE o.typtype IN ('d', 'e') AND {_OURS}
  LOOP EXECUTE command; END LOOP;
END $$;
"""  # noqa: S608 - put together from the constants above


def server_version(connection: Connection) -> int:
    """Return the major version of the server, such as 15."""
    number: str = connection.execute(
        text("SELECT current_setting('server_version_num')")
    ).scalar_one()
    return int(number) // 10_000


def is_empty(connection: Connection) -> bool:
    """Tell whether nothing stands in the database but what extensions brought."""
    found = connection.execute(text(f"SELECT EXISTS (SELECT {_RELATIONS})")).scalar_one()
    return not found


def count_others(connection: Connection) -> int:
    """Return how many other connections to the database there are."""
    count: int = connection.execute(
        text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    ).scalar_one()
    return count


def dump(url: str, programs: Path, file: IO[bytes]) -> None:
    """Write the database at the SQLAlchemy URL into the file; raise BackupFailed."""
    command = [
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--lock-wait-timeout={_LOCK_TIMEOUT_S}s",
        # PostGIS fills this table itself wherever it is installed.
        "--exclude-table-data=*.spatial_ref_sys",
    ]
    with _running(programs / "pg_dump", command, url=url, stdout=file):
        pass


def load(
    url: str, programs: Path, file: IO[bytes], *, replace: bool, last: Sequence[str] = ()
) -> None:
    """Make the database at the SQLAlchemy URL what the dump says, wholly or not at all.

    `replace` empties it first. `last` are statements that follow in the same transaction. Raise
    BackupFailed; then the database is as it was.
    """
    options = ["--file=-", "--no-owner", "--no-privileges", "--no-comments", "--no-tablespaces"]
    interpreter = ["--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1"]
    with _running(programs / "psql", interpreter, url=url, stdin=subprocess.PIPE) as psql:
        script = _pipe(psql.stdin)
        # When psql has ended early, its own complaint says more.
        with suppress(BrokenPipeError):
            _write(script, "SET client_min_messages = warning", "SET statement_timeout = 0")
            _write(script, "BEGIN", f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'")
            if replace:
                _write(script, _EMPTY)
            with _running(
                programs / "pg_restore", options, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ) as reader:
                _translate(file, reader, script)
            # Without this line, whatever goes wrong before it, psql leaves all as it was.
            _write(script, "RESET search_path", *last, "COMMIT")


def _translate(dump: IO[bytes], reader: subprocess.Popen[bytes], script: IO[bytes]) -> None:
    with ThreadPoolExecutor(1) as pool:
        fed = pool.submit(_feed, dump, _pipe(reader.stdin))
        try:
            shutil.copyfileobj(_pipe(reader.stdout), script, _PIECE_BYTES)
        except BaseException:
            reader.kill()
            raise
        fed.result()


def _feed(dump: IO[bytes], reader: IO[bytes]) -> None:
    # One that has ended early says why by itself.
    with suppress(BrokenPipeError), reader:
        shutil.copyfileobj(dump, reader, _PIECE_BYTES)


def _write(script: IO[bytes], *statements: str) -> None:
    script.write("".join(f"{statement};\n" for statement in statements).encode())


@contextmanager
def _running(
    program: Path,
    options: Sequence[str],
    *,
    url: str | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, killed if the block fails; raise BackupFailed unless it ends well."""
    where, secret = _address(url) if url else ([], {})
    # Its complaints go to a file, since nobody reads them before it has ended.
    with (
        os.fdopen(os.memfd_create("complaints"), "w+b") as complaints,
        subprocess.Popen(
            [*setpriv(None, signal.SIGTERM), str(program), *options, *where],
            stdin=stdin,
            stdout=stdout,
            stderr=complaints,
            env={**os.environ, **secret},
        ) as process,
    ):
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            # What is still on its way to one that has ended is of no use to anybody.
            if process.stdin is not None:
                with suppress(BrokenPipeError):
                    process.stdin.close()
        if process.wait() != 0:
            complaints.seek(0)
            lines = complaints.read().decode(errors="replace").split("\n")
            told = [line for line in lines if line.strip()][:_LINES_TOLD]
            raise BackupFailed("\n".join([f"{program.name} failed:", *told]))


def _address(url: str) -> tuple[list[str], dict[str, str]]:
    """Return options that name the database, and variables that hold its password.

    Everybody on the machine can read the options of a running program.
    """
    parts = conninfo_to_dict("postgresql" + url.removeprefix("postgresql+psycopg"))
    secret = {"PGPASSWORD": str(parts.pop("password"))} if "password" in parts else {}
    told: dict[str, Any] = {"connect_timeout": _CONNECT_TIMEOUT_S} | parts
    return [f"--dbname={make_conninfo(**told)}"], secret


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process was started without this pipe")
    return stream
