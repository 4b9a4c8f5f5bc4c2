"""The commands of `flask --app wsgi`, one module of `api/commands/` for each."""

from __future__ import annotations

from flask import Flask

from api.commands import backup, city, demo, restore

COMMANDS = (city, demo, backup, restore)


def install(app: Flask) -> None:
    """Give the application its commands."""
    for module in COMMANDS:
        app.cli.add_command(module.group)
