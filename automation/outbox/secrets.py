"""What is never shown of a call, nor kept once it was made."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from apikeys.secrecy import STRUCK, strike

# All other headers may hold a secret, besides those that are known.
PLAIN_HEADERS = {"accept", "accept-language", "content-type", "user-agent"}
SECRET_NAMES = re.compile(
    r"(?i)(^|[^a-z])(api.?key|key|token|secret|sig(nature)?|auth|pass(word|wd)?|code)([^a-z]|$)"
)
SHORTEST = 8


def shown_headers(headers: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    secrets = list(secrets)
    return {
        name: without(value, secrets) if name.lower() in PLAIN_HEADERS else STRUCK
        for name, value in headers.items()
    }


def shown_url(url: str) -> str:
    """With the values struck out whose names sound like a secret's."""
    parts = urlsplit(url)
    pairs = [
        f"{name}={STRUCK}" if value and SECRET_NAMES.search(name) else f"{name}{equals}{value}"
        for name, equals, value in (pair.partition("=") for pair in parts.query.split("&"))
    ]
    return strike(urlunsplit(parts._replace(query="&".join(pairs))))


def shown_content(content: dict[str, Any]) -> dict[str, Any]:
    """``content`` as people may see it."""
    if "headers" not in content:
        return content
    told = without_secrets(content)
    told.pop("secrets", None)
    return told | {"url": shown_url(told["url"])}


def without_secrets(content: dict[str, Any]) -> dict[str, Any]:
    """``content`` as a row keeps it that is not sent any more."""
    if "headers" not in content:
        return content
    secrets = content.get("secrets", [])
    return content | {
        "headers": shown_headers(content["headers"], secrets),
        "url": without(content["url"], secrets),
        "body": without(content["body"], secrets),
        "secrets": [],
    }


def without(text: str, secrets: Iterable[str]) -> str:
    """``text`` without ``secrets``, in whatever way a call or an answer has them."""
    ways = {way for secret in filter(None, secrets) for way in _ways(secret)}
    for way in sorted(ways, key=len, reverse=True):
        text = text.replace(way, STRUCK)
    return text


def _ways(secret: str) -> Iterable[str]:
    """As it is, in a header, in an address and in JSON."""
    yield secret
    yield " ".join(secret.split())
    yield from (quote(secret, safe=safe) for safe in ("", "/", string.punctuation))
    yield from (json.dumps(secret, ensure_ascii=ascii)[1:-1] for ascii in (True, False))


def strike_sent(text: str, content: Mapping[str, Any]) -> str:
    """``text``, such as an answer that repeats what was sent, without what is hidden of it."""
    return without(strike_headers(text, content["headers"]), content.get("secrets", []))


def strike_headers(text: str, headers: Mapping[str, str]) -> str:
    """``text``, such as an answer that repeats what was sent, without what ``headers`` hide."""
    for name, value in headers.items():
        if name.lower() not in PLAIN_HEADERS:
            for secret in (value, value.rpartition(" ")[2]):
                text = text.replace(secret, STRUCK) if len(secret) >= SHORTEST else text
    return text
