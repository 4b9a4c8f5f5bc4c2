"""`flask doctor`: what an operator sees, and the exit status that a script goes by."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands import run_module, try_module
from tests.stack import Stack, environment, eventually, free_port

DOCTOR = ("flask", "--app", "wsgi", "doctor")


def test_a_sound_installation(stack: Stack) -> None:
    environ = {**stack.environ, "MAIL_FROM": "city@city.example"}

    def examined() -> dict[str, str] | None:
        code, output, _ = try_module(environ, *DOCTOR, "--json")
        told = json.loads(output)
        assert told["sound"] is (code == 0)
        found = {finding["check"]: finding["state"] for finding in told["findings"]}
        return found if code == 0 else None

    found = eventually(examined)
    assert len(found) > 20
    assert {"cities", "workers of photos", "workers of notices", "mail", "storage"} < set(found)
    assert set(found.values()) <= {"ok", "warning"}
    assert "ok       cities              beaurive\n" in run_module(environ, *DOCTOR)


def test_nothing_answers_and_everything_is_told(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    (tmp_path / "storage").write_text("in the way of the folder")
    environ = environment(
        tmp_path,
        f"postgresql://vigie:top-secret@{nowhere}/x",
        f"redis://{nowhere}",
        f"smtp://{nowhere}",
    )
    code, output, complaints = try_module(environ, *DOCTOR)
    assert code == 1
    assert "Traceback" not in complaints
    assert "top-secret" not in output + complaints
    wrong = [line.split()[1] for line in output.splitlines() if line.startswith("wrong")]
    assert wrong == ["public", "database", "cities", "queue", "storage", "mail"]


def test_variables_that_cannot_be_used_are_told_and_the_rest_is_examined(tmp_path: Path) -> None:
    good = environment(tmp_path, "postgresql:///x", "unix:///x", "smtp://127.0.0.1:9")
    environ = {**good, "DATABASE_URL": "mysql://x", "SECRET_KEY": ""}
    code, output, _ = try_module(environ, *DOCTOR, "--json")
    assert code == 1
    findings = json.loads(output)["findings"]
    told = [finding["text"] for finding in findings if finding["check"] == "variables"]
    assert len(told) == 2
    assert told[0].startswith("DATABASE_URL cannot be used: expected an address")
    assert told[1].startswith("SECRET_KEY is not set")
    assert "storage" in {finding["check"] for finding in findings if finding["state"] == "ok"}


def test_without_variables_other_commands_and_servers_end_with_their_name(tmp_path: Path) -> None:
    environ = environment(tmp_path, "", "unix:///x", "smtp://127.0.0.1:9")
    code, _, complaints = try_module(environ, "flask", "--app", "wsgi", "city", "load", "x.yaml")
    assert (code, complaints) == (1, "Error: DATABASE_URL is not set\n")
    code, _, complaints = try_module(environ, "wsgi")
    assert code == 1
    assert complaints.endswith("SettingsError: DATABASE_URL is not set\n")
    code, _, complaints = try_module(environ, "flask", "--app", "wsgi", "run")
    assert code == 1
    assert complaints.endswith("SettingsError: DATABASE_URL is not set\n")
