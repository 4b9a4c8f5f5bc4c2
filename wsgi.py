"""What a WSGI server is pointed at: `granian --interface wsgi wsgi:app`."""

from __future__ import annotations

from api.app import create_app
from infra.settings import Settings

app = create_app(Settings.from_env())
