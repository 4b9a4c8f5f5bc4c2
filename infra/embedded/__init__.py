"""Defaults that need no set-up: a private PostgreSQL, Valkey and mail server, and a launcher."""
