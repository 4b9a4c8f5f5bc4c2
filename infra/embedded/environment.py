"""What the launcher hands to the application: the caller's variables, and defaults for the rest."""

from __future__ import annotations

import ipaddress
import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.process import StartError
from infra.settings import STAND_INS, Settings

_DEFAULT_PORT = "8000"
# The demo prints its passwords, so only this machine can reach it unless somebody says so.
_DEFAULT_HOST = "127.0.0.1"
_HIGHEST_PORT = 65535
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True, slots=True)
class Address:
    """Where the web server listens."""

    host: str
    port: int

    @property
    def reachable(self) -> str:
        """Return a host that reaches it from this machine."""
        return _DEFAULT_HOST if self.host == _EVERYWHERE else self.host

    @property
    def url(self) -> str:
        """Return its address for a browser on this machine."""
        return f"http://{self.reachable}:{self.port}"


def given(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that say something; a blank one counts as not set."""
    return {name: value for name, value in environ.items() if value.strip()}


def check(environ: Mapping[str, str]) -> Settings:
    """Return the settings as given, with a stand-in for each that is still to come.

    Raises SettingsError for a bad value, before anything has been started.
    """
    return Settings.from_env(STAND_INS | given(environ))


def address(environ: Mapping[str, str]) -> Address:
    """Return where to serve: HOST, an IPv4 address, and PORT. Raises StartError for a bad one."""
    caller = given(environ)
    host, port = (
        caller.get("HOST", _DEFAULT_HOST).strip(),
        caller.get("PORT", _DEFAULT_PORT).strip(),
    )
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= _HIGHEST_PORT):
        raise StartError("PORT cannot be used: expected a whole number from 1 to 65535")
    try:
        return Address(str(ipaddress.IPv4Address(host)), int(port))
    except ValueError as error:
        raise StartError(
            "HOST cannot be used: expected an IPv4 address; 0.0.0.0 listens on all"
        ) from error


def secret_key(path: Path) -> str:
    """Return the key in `path`, made once and readable by its owner alone."""
    if not path.exists():
        write_private(path, f"{secrets.token_urlsafe(48)}\n")
    return path.read_text().strip()


def write_exports(path: Path, environ: Mapping[str, str], programs: Path) -> None:
    """Write shell lines that put a developer's shell beside the running parts."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(environ.items())]
    lines.append(f'export PATH={shlex.quote(str(programs))}:"$PATH"\n')
    write_private(path, "".join(lines))


def write_private(path: Path, text: str) -> None:
    """Write the whole file or nothing, readable by its owner alone."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
