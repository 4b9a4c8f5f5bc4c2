"""Requests to where outsiders say: never inside, and never to another place than was judged."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import trustme

from infra.outgoing import NoAnswer, Outgoing, RequestRefused, is_public, look_up

HERE = ip_network("127.0.0.1/32")
PUBLIC = "93.184.215.14"

# Reading the machine's certificates takes long, and hardly a test here looks at one.
TLS = ssl.create_default_context()

INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.215.14",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:0:53aa:64c:0:0:80ff:fffe",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
OUTSIDE = [PUBLIC, "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a01:e0a::1"]


class _Answers(BaseHTTPRequestHandler):
    server: _Listening

    def log_message(self, *_arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes = b"") -> None:
        self.server.asked.append((self.path, self.headers["Host"], body))
        with suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
            getattr(self, f"_{self.path.strip('/').partition('?')[0] or 'plain'}")()

    def _plain(self) -> None:
        self.send_response(200)
        self.send_header("X-Told", "yes")
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def _redirect(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/")
        self.end_headers()

    def _large(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(bytes(5_000))

    def _headers(self) -> None:
        for letter in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
            self._drip(letter)

    def _body(self) -> None:
        self.send_response(200)
        self.end_headers()
        for letter in bytes(40):
            self._drip(letter)

    def _drip(self, letter: int) -> None:
        self.wfile.write(bytes([letter]))
        self.wfile.flush()
        self.server.stopped.wait(0.05)


class _Listening(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: str, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__((address, port), _Answers)
        self.asked: list[tuple[str, str, bytes]] = []
        self.stopped = threading.Event()
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def handle_error(self, *_arguments: Any) -> None:
        """Say nothing of clients that leave."""


Listen = Callable[..., _Listening]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Return what starts a web server on an address of this machine."""
    servers: list[_Listening] = []

    def start(address: str = "127.0.0.1", port: int = 0, **options: Any) -> _Listening:
        server = _Listening(address, port, **options)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    yield start
    for server in servers:
        server.stopped.set()
        server.shutdown()
        server.server_close()


@dataclass
class _Names:
    """A resolver that gives its answers one after the other, and the last for ever."""

    answers: list[Sequence[str]]
    asked: list[str] = field(default_factory=list)

    def __call__(self, name: str, _within_s: float) -> Sequence[str]:
        self.asked.append(name)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def _guard(**options: Any) -> Outgoing:
    return Outgoing(**{"tls": TLS, **options})


def _to(server: _Listening, *answers: Sequence[str], **options: Any) -> Outgoing:
    """Return what may ask this one server, by a name that leads to the addresses."""
    resolve = options.pop("resolve", _Names(list(answers) or [["127.0.0.1"]]))
    ports = {server.server_port}
    return _guard(resolve=resolve, allowed=[HERE], ports=ports, **options)


def _url(server: _Listening, path: str = "/", host: str = "hooks.example") -> str:
    return f"http://{host}:{server.server_port}{path}"


def test_a_reply_comes_back_whole(listen: Listen) -> None:
    server = listen()
    reply = _to(server).fetch("POST", _url(server, "/plain?a=b#c"), body=b"{}")
    assert (reply.status, reply.body, reply.headers["x-told"]) == (200, b"hello", "yes")
    assert server.asked == [("/plain?a=b", f"hooks.example:{server.server_port}", b"{}")]


@pytest.mark.fault(30)
@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(RequestRefused, match="not public"):
        _guard().fetch("GET", f"http://{host}/")
    with pytest.raises(RequestRefused, match="not public"):
        _guard(resolve=_Names([[address]])).fetch("GET", "http://hooks.example/")


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_outside_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.fault(30)
@pytest.mark.parametrize("first", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], ["::1", PUBLIC]])
def test_one_address_inside_spoils_the_name(first: list[str]) -> None:
    with pytest.raises(RequestRefused, match="not public"):
        _guard(resolve=_Names([first])).fetch("POST", "https://hooks.example/", body=b"")


@pytest.mark.fault(30)
@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "127.1.",
        "[::ffff:127.1]",
        "[::1%25lo]",
        "[2606:4700:4700::1111%25eth0]",
        "127.0.0.1\\.hooks.example",
        "hooks.example\\@127.0.0.1",
        "127%2e0%2e0%2e1",
        "127\u30020\u30020\u30021",
        "\uff11\uff12\uff17.0.0.1",
        "hooks.example\t",
        "hooks\n.example",
        "ho oks.example",
        "",
        ".",
        "-hooks.example",
        "hooks..example",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        "user@hooks.example",
        "user:secret@hooks.example",
        "@hooks.example",
        "[::1",
    ],
)
def test_no_spelling_leads_inside(listen: Listen, host: str) -> None:
    server = listen()
    names = _Names([["127.0.0.1"]])
    with pytest.raises(RequestRefused):
        _guard(resolve=names, ports={server.server_port}).fetch("GET", _url(server, host=host))
    assert (names.asked, server.asked) == ([], [])


