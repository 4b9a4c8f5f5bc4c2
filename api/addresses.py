"""As what address a caller counts."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, IPv6Network, ip_address

from flask import request

# Some proxies name the port beside the address.
_WITH_PORT = re.compile(r"\[(.+)\](?::\d+)?|([\d.]+):\d+")
_UNREADABLE = "unreadable"
# What one household or office has of IPv6: whoever holds it picks a new address at will.
_ONE_CALLERS_BITS = 64
# What a provider gives to whoever asks for more than that.
_ONE_SITES_BITS = 48


def of_caller() -> str:
    """Return the address of the present request's caller, or the network that is all theirs."""
    return counted(request.remote_addr or "")


def counted(text: str) -> str:
    """Return as what an address counts, by whatever port; all that is none counts as one."""
    try:
        address = ip_address(_without_port(text))
    except ValueError:
        return _UNREADABLE
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _ONE_CALLERS_BITS), strict=False))


def site(text: str) -> str | None:
    """Return the network around what an IPv6 address counts as; None for anything else."""
    if "/" not in text:
        return None
    return str(IPv6Network(text).supernet(new_prefix=_ONE_SITES_BITS))


def _without_port(text: str) -> str:
    found = _WITH_PORT.fullmatch(text)
    return found[1] or found[2] if found else text
