"""`flask doctor`: is the installation sound, and if not, what to do."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from infra.checks import database, places, queue, variables
from infra.checks.findings import Finding, Look, State, examine
from infra.clock import now
from infra.settings import Settings
from reports.upkeep import checkup

_PATIENCE_S = 30
_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.WRONG: "red"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def group(as_json: bool) -> None:
    """Check the installation, and say how to mend what is wrong.

    Nothing is changed and nothing is sent. The exit status is 1 when something is wrong; warnings
    leave it at 0.
    """
    findings = []
    for finding in examine(_parts(*Settings.survey()), _PATIENCE_S):
        findings.append(finding)
        if not as_json:
            state = click.style(f"{finding.state:<9}", fg=_COLOURS[finding.state])
            click.echo(f"{state}{finding.check:<20}{finding.text}")
    if as_json:
        click.echo(_as_json(findings))
    if _count(findings, State.WRONG):
        sys.exit(1)


def _parts(settings: Settings, faults: dict[str, str]) -> dict[str, Look]:
    """Return what can be asked: a part whose variable is unusable cannot."""
    needs: dict[str, tuple[str, Look]] = {
        "variables": ("", lambda: variables.look(settings, faults)),
        "database": ("DATABASE_URL", lambda: database.look(settings.database_url)),
        "city": ("DATABASE_URL", lambda: checkup.look(settings.database_url, now())),
        "queue": ("REDIS_URL", lambda: queue.look(settings)),
        "storage": ("STORAGE_URL", lambda: places.look_at_storage(settings.storage_url)),
        "temporary files": ("", places.look_at_disk),
        "mail": ("SMTP_URL", lambda: places.look_at_mail(settings)),
    }
    return {name: look for name, (variable, look) in needs.items() if variable not in faults}


def _as_json(findings: list[Finding]) -> str:
    sound = not _count(findings, State.WRONG)
    told = {"sound": sound, "findings": [asdict(finding) for finding in findings]}
    return json.dumps(told, ensure_ascii=False, indent=2)


def _count(findings: list[Finding], state: State) -> int:
    return sum(finding.state is state for finding in findings)
