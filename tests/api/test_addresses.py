"""Who counts as one caller, however a proxy writes the address."""

from __future__ import annotations

import pytest

from api.addresses import counted
from api.counts import Counts
from api.throttle import PER_SITE, LoginThrottle, TooManyLogins
from infra import queue
from infra.embedded.valkey import Valkey


@pytest.mark.parametrize(
    ("written", "whose"),
    [
        ("9.9.9.9", "9.9.9.9"),
        ("9.9.9.9:1234", "9.9.9.9"),
        ("9.9.9.9:1235", "9.9.9.9"),
        ("::ffff:9.9.9.9", "9.9.9.9"),
        ("[::ffff:9.9.9.9]:80", "9.9.9.9"),
        ("2001:db8::3", "2001:db8::/64"),
        ("[2001:db8::3]", "2001:db8::/64"),
        ("[2001:db8::4]:443", "2001:db8::/64"),
        ("2001:db8:0:1::3", "2001:db8:0:1::/64"),
    ],
)
def test_an_address_counts_as_one_by_whatever_port(written: str, whose: str) -> None:
    assert counted(written) == whose


def test_whatever_is_no_address_counts_as_one_caller() -> None:
    texts = ("", "unknown", "_hidden", "9.9.9.9:", "[::1", "9.9.9:80", "9.9.9.9:80:80", "[x]:1")
    assert len({counted(text) for text in texts}) == 1


def test_logins_from_many_networks_of_one_site_are_held_back_in_the_end(
    own_valkey: Valkey,
) -> None:
    throttle = LoginThrottle(Counts(queue.connect(own_valkey.url).connection_pool))
    networks = [f"2001:db8:1:{number:x}::/64" for number in range(PER_SITE.quota)]
    for number, network in enumerate(networks):
        throttle.begin(f"{number}@example.org", network)
    with pytest.raises(TooManyLogins):
        throttle.begin("another@example.org", "2001:db8:1:ffff::/64")
    throttle.begin("another@example.org", "2001:db8:2::/64")
