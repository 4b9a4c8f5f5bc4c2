"""The process that asks outsiders' addresses: it tells webhooks, and fetches photos from links.

Both wait for others most of the time and hold up nobody, so they share a process and its memory.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from infra.outgoing import Outgoing
from infra.settings import Settings
from workers.links import Fetcher
from workers.tools import tools, until_stopped
from workers.webhooks import Courier


def serve(settings: Settings) -> None:
    """Work until SIGTERM; where one of the two breaks, the process ends and is started again."""
    outgoing = Outgoing(allowed=settings.webhook_networks, ports=settings.webhook_ports)
    kit, stopped = tools(), until_stopped()
    kit.metrics.flush()
    both = (Courier(kit, outgoing), Fetcher(kit, outgoing))
    with ThreadPoolExecutor(len(both), thread_name_prefix="outgoing") as threads:
        running = [threads.submit(one.run, stopped) for one in both]
        wait(running, return_when=FIRST_COMPLETED)
        stopped.set()
    for one in running:
        one.result()
