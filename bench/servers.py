"""Which web server: granian behind the gate, granian's own WSGI, and gunicorn with threads.

Each serves the same application from as many processes and threads. Then each is asked once more
while a crowd holds connections open with half a body in each, which decides more than the figures.
"""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException

from bench.intake import new_report
from bench.tools.servers import GATED, GUNICORN, PLAIN, request, requests_per_s, serving, site
from bench.tools.verdict import Ratio, conclude
from tests.resident import BASE

ROUNDS = 3
ROUND_S = 2.0
CLIENTS = 16
CROWD = 600
PATIENCE_S = 5
BOUND = 0.9
SERVERS = {
    "granian behind the gate": (GATED, "asgi:app"),
    "granian, WSGI": (PLAIN, "wsgi:app"),
    "gunicorn, gthread": (GUNICORN, "wsgi:app"),
}
OURS, *PEERS = SERVERS
JOBS = {
    "GET /healthz": (lambda: request("GET", "/healthz", b""), 200),
    "POST /reports": (new_report, 201),
}


def survives_crowd(port: int) -> bool:
    """Tell whether somebody is answered while many others have sent half of a body."""
    half = request("POST", f"{BASE}/reports", b"{}", ["Content-Type: application/json"])[:-1]
    with ExitStack() as crowd:
        for _ in range(CROWD):
            one = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
            crowd.callback(one.close)
            one.sendall(half)
        other = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        crowd.callback(other.close)
        try:
            other.request("GET", "/healthz")
            return other.getresponse().status == 200
        except (OSError, HTTPException):
            return False


def main() -> int:
    """Take every server's samples in turn, and conclude."""
    samples: dict[tuple[str, str], list[float]] = {
        (server, job): [] for server in SERVERS for job in JOBS
    }
    with site() as city, ExitStack() as running:
        ports = {
            name: running.enter_context(serving(command, target, city))
            for name, (command, target) in SERVERS.items()
        }
        for _ in range(ROUNDS):
            for (server, job), taken in samples.items():
                make, status = JOBS[job]
                taken.append(requests_per_s(ports[server], ROUND_S, CLIENTS, make, status))
        survivors = {name: survives_crowd(port) for name, port in ports.items()}
    for name, survived in survivors.items():
        verdict = "answers others" if survived else "answers nobody else"
        print(f"{name}: with {CROWD} half-sent bodies it {verdict}")
    missed = conclude(
        [
            Ratio(job, peer, "/s", samples[OURS, job], samples[peer, job], BOUND, at_least=True)
            for job in JOBS
            for peer in PEERS
        ]
    )
    return missed if survivors[OURS] else 1


if __name__ == "__main__":
    sys.exit(main())
