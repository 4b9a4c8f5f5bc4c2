"""Starts everything one after the other, keeps it up, and stops it in the reverse order."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from infra.embedded import environment, lock, reach, summary
from infra.embedded.cluster import Cluster
from infra.embedded.environment import Address
from infra.embedded.guard import Guard, Part
from infra.embedded.mailbox import Mailbox
from infra.embedded.process import (
    Child,
    StartError,
    adopt_orphans,
    bury_adopted,
    end_children,
    run_through,
)
from infra.embedded.valkey import Valkey
from infra.settings import Settings

_STEPS = 8
_MAIL = "var/mail"
_READY_S = 120
_WEB_STOP_S = 15
# A worker first finishes the photo in its hands.
_WORKERS_STOP_S = 30
_WATCH_S = 0.2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WEB = {
    "interface": "asginl",
    "http": "1",
    "workers": "2",
    # Every open connection counts, also one that idles.
    "backpressure": "5000",
    "backlog": "1024",
    # This long may a connection take for the head of a request, or idle before one.
    "http1-header-read-timeout": "30000",
    "workers-kill-timeout": "10",
    "log-level": "info",
}


class Launcher:
    """One run of the whole application in `root`, with all that it leaves in `root/var`."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._var = root / "var"
        self._caller = environment.given(environ)
        self._composed: dict[str, str] = {}
        self._guards: list[Guard] = []
        self._stops = ExitStack()
        self._interruption = _Interruption()
        self._steps_done = 0

    def run(self) -> None:
        """Start, keep up until SIGINT, SIGTERM or SIGHUP, stop, and raise KeyboardInterrupt.

        A part that dies is started again. Raises StartError, SettingsError or OSError when
        something cannot start or stay up; what was started by then is stopped.
        """
        self._var.mkdir(exist_ok=True)
        with self._stops:
            held = lock.acquire(self._var)
            self._stops.callback(held.release)
            (self._var / "demo.json").unlink(missing_ok=True)
            settings = environment.check(self._caller)
            address = environment.address(self._caller)
            reach.demand_free(address)
            adopt_orphans()
            self._stops.callback(end_children)
            for number in _SIGNALS:
                signal.signal(number, self._interruption)
            self._start(settings, address, held.parts)
            self._watch()

    def _start(self, settings: Settings, address: Address, held: int) -> None:
        _tell(f"Vigie starts in {self._root}")
        self._compose(settings, address.url)
        self._say("Tables", "bringing the database up to date")
        self._run("alembic", "upgrade", "head")
        self._say("Demo", "loading the demo city")
        self._run("flask", "--app", "wsgi", "demo", "load")
        self._say("Workers", "log in var/log/workers.log")
        self._spawn("workers", ["workers"], _WORKERS_STOP_S, held)
        self._say("Web", "log in var/log/web.log")
        self._spawn("web", _web(address), _WEB_STOP_S, held)
        self._await_ready(address)
        self._introduce(address.url)

    def _compose(self, settings: Settings, url: str) -> None:
        """Settle every variable; start what the caller brings no address for."""
        demands: dict[str, Callable[[], None]] = {
            "STORAGE_URL": lambda: reach.demand_storage(settings.storage_url, self._caller),
            "DATABASE_URL": lambda: reach.demand_database(settings.database_url),
            "REDIS_URL": lambda: reach.demand_queue(settings.redis_url),
            "SMTP_URL": lambda: reach.demand_mail(settings.smtp_url),
        }
        for name, demand in demands.items():
            if name in self._caller:
                self._say(name, "set by the caller, asking whether it answers")
                demand()
        defaults: dict[str, Callable[[], str]] = {
            "STORAGE_URL": self._storage,
            "PUBLIC_URL": lambda: url,
            "SECRET_KEY": lambda: environment.secret_key(self._var / "secret_key"),
            "DATABASE_URL": self._database,
            "REDIS_URL": self._queue,
            "SMTP_URL": self._mail,
        }
        for name, default in defaults.items():
            self._composed[name] = self._caller[name] if name in self._caller else default()
        exports = self._var / "env"
        environment.write_exports(exports, self._composed, Path(sys.executable).parent)
        self._stops.callback(exports.unlink, missing_ok=True)

    def _storage(self) -> str:
        self._say("Storage", "photos in var/storage")
        folder = self._var / "storage"
        # Residents' original photos lie here, with all that their phones wrote into them.
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder.as_uri()

    def _database(self) -> str:
        self._say("PostgreSQL", "a private cluster in var/postgres")
        cluster = Cluster(self._var / "postgres")
        self._stop_later("PostgreSQL", cluster.stop)
        cluster.start()
        self._guard(cluster)
        cluster.create_database("vigie")
        return cluster.url("vigie")

    def _queue(self) -> str:
        self._say("Valkey", "a private one in var/valkey")
        valkey = Valkey(self._var / "valkey")
        self._stop_later("Valkey", valkey.stop)
        valkey.start()
        self._guard(valkey)
        return valkey.url

    def _mail(self) -> str:
        self._say("Mail", "kept in var/mail, sent to nobody")
        mailbox = Mailbox(self._root / _MAIL)
        self._stop_later("mail", mailbox.stop)
        mailbox.start()
        return mailbox.url

    def _spawn(self, name: str, module: Sequence[str], patience_s: float, held: int) -> None:
        logs = self._var / "log"
        logs.mkdir(exist_ok=True)
        child = Child(
            name,
            [sys.executable, "-m", *module],
            logs / f"{name}.log",
            cwd=self._root,
            environ=self._environ(),
            pass_fds=[held],
        )
        self._stop_later(name, lambda: child.stop(patience_s))
        child.start()
        self._guard(child)

    def _run(self, *module: str, capture: bool = False) -> str:
        return run_through(
            " ".join(module),
            [sys.executable, "-m", *module],
            cwd=self._root,
            environ=self._environ(),
            capture=capture,
        )

    def _environ(self) -> dict[str, str]:
        return self._caller | self._composed | {"PYTHONUNBUFFERED": "1"}

    def _await_ready(self, address: Address) -> None:
        deadline = time.monotonic() + _READY_S
        while (problem := reach.why_not_ready(address)) is not None:
            self._bury_adopted()
            for guard in self._guards:
                guard.demand_alive()
            if time.monotonic() > deadline:
                raise StartError(
                    f"{address.url}/readyz is not ready: {problem}; see var/log/web.log"
                )
            time.sleep(_WATCH_S)

    def _introduce(self, url: str) -> None:
        demo = json.loads(self._run("flask", "--app", "wsgi", "demo", "describe", capture=True))
        mail = None if "SMTP_URL" in self._caller else _MAIL
        farewell = summary.farewell(url, mail, demo)
        text = json.dumps({"url": url, "mail": mail} | demo, ensure_ascii=False, indent=2)
        environment.write_private(self._var / "demo.json", f"{text}\n")
        _tell(farewell)

    def _guard(self, part: Part) -> None:
        self._guards.append(Guard(part, _tell))

    def _watch(self) -> None:
        while True:
            self._bury_adopted()
            for guard in self._guards:
                guard.watch()
            time.sleep(_WATCH_S)

    def _bury_adopted(self) -> None:
        bury_adopted({guard.pid for guard in self._guards if guard.pid is not None})

    def _stop_later(self, name: str, stop: Callable[[], None]) -> None:
        def stop_in_peace() -> None:
            # What runs is stopped once and in order, however often somebody presses Ctrl-C.
            self._interruption.forbid()
            _tell(f"  stopping {name}")
            stop()

        self._stops.callback(stop_in_peace)

    def _say(self, name: str, text: str) -> None:
        self._steps_done += 1
        _tell(f"  {self._steps_done}/{_STEPS} {name:<13}{text}")


def _tell(text: str) -> None:
    # Whoever was reading may be gone, which is no reason to leave anything half stopped.
    with suppress(OSError):
        print(text, flush=True)


def _web(address: Address) -> list[str]:
    where = {"host": address.host, "port": str(address.port)}
    options = [f"--{name}={value}" for name, value in (_WEB | where).items()]
    return ["granian", *options, "--no-ws", "--respawn-failed-workers", "asgi:app"]


class _Interruption:
    """Turns the first signal into a KeyboardInterrupt, and those that follow into nothing.

    Ignoring them by signal.SIG_IGN would not do: Python complains about one that is on its way.
    """

    def __init__(self) -> None:
        self._is_over = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_over:
            self._is_over = True
            raise KeyboardInterrupt

    def forbid(self) -> None:
        """Let no signal interrupt from here on."""
        self._is_over = True
