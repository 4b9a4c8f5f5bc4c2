"""An application of the same outline as the real one, small enough to be started often."""

from __future__ import annotations

import json
import os
import smtplib
import sys
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import click
import psycopg
import redis
from flask import Flask
from flask.cli import AppGroup

app = Flask(__name__)
demo = AppGroup("demo")
app.cli.add_command(demo)


@app.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    return {"database": "ok"}, 503 if "NEVER_READY" in os.environ else 200


@app.get("/parts")
def parts() -> dict[str, Any]:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        starts = connection.execute("SELECT count(*) FROM start").fetchall()[0][0]
    with closing(redis.Redis.from_url(os.environ["REDIS_URL"])) as queue:
        visits = queue.incr("visits")
    return {"starts": starts, "visits": visits}


@demo.command("load")
def load() -> None:
    if "LOAD_FAILS" in os.environ:
        sys.exit(3)
    if "LOAD_HANGS" in os.environ:
        time.sleep(600)
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("INSERT INTO start SELECT count(*) + 1 FROM start")
    mail = urlsplit(os.environ["SMTP_URL"])
    with smtplib.SMTP(mail.hostname or "", mail.port or 0, timeout=10) as client:
        client.sendmail("city@example.org", "team@example.org", "Subject: Loaded\r\n\r\nDone.")


@demo.command("describe")
def describe() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        starts = connection.execute("SELECT count(*) FROM start").fetchall()[0][0]
    person = {"role": "dispatcher", "email": "d@example.org", "password": "p", "teams": ["roads"]}
    place = {"latitude": 48.8, "longitude": 2.2, "district": "centre", "note": "inside"}
    described = {"jurisdiction": f"start {starts}", "people": [person], "places": [place]}
    click.echo(json.dumps(described | {"open311": None}))


app.add_url_rule("/", "start", lambda: os.environ["PUBLIC_URL"])
