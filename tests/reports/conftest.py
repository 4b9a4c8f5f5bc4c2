"""What several of the tests of what happens stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from api.services import Services
from infra.mail import Mailer
from tests.reports.retained import Town
from workers.tools import Tools


@pytest.fixture
def town(own_app: Flask, tmp_path: Path) -> Iterator[Town]:
    parts: Services = own_app.extensions["vigie"]
    mailer = Mailer(parts.settings.smtp_url, parts.settings.mail_from)
    with parts.sessions() as session:
        kit = Tools(parts.settings, parts.sessions, parts.storage, mailer, parts.metrics)
        yield Town(own_app, tmp_path, session, kit)
