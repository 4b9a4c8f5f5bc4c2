"""`python -m infra.embedded.probe`: can photos be kept at STORAGE_URL? Says why not, in one line.

A process of its own: once obstore has run somewhere, nothing may be forked from there any more.
"""

from __future__ import annotations

import os
import sys
from secrets import token_hex

from infra.storage import Storage, StorageError

_BYTES = b"Vigie asks whether photos can be kept here; this may be removed.\n"


def main(url: str) -> int:
    """Put, get and delete an object there. Return 0, or 1 with the reason on standard error."""
    try:
        storage = Storage.from_url(url)
        storage.check()
        _round_trip(storage, f"start-probe-{token_hex(8)}")
    except (StorageError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _round_trip(storage: Storage, key: str) -> None:
    storage.put(key, _BYTES, "text/plain")
    try:
        if storage.get(key) != _BYTES:
            raise StorageError("it gives back other bytes than it was given")
    finally:
        storage.delete(key)


if __name__ == "__main__":
    sys.exit(main(os.environ["STORAGE_URL"]))
