from __future__ import annotations

import time

import pytest

from automation.senders.texts import DEEPEST, LONGEST, text_of_document, text_of_html


def doc(*content):
    return {"type": "doc", "version": 1, "content": list(content)}


def paragraph(*content):
    return {"type": "paragraph", "content": list(content)}


def text(words):
    return {"type": "text", "text": words}


@pytest.mark.parametrize(
    ("document", "plain"),
    [
        ("As it is", "As it is"),
        (doc(paragraph(text("Fixed "), text("now"))), "Fixed now"),
        (doc(paragraph(text("One")), paragraph(text("Two"))), "One\nTwo"),
        (doc(paragraph(text("One"), {"type": "hardBreak"}, text("Two"))), "One\nTwo"),
        (doc(paragraph({"type": "mention", "attrs": {"id": "1", "text": "@Dana"}})), "@Dana"),
        (doc(paragraph({"type": "emoji", "attrs": {"shortName": ":grin:"}})), ":grin:"),
        (doc(paragraph({"type": "inlineCard", "attrs": {"url": "https://x/"}})), "https://x/"),
        (doc(paragraph({"type": "status", "attrs": {"text": "LATE"}})), "LATE"),
        (doc(paragraph({"type": "date", "attrs": {"timestamp": "1582152559"}})), "2020-02-19"),
        (doc(paragraph({"type": "date", "attrs": {"timestamp": "1582152559000"}})), "2020-02-19"),
        (doc({"type": "codeBlock", "content": [text("a = 1\nb = 2")]}), "a = 1\nb = 2"),
        (
            doc(
                {
                    "type": "bulletList",
                    "content": [
                        {"type": "listItem", "content": [paragraph(text("One"))]},
                        {"type": "listItem", "content": [paragraph(text("Two"))]},
                    ],
                }
            ),
            "- One\n- Two",
        ),
        (doc({"type": "of tomorrow", "content": [paragraph(text("Kept"))]}), "Kept"),
        (doc(None, 5, "odd", {"content": {"a": text("Odd")}}, {"type": ["text"]}), "Odd"),
        (None, ""),
        (7, ""),
        ([], ""),
    ],
)
def test_a_document_is_read_as_text(document, plain):
    assert text_of_document(document) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("No tags, 1 < 2 &amp; 3 > 2", "No tags, 1 < 2 & 3 > 2"),
        ("<div>One</div><div>Two<br>Three</div>", "One\nTwo\nThree"),
        ('<a href="#" data-vss-mention="version:2.0,1">@Dana</a>&nbsp;look', "@Dana look"),
        ("<ul><li>One</li><li>Two</li></ul>", "- One\n- Two"),
        ("<p>&lt;b&gt; stays</p>", "<b> stays"),
        ("", ""),
    ],
)
def test_markup_is_read_as_text(markup, plain):
    assert text_of_html(markup) == plain


def test_a_document_is_read_to_its_depth_and_length_only():
    deep, long = text("too deep"), doc(*[paragraph(text("x" * 99))] * 9999)
    for _ in range(DEEPEST * 50):
        deep = paragraph(deep)

    assert text_of_document(doc(paragraph(text("Seen")), deep)) == "Seen"
    assert len(text_of_document(long)) <= LONGEST


@pytest.mark.parametrize("part", ["<", "<a ", "</", "&", "&#", "<p>", "\n", " ", "<a href='"])
def test_markup_that_never_ends_is_read_in_no_time(part):
    started = time.monotonic()

    text_of_html(part * 300_000)

    assert time.monotonic() - started < 1
