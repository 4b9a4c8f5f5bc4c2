"""As what address a caller counts."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

from flask import request

# What one household or office has of IPv6: whoever holds it picks a new address at will.
_ONE_CALLERS_BITS = 64


def of_caller() -> str:
    """Return the address of the present request's caller, or the network that is all theirs."""
    return counted(request.remote_addr or "")


def counted(text: str) -> str:
    """Return as what an address counts; what is none counts as itself."""
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _ONE_CALLERS_BITS), strict=False))
