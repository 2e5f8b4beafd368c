from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db import models

from automation.storable import storable

FINGERPRINT = "sha256:"
YEAR_3000 = 32_503_680_000_000  # in milliseconds since 1970


class Kind(models.TextChoices):
    """What an event tells. One request may tell several: a transition with a comment."""

    CREATED = "created", "a new item"
    STATUS_CHANGED = "status_changed", "a change of status"
    COMMENTED = "commented", "a new comment"
    COMMENT_CHANGED = "comment_changed", "an edited or deleted comment"
    MOVED = "moved", "a moved item"
    DELETED = "deleted", "a deleted item"
    PING = "ping", "a test of the connection"
    OTHER = "other", "another event"


class Change(models.TextChoices):
    """What became of a comment over there."""

    ADDED = "added"
    EDITED = "edited"
    DELETED = "deleted"


@dataclass(frozen=True)
class RemoteComment:
    """A comment over there; ``id`` is the same in every request that is about it."""

    id: str
    change: str = Change.ADDED
    body: str = ""  # as plain text
    author: str = ""
    version: str = ""  # tells one edit from the next; empty for a new comment
    restricted: str = ""  # who alone may read it over there; empty: whoever reads the item


@dataclass(frozen=True)
class Event:
    """What a sender reads from one request. Anything that is not there is empty."""

    name: str = ""  # as the sender calls it
    kinds: tuple[str, ...] = ()  # none: an item, without a word on what happened to it
    references: tuple[str, ...] = ()  # what the item is called, best first
    item: str = ""  # what it is called for good, however often it moves
    status_before: str = ""
    status_after: str = ""
    category: str = ""  # of the status after: a word that no translation changes
    resolution: str = ""  # why it is done, where the sender says so
    actor: str = ""  # who did it over there
    comment: RemoteComment | None = None
    occurred_at: datetime | None = None  # by the sender's clock
    delivery_id: str = ""  # the same when the sender repeats itself
    stamped: bool = False  # carries a time or change id: an equal body is a repeat


@dataclass(frozen=True)
class Signature:
    """An HMAC of the raw body in ``header``, as hexadecimal digits after ``prefix``."""

    header: str
    prefix: str = ""
    algorithm: str = "sha256"

    def problem(self, secret: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Why ``body`` is not proven to come from who knows ``secret``; empty if it is."""
        given = headers.get(self.header, "")
        if not given:
            return f"there is no {self.header} header"
        expected = self.sign(secret, body).encode()
        equal = hmac.compare_digest(expected, given.strip().encode("utf-8", "replace"))
        return "" if equal else f"its {self.header} header does not match"

    def sign(self, secret: str, body: bytes) -> str:
        return self.prefix + hmac.new(secret.encode(), body, self.algorithm).hexdigest()

    def headers(self, secret: str, body: bytes) -> dict[str, str]:
        """What the sender adds to its headers to prove where ``body`` comes from."""
        return {self.header: self.sign(secret, body)}


@dataclass(frozen=True)
class SharedToken(Signature):
    """No signature: the secret itself, in a header of its own."""

    def problem(self, secret: str, body: bytes, headers: Mapping[str, str]) -> str:
        given = headers.get(self.header, "")
        if not given:
            return f"there is no {self.header} header"
        equal = hmac.compare_digest(secret.encode(), given.strip().encode("utf-8", "replace"))
        return "" if equal else f"its {self.header} header is another secret"

    def sign(self, secret: str, body: bytes) -> str:
        return secret


@dataclass(frozen=True)
class Sender:
    """An external system. It reads requests and nothing more: no database, no answer."""

    slug: ClassVar[str]
    label: ClassVar[str]
    placeholder: ClassVar[str] = "VALUE"  # what replaces VALUE in find=VALUE over there
    system: ClassVar[str] = ""  # whose links its references mean; empty: any system's
    signature: ClassVar[Signature] = Signature(header="X-Hub-Signature-256", prefix="sha256=")
    kinds: ClassVar[tuple[str, ...]] = ()  # those that it can tell apart
    delivery_headers: ClassVar[tuple[str, ...]] = ()  # each request has an id of its own in these
    delivery_path: ClassVar[str] = ""  # or in its body, at this path
    sent_path: ClassVar[str] = ""  # where its body says when it was sent, in milliseconds
    chosen_there: ClassVar[bool] = False  # by a rule: an event that tells no kind is trusted
    sends_xml: ClassVar[bool] = False

    @property
    def where(self) -> str:
        """What it is called within a sentence, as in “Set it up in Jira”."""
        return self.label

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """What the request tells. Never raises, whatever a stranger posts."""
        raise NotImplementedError

    def canonical(self, reference: str) -> str:
        """The one spelling of all that name the same item."""
        return reference.upper()

    def spellings(self, reference: str) -> set[str]:
        """How a link may spell it, beside as it is."""
        return set()


def dig(payload: Any, path: str) -> str:
    """The text or number at ``path`` (names and indexes, dotted); "" where there is none."""
    value = reach(payload, path)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    if isinstance(value, (int, float)) and not _is_number(value):
        return ""
    return clean_text(str(value))


def _is_number(value: int | float) -> bool:
    """Whether it can be written down: it is neither infinite nor of thousands of digits."""
    return math.isfinite(value) if isinstance(value, float) else value.bit_length() < 1024


def reach(payload: Any, path: str) -> Any:
    """Whatever is at ``path``; None where there is nothing."""
    for name in path.split("."):
        if isinstance(payload, dict):
            payload = payload.get(name)
        elif isinstance(payload, list) and name.isdigit() and int(name) < len(payload):
            payload = payload[int(name)]
        else:
            return None
    return payload


def clean_text(text: str) -> str:
    return storable(text).strip()


def first(payload: Any, *paths: str) -> str:
    """What the first of ``paths`` that leads anywhere leads to."""
    return next(filter(None, (dig(payload, path) for path in paths)), "")


def kinds_of(told: Mapping[str | None, bool]) -> tuple[str, ...]:
    """Those kinds that are told; where none is, it was another event."""
    return tuple(str(kind) for kind, is_told in told.items() if kind and is_told) or (
        str(Kind.OTHER),
    )


def entries(payload: Any, path: str) -> list[Any]:
    """The list, or the values of the object, at ``path``; empty where there is neither."""
    found = reach(payload, path)
    if isinstance(found, dict):
        return list(found.values())
    return found if isinstance(found, list) else []


def from_iso(text: str) -> datetime | None:
    """A time as in ISO 8601, in UTC where it names no zone; None where it is no time of ours.

    GitLab writes ``2015-05-17 17:06:40 UTC``; Microsoft's 0001-01-01 and 9999-01-01 say “never”.
    """
    try:
        moment = datetime.fromisoformat(text.replace(" UTC", "+00:00").strip())
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if 1970 < moment.year < 3000 else None


def from_milliseconds(text: str) -> datetime | None:
    """A time given as milliseconds since 1970; None where that is no time before the year 3000."""
    if not (text.isdecimal() and len(text) <= 14 and int(text) < YEAR_3000):
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def fingerprint(body: bytes, find: str) -> str:
    """The delivery id of a request whose sender gives none, but stamps its bodies."""
    return f"{FINGERPRINT}{hashlib.sha256(find.encode() + bytes(1) + body).hexdigest()}"
