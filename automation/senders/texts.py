"""Rich texts as trackers send them, read as plain text: HTML, and Atlassian Document Format."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from automation.senders.base import clean_text, dig, entries, first, from_milliseconds, reach

LONGEST = 64 * 1024  # characters that are kept of a text
DEEPEST = 40  # levels of a document; what lies deeper is left out

TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)(?:\s[^<>]*)?/?>")
ENDS_LINE = {
    *("br", "p", "div", "li", "ul", "ol", "tr", "table", "pre", "blockquote", "hr"),
    *(f"h{level}" for level in range(1, 7)),
}

# What stands for a node without content, at the first of these places that says anything
SHOWN = {
    "text": ("text",),
    "mention": ("attrs.text",),
    "emoji": ("attrs.text", "attrs.shortName"),
    "status": ("attrs.text",),
    "inlineCard": ("attrs.url",),
    "blockCard": ("attrs.url",),
    "embedCard": ("attrs.url",),
}
LINES = {
    *("paragraph", "heading", "codeBlock", "rule", "blockCard", "embedCard", "mediaSingle"),
    *("taskItem", "decisionItem", "tableRow", "hardBreak"),
}
ITEMS = ("listItem", "taskItem", "decisionItem")


def text_of_html(markup: str) -> str:
    """``markup`` without its tags; where a block starts or ends, a line does."""
    text = html.unescape(TAG.sub(_mark, markup[: 4 * LONGEST])).replace("\xa0", " ")
    return _tidy(re.sub(r"\n\s*", "\n", text))


def _mark(tag: re.Match[str]) -> str:
    name = tag.group(1).lower()
    if name == "li" and not tag.group().startswith("</"):
        return "\n- "
    return "\n" if name in ENDS_LINE else ""


def text_of_document(value: Any) -> str:
    """A text as it is, or a document of Jira Cloud's as text.

    Nodes as in https://developer.atlassian.com/cloud/jira/platform/apis/document/structure.
    """
    if isinstance(value, str):
        return clean_text(value)[:LONGEST]
    parts: list[str] = []
    length = 0
    for part in _parts(value, DEEPEST):
        parts.append(part)
        length += len(part)
        if length > LONGEST:
            break
    return _tidy("".join(parts))


def _parts(node: Any, levels: int) -> Iterator[str]:
    kind = dig(node, "type")
    if kind in ITEMS:
        yield "- "
    if kind in SHOWN:
        yield _shown(node, kind)
    elif kind == "date":
        yield _day(dig(node, "attrs.timestamp"))
    if levels:
        for inner in entries(node, "content"):
            yield from _parts(inner, levels - 1)
    if kind in LINES:
        yield "\n"


def _shown(node: Any, kind: str) -> str:
    """Spaces at the ends of a text node count: its neighbours are words too."""
    text = reach(node, "text")
    return text if kind == "text" and isinstance(text, str) else first(node, *SHOWN[kind])


def _day(timestamp: str) -> str:
    """In seconds in the documentation, in milliseconds in what comes."""
    day = from_milliseconds(timestamp if len(timestamp) > 10 else f"{timestamp}000")
    return f"{day:%Y-%m-%d}" if day else ""


def _tidy(text: str) -> str:
    lines = (line.rstrip() for line in text.splitlines())
    return clean_text(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)))[:LONGEST]
