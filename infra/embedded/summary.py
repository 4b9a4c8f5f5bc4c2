"""What a running launcher tells people and scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def logins(people: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the demo's people as the lines of a table."""
    rows = [("role", "e-mail", "password", "teams")]
    rows += [
        (person["role"], person["email"], person["password"], ", ".join(person["teams"]))
        for person in people
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def example(url: str, places: Sequence[Mapping[str, Any]]) -> str:
    """Return a command line that asks who answers for a spot inside the demo city."""
    inside = next(place for place in places if place["note"] == "inside")
    where = f"latitude={inside['latitude']}&longitude={inside['longitude']}"
    return f"curl -s '{url}/api/v1/locate?{where}'"


def farewell(url: str, mail: str | None, demo: Mapping[str, Any]) -> str:
    """Return the last lines of a start: what to open, who to be, what to try."""
    addresses = [
        ("Start page", f"{url}/"),
        ("API", f"{url}/api/docs"),
        ("Mails", f"{mail}, one file each" if mail else "sent through SMTP_URL"),
        ("Logs", "var/log/web.log, var/log/workers.log"),
        ("Shell", ". var/env && flask --app wsgi --help"),
    ]
    if demo["open311"]:
        addresses.insert(2, ("Open311", f"{demo['open311']['url']}, with the key of var/demo.json"))
    lines = [
        "",
        "Vigie is ready. Ctrl-C stops it; the data stay.",
        "",
        *(f"  {name:<12}{value}" for name, value in addresses),
        "",
        *(f"  {line}" for line in logins(demo["people"])),
        "",
        "  Who answers for this spot?",
        f"  {example(url, demo['places'])}",
        "",
    ]
    return "\n".join(lines)
