"""What the doctor says of a city."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from city.models import Jurisdiction
from infra.checks.findings import State
from infra.clock import now
from reports.models import Notice
from reports.upkeep import checkup, owed
from reports.webhook_models import DisabledReason, Webhook
from tests.api.help import parts_of
from tests.resident import Resident

Look = Callable[[], dict[str, State]]


@pytest.fixture
def look(own_app: Flask) -> Look:
    """Return what looks at the city of `own_app`, in which one notice has been owed just now."""
    Resident(own_app.test_client()).report()
    url = parts_of(own_app).settings.database_url
    return lambda: {finding.check: finding.state for finding in checkup.look(url, now())}


def change(
    app: Flask, model: type[Notice] | type[Jurisdiction] | type[Webhook], **values: object
) -> None:
    with parts_of(app).sessions.begin() as session:
        session.execute(update(model).values(**values))


def test_a_city_that_is_served_is_sound(look: Look) -> None:
    assert look() == dict.fromkeys(("cities", "waiting", "failed", "webhooks"), State.OK)


def test_an_installation_without_a_city_is_wrong(own_app: Flask, look: Look) -> None:
    change(own_app, Jurisdiction, retired_at=now())
    assert look()["cities"] is State.WRONG


def test_a_city_in_an_unknown_time_zone_is_wrong(own_app: Flask, look: Look) -> None:
    change(own_app, Jurisdiction, time_zone="Mars/Olympus")
    assert look()["cities"] is State.WRONG


def test_what_waits_for_long_is_told(own_app: Flask, look: Look) -> None:
    change(own_app, Notice, due_at=now() - timedelta(minutes=10))
    assert look()["waiting"] is State.WARNING
    change(own_app, Notice, due_at=now() - timedelta(hours=2))
    assert look()["waiting"] is State.WRONG
    change(own_app, Notice, leased_until=now() + timedelta(minutes=1))
    assert look()["waiting"] is State.OK


def test_given_up_notices_are_told_but_not_those_held_back(own_app: Flask, look: Look) -> None:
    change(own_app, Notice, status="failed", error="SMTP 550")
    assert look()["failed"] is State.WARNING
    change(own_app, Notice, error=owed.HELD)
    assert look()["failed"] is State.OK
    change(own_app, Notice, error="SMTP 550", due_at=now() - timedelta(days=8))
    assert look()["failed"] is State.OK


def test_a_webhook_that_was_given_up_is_told(own_app: Flask, look: Look) -> None:
    resting: dict[str, object] = {
        "disabled_at": now(),
        "disabled_reason": DisabledReason.ADMINISTRATOR.value,
    }
    with parts_of(own_app).sessions.begin() as session:
        hook = Webhook(
            jurisdiction_id=session.scalars(select(Jurisdiction.id)).one(),
            url="https://hooks.example.org/",
            event_kinds=[],
            secret="whsec_c2VjcmV0",
            created_at=now(),
            failures=0,
            **resting,
        )
        session.add(hook)
    assert look()["webhooks"] is State.OK
    change(own_app, Webhook, disabled_reason=DisabledReason.FAILING.value)
    assert look()["webhooks"] is State.WARNING
