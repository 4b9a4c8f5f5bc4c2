"""Settings: a bad value stops the start with one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import Settings, SettingsError
from tests.stack import environment

GOOD = environment(Path("/folder"), "postgresql:///vigie", "unix:///socket", "smtp://127.0.0.1:25")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql:foo"),
        ("DATABASE_URL", "mysql://host/name"),
        ("REDIS_URL", "redis:foo"),
        ("REDIS_URL", "redis:///0"),
        ("REDIS_URL", "redis://host:port"),
        ("STORAGE_URL", "file://relative/x"),
        ("STORAGE_URL", "s3:/x"),
        ("STORAGE_URL", "ftp://host/x"),
        ("SMTP_URL", "smtp:mail.example.org:25"),
        ("SMTP_URL", "smtp:///x"),
        ("PUBLIC_URL", "http:foo"),
        ("PUBLIC_URL", "https://:80"),
        ("PUBLIC_URL", "https://city.example/?a=b"),
        ("PUBLIC_URL", "https://city.example/;x"),
        ("PUBLIC_URL", "https://city.example/report"),
        ("PUBLIC_URL", "https://city.example/report/"),
        ("MAIL_FROM", "é@x.fr"),
        ("MAIL_FROM", "nobody"),
        ("SECRET_KEY", "short"),
        ("SESSION_HOURS", "0"),
        ("PHOTO_WORKERS", "two"),
        ("WEBHOOK_NETWORKS_ALLOWED", "10.20.0.1/16"),
        ("WEBHOOK_PORTS", "443,"),
        ("METRICS_TOKEN", "short"),
        ("METRICS_TOKEN", "long enough but with spaces"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} .+$") as raised:
        Settings.from_env({**GOOD, name: value})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", ["nonsense", "minio:9000", "ftp://minio", "http://", "//minio"])
def test_a_bucket_needs_an_endpoint_that_is_one(value: str) -> None:
    with pytest.raises(SettingsError, match=r"^AWS_ENDPOINT cannot be used: .+$"):
        Settings.from_env({**GOOD, "STORAGE_URL": "s3://bucket", "AWS_ENDPOINT": value})
    assert (
        Settings.from_env({**GOOD, "AWS_ENDPOINT": value}).storage_url == "file:///folder/storage"
    )


@pytest.mark.parametrize("value", ["", "http://127.0.0.1:9000", "https://s3.example.org"])
def test_a_good_endpoint_is_taken(value: str) -> None:
    assert Settings.from_env({**GOOD, "STORAGE_URL": "s3://bucket", "AWS_ENDPOINT": value})


def test_good_values_are_taken() -> None:
    settings = Settings.from_env({**GOOD, "PUBLIC_URL": "https://city.example:8443/"})
    assert settings.database_url == "postgresql+psycopg:///vigie"
    assert settings.public_url == "https://city.example:8443"
    assert Settings.from_env({**GOOD, "STORAGE_URL": "s3://bucket/prefix"}).storage_url


@pytest.mark.parametrize("name", ["DATABASE_URL", "SECRET_KEY", "PUBLIC_URL"])
def test_a_missing_value_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not set"):
        Settings.from_env({**GOOD, name: " "})


def test_a_survey_names_every_fault_and_keeps_the_rest() -> None:
    spoilt = {**GOOD, "SECRET_KEY": "short", "PHOTO_WORKERS": "two", "REDIS_URL": ""}
    settings, faults = Settings.survey(spoilt)
    assert sorted(faults) == ["PHOTO_WORKERS", "REDIS_URL", "SECRET_KEY"]
    assert faults["REDIS_URL"] == "REDIS_URL is not set"
    assert settings.database_url == "postgresql+psycopg:///vigie"
    assert settings.photo_workers == 1
    assert Settings.survey(GOOD) == (Settings.from_env(GOOD), {})
