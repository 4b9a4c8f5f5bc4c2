"""`flask city load`: what an administrator sees."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.services import Services
from city.models import Jurisdiction
from tests.city.towns import document, write
from tests.conftest import DEMO


def run(app: Flask, *arguments: str) -> tuple[int, list[str]]:
    """Run the command and return its exit code and the lines that it printed."""
    done = app.test_cli_runner().invoke(args=["city", "load", *arguments])
    return done.exit_code, done.output.splitlines()


def cities(app: Flask) -> list[str]:
    parts: Services = app.extensions["vigie"]
    with parts.sessions() as session:
        return list(session.scalars(select(Jurisdiction.code).order_by(Jurisdiction.code)))


def sizes(session: Session) -> list[int]:
    tables = Jurisdiction.metadata.sorted_tables
    return [session.execute(select(func.count()).select_from(t)).scalar_one() for t in tables]


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    own_app: Flask, tmp_path: Path
) -> None:
    parts: Services = own_app.extensions["vigie"]
    path = write(tmp_path / "town")
    with parts.sessions() as session:
        before = sizes(session)
    code, lines = run(own_app, str(path), "--dry-run")
    assert code == 0
    assert lines[0] == "jurisdiction essai: added"
    assert lines[-1] == f"{len(lines) - 1} changes would be made; nothing was changed"
    assert cities(own_app) == ["beaurive"]
    with parts.sessions() as session:
        assert sizes(session) == before

    assert run(own_app, str(path)) == (0, [*lines[:-1], f"{len(lines) - 1} changes made"])
    assert cities(own_app) == ["beaurive", "essai"]
    assert run(own_app, str(path)) == (0, ["0 changes made"])
    assert run(own_app, str(DEMO)) == (0, ["0 changes made"])


def test_a_file_that_cannot_be_used_is_one_line_and_changes_nothing(
    own_app: Flask, tmp_path: Path
) -> None:
    # The fault shows only after the city and its teams have been written.
    path = write(tmp_path / "town", document(rules=[{"team": "crew", "district": "north"}]))
    assert run(own_app, str(path)) == (1, ["Error: rules: there is no district 'north'"])
    assert cities(own_app) == ["beaurive"]

    path.write_text("teams: [")
    code, [line] = run(own_app, str(path))
    assert code == 1
    assert line.startswith(f"Error: {path}: ")

    code, [line] = run(own_app, str(tmp_path / "none.yaml"))
    assert code == 1
    assert "No such file" in line
