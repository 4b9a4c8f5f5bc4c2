"""What the launcher hands to the application: the caller's variables, and defaults for the rest."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.process import StartError
from infra.settings import Settings

DEFAULT_PORT = "8000"
_HIGHEST_PORT = 65535
# Values that pass every check, for what is not known before the parts have started.
_STAND_INS = {
    "DATABASE_URL": "postgresql:///vigie",
    "REDIS_URL": "unix:///socket",
    "STORAGE_URL": "file:///folder",
    "SMTP_URL": "smtp://127.0.0.1",
    "PUBLIC_URL": "http://127.0.0.1",
    "SECRET_KEY": "x" * 64,
}


def given(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that say something; a blank one counts as not set."""
    return {name: value for name, value in environ.items() if value.strip()}


def check(environ: Mapping[str, str]) -> Settings:
    """The settings as the caller wants them, with a stand-in for each that is still to come.

    Raises SettingsError for a bad value, before anything has been started.
    """
    return Settings.from_env(_STAND_INS | given(environ))


def port(environ: Mapping[str, str]) -> int:
    """The port to serve on. Raises StartError unless PORT is a number from 1 to 65535."""
    text = given(environ).get("PORT", DEFAULT_PORT).strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= _HIGHEST_PORT):
        raise StartError("PORT cannot be used: expected a whole number from 1 to 65535")
    return int(text)


def secret_key(path: Path) -> str:
    """The key in `path`, made once and readable by its owner alone."""
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
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
