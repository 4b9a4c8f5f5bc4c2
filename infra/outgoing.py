"""Requests to addresses that outsiders gave us: they reach the public internet and nothing inside.

A URL is read once, its name is looked up once, every address found is judged, and the connection
goes to one of those very addresses. So nothing can change between the look and the leap.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any, Literal
from urllib.parse import urlsplit

import httpcore
from dns import resolver
from dns.exception import DNSException

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, float], Sequence[str]]
"""Gives the addresses of a name; the second argument is how many seconds that may take."""

DEFAULT_PORTS = {"http": 80, "https": 443}
PORTS = frozenset({80, 443, 8080, 8443})
DEADLINE_S = 10.0
MAX_REPLY_BYTES = 1_000_000
_CONNECT_S = 3.0
_CHUNK = 16 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)*{_LABEL}")

# Everything outside is none of the internet's: loopback, private and link-local addresses, and all
# those that have an IPv4 address inside (mapped, compatible, NAT64).
_PUBLIC_IPV6 = ip_network("2000::/3")

# `is_global` of the standard library differs between versions, and holds for NAT64 and multicast.
_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' own
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's own services, though it looks public
        "169.254.0.0/16",  # link-local, and the metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocols
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocols, and Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


class RequestRefused(Exception):
    """We do not ask this, or do not take the answer; another try would end alike."""


class NoAnswer(Exception):
    """Nothing came of the request in its time; trying later may help."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> httpcore.URL:
        return httpcore.URL(
            scheme=self.scheme, host=self.host, port=self.port, target=self.path.encode()
        )


def is_public(address: Address) -> bool:
    """Tell whether the address is one of the public internet's, and of a single machine there."""
    if address.version == 6 and address not in _PUBLIC_IPV6:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def look_up(name: str, within_s: float) -> list[str]:
    """Ask the DNS, and it alone, for the addresses of a name; raise NoAnswer."""
    try:
        found = resolver.resolve_name(name, lifetime=within_s, search=False)
        return list(found.addresses())
    except DNSException as error:
        raise NoAnswer(f"the name was not resolved: {type(error).__name__}") from error


class Outgoing:
    """Sends requests to where outsiders say.

    `allowed` are networks that may be asked though they are not public, `ports` the only ones
    that are connected to, `tls` the context that proves certificates.
    """

    def __init__(
        self,
        *,
        resolve: Resolve = look_up,
        allowed: Iterable[Network] = (),
        ports: Collection[int] = PORTS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._resolve = resolve
        self._allowed = tuple(allowed)
        self._ports = ports
        self._tls = tls or ssl.create_default_context()

    def fetch(
        self,
        method: Literal["GET", "POST"],
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_s: float = DEADLINE_S,
        max_bytes: int = MAX_REPLY_BYTES,
    ) -> Reply:
        """Send one request and return the reply; raise RequestRefused or NoAnswer.

        `deadline_s` holds for all of it, the look-up included. Redirects are not followed, the
        environment's proxies not used, and the body is as it was sent: at most `max_bytes`, never
        unpacked.
        """
        deadline = _Deadline(deadline_s)
        target = _read(url, self._ports)
        route = _Route(self._addresses(target.host, deadline), deadline)
        sent = {"User-Agent": "Vigie", **(headers or {}), "Host": target.host_header}
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self._tls, network_backend=route) as pool,
                pool.stream(method, target.url, headers=list(sent.items()), content=body) as answer,
            ):
                return _receive(answer, max_bytes)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise NoAnswer(type(error).__name__) from error

    def _addresses(self, host: str, deadline: _Deadline) -> list[Address]:
        """Return the addresses of the host, all of which may be asked."""
        literal = _literal(host)
        if literal is not None:
            found = [literal]
        else:
            found = [ip_address(text) for text in self._resolve(host, deadline.left_s())]
        if not found:
            raise NoAnswer("the name has no address")
        _judge(found, self._allowed)
        return found


def check(url: str, *, allowed: Iterable[Network] = (), ports: Collection[int] = PORTS) -> None:
    """Raise RequestRefused for what can never be asked, wherever its name may lead."""
    host = _read(url, ports).host
    literal = _literal("127.0.0.1" if f".{host}".endswith(".localhost") else host)
    if literal is not None:
        _judge([literal], allowed)


def _judge(addresses: Iterable[Address], allowed: Iterable[Network]) -> None:
    networks = tuple(allowed)
    for address in addresses:
        if not is_public(address) and not any(address in network for network in networks):
            raise RequestRefused("the address leads to a place that is not public")


def _read(url: str, ports: Collection[int]) -> _Target:
    if not url.isascii() or not url.isprintable() or " " in url:
        raise RequestRefused("the address holds characters that an address does not have")
    try:
        parts = urlsplit(url)
        given_port = parts.port
    except ValueError as error:
        raise RequestRefused("this is no address") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise RequestRefused("only http and https are asked")
    if "@" in parts.netloc:
        raise RequestRefused("the address holds credentials")
    port = DEFAULT_PORTS[parts.scheme] if given_port is None else given_port
    if port not in ports:
        raise RequestRefused("this port is not asked")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(parts.scheme, (parts.hostname or "").removesuffix("."), port, path)


def _literal(host: str) -> Address | None:
    """Return the address that the host is, or None for a name; raise RequestRefused for neither.

    `127.1`, `0x7f000001` and `2130706433` are neither: no name ends in a number, and what reads
    them as addresses does not agree on which.
    """
    try:
        address = ip_address(host)
    except ValueError:
        if _NAME.fullmatch(host) and not host.rpartition(".")[2][0].isdigit():
            return None
        raise RequestRefused("the address names no host") from None
    if "%" in host:
        raise RequestRefused("the address names an interface of this machine")
    return address


def _receive(answer: httpcore.Response, max_bytes: int) -> Reply:
    if answer.status in _REDIRECTS:
        raise RequestRefused("the answer is a redirect")
    body = bytearray()
    for chunk in answer.iter_stream():
        body += chunk
        if len(body) > max_bytes:
            raise RequestRefused("the answer is too large")
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in answer.headers}
    return Reply(answer.status, headers, bytes(body))


class _Deadline:
    """A moment by which all has to be done."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left_s(self) -> float:
        left = self._at - time.monotonic()
        if left <= 0:
            raise NoAnswer("it took too long")
        return left


class _Route(httpcore.NetworkBackend):
    """Leads every connection to the addresses that were judged, whatever the name says by now."""

    def __init__(self, addresses: Sequence[Address], deadline: _Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - what the name leads to was asked before
        port: int,
        *_rest: Any,
        **_named: Any,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError()
        for address in self._addresses:
            within_s = min(_CONNECT_S, self._deadline.left_s())
            try:
                stream = self._network.connect_tcp(str(address), port, within_s)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._deadline)
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection whose every step ends by the deadline, so that drop by drop is no way around."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, *_rest: Any, **_named: Any) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left_s())

    def write(self, buffer: bytes, *_rest: Any, **_named: Any) -> None:
        for at in range(0, len(buffer), _CHUNK):
            self._stream.write(buffer[at : at + _CHUNK], self._deadline.left_s())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        *_rest: Any,
        **_named: Any,
    ) -> httpcore.NetworkStream:
        return _Stream(
            self._stream.start_tls(ssl_context, server_hostname, self._deadline.left_s()),
            self._deadline,
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
