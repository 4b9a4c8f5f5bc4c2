"""A private PostgreSQL: its own data, a Unix socket and no port, gone with its parent."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from infra.embedded import places
from infra.embedded.process import (
    Account,
    Child,
    StartError,
    end_leftovers,
    setpriv,
    working_below,
)
from infra.embedded.server import Server

_PROGRAMS = Path("/usr/lib/postgresql")
_EXTENSIONS = Path("/usr/share/postgresql")
_SUPERUSER = "vigie"
# PostgreSQL names its socket after a port even where no port is open.
_PORT = "5432"
_ENVIRON = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
_SETTINGS = {
    "listen_addresses": "",
    "port": _PORT,
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    "max_wal_size": "512MB",
    # Parallel workers pass rows through /dev/shm, which containers keep very small.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    # A failing statement would put residents' words and positions into the log.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
# What is committed still survives a killed server this way, only not a power cut.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}
# Crash recovery may have half a gigabyte of log to replay from a slow disk.
_START_S = 120
_STOP_S = 30


class Cluster(Server):
    """One PostgreSQL cluster with PostGIS at hand, its data in `folder` or its short stand-in.

    `durable=False` trades safety against power cuts for speed, for tests. Every method may
    raise StartError.
    """

    name = "PostgreSQL"
    stop_s = _STOP_S

    def __init__(self, folder: Path, durable: bool = True) -> None:
        super().__init__(folder)
        self._durable = durable

    def start(self) -> None:
        """Start it and return once it answers.

        What an earlier run left is stopped first, and its data kept.
        """
        # SIGINT is PostgreSQL's fast shutdown, and harmless to its other processes.
        leftovers = partial(working_below, self._data, "postgres")
        end_leftovers(leftovers, _STOP_S, signal.SIGINT)
        programs = self._programs()
        if not self._data.exists():
            self._initialise(programs / "initdb")
        self._own_data()
        run = self._home / "run"
        self._own(run)
        settings = _SETTINGS | ({} if self._durable else _NOT_DURABLE)
        settings |= {"unix_socket_directories": str(run)}
        self._child = Child(
            "PostgreSQL",
            [
                str(programs / "postgres"),
                "-D",
                str(self._data),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            self._home / "server.log",
            cwd=self._home,
            environ=_ENVIRON,
            account=self._account,
            stop_signal=signal.SIGINT,
        )
        self._forget_stale_locks()
        self._child.start()
        self._child.wait_until(self._answers, _START_S)

    def url(self, database: str) -> str:
        """Return a URL over the Unix socket, for the superuser without a password.

        libpq, psycopg and SQLAlchemy all read it.
        """
        where = {"host": str(self._home / "run"), "port": _PORT, "user": _SUPERUSER}
        return f"postgresql:///{quote(database, safe='')}?{urlencode(where, quote_via=quote)}"

    def create_database(self, name: str) -> None:
        """Create an empty database; one of this name that exists is left as it is."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, (name,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    @cached_property
    def _account(self) -> Account | None:
        """Return whom to run it as: PostgreSQL refuses root; data that exist keep their owner."""
        if os.geteuid() != 0:
            return None
        data = self._folder / "data"
        if data.exists() and data.stat().st_uid != 0:
            return Account.of(data.stat().st_uid)
        for name in ("postgres", "nobody"):
            try:
                return Account.of(pwd.getpwnam(name).pw_uid)
            except KeyError:
                continue
        raise StartError("PostgreSQL refuses to run as root, and there is no account 'nobody'")

    @cached_property
    def _home(self) -> Path:
        return places.settle(self._folder, f"run/.s.PGSQL.{_PORT}.lock", self._account)

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _programs(self) -> Path:
        """Return the folder of the programs: the version of the data, or else the newest."""
        version_file = self._data / "PG_VERSION"
        wanted = version_file.read_text().strip() if version_file.exists() else None
        found = {
            programs.parent.name: programs
            for programs in _PROGRAMS.glob("*/bin")
            if (programs / "postgres").exists()
            and (_EXTENSIONS / programs.parent.name / "extension/postgis.control").exists()
        }
        if wanted is not None and wanted not in found:
            raise StartError(
                f"the data in {self._data} need PostgreSQL {wanted} with PostGIS;"
                f" install postgresql-{wanted}-postgis-3"
            )
        if not found:
            raise StartError("PostgreSQL with PostGIS is missing; run bin/setup")
        return found[wanted or max(found, key=float)]

    def _initialise(self, initdb: Path) -> None:
        # Under another name until it is complete: a killed initdb leaves what looks like data.
        draft = self._home / "data.new"
        if draft.exists():
            shutil.rmtree(draft)
        self._own(draft)
        command = [
            *(setpriv(self._account, signal.SIGTERM)),
            str(initdb),
            f"--pgdata={draft}",
            f"--username={_SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            *([] if self._durable else ["--no-sync"]),
        ]
        result = subprocess.run(
            command,
            cwd=self._home,
            env=_ENVIRON,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            lines = "\n    ".join(result.stdout.splitlines()[-15:])
            raise StartError(f"initdb cannot make a cluster in {draft}\n    {lines}")
        draft.rename(self._data)

    def _own(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        if self._account is not None:
            os.chown(folder, self._account.uid, self._account.gid)

    def _own_data(self) -> None:
        # A tree that root copied without its owners would be refused by PostgreSQL.
        account = self._account
        if account is None or self._data.stat().st_uid == account.uid:
            return
        for path in [self._data, *self._data.rglob("*")]:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)

    def _forget_stale_locks(self) -> None:
        # Nothing of ours runs here now. The process number in a lock file may have gone to a
        # stranger since, and PostgreSQL would take that one for a living server and refuse.
        for path in (
            self._data / "postmaster.pid",
            *(self._home / "run").glob(".s.PGSQL.*"),
        ):
            path.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True
