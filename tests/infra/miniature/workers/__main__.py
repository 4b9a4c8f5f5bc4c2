"""A worker that leaves behind a child of its own, which will not stop when it is asked.

Where a file named `broken` lies beside it, it only dies.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

if Path(__file__).with_name("broken").exists():
    sys.exit("workers: broken")

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"

subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True)
signal.pause()
