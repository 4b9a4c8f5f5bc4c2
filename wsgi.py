"""The application without its gate, for commands: `flask --app wsgi`."""

from __future__ import annotations

from api.app import create_app
from infra.settings import Settings

app = create_app(Settings.from_env())
