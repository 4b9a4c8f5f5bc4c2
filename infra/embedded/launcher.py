"""Starts everything one after the other, watches over it, and stops it in the reverse order."""

from __future__ import annotations

import json
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Protocol

from infra.embedded import environment, lock, reach, summary
from infra.embedded.cluster import Cluster
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

_STEPS = 7
_MAIL = "var/mail"
_READY_S = 120
_WEB_STOP_S = 15
# A worker first finishes the photo in its hands.
_WORKERS_STOP_S = 30
_WATCH_S = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WEB = (
    "granian --interface wsgi --host 0.0.0.0 --http 1 --no-ws --workers 2 --blocking-threads 8"
    # A kept-alive connection that idles counts too, so this is well above the threads.
    " --backpressure 256 --backlog 1024"
    " --respawn-failed-workers --workers-kill-timeout 10 --log-level info"
).split()


class Part(Protocol):
    """What is watched while it runs."""

    @property
    def pid(self) -> int | None: ...
    def is_alive(self) -> bool: ...
    def obituary(self) -> str: ...


class Launcher:
    """One run of the whole application in `root`, with all that it leaves in `root/var`."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._var = root / "var"
        self._caller = environment.given(environ)
        self._composed: dict[str, str] = {}
        self._watched: list[Part] = []
        self._stops: list[tuple[str, Callable[[], object]]] = []
        self._steps_done = 0

    def run(self) -> None:
        """Start, watch until SIGINT, SIGTERM or SIGHUP, stop.

        Raises StartError, SettingsError or OSError when something cannot start or stay up.
        """
        self._var.mkdir(exist_ok=True)
        held = lock.acquire(self._var / "run.lock")
        (self._var / "demo.json").unlink(missing_ok=True)
        settings = environment.check(self._caller)
        port = environment.port(self._caller)
        reach.demand_free_port(port)
        adopt_orphans()
        for number in _SIGNALS:
            signal.signal(number, _interrupt)
        try:
            self._start(settings, port, held)
            self._watch()
        except KeyboardInterrupt:
            print("\nstopping", flush=True)
        finally:
            self._stop()

    def _start(self, settings: Settings, port: int, held: int) -> None:
        url = f"http://127.0.0.1:{port}"
        print(f"Vigie starts in {self._root}", flush=True)
        self._compose(settings, url)
        self._say("Tables", "bringing the database up to date")
        self._run("alembic", "upgrade", "head")
        self._say("Demo", "loading the demo city")
        self._run("flask", "--app", "wsgi", "demo", "load")
        self._say("Workers", "log in var/log/workers.log")
        self._spawn("workers", ["workers"], _WORKERS_STOP_S, held)
        self._say("Web", "log in var/log/web.log")
        self._spawn("web", [*_WEB, "--port", str(port), "wsgi:app"], _WEB_STOP_S, held)
        self._await_ready(f"{url}/readyz")
        self._tell(url)

    def _compose(self, settings: Settings, url: str) -> None:
        """Start what the caller brings no address for, and settle every variable."""
        defaults: dict[str, Callable[[], str]] = {
            "STORAGE_URL": self._storage,
            "PUBLIC_URL": lambda: url,
            "SECRET_KEY": lambda: environment.secret_key(self._var / "secret_key"),
            "DATABASE_URL": self._database,
            "REDIS_URL": self._queue,
            "SMTP_URL": self._mail,
        }
        demands: dict[str, Callable[[], None]] = {
            "DATABASE_URL": lambda: reach.demand_database(settings.database_url),
            "REDIS_URL": lambda: reach.demand_queue(settings.redis_url),
            "SMTP_URL": lambda: reach.demand_mail(settings.smtp_url),
        }
        for name, default in defaults.items():
            if name not in self._caller:
                self._composed[name] = default()
                continue
            self._composed[name] = self._caller[name]
            if name in demands:
                self._say(name, "set by the caller, asking whether it answers")
                demands[name]()
        exports = self._var / "env"
        environment.write_exports(exports, self._composed, Path(sys.executable).parent)
        self._stops.append(("", partial(exports.unlink, missing_ok=True)))

    def _storage(self) -> str:
        folder = self._var / "storage"
        # Residents' original photos lie here, with all that their phones wrote into them.
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder.as_uri()

    def _database(self) -> str:
        self._say("PostgreSQL", "a private cluster in var/postgres")
        cluster = Cluster(self._var / "postgres")
        self._stops.append(("PostgreSQL", cluster.stop))
        cluster.start()
        self._watched.append(cluster)
        cluster.create_database("vigie")
        return cluster.url("vigie")

    def _queue(self) -> str:
        self._say("Valkey", "a private one in var/valkey")
        valkey = Valkey(self._var / "valkey")
        self._stops.append(("Valkey", valkey.stop))
        valkey.start()
        self._watched.append(valkey)
        return valkey.url

    def _mail(self) -> str:
        self._say("Mail", "kept in var/mail, sent to nobody")
        mailbox = Mailbox(self._root / _MAIL)
        self._stops.append(("mail", mailbox.stop))
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
        self._stops.append((name, lambda: child.stop(patience_s)))
        child.start()
        self._watched.append(child)

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

    def _await_ready(self, url: str) -> None:
        deadline = time.monotonic() + _READY_S
        while (problem := _not_ready(url)) is not None:
            self._demand_alive()
            if time.monotonic() > deadline:
                raise StartError(f"{url} is not ready: {problem}; see var/log/web.log")
            time.sleep(_WATCH_S)

    def _tell(self, url: str) -> None:
        demo = json.loads(self._run("flask", "--app", "wsgi", "demo", "describe", capture=True))
        mail = None if "SMTP_URL" in self._caller else _MAIL
        text = json.dumps({"url": url, "mail": mail} | demo, ensure_ascii=False, indent=2)
        environment.write_private(self._var / "demo.json", f"{text}\n")
        print(summary.farewell(url, mail, demo), flush=True)

    def _watch(self) -> None:
        while True:
            self._demand_alive()
            time.sleep(_WATCH_S)

    def _demand_alive(self) -> None:
        bury_adopted({part.pid for part in self._watched if part.pid is not None})
        for part in self._watched:
            if not part.is_alive():
                raise StartError(part.obituary())

    def _stop(self) -> None:
        # What runs is stopped once and in order, however often somebody presses Ctrl-C.
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for name, stop in reversed(self._stops):
            if name:
                print(f"  stopping {name}", flush=True)
            stop()
        end_children()

    def _say(self, name: str, text: str) -> None:
        self._steps_done += 1
        print(f"  {self._steps_done}/{_STEPS} {name:<13}{text}", flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _not_ready(url: str) -> str | None:
    """Why it is not ready, or None when it is."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return error.read(2000).decode(errors="replace")
    except OSError as error:
        return str(error)
