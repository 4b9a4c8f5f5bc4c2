"""What the launcher makes of the caller's variables, and what it leaves for a shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.embedded import environment, summary
from infra.embedded.process import StartError
from infra.settings import SettingsError


def test_a_blank_variable_is_none() -> None:
    assert environment.given({"PORT": " ", "A": "b"}) == {"A": "b"}
    assert environment.check({"DATABASE_URL": ""}).database_url.startswith("postgresql+psycopg://")
    with pytest.raises(SettingsError, match="STORAGE_URL"):
        environment.check({"STORAGE_URL": "folder"})


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"PORT": " 9000 "}, "http://127.0.0.1:9000"),
        ({"HOST": "0.0.0.0", "PORT": "1"}, "http://127.0.0.1:1"),
        ({"HOST": "192.0.2.7"}, "http://192.0.2.7:8000"),
    ],
)
def test_an_address_can_be_reached_from_this_machine(variables: dict[str, str], url: str) -> None:
    assert environment.address(variables).url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PORT", value) for value in ("0", "-1", "65536", "8 0", "٨٠", "9" * 5000)),
        *(("HOST", value) for value in ("::1", "city.example", "10.0.0", "10.0.0.1/8")),
    ],
)
def test_a_bad_address_is_named(name: str, value: str) -> None:
    with pytest.raises(StartError, match=f"^{name} cannot be used"):
        environment.address({name: value})


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    secret = environment.secret_key(path)
    assert environment.secret_key(path) == secret
    assert environment.secret_key(tmp_path / "other") != secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert environment.check({"SECRET_KEY": secret}).secret_key == secret


def test_a_shell_reads_the_exports_as_they_are(tmp_path: Path) -> None:
    value = "a 'quoted' \"$HOME\" `word`\nand a line"
    environment.write_exports(tmp_path / "env", {"VALUE": value}, tmp_path / "bin")
    read = subprocess.run(
        ["sh", "-c", '. "$0"; printf %s "$PATH:::$VALUE"', str(tmp_path / "env")],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert read.stdout == f"{tmp_path}/bin:/usr/bin:/bin:::{value}"


def test_the_summary_tells_every_login_and_a_spot_inside() -> None:
    people = [
        {"role": "auditor", "email": "a@example.org", "password": "one", "teams": []},
        {"role": "team_lead", "email": "b@example.org", "password": "two", "teams": ["a", "b"]},
    ]
    places = [
        {"latitude": 1.0, "longitude": 2.0, "district": None, "note": "outside"},
        {"latitude": 48.5, "longitude": 2.5, "district": "a", "note": "inside"},
    ]
    demo = {"people": people, "places": places, "open311": {"url": "http://host/open311/v2"}}
    told = summary.farewell("http://host", None, demo)
    lines = [line.split() for line in told.splitlines()]
    assert ["auditor", "a@example.org", "one"] in lines
    assert ["team_lead", "b@example.org", "two", "a,", "b"] in lines
    assert "'http://host/api/v1/locate?latitude=48.5&longitude=2.5'" in told
    assert "http://host/open311/v2, with the key of var/demo.json" in told
    assert "sent through SMTP_URL" in told
    assert "Open311" not in summary.farewell("http://host", None, {**demo, "open311": None})
