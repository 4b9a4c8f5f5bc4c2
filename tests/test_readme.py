"""What newcomers and operators are told holds as it is printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from city.access import Act, Reach, Role, reach
from city.file_format import read_city_file, read_json
from infra.settings import Settings, SettingsError
from tests.geo.looking import read_features
from tests.stack import ROOT, Stack

README = ROOT / "README.md"
RUNNING = ROOT / "docs" / "running.md"
CHANGING = ROOT / "docs" / "changing.md"
DESK = ROOT / "docs" / "desk.md"
ROUTING = ROOT / "docs" / "routing.md"
PAGES = (README, RUNNING, CHANGING, DESK)
PRINTED_URL = "http://127.0.0.1:8000"
REQUIRED = {
    "DATABASE_URL": "postgresql://db.example/vigie",
    "REDIS_URL": "redis://queue.example",
    "STORAGE_URL": "file:///srv/vigie",
    "SMTP_URL": "smtp://mail.example",
    "PUBLIC_URL": "https://city.example",
    "SECRET_KEY": "a secret of the tests, long enough",
}


class Asked(Mapping[str, str]):
    """An environment that remembers which variables it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)


def walk() -> str:
    """Return the lines of the README that walk a report from the phone to its closing."""
    [block] = [block for block in blocks(README, "sh") if "/api/v1/reports" in block]
    return block


def desk_calls() -> str:
    """Return the lines of the README that show the desk."""
    [block] = [block for block in blocks(README, "sh") if "/api/v1/tickets?" in block]
    return block


def run(script: str, stack: Stack) -> str:
    """Run what a page prints as somebody would who pastes it, and return what it says."""
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script.replace(PRINTED_URL, stack.url)],
        cwd=ROOT,
        env=os.environ | {"no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def explained() -> dict[str, str]:
    """Return each variable of the operators' table with its default."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", RUNNING.read_text("utf-8"), re.M)
    return {name: default.strip("`") for name, default in rows}


def mentioned_files(page: Path) -> Iterator[str]:
    text = page.read_text("utf-8")
    code = (found for found in re.findall(r"`([\w./-]+)`", text) if re.search(r"\w/\w", found))
    yield from (found for found in code if re.search(r"\.(md|py|txt|html|po|yaml)$", found))


def test_the_walk_is_five_commands_with_one_curl_each() -> None:
    commands = walk().replace("\\\n", "").splitlines()
    assert [len(re.findall(r"\bcurl\b", command)) for command in commands] == [1] * 5
    assert all(PRINTED_URL in command for command in commands)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_walk_leads_from_the_phone_to_the_closing(demo_stack: Stack) -> None:
    said = run(walk(), demo_stack)
    sent = json.loads(said.partition("\n")[0])
    read = json.loads(said[said.index("\n{\n") :])
    assert sent["status"] == "received"
    assert sent["team"]["code"] == "voirie"
    assert read["reference"] == sent["reference"]
    assert read["status"] == "resolved"
    assert read["public_message"] == "The hole is filled. Thank you for telling us!"
    assert len(read["photos"]) == 1
    assert read["contact"]["email"] == "camille@example.org"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_desk_of_the_readme_closes_what_presses_most(demo_stack: Stack) -> None:
    said = run(desk_calls(), demo_stack)
    inbox, _, closed = said.rpartition("}\n{")
    page = json.loads(f"{inbox}}}")
    [ticket] = [json.loads(f"{{{closed}")]
    assert len(page["items"]) == 5
    assert page["open"]["total"] > 80
    assert page["items"][0]["reference"] == ticket["reference"]
    assert ticket["status"] == "resolved"
    assert ticket["events"][-1]["reason"] == "Done this morning"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_day_of_the_desk_can_be_pasted(demo_stack: Stack) -> None:
    blocks_of_day = blocks(DESK, "sh")
    said = run("\n".join(blocks_of_day), demo_stack)
    assert len(blocks_of_day) >= 10
    for outcome in (
        '"name":"Late roads"',
        '"changes":[',
        '"text":"Bring the small roller."',
        '"kind":"handed_back"',
        '"status":200',
        '"password_set":false',
        '"source":',
    ):
        assert outcome in said.replace('": ', '":')


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_way_from_a_road_to_a_decision_can_be_pasted(demo_stack: Stack) -> None:
    shell = blocks(ROUTING, "sh")
    steps = shell[next(n for n, block in enumerate(shell) if block.startswith("api=")) :]
    said = run("\n".join(f"{step}\necho\necho =====" for step in steps), demo_stack)
    _, layer, draft, lint, simulated, published, decided, back = said.split("=====\n")[:8]
    brought, called = layer.strip().splitlines()
    assert (json.loads(brought)["features"], called) == (2, "the roads")
    [first, *others] = json.loads(draft)["rules"]
    assert first["text"] == (
        "Roads and getting around everywhere, within 60 m of “the roads” whose owner is"
        " “department”: Town hall front desk"
    )
    assert len(others) > 5
    assert {one["kind"] for one in json.loads(lint)["items"]} == {"unreached"}
    assert len(json.loads(lint)["items"]) == 4
    told, listed, drawn = (json.loads(line) for line in simulated.strip().splitlines())
    assert (told["status"], told["done"]) == ("done", told["total"])
    assert told["total"] > 200
    assert told["changed"]["teams"] == len(listed["items"]) == len(drawn["features"]) > 0
    assert published.split() == ["True"]
    assert "within 60 m of “the roads”" in json.loads(decided)["text"]
    assert json.loads(decided)["team"]["code"] == "accueil"
    restored, again = back.strip().splitlines()
    assert restored == "True"
    assert json.loads(again)["team"]["code"] == "voirie"


def test_the_table_of_roles_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z_]+)`.*?\|(.*)\|$", DESK.read_text("utf-8"), re.M)
    words = {"": None, "all": Reach.JURISDICTION, "teams": Reach.TEAMS}
    told = {act: [words[cell.strip()] for cell in cells.split("|")] for act, cells in rows}
    roles = ("administrator", "dispatcher", "team_lead", "team_member", "auditor")
    assert told == {act.value: [reach(Role(role), act) for role in roles] for act in Act}


def test_every_variable_is_explained_with_its_default() -> None:
    environ = Asked(REQUIRED)
    settings = Settings.from_env(environ)
    defaults = {name: default for name, default in explained().items() if default != "required"}
    assert explained().keys() == environ.names
    assert explained().keys() - defaults.keys() == REQUIRED.keys()
    assert Settings.from_env(REQUIRED | defaults) == settings


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_called_required_is_required(name: str) -> None:
    others = {other: value for other, value in REQUIRED.items() if other != name}
    with pytest.raises(SettingsError, match=f"{name} is not set"):
        Settings.from_env(others)


def test_the_example_of_a_city_can_be_read(tmp_path: Path) -> None:
    [example] = blocks(RUNNING, "yaml")
    [districts] = blocks(RUNNING, "json")
    (tmp_path / "city.yaml").write_text(example, encoding="utf-8")
    (tmp_path / "districts.geojson").write_text(districts, encoding="utf-8")
    city = read_city_file(tmp_path / "city.yaml")
    [layer] = city.layers
    features = read_features(
        read_json(tmp_path / layer.file), layer.code_property, layer.name_property
    )
    named = {rule.district for rule in city.rules if rule.district}
    assert named
    assert named <= {feature.code for feature in features}
    assert not any(feature.repaired for feature in features)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    made_by_running = ("var/", ".venv/")
    missing += [
        name
        for name in mentioned_files(page)
        if not name.startswith(made_by_running) and not (ROOT / name).exists()
    ]
    assert links
    assert missing == []
