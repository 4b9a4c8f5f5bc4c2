"""Where bytes go: the storage, the disks, and the mail server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infra.checks.findings import Finding, first_line, guard, ok, warning, wrong
from infra.mail import Mailer, MailRefused, MailUnavailable
from infra.settings import Settings
from infra.storage import Storage, StorageError

_GIB = 1 << 30
_NOTED_FREE_BYTES = 2 * _GIB
_LEAST_FREE_BYTES = _GIB // 5
_LEAST_FREE_FILES = 10_000


def look_at_storage(url: str) -> Iterator[Finding]:
    """Check that photos can be kept, found, read and removed, and that there is room for more."""
    yield guard("storage", lambda: storage(Storage.from_url(url)))
    parts = urlsplit(url)
    if parts.scheme == "file":
        yield guard("storage disk", lambda: disk("storage disk", Path(unquote(parts.path))))


def look_at_disk() -> Iterator[Finding]:
    """Check that there is room for what is only passing through."""
    yield guard("temporary files", lambda: disk("temporary files", Path(tempfile.gettempdir())))


def look_at_mail(settings: Settings) -> Iterator[Finding]:
    """Check that the mail server would take a mail from us; none is sent."""
    yield guard("mail", lambda: mail(Mailer(settings.smtp_url, settings.mail_from)))


def storage(store: Storage) -> Finding:
    """Check a storage by using it."""
    try:
        store.prove()
    except StorageError as error:
        why = "it is full" if error.full else "see STORAGE_URL, and a bucket's AWS_* variables"
        return wrong("storage", f"photos cannot be kept: {first_line(error)}; {why}")
    return ok("storage", "photos can be kept, found, read and removed")


def disk(check: str, folder: Path) -> Finding:
    """Check that the file system of a folder has room."""
    try:
        state = os.statvfs(folder)
    except OSError as error:
        return wrong(check, f"{folder}: {error.strerror}")
    free = state.f_bavail * state.f_frsize
    told = f"{folder} has {free / _GIB:.1f} GiB free"
    if free < _LEAST_FREE_BYTES:
        return wrong(check, f"{told}; make room or move it to a larger disk")
    # Some file systems make room for files as they come, and count none.
    if state.f_files and state.f_favail < _LEAST_FREE_FILES:
        return wrong(check, f"{told}, but room for {state.f_favail} files only; remove some")
    if free < _NOTED_FREE_BYTES:
        return warning(check, f"{told}; make room soon")
    return ok(check, told)


def mail(mailer: Mailer) -> Finding:
    """Check the mail server as far as one can without sending."""
    try:
        mailer.check()
    except MailRefused as error:
        return wrong("mail", f"the server refuses MAIL_FROM as a sender: {error}")
    except MailUnavailable as error:
        why = first_line(error.__cause__) if error.__cause__ else ""
        told = "see SMTP_URL: scheme, host, port, user, password"
        return wrong("mail", f"no mail can be sent: {error} {why}; {told}")
    return ok("mail", "the server takes mail from us")
