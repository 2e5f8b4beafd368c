"""Secrets are taken out of a request before anything can keep or print them: a key's above all."""

from __future__ import annotations

import logging
import re
from contextlib import suppress

from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

STRUCK = "***"
SHORTEST_SECRET = 8
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
WHOLE_KEY = re.compile(r"([a-z0-9]{1,20})(?:-|%2[Dd])[0-9a-f]{48}(?![0-9a-f])")
WHOLE_KEY_BYTES = re.compile(WHOLE_KEY.pattern.encode())
# Of Salesforce, which sends it along if it is told to: a password for hours
SESSION_ID = re.compile(
    r"(00D[0-9A-Za-z]{12,15}(?:!|%21|&#33;|&#x21;|\\u0021))[0-9A-Za-z._]{8,}"
    r"|((?:<|&lt;)(?:[\w.-]{1,50}:)?SessionId[^<>&]{0,300}(?<!/)(?:>|&gt;))[^<>&]+"
)


class PresentedKey:
    """The key that a caller showed. Its value is never part of a traceback or a log line."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"<key {self.struck()}>"

    def struck(self) -> str:
        """What may be kept of it: a well-formed prefix, nothing else."""
        prefix, dash, _ = self.value.partition("-")
        named = dash and re.fullmatch(r"[a-z0-9]{1,20}", prefix)
        return f"{prefix}-{STRUCK}" if named else STRUCK

    @property
    def is_secret(self) -> bool:
        """A few letters that somebody typed are none: struck out, they would take words along."""
        return len(self.value) >= SHORTEST_SECRET

    def strike(self, text: str) -> str:
        """``text`` without this key, nor any other that looks like one of ours."""
        if self.is_secret:
            text = text.replace(self.value, self.struck())
        return strike(text)

    def strike_bytes(self, body: bytes) -> bytes:
        for encoding in ENCODINGS if self.is_secret else ():
            raw = self.value.encode(encoding, "replace")
            body = body.replace(raw, self.struck().encode(encoding))
        return WHOLE_KEY_BYTES.sub(rb"\1-***", body)


def strike(text: str) -> str:
    text = SESSION_ID.sub(lambda match: f"{match[1] or match[2]}{STRUCK}", text)
    return WHOLE_KEY.sub(rf"\1-{STRUCK}", text)


class StrikeKeys(logging.Filter):
    """The last net: whatever is logged, by whomever, goes out without keys."""

    def filter(self, record: logging.LogRecord) -> bool:
        with suppress(TypeError, ValueError, KeyError):  # a wrong call, which logging itself tells
            record.msg, record.args = strike(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = strike(logging.Formatter().formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = strike(record.stack_info)
        return True


class StruckReport(ExceptionReporter):
    """What error mail and the error page show of a request, without keys."""

    def get_traceback_html(self) -> SafeString:
        return SafeString(strike(super().get_traceback_html()))

    def get_traceback_text(self) -> SafeString:
        return SafeString(strike(super().get_traceback_text()))
