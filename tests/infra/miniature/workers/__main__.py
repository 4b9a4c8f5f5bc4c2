"""A worker that leaves behind a child of its own, which will not stop when it is asked."""

from __future__ import annotations

import signal
import subprocess
import sys

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"

subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True)
signal.pause()
