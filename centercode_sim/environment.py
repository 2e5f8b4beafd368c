"""Reads the environment. A value that makes no sense ends the start with one sentence."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

BASE_DIR = Path(__file__).resolve().parent.parent
FLAGS = {"true": True, "1": True, "yes": True, "on": True}
FLAGS |= {"false": False, "0": False, "no": False, "off": False}

environ.Env.read_env(os.environ.get("ENV_FILE") or BASE_DIR / ".env")
variables = FileAwareMapping()  # NAME, or the content of the file that NAME_FILE names


def refuse(name: str, problem: str, remedy: str) -> NoReturn:
    raise SystemExit(f"{name} {problem}. {remedy}")


def text(name: str, default: str = "") -> str:
    """The value of ``name``; an empty one counts as left out."""
    if os.environ.get(name) and os.environ.get(f"{name}_FILE"):
        refuse(name, f"and {name}_FILE are both set", "Keep one of them.")
    try:
        return variables.get(name, "").strip() or default
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{name}_FILE", f"cannot be read: {error}", "Name a readable text file.")


def flag(name: str, default: bool) -> bool:
    value = text(name, str(default))
    if value.lower() not in FLAGS:
        refuse(name, f"is “{value}”, neither true nor false", f"Set {name}=true or {name}=false.")
    return FLAGS[value.lower()]


def number(name: str, default: int, *, least: int) -> int:
    value = text(name, str(default))
    if not value.removeprefix("-").isdecimal() or int(value) < least:
        remedy = f"Leave it out for the default, {default}."
        refuse(name, f"is “{value}”, not a whole number of at least {least}", remedy)
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def one_of(name: str, choices: tuple[str, ...], default: str) -> str:
    value = text(name, default).upper()
    if value not in choices:
        refuse(name, f"is “{value}”", f"Choose one of {', '.join(choices)}.")
    return value


def hosts(name: str, default: str) -> list[str]:
    for host in (values := words(name, default)):
        if "/" in host:
            refuse(name, f"holds “{host}”, an address", "Give host names alone: hub.example.com.")
    return values


def web_addresses(name: str) -> list[str]:
    """Scheme and host alone, as Django's CSRF check and our links want them."""
    for address in (values := [word.rstrip("/") for word in words(name)]):
        if not re.fullmatch(r"https?://[^\s/?#]+", address):
            refuse(name, f"holds “{address}”", "Write it as https://hub.example.com.")
    return values


def web_address(name: str) -> str:
    values = web_addresses(name)
    if len(values) > 1:
        refuse(name, "holds several addresses", "Give the one that people open in a browser.")
    return values[0] if values else ""


def mailboxes(name: str) -> list[tuple[str, str]]:
    for address in (values := words(name)):
        if "@" not in address:
            refuse(name, f"holds “{address}”", "Give mail addresses, with commas between them.")
    return [(address, address) for address in values]


def networks(name: str) -> list[str]:
    try:
        return [str(ip_network(word)) for word in words(name)]
    except ValueError as error:
        refuse(name, f"is no list of networks: {error}", "Write 10.0.0.0/8,2001:db8::/32.")


def time_zone(name: str, default: str) -> str:
    value = text(name, default)
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, OSError, ValueError):  # a folder or a path is no zone either
        refuse(name, f"is “{value}”, unknown here", "Write it as Europe/Berlin or UTC.")


def broker_url(name: str, default: str) -> str:
    remedy = "Write redis://host:6379/0, amqp://user:password@host// or filesystem://."
    value = text(name, default)
    if value.partition("://")[0] not in ("filesystem", "redis", "rediss", "amqp", "amqps"):
        refuse(name, "has a scheme that is no broker's", remedy)
    try:
        urlsplit(value).port  # noqa: B018 - reading it is the check
    except ValueError:
        refuse(name, "cannot be understood", remedy)
    return value


def broker_options(url: str, home: Path) -> dict[str, Any]:
    """What the transport needs: folders for the embedded broker, short waits for the others."""
    if url.startswith("filesystem://"):
        queue, control, processed = (
            str(made(home / name)) for name in ("queue", "control", "processed")
        )
        return {
            "data_folder_in": queue,
            "data_folder_out": queue,
            "control_folder": control,
            "processed_folder": processed,
            "polling_interval": 0.05,
        }
    patience = {"max_retries": 0}  # a broker that is down or deaf must not hold up the door
    if url.startswith("redis"):
        return patience | {"socket_connect_timeout": 1, "socket_timeout": 2}
    return patience | {"connect_timeout": 1, "read_timeout": 2, "write_timeout": 2}


def database(name: str, default: Path) -> dict[str, Any]:
    remedy = "Write postgres://user:password@host:5432/name or sqlite:////folder/hub.sqlite3."
    url = text(name)
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(default)}
    if url.partition("://")[0] not in ("postgres", "postgresql", "sqlite"):
        refuse(name, "has a scheme that is neither PostgreSQL's nor SQLite's", remedy)
    try:
        parsed = environ.Env.db_url_config(url)
    except ValueError:
        refuse(name, "cannot be understood", remedy)
    if not parsed["NAME"]:
        refuse(name, "names no database", remedy)
    return parsed


def email(name: str, default: str) -> dict[str, Any]:
    try:
        return environ.Env.email_url_config(text(name, default))
    except (ValueError, ImproperlyConfigured):
        remedy = "Write smtp+tls://user:password@host:587 or consolemail://."
        refuse(name, "cannot be understood", remedy)


def folder(name: str, default: str) -> Path:
    path = BASE_DIR / text(name, default)
    if not os.access(made(path), os.W_OK):
        refuse(name, f"is “{path}”, which cannot be written to", "Name a writable folder.")
    return path


def made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse("DATA_DIR", f"cannot hold “{path}”: {error.strerror}", "Name a writable folder.")
    return path


def kept_secret(path: Path, size: int) -> str:
    """The secret in ``path``, made there once; of processes that start together one makes it."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(size))
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()
