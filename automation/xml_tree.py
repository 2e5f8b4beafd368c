"""An XML document as a plain tree, such as JSON would be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers.expat import ErrorString

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
NIL, TYPE = f"{SCHEMA_INSTANCE}nil", f"{SCHEMA_INSTANCE}type"
BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
ALWAYS_LISTS = {"Notification"}  # of a Salesforce outbound message, which may hold 100
DEEPEST = 50


class XMLProblem(ValueError):
    """Why a document cannot be read, and where: “line 3, column 7: mismatched tag”."""


def read_xml(body: bytes, charset: str = "") -> dict[str, Any]:
    """The document as ``{name of its root: value}``; raises XMLProblem.

    Names are without their namespaces. The value of an element is

    - its text, if it holds nothing else; None, if it is ``xsi:nil``;
    - else an object of the elements in it, where several of one name become a list, in their
      order; ``Notification`` always is one. ``xsi:type`` becomes ``@type``, without its prefix,
      any other attribute ``@name``, and text between the elements ``#text``.

    A document type or an entity of its own is refused, and so is what nests too deeply. A byte
    order mark goes before ``charset``, which goes before what the document declares (RFC 7303).
    """
    tree = _Tree()
    encoding = "" if body.startswith(BYTE_ORDER_MARKS) else charset.replace("utf-16-", "utf-16")
    parser = XMLParser(target=tree, encoding=encoding or None, forbid_dtd=True)
    try:
        parser.feed(body)
        return parser.close()
    except ParseError as error:
        line, column = error.position
        raise XMLProblem(_at(line, column, ErrorString(error.code))) from error
    except (DefusedXmlException, _TooDeep) as error:
        why = str(error) if isinstance(error, _TooDeep) else "a document type is not allowed here"
        place = parser.parser
        raise XMLProblem(_at(place.CurrentLineNumber, place.CurrentColumnNumber, why)) from error
    except (LookupError, ValueError) as error:  # from Python's table of character sets
        raise XMLProblem(_at(1, 0, "its character set is unknown or unfit for XML")) from error


def _at(line: int, column: int, why: str) -> str:
    return f"line {line}, column {column + 1}: {why}"


class _TooDeep(Exception):
    pass


@dataclass
class _Element:
    attributes: dict[str, str]
    inner: dict[str, Any] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def add(self, name: str, value: Any) -> None:
        if name not in self.inner:
            self.inner[name] = [value] if name in ALWAYS_LISTS else value
        elif isinstance(self.inner[name], list):
            self.inner[name].append(value)
        else:
            self.inner[name] = [self.inner[name], value]

    def value(self) -> Any:
        if self.attributes.get(NIL) in ("true", "1"):
            return None
        text = "".join(self.texts)
        own = {
            f"@{_local(name)}": value
            for name, value in self.attributes.items()
            if not name.startswith(SCHEMA_INSTANCE)
        }
        if not self.inner and not own:
            return text
        if TYPE in self.attributes:
            own["@type"] = self.attributes[TYPE].rpartition(":")[2]
        if not self.inner or text.strip():
            own["#text"] = text
        return own | self.inner


class _Tree:
    """What the parser tells, put together."""

    def __init__(self) -> None:
        self.path = [_Element({})]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.path) > DEEPEST:
            raise _TooDeep(f"its elements are nested more than {DEEPEST} deep")
        self.path.append(_Element(attributes))

    def data(self, text: str) -> None:
        self.path[-1].texts.append(text)

    def end(self, name: str) -> None:
        element = self.path.pop()
        self.path[-1].add(_local(name), element.value())

    def close(self) -> dict[str, Any]:
        return self.path[0].inner


def _local(name: str) -> str:
    return name.rpartition("}")[2]
