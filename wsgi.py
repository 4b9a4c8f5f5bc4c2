"""The application without its gate, for commands: `flask --app wsgi`."""

from __future__ import annotations

from api import cli
from api.app import create_app
from infra.settings import Settings, SettingsError

try:
    app = create_app(Settings.from_env())
except SettingsError as error:
    app = cli.without_settings(error)
