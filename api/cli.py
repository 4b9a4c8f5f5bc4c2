"""The commands of `flask --app wsgi`, one module of `api/commands/` for each group."""

from __future__ import annotations

from flask import Flask

from api.commands import city, demo, photos

COMMANDS = (city, demo, photos)


def install(app: Flask) -> None:
    """Give the application its commands."""
    for module in COMMANDS:
        app.cli.add_command(module.group)
