"""What Prometheus reads."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from flask import Response, request
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.blueprint import resource
from api.callers import NotAuthenticated, anyone
from api.declarations import raises
from api.services import services
from api.tokens import bearer

blueprint = resource("metrics", "How much there is to do, for machines.", prefix="")

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@blueprint.route("/metrics")
@anyone
@raises(NotAuthenticated)
@blueprint.response(
    200, {"type": "string"}, description="In Prometheus's text format.", content_type="text/plain"
)
def read() -> Response:
    """Tell counts and states in Prometheus's text format.

    Only for who has the installation's own token, or, where it has none, this machine itself.
    """
    if not _may_read():
        raise NotAuthenticated
    return Response(services().exposition.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_read() -> bool:
    expected = services().settings.metrics_token
    if expected:
        return hmac.compare_digest((bearer() or "").encode(), expected.encode())
    # Behind a proxy on this machine everybody seems to be local.
    if any(name in request.headers for name in _FORWARDED):
        return False
    return request.remote_addr is not None and ip_address(request.remote_addr).is_loopback