@pytest.mark.fault(30)
@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "gopher://hooks.example:80/",
        "//hooks.example/",
        "hooks.example",
        "http:/hooks.example",
        "http://hooks.example:22/",
        "http://hooks.example:0/",
        "http://hooks.example:99999/",
        "http://hooks.example:x/",
        "https://hooks.example:5432/",
        "",
    ],
)
def test_only_the_web_is_asked(url: str) -> None:
    names = _Names([[PUBLIC]])
    with pytest.raises(RequestRefused):
        _guard(resolve=names).fetch("GET", url)
    assert names.asked == []


@pytest.mark.fault(31)
def test_a_name_that_changes_its_mind_changes_nothing(listen: Listen) -> None:
    judged = listen()
    inside = listen("127.0.0.2", judged.server_port)
    names = _Names([["127.0.0.1"], ["127.0.0.2"]])
    outgoing = _to(judged, resolve=names)

    assert outgoing.fetch("GET", _url(judged)).status == 200
    assert names.asked == ["hooks.example"]
    with pytest.raises(RequestRefused, match="not public"):
        outgoing.fetch("GET", _url(judged))

    assert len(judged.asked) == 1
    assert inside.asked == []


@pytest.mark.fault(31)
def test_a_redirect_is_refused_and_not_followed(listen: Listen) -> None:
    server = listen()
    with pytest.raises(RequestRefused, match="redirect"):
        _to(server).fetch("GET", _url(server, "/redirect"))
    assert [path for path, *_ in server.asked] == ["/redirect"]


@pytest.mark.fault(31)
def test_a_proxy_of_the_environment_is_not_asked(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = listen(), listen()
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_port}")
    assert _to(server).fetch("GET", _url(server)).status == 200
    assert proxy.asked == []


def test_the_next_address_is_tried_when_one_is_silent(listen: Listen) -> None:
    server = listen()
    outgoing = _guard(
        resolve=_Names([["127.0.0.3", "127.0.0.1"]]),
        allowed=[ip_network("127.0.0.0/8")],
        ports={server.server_port},
    )
    assert outgoing.fetch("GET", _url(server)).status == 200


@pytest.mark.fault(31)
@pytest.mark.parametrize("path", ["/headers", "/body"])
def test_drop_by_drop_is_too_slow(listen: Listen, path: str) -> None:
    server = listen()
    with pytest.raises(NoAnswer):
        _to(server).fetch("GET", _url(server, path), deadline_s=0.3)


def test_a_reply_is_bounded(listen: Listen) -> None:
    server = listen()
    assert len(_to(server).fetch("GET", _url(server, "/large"), max_bytes=5_000).body) == 5_000
    with pytest.raises(RequestRefused, match="too large"):
        _to(server).fetch("GET", _url(server, "/large"), max_bytes=4_999)


def test_nobody_there_is_no_answer(listen: Listen) -> None:
    server = listen()
    silent = _guard(
        resolve=_Names([["127.0.0.3"]]),
        allowed=[ip_network("127.0.0.3")],
        ports={server.server_port},
    )
    with pytest.raises(NoAnswer):
        silent.fetch("GET", _url(server))
    with pytest.raises(NoAnswer, match="no address"):
        _to(server, []).fetch("GET", _url(server))
    with pytest.raises(NoAnswer, match="not resolved"):
        look_up("nobody.invalid", 2.0)


@pytest.mark.fault(31)
def test_a_certificate_is_proved_for_the_name_and_not_the_address(listen: Listen) -> None:
    authority = trustme.CA()
    keeping = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example").configure_cert(keeping)
    server = listen(tls=keeping)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    url = _url(server).replace("http:", "https:")
    assert _to(server, tls=trusting).fetch("GET", url).body == b"hello"
    with pytest.raises(NoAnswer):
        _to(server, tls=trusting).fetch("GET", url.replace("hooks.", "other."))
    with pytest.raises(NoAnswer):
        _to(server, tls=None).fetch("GET", url)
    assert [host for _, host, _ in server.asked] == [f"hooks.example:{server.server_port}"]
