"""The queue is down or was flushed: what was acknowledged is done later (fault 37)."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.app import create_app
from api.counts import Counts
from api.services import Services
from api.throttle import PER_PERSON, LoginThrottle, TooManyLogins
from infra.clock import now
from infra.embedded.valkey import Valkey
from infra.queue import Job, Nudge, NudgeQueue, connect
from infra.settings import Settings
from reports.models import Notice, Report
from reports.upkeep import sweep
from tests.reports import photo_samples
from tests.resident import Resident, body_of
from tests.stack import environment


@pytest.mark.fault(37)
def test_37_a_report_is_taken_while_the_queue_is_down(
    own_database_url: str, tmp_path: Path
) -> None:
    environ = environment(
        tmp_path, own_database_url, "unix:///nowhere/valkey.sock", "smtp://127.0.0.1:9"
    )
    app = create_app(Settings.from_env(environ))
    parts: Services = app.extensions["vigie"]
    resident = Resident(app.test_client())

    sent = resident.report(contact={"email": "camille@example.org"})
    assert resident.put_photo(sent, photo_samples.jpeg()).status_code == 201

    with parts.sessions() as session:
        waiting = sweep.waiting(session, now())
    parts.engine.dispose()
    jobs = [nudge.job for nudge in waiting]
    assert sorted(jobs) == sorted([Job.RENDER_PHOTO, Job.SEND_NOTICE, Job.SEND_NOTICE])


@pytest.mark.fault(37)
def test_37_what_was_flushed_is_sent_again(valkey: Valkey, client: FlaskClient) -> None:
    connection = connect(valkey.url)
    queue = NudgeQueue(connection, Settings.from_env(_environ(valkey)).job_timeouts_s)
    nudges = [Nudge(Job.RENDER_PHOTO, 987_654), Nudge(Job.SEND_NOTICE, 987_654)]
    queue.send(nudges)
    assert queue.missing(nudges) == []

    connection.delete("rq:queue:photos")

    assert queue.missing(nudges) == nudges[:1]
    queue.send(queue.missing(nudges))
    assert queue.missing(nudges) == []
    redis.Redis.from_url(valkey.url).delete("rq:queue:photos", "rq:queue:notices")


def test_each_notice_of_a_report_is_nudged_at_once(
    valkey: Valkey, resident: Resident, session: Session
) -> None:
    sent = resident.report(contact={"email": "camille@example.org"})
    notices = session.scalars(
        select(Notice.id)
        .join(Report, Report.id == Notice.report_id)
        .where(Report.reference == sent["reference"])
    ).all()
    assert len(notices) == 2
    queue = NudgeQueue(connect(valkey.url), Settings.from_env(_environ(valkey)).job_timeouts_s)
    assert queue.missing([Nudge(Job.SEND_NOTICE, id_) for id_ in notices]) == []


@pytest.mark.fault(37)
def test_37_failed_logins_are_counted_without_the_store() -> None:
    counts = Counts(connect("unix:///nowhere/valkey.sock").connection_pool)
    throttle = LoginThrottle(counts)
    for _ in range(PER_PERSON.quota):
        throttle.begin("a@example.org", "192.0.2.1")
    with pytest.raises(TooManyLogins):
        throttle.begin("a@example.org", "192.0.2.1")
    throttle.begin("a@example.org", "192.0.2.2")
    throttle.begin("b@example.org", "192.0.2.1")


@pytest.mark.fault(37)
def test_37_readiness_names_the_queue(own_database_url: str, tmp_path: Path) -> None:
    environ = environment(
        tmp_path, own_database_url, "unix:///nowhere/valkey.sock", "smtp://127.0.0.1:9"
    )
    app = create_app(Settings.from_env(environ))
    parts: Services = app.extensions["vigie"]
    answer = app.test_client().get("/readyz")
    parts.engine.dispose()
    assert answer.status_code == 503
    told = body_of(answer)["parts"]
    assert told["queue"] != "ok"
    assert told["database"] == told["storage"] == "ok"


def _environ(valkey: Valkey) -> dict[str, str]:
    return environment(Path("/nowhere"), "postgresql:///none", valkey.url, "smtp://none")
