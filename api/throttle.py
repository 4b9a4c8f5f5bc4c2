"""Failed logins are counted per person and address, or per device that is known.

Nobody can lock a colleague out: from a device that somebody has logged in from before, only what
fails there counts.
"""

from __future__ import annotations

import hashlib

from api import addresses
from api.counts import Counts, Policy

WINDOW_S = 300
PER_PERSON = Policy("login-person", 10, WINDOW_S)
PER_ADDRESS = Policy("login-address", 100, WINDOW_S)
# Who holds many networks of one caller's size tries from each.
PER_SITE = Policy("login-site", 400, WINDOW_S)
PER_DEVICE = Policy("login-device", 10, WINDOW_S)
RESETS_PER_PERSON = Policy("reset-person", 10, WINDOW_S)
RESETS_PER_ADDRESS = Policy("reset-address", 100, WINDOW_S)


class TooManyLogins(Exception):
    """Too many failed logins; `retry_after_s` tells when to come back."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many failed logins")
        self.retry_after_s = retry_after_s


class LoginThrottle:
    """Refuses logins after too many that failed. Each `begin` that is let in may `succeed`."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def begin(self, email: str, address: str, device: str | None = None) -> None:
        """Count an attempt as failed; raise TooManyLogins when there were too many.

        It counts before the password is looked at, which takes a while: those who come meanwhile
        would all find the same count. `device` is a known one.
        """
        for policy, whose in _counted(email, address, device):
            if self._counts.add(policy, whose) > policy.quota:
                raise TooManyLogins(policy.left_s())

    def ask_for_reset(self, email: str, address: str) -> None:
        """Count a request for a new password; raise TooManyLogins when there were too many.

        They are counted apart: nobody is kept from logging in by what others asked for.
        """
        policies = ((RESETS_PER_PERSON, _digest(email, address)), (RESETS_PER_ADDRESS, address))
        for policy, whose in policies:
            if self._counts.add(policy, whose) > policy.quota:
                raise TooManyLogins(policy.left_s())

    def succeed(self, email: str, address: str, device: str | None = None) -> None:
        """Take back the attempt: the password was right."""
        for policy, whose in _counted(email, address, device):
            self._counts.add(policy, whose, -1)


def _counted(email: str, address: str, device: str | None) -> list[tuple[Policy, str]]:
    if device is not None:
        return [(PER_DEVICE, device)]
    site = addresses.site(address)
    by_site = [(PER_SITE, site)] if site else []
    return [(PER_PERSON, _digest(email, address)), (PER_ADDRESS, address), *by_site]


def _digest(email: str, address: str) -> str:
    # The store is no place for e-mail addresses.
    return hashlib.sha256(f"{email.strip().lower()}\0{address}".encode()).hexdigest()
