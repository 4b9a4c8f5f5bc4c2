"""Tells the life of every ticket again, from nothing but the lines of the audit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_COMES = {"received", "joined", "moved_in", "parted"}
_GOES = {"moved_out", "left"}
_STANDS = {"status", "received", "parted"}


def replay(lines: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return how each ticket stands after the lines, which come oldest first.

    What a line says something was before has to be what the lines before it have made of it.
    """
    tickets: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line["source"] == "tickets":
            born = {**line["changes"].get("state", {}), "status": None, "merged_into": None}
            ticket = tickets.setdefault(line["thing"]["reference"], born | {"reports": set()})
            _move_reports(ticket, line["act"], line["changes"])
            _change(ticket, line["act"], line["changes"])
    return tickets


def _move_reports(ticket: dict[str, Any], act: str, data: dict[str, Any]) -> None:
    if act in _COMES:
        ticket["reports"].add(data["report"])
        ticket["merged_into"] = None
    elif act in _GOES:
        ticket["reports"].remove(data["report"])
    elif act == "merged":
        ticket["reports"].clear()
        ticket["merged_into"] = data["ticket"]


def _change(ticket: dict[str, Any], act: str, data: dict[str, Any]) -> None:
    if act == "status":
        assert ticket["status"] == data["from"]
    if act in _STANDS:
        ticket["status"] = data["to"]
    for name, (before, after) in data.get("changes", {}).items():
        if name in ticket:
            assert ticket[name] == before, name
            ticket[name] = after
