"""Whether this process lives, and whether all that it needs answers."""

from __future__ import annotations

from flask import Response, jsonify

from api.blueprint import LATER, resource
from api.callers import anyone
from api.problems import MEDIA_TYPE
from api.readiness import OK
from api.schemas.common import ProblemSchema
from api.schemas.health import AliveSchema, ReadySchema
from api.services import services

blueprint = resource("health", "Whether the service works.", prefix="")


@blueprint.route("/healthz")
@anyone
@blueprint.response(200, AliveSchema, description="The process lives.")
def is_alive() -> Response:
    """Tell that this process lives."""
    return jsonify(status=OK)


@blueprint.route("/readyz")
@anyone
@blueprint.response(200, ReadySchema, description="Everything that the service needs answers.")
@blueprint.alt_response(
    503,
    schema=ReadySchema,
    description="Some part does not answer; it is named.",
    headers=LATER,
)
@blueprint.doc(responses={"503": {"content": {MEDIA_TYPE: {"schema": ProblemSchema}}}})
def is_ready() -> Response:
    """Tell whether database, queue and storage answer, each by name."""
    parts = services().readiness.parts()
    ready = all(found == OK for found in parts.values())
    answer = jsonify(status=OK if ready else "unavailable", parts=parts)
    answer.status_code = 200 if ready else 503
    if not ready:
        answer.headers["Retry-After"] = "5"
    return answer
