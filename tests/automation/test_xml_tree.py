"""XML as a plain tree, and what is refused before it can do harm."""

from __future__ import annotations

import time

import pytest

from automation.xml_tree import DEEPEST, XMLProblem, read_xml

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@pytest.mark.parametrize(
    ("document", "tree"),
    [
        ("<a>one</a>", {"a": "one"}),
        ("<a/>", {"a": ""}),
        ("<a><b>1</b><c>2</c></a>", {"a": {"b": "1", "c": "2"}}),
        ("<a><b>1</b><b>2</b><b/></a>", {"a": {"b": ["1", "2", ""]}}),
        ("<a><b><c/></b><b>2</b></a>", {"a": {"b": [{"c": ""}, "2"]}}),
        ("<a>\n  <b>1</b>\n</a>", {"a": {"b": "1"}}),
        ("<a>x<b>1</b>y</a>", {"a": {"#text": "xy", "b": "1"}}),
        ('<a n="1">x</a>', {"a": {"@n": "1", "#text": "x"}}),
        ('<a n="1"><b/></a>', {"a": {"@n": "1", "b": ""}}),
        ('<p:a xmlns:p="urn:p"><p:b/><b/></p:a>', {"a": {"b": ["", ""]}}),
        (f'<a {XSI} xsi:nil="true"/>', {"a": None}),
        (f'<a {XSI} xsi:nil="false"/>', {"a": ""}),
        (f'<a {XSI} xsi:type="xsd:int">1</a>', {"a": "1"}),
        (f'<a {XSI} xsi:type="sf:Case"><b/></a>', {"a": {"@type": "Case", "b": ""}}),
        ("<a><Notification/></a>", {"a": {"Notification": [""]}}),
        (
            "<a><Notification>1</Notification><Notification/></a>",
            {"a": {"Notification": ["1", ""]}},
        ),
        ("<a><![CDATA[<b>&]]> &amp; &#233;<!-- no --></a>", {"a": "<b>& & é"}),
    ],
)
def test_a_document_becomes_a_tree_of_its_names(document, tree):
    assert read_xml(document.encode()) == tree


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<a>é</a>".encode(), ""),
        ("<a>é</a>".encode("latin-1"), "iso-8859-1"),
        ("<a>é</a>".encode("utf-16"), ""),
        ("<a>é</a>".encode("utf-16"), "utf-8"),  # the mark goes before what is said of it
        ("<a>é</a>".encode("utf-16-le"), "utf-16"),
        ("<a>é</a>".encode("utf-16-be"), "utf-16be"),
        ("<a>é</a>".encode("utf-8-sig"), "latin-1"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"), ""),
        ('<?xml version="1.0" encoding="cp1252"?><a>é</a>'.encode("cp1252"), ""),
        ('<?xml version="1.0" encoding="latin-1"?><a>é</a>'.encode(), "utf-8"),
    ],
)
def test_a_document_is_read_in_its_character_set(body, charset):
    assert read_xml(body, charset) == {"a": "é"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "line 1, column 1: no element found"),
        (b"<a>\n <b>\n</a>", "line 3, column 3: mismatched tag"),
        (b"<a>", "line 1, column 4: no element found"),
        (b"{}", "line 1, column 1: not well-formed (invalid token)"),
        (b"<a/><b/>", "line 1, column 5: junk after document element"),
        (b"<p:a/>", "line 1, column 1: unbound prefix"),
        (b"<a>&b;</a>", "line 1, column 4: undefined entity"),
        (b"<a>\0</a>", "line 1, column 4: not well-formed (invalid token)"),
        (b"<a>\xe9</a>", "line 1, column 4: not well-formed (invalid token)"),
        (b'<a b="1" b="2"/>', "line 1, column 10: duplicate attribute"),
        (
            b'<?xml version="1.0" encoding="klingon"?><a/>',
            "line 1, column 1: its character set is unknown or unfit for XML",
        ),
        (
            b'<?xml version="1.0" encoding="shift_jis"?><a/>',
            "line 1, column 1: its character set is unknown or unfit for XML",
        ),
        (
            b"<a>" * (DEEPEST + 1),
            f"line 1, column 154: its elements are nested more than {DEEPEST} deep",
        ),
    ],
)
def test_what_cannot_be_read_says_where(body, problem):
    with pytest.raises(XMLProblem) as refused:
        read_xml(body)

    assert str(refused.value) == problem


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
ATTACKS = {
    "entity bomb": f'<!DOCTYPE a [<!ENTITY e0 "ha">{BOMB}]><a>&e9;</a>',
    "quadratic blow-up": f'<!DOCTYPE a [<!ENTITY e "{"x" * 50_000}">]><a>{"&e;" * 10_000}</a>',
    "external entity": '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
    "parameter entity": '<!DOCTYPE a [<!ENTITY % e SYSTEM "http://127.0.0.1:9/"> %e;]><a/>',
    "external document type": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    "public document type": '<!DOCTYPE a PUBLIC "-//x" "http://127.0.0.1:9/a.dtd"><a/>',
    "unparsed entity": '<!DOCTYPE a [<!ENTITY e SYSTEM "x" NDATA gif>]><a/>',
    "bare document type": "<!DOCTYPE a><a/>",
    "attribute default": '<!DOCTYPE a [<!ATTLIST a b CDATA "evil">]><a/>',
    "endless depth": "<a>" * 300_000,
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_attack_is_refused_at_once(attack, encoding):
    began = time.monotonic()

    with pytest.raises(XMLProblem, match="line 1, column"):
        read_xml(ATTACKS[attack].encode(encoding))

    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize(
    "body",
    [
        b"<a>" + b"<b/>" * 260_000 + b"</a>",
        b"<a " + b" ".join(b'x%d="1"' % number for number in range(90_000)) + b"/>",
        b"<a>" + b"&#65;" * 200_000 + b"</a>",
        b"<" + b"a" * 1_000_000 + b"/>",
    ],
    ids=["elements", "attributes", "references", "name"],
)
def test_a_large_document_takes_its_time_by_its_size_alone(body):
    began = time.monotonic()

    read_xml(body)

    assert time.monotonic() - began < 5  # a third of a second, unless the machine is busy
