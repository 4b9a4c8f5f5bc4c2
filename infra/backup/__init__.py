"""Backups: one tar file that holds the database and the storage, and can prove that it is whole."""
