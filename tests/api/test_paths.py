"""Numbers in addresses: none is too large to be answered."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.api import help as h
from tests.api.test_administration import Office


def numbered(app: Flask) -> list[tuple[str, str]]:
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if "<int:" in rule.rule
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


@pytest.mark.parametrize(
    "number",
    [10**9 - 1, 10**9, 2**31, 2**63, 10**30, 10**4000],
    ids=lambda number: f"{len(str(number))} digits",
)
def test_a_number_that_nothing_has_is_not_found(app: Flask, number: int) -> None:
    office = Office(app)
    addresses = numbered(app)
    assert len(addresses) > 15
    for method, rule in addresses:
        path = rule.replace("<key>", "quartiers")
        for name in ("key", "number", "delivery"):
            path = path.replace(f"<int:{name}>", str(number))
        answer = office.client.open(
            path, method=method, json={}, headers={**office.headers, "If-Match": '"v1"'}
        )
        # Whoever sends nothing that could be kept may be told that first.
        found = (404, 422) if number < 10**9 else (404,)
        assert answer.status_code in found, (method, path)
        h.refused(answer, answer.status_code)
