"""A bucket on an S3 server in a process of its own, where every request needs a signature."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx

from infra.embedded.process import Child
from tests import web
from tests.stack import ROOT, free_port

BUCKET, PREFIX = "vigie-photos", "city"
REGION = "eu-west-3"
PATIENCE_S = 20
# How many keys the server lists at once, where S3 itself lists a thousand.
PAGE = 20
_BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
# What Vigie's key may do, as docs/running.md tells it. moto asks for a removal's permission at the
# bucket, where S3 itself asks for it at each object.
_RIGHTS = [
    {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        "Resource": f"{_BUCKET_ARN}/{PREFIX}/*",
    },
    {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:DeleteObject"], "Resource": _BUCKET_ARN},
]
_EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
_NOTHING = [{"Effect": "Deny", "Action": "*", "Resource": "*"}]


class BucketServer:
    """moto as a server: it checks signatures and rights, and forgets everything when it ends."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self._server = Child(
            "bucket",
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            folder / "bucket.log",
            cwd=ROOT,
            environ={"PATH": os.environ["PATH"], "MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE)},
        )
        self._keys: dict[str, dict[str, str]] = {}

    @property
    def environ(self) -> dict[str, str]:
        """Return the variables that make Vigie keep its photos here."""
        return {
            "STORAGE_URL": f"s3://{BUCKET}/{PREFIX}",
            "AWS_ENDPOINT": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self._keys["vigie"]["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self._keys["vigie"]["SecretAccessKey"],
        }

    def start(self) -> None:
        """Start an empty server with one bucket, one key for Vigie and one for the test."""
        self._server.start()
        self._server.wait_until(self._answers, PATIENCE_S)
        # The same keys at each start: they come from moto's random numbers.
        web.post(f"{self.endpoint}/moto-api/seed?a=1").raise_for_status()
        nobody = {"AccessKeyId": "setup", "SecretAccessKey": "setup"}
        self._client("s3", nobody).create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        people = self._client("iam", nobody)
        for name, rights in (("vigie", _RIGHTS), ("test", _EVERYTHING)):
            people.create_user(UserName=name)
            self._grant(people, name, rights)
            self._keys[name] = people.create_access_key(UserName=name)["AccessKey"]
        self._check_rights_after(0)

    def stop(self) -> None:
        """End the server, and with it all that it held; another start makes it anew, and empty."""
        self._server.kill()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let connections come in meanwhile, and answer none of them."""
        assert self._server.pid is not None
        os.kill(self._server.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._server.pid, signal.SIGCONT)

    @contextmanager
    def forbidden(self) -> Iterator[None]:
        """Take all rights from Vigie's key meanwhile."""
        people = self._client("iam", self._keys["test"])
        self._grant(people, "vigie", _NOTHING)
        try:
            yield
        finally:
            self._grant(people, "vigie", _RIGHTS)

    def keys(self, below: str = "") -> list[str]:
        """Return the keys of what Vigie keeps, without the prefix."""
        pages = self._objects().get_paginator("list_objects_v2")
        return [
            entry["Key"].removeprefix(f"{PREFIX}/")
            for page in pages.paginate(Bucket=BUCKET, Prefix=f"{PREFIX}/{below}")
            for entry in page.get("Contents", [])
        ]

    def publish(self, key: str) -> None:
        """Let everybody read one object."""
        self._objects().put_object_acl(Bucket=BUCKET, Key=f"{PREFIX}/{key}", ACL="public-read")

    def trust_everybody(self) -> None:
        """Check neither signatures nor keys' rights from now on."""
        self._check_rights_after(math.inf)

    def read_as_anybody(self, key: str) -> httpx.Response:
        """Ask for an object as somebody without a key does."""
        # moto looks at who may read the object in any case, but where it checks keys as well, it
        # breaks off at a request that names none.
        self.trust_everybody()
        try:
            return web.get(f"{self.endpoint}/{BUCKET}/{PREFIX}/{key}")
        finally:
            self._check_rights_after(0)

    def _objects(self) -> Any:
        return self._client("s3", self._keys["test"])

    def _client(self, service: str, key: dict[str, str]) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    def _grant(self, people: Any, name: str, rights: list[dict[str, Any]]) -> None:
        policy = {"Version": "2012-10-17", "Statement": rights}
        people.put_user_policy(
            UserName=name, PolicyName="rights", PolicyDocument=json.dumps(policy)
        )

    def _check_rights_after(self, requests: float) -> None:
        headers = {"Content-Type": "text/plain"}
        url = f"{self.endpoint}/moto-api/reset-auth"
        web.post(url, content=str(requests), headers=headers).raise_for_status()

    def _answers(self) -> bool:
        try:
            return web.get(f"{self.endpoint}/moto-api/data.json").status_code == 200
        except httpx.HTTPError:
            return False
