"""What views work with: the application's parts, the request's session, language and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from uuid import uuid4

from flask import Flask, current_app, g, request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.limits import RequestLimits
from api.metrics import Exposition
from api.readiness import Readiness
from api.throttle import LoginThrottle
from infra import words
from infra.metrics import Metrics
from infra.progress import Progress
from infra.queue import NudgeQueue
from infra.settings import Settings
from infra.storage import Storage
from reports import errands

_KEY = "vigie"


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that one application holds."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    queue: NudgeQueue
    storage: Storage
    logins: LoginThrottle
    limits: RequestLimits
    readiness: Readiness
    progress: Progress
    metrics: Metrics
    exposition: Exposition


def install(app: Flask, parts: Services) -> None:
    """Give the application its parts."""
    app.extensions[_KEY] = parts
    app.teardown_appcontext(_close)


def services() -> Services:
    """Return the current application's parts."""
    return cast(Services, current_app.extensions[_KEY])


def db() -> Session:
    """Return the request's database session, opened at first use."""
    if "session" not in g:
        g.session = services().sessions()
    return cast(Session, g.session)


def db_without_transaction() -> Session:
    """Return the request's session for questions each of which may stand by itself.

    To begin and to end a transaction would each take a round trip to the database. One that has
    begun goes on.
    """
    session = db()
    if not session.in_transaction():
        session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    return session


def commit() -> None:
    """Commit the request's work, then nudge the queue with what it owes."""
    session = db()
    session.commit()
    if nudges := errands.take(session):
        services().queue.send(nudges, request_id())


def roll_back() -> None:
    """End the transaction without its work, also where the database has gone in the meantime."""
    session = db()
    try:
        session.rollback()
    except SQLAlchemyError:
        # A lost connection has taken the work with it, and is no reason to lose the answer too.
        session.invalidate()


def release() -> None:
    """End the transaction, so that no connection is held while the storage is asked."""
    db().commit()


def locale() -> str:
    """Return the language of the answer, by the caller's preference."""
    if wanted := g.get("locale"):
        return cast(str, wanted)
    # Werkzeug takes an exact match of little weight before the language of a preferred "fr-CA".
    for tag, weight in request.accept_languages if request else ():
        language = tag.partition("-")[0].lower()
        if weight > 0 and language in words.locales():
            return language
    return words.SOURCE_LOCALE


def prefer(language: str) -> None:
    """Have the answer be in the language that the caller names otherwise than by a header."""
    g.locale = language


def request_id() -> str:
    """Return the id under which everything that this request leads to is logged."""
    if "request_id" not in g:
        g.request_id = uuid4().hex
    return cast(str, g.request_id)


def public_url(path: str) -> str:
    """Return an absolute address of this installation; never made from the Host header."""
    return services().settings.public_url + path


def _close(_error: BaseException | None) -> None:
    if "session" not in g:
        return
    session = g.pop("session")
    try:
        session.close()
    except SQLAlchemyError:
        session.invalidate()
