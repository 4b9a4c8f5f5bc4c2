"""`python -m infra.embedded.probe`: can photos be kept at STORAGE_URL? Says why not, in one line.

A process of its own: once obstore has run somewhere, nothing may be forked from there any more.
"""

from __future__ import annotations

import os
import sys

from infra.storage import Storage, StorageError


def main(url: str) -> int:
    """Put, get and delete an object there. Return 0, or 1 with the reason on standard error."""
    try:
        Storage.from_url(url).prove()
    except (StorageError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ["STORAGE_URL"]))
