"""What ends a backup or a restore."""

from __future__ import annotations


class BackupFailed(Exception):
    """It cannot be done; the message is for whoever ran the command and says what to do."""
