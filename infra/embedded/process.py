"""A child process that never outlives its parent, and the word for what cannot start."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.05
_COMMAND_STOP_S = 10


class StartError(Exception):
    """Something cannot start or stay up. The first line says what; log lines may follow."""


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user a part runs as when the launcher itself is root."""

    name: str
    uid: int
    gid: int

    @classmethod
    def of(cls, uid: int) -> Account:
        """Return the account with this number; one without a name is known by its number."""
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(str(uid), uid, uid)
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)


def setpriv(
    account: Account | None = None, death_signal: signal.Signals | None = None
) -> list[str]:
    """Return the front of a command line that drops privileges and ties it to its parent.

    The tie has to be made after the change of user, which clears it: setpriv does both in that
    order.
    """
    command = ["setpriv"]
    if account is not None:
        command += [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    if death_signal is not None:
        command.append(f"--pdeathsig={death_signal.name}")
    return command


class Child:
    """One child process in its own session, with its output in a log file.

    When the parent dies by any cause, the child gets `stop_signal` from the kernel. The log of
    an earlier `Child` is kept beside the log as `<name>.1`; one that is started again goes on
    writing where it was. `pass_fds` stay open in the child.
    To the kernel the parent is the thread that called `start`, so that one has to live on.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        cwd: Path,
        environ: Mapping[str, str] | None = None,
        account: Account | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        self._command = [*setpriv(account, stop_signal), *command]
        self._cwd = cwd
        self._environ = environ
        self._stop_signal = stop_signal
        self._pass_fds = pass_fds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return its process number, or None before it was started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it, for the first time or after `kill`."""
        if self._process is None and self.log.exists():
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._cwd,
                env=self._environ,
                start_new_session=True,
                pass_fds=self._pass_fds,
            )

    def is_alive(self) -> bool:
        """Return whether it runs."""
        if self._process is None or self._process.returncode is not None:
            return False
        return self._ending(os.WEXITED | os.WNOHANG) is None

    def wait_until(self, answers: Callable[[], bool], patience_s: float) -> None:
        """Return when `answers()` is true; raise StartError when the child dies or time is up."""
        deadline = time.monotonic() + patience_s
        while not answers():
            if not self.is_alive():
                raise StartError(self.obituary())
            if time.monotonic() > deadline:
                raise StartError(
                    f"{self.name} did not answer within {patience_s:.0f} seconds{self.last_lines()}"
                )
            time.sleep(_POLL_S)

    def stop(self, patience_s: float) -> None:
        """Ask it to stop; kill it and what it left in its process group when time is up."""
        if self.is_alive() and self._process is not None:
            self._process.send_signal(self._stop_signal)
            deadline = time.monotonic() + patience_s
            while self.is_alive() and time.monotonic() < deadline:
                time.sleep(_POLL_S)
        self.kill()

    def kill(self) -> None:
        """SIGKILL for the whole process group; harmless when nothing runs."""
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _ending(self, options: int) -> os.waitid_result | None:
        # Left unreaped, so that its process number, and its group's, cannot become another's.
        if self._process is None or self._process.returncode is not None:
            return None
        return os.waitid(os.P_PID, self._process.pid, options | os.WNOWAIT)

    def obituary(self) -> str:
        """Return how it ended, for people, with the last lines of its log."""
        ending = self._ending(os.WEXITED)
        how = "does not run"
        if ending is not None:
            how = f"ended with status {ending.si_status}"
            if ending.si_code != os.CLD_EXITED:
                how = f"was killed by {signal.Signals(ending.si_status).name}"
        return f"{self.name} {how}{self.last_lines()}"

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the log, ready to stand below a sentence."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 200 * count))
                lines = log.read().decode(errors="replace").splitlines()[-count:]
        except FileNotFoundError:
            lines = []
        return "".join(f"\n    {line}" for line in [f"last lines of {self.log}:", *lines])


def run_through(
    name: str,
    command: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    capture: bool = False,
) -> str:
    """Run a command to its end with its output on the terminal, or return its standard output.

    Raises StartError when it fails. When this process is interrupted, the command is asked to
    stop, and killed when it does not within seconds.
    """
    process = subprocess.Popen(
        [*setpriv(None, signal.SIGTERM), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if capture else None,
        cwd=cwd,
        env=environ,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_COMMAND_STOP_S)
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        raise StartError(f"{name} failed with status {process.returncode}; see above")
    return output or ""


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent dies."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> list[int]:
    """Return the process numbers of the children, adopted ones and zombies included."""
    tasks = Path("/proc/self/task")
    return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]


def bury_adopted(own: set[int]) -> None:
    """Reap the adopted children that have ended; the process numbers in `own` are left alone."""
    for pid in set(children()) - own:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def end_children() -> None:
    """Kill and reap every child that is left, and theirs, which become ours."""
    while pids := children():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def working_below(folder: Path, program: str = "") -> list[int]:
    """Return the processes, of `program` if given, that work in `folder` or below it.

    PostgreSQL and Valkey both move into their data folder, so this finds what an earlier run
    left there without trusting a process number in a file, which may be somebody else's by now.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            cwd = (entry / "cwd").readlink()
            # The kernel marks a program whose file an upgrade has replaced meanwhile.
            name = (entry / "exe").readlink().name.removesuffix(" (deleted)")
        except OSError:
            continue
        if cwd.is_relative_to(folder) and program in ("", name):
            found.append(int(entry.name))
    return found


def having_open(path: Path) -> list[int]:
    """Return the other processes that have the file at this absolute path open."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            is_open = link.readlink() == path
        except OSError:
            continue
        if is_open:
            found.add(int(link.parts[2]))
    return sorted(found - {os.getpid()})


def end_leftovers(
    pids: Callable[[], list[int]],
    patience_s: float,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> None:
    """Stop processes of an earlier run: ask each once, then SIGKILL when time is up."""
    asked: set[int] = set()
    deadline = time.monotonic() + patience_s
    while left := pids():
        late = time.monotonic() > deadline
        for pid in left:
            if late or pid not in asked:
                _signal(pid, signal.SIGKILL if late else stop_signal)
        asked.update(left)
        time.sleep(_POLL_S)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
