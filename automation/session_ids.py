"""A Salesforce session id is a password for hours: it is struck out of a body before all else.

Bytes are struck, not texts: nothing has to be read for it, so a body that cannot be read, or is
in UTF-16, keeps no session id either. The length stays, so that the body reads as it did.
"""

from __future__ import annotations

import re

from automation.bodies import is_xml

STARS = bytes(byte if byte in b"\0\r\n" else ord("*") for byte in range(256))


def _spread(text: str) -> str:
    """A pattern for ``text`` in ASCII, UTF-8, UTF-16 and whatever else puts zeros between."""
    return "".join(rf"{re.escape(letter)}\0*+" for letter in text)


NAME = rf"(?:[^\s<>/:]*+:\0*+)?{_spread('SessionId')}(?=[\s/>])"
END = rf"<\0*+/\0*+{NAME}"
ATTRIBUTES = r"""(?:[^<>"'/]|"[^"<]*+"|'[^'<]*+')*+"""
# An empty element is left alone; any other goes from its tag, or from its name where the tag is
# broken, up to the end tag or, where there is none, to the end of the body.
ELEMENT = re.compile(
    rf"(?P<kept><\0*+{NAME}(?:{ATTRIBUTES}(?P<empty>/\0*+)?+>)?+)"
    rf"(?(empty)|(?P<secret>.*?)(?={END}|\Z))".encode(),
    re.DOTALL | re.IGNORECASE,
)
BEFORE_END = re.compile(rf"(?P<kept>>)(?P<secret>[^<>]*+)(?={END})".encode(), re.IGNORECASE)
WORD = r"(?:[0-9A-Za-z._]\0*+)"
MARK = "|".join(map(_spread, ("!", "%21", "&#33;", "&#x21;", r"\u0021")))
ANYWHERE = re.compile(  # an organization's id, the mark, the rest
    rf"(?P<kept>{_spread('00D')}{WORD}{{12,15}}(?:{MARK}))(?P<secret>{WORD}{{8,}})".encode()
)


def strike_sessions(body: bytes, content_type: str) -> bytes:
    """``body`` with stars for the SessionId of an XML document, and for what looks like one."""
    if is_xml(content_type) or body.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<"):
        body = BEFORE_END.sub(_starred, ELEMENT.sub(_starred, body))
    return ANYWHERE.sub(_starred, body)


def _starred(match: re.Match[bytes]) -> bytes:
    return match["kept"] + (match["secret"] or b"").translate(STARS)
