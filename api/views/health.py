"""Whether this process lives, and whether all that it needs answers."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.blueprint import resource
from api.callers import anyone
from api.services import services
from infra.storage import StorageError

blueprint = resource("health", "Whether the service works.", prefix="")


@blueprint.route("/healthz")
@anyone
@blueprint.response(200, description="The process lives.")
def is_alive() -> Response:
    """Tell that this process lives."""
    return jsonify(status="ok")


@blueprint.route("/readyz")
@anyone
@blueprint.response(200, description="Everything that the service needs answers.")
@blueprint.alt_response(503, description="Some part does not answer; it is named.")
def is_ready() -> Response:
    """Tell whether database, queue and storage answer, each by name."""
    checks: dict[str, Callable[[], object]] = {
        "database": _ask_database,
        "queue": services().queue.ping,
        "storage": services().storage.check,
    }
    parts = {name: _try(check) for name, check in checks.items()}
    ready = all(found == "ok" for found in parts.values())
    answer = jsonify(status="ok" if ready else "unavailable", parts=parts)
    answer.status_code = 200 if ready else 503
    if not ready:
        answer.headers["Retry-After"] = "5"
    return answer


def _ask_database() -> None:
    with services().engine.connect() as connection:
        connection.execute(text("SELECT postgis_lib_version()"))


def _try(check: Callable[[], object]) -> str:
    try:
        check()
    except (RedisError, SQLAlchemyError, StorageError) as error:
        return type(error).__name__
    return "ok"
