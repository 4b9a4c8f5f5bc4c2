"""`make run`: everything on this machine, with defaults for what the caller does not set."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from infra.embedded.launcher import Launcher
from infra.embedded.process import StartError
from infra.settings import SettingsError


def main(root: Path) -> int:
    """Run what is in `root` until stopped.

    Return 0 when somebody stopped it, 1 when it could not start or stay up.
    """
    try:
        Launcher(root, os.environ).run()
    except KeyboardInterrupt:
        return 0
    except (StartError, SettingsError, OSError) as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[2]))
