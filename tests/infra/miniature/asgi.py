"""The miniature as the web server gets it."""

from __future__ import annotations

import asyncio
from typing import Any

import wsgi


async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """Answer a GET."""
    answer = await asyncio.to_thread(wsgi.app.test_client().get, scope["path"])
    await send({"type": "http.response.start", "status": answer.status_code, "headers": []})
    await send({"type": "http.response.body", "body": answer.data})
