"""The commands of `flask --app wsgi`, one module of `api/commands/` for each."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import FlaskGroup

from api.commands import backup, city, demo, doctor, layers, photos, restore, retention
from infra.settings import SettingsError

COMMANDS = (city, layers, demo, photos, backup, restore, doctor, retention)


def install(app: Flask) -> None:
    """Give the application its commands."""
    for module in COMMANDS:
        app.cli.add_command(module.group)


def without_settings(error: SettingsError) -> Flask:
    """Return what `flask` needs to find its commands: the doctor, and refusals for the others.

    Raise the error to everybody else, so that no server starts without its variables.
    """
    context = click.get_current_context(silent=True)
    if context is None or not isinstance(context.command, FlaskGroup):
        raise error
    app = Flask("api", static_folder=None)
    for module in COMMANDS:
        command = module.group
        app.cli.add_command(command if module is doctor else _refusal(command, error))
    return app


def _refusal(command: click.Command, error: SettingsError) -> click.Command:
    def refuse(**_: object) -> None:
        raise click.ClickException(str(error))

    return click.Command(
        command.name,
        callback=refuse,
        short_help=command.get_short_help_str(),
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        add_help_option=False,
    )
