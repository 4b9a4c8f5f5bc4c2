"""HTTP as the tests speak it, which is to servers of their own and without TLS.

Whoever makes a client of httpx's own reads every certificate authority for it, each time, which
takes longer than most of what is then asked.
"""

from __future__ import annotations

from functools import partial

import httpx

Client = partial(httpx.Client, verify=False)
AsyncClient = partial(httpx.AsyncClient, verify=False)
request = partial(httpx.request, verify=False)
get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)
put = partial(httpx.put, verify=False)
