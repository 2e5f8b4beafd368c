"""Nonsense in the environment ends the start with one sentence: what is wrong, and what to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def start(folder, **variables):
    """What a process prints of itself that only reads the settings."""
    environ = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "centercode_sim.settings",
    }
    show = "from django.conf import settings; print(settings.{})"
    return subprocess.run(
        [sys.executable, "-c", show.format(variables.pop("show", "DEBUG"))],
        cwd=ROOT,
        env=environ | variables,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DEBUG", "maybe", "DEBUG is “maybe”, neither true nor false. Set DEBUG=true"),
        ("BODY_LIMIT", "1 MiB", "BODY_LIMIT is “1 MiB”, not a whole number of at least 1."),
        ("BODY_LIMIT", "0", "BODY_LIMIT is “0”, not a whole number of at least 1."),
        ("RETENTION_DAYS", "-1", "RETENTION_DAYS is “-1”, not a whole number of at least 0."),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "TRUSTED_PROXIES is no list of networks: 10.0.0.1/8"),
        (
            "OUTBOUND_NETWORKS",
            "my tracker",
            "OUTBOUND_NETWORKS is no list of networks: 'my tracker'",
        ),
        ("ALLOWED_HOSTS", "https://hub.example.com", "Give host names alone: hub.example.com."),
        ("CSRF_TRUSTED_ORIGINS", "hub.example.com", "Write it as https://hub.example.com."),
        ("SITE_URL", "hub.example.com", "SITE_URL holds “hub.example.com”."),
        ("SITE_URL", "https://a.example,https://b.example", "SITE_URL holds several addresses."),
        ("DATABASE_URL", "mysql://root:s3cret@db/hub", "neither PostgreSQL's nor SQLite's"),
        ("DATABASE_URL", "postgres://root:s3cret@db:port/hub", "cannot be understood"),
        ("DATABASE_URL", "postgres://root:s3cret@db", "DATABASE_URL names no database."),
        ("CELERY_BROKER_URL", "http://root:s3cret@redis", "a scheme that is no broker's"),
        ("CELERY_BROKER_URL", "redis://:s3cret@redis:port/0", "cannot be understood"),
        ("EMAIL_URL", "mailto://root:s3cret@example.com", "EMAIL_URL cannot be understood."),
        ("EMAIL_URL", "smtp://root:s3cret@mail:port", "EMAIL_URL cannot be understood."),
        ("ADMINS", "Ada", "ADMINS holds “Ada”. Give mail addresses"),
        ("TIME_ZONE", "Europe", "TIME_ZONE is “Europe”, unknown here."),
        ("TIME_ZONE", "../../etc/passwd", "TIME_ZONE is “../../etc/passwd”, unknown here."),
        ("LOG_LEVEL", "chatty", "LOG_LEVEL is “CHATTY”. Choose one of DEBUG, INFO"),
        ("SECRET_KEY_FILE", "/no/such/file", "SECRET_KEY_FILE cannot be read: "),
        ("DATA_DIR", "/dev/null/data", "Name a writable folder."),
    ],
)
def test_nonsense_is_refused_with_a_sentence(tmp_path, name, value, told):
    ended = start(tmp_path, **{name: value})

    assert ended.returncode == 1
    assert told in ended.stderr
    assert re.fullmatch(r"[A-Z_]+ [^\n]+\. [A-Z][^\n]+\.\n", ended.stderr)
    assert "s3cret" not in ended.stderr


def test_a_value_and_its_file_are_not_both_taken(tmp_path):
    (tmp_path / "key").write_text("from the file")

    ended = start(tmp_path, SECRET_KEY="given", SECRET_KEY_FILE=str(tmp_path / "key"))

    assert ended.stderr == "SECRET_KEY and SECRET_KEY_FILE are both set. Keep one of them.\n"


def test_a_value_may_come_from_a_file(tmp_path):
    (tmp_path / "key").write_text("from the file\n")

    ended = start(tmp_path, SECRET_KEY_FILE=str(tmp_path / "key"), show="SECRET_KEY")

    assert ended.stdout == "from the file\n"


def test_a_secret_key_is_made_once_for_its_owner_alone(tmp_path):
    first, second = (start(tmp_path, show="SECRET_KEY").stdout for _ in range(2))

    assert len(first.strip()) == 64
    assert first == second
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_an_empty_value_counts_as_left_out(tmp_path):
    assert start(tmp_path, BODY_LIMIT="", show="BODY_LIMIT").stdout == "1048576\n"


def test_every_setting_is_explained_with_its_default(tmp_path):
    read = (ROOT / "centercode_sim" / "settings.py").read_text()
    explained = (ROOT / ".env.example").read_text()

    names = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', read))

    assert names
    assert names == set(re.findall(r"^([A-Z_]+)=", explained, re.MULTILINE))


def test_the_example_is_the_default(tmp_path):
    shown = "BODY_LIMIT, settings.ALLOWED_HOSTS, settings.SITE_NAME, settings.DATABASES"

    plain, copied = (
        start(tmp_path, ENV_FILE=str(file), show=shown)
        for file in (os.devnull, ROOT / ".env.example")
    )

    assert plain.stdout == copied.stdout != ""
