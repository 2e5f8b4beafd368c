from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    WORD = "word"
    TEXT = "text"  # in quotes
    SIGN = "sign"
    OPEN = "open"
    CLOSE = "close"
    COMMA = "comma"
    LEFT = "left"
    RIGHT = "right"
    ODD = "odd"  # a character that JQL reserves, or that no text may hold
    LONE_QUOTE = "lone_quote"  # and all that follows it
    END = "end"


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONNECTORS = {"and": "and", "or": "or", "&": "and", "&&": "and", "|": "or", "||": "or"}
PREDICATES = {"before", "after", "from", "to", "on", "during", "by"}
OPERATOR_WORDS = {"in", "is", "was", "changed"}
EMPTY = {"empty", "null"}
KEYWORDS = {"and", "or", "not", "order", "asc", "desc", *PREDICATES, *OPERATOR_WORDS}
OPERATOR_SIGNS = {"=", "!=", "<", ">", "<=", ">=", "~", "!~"}

# https://confluence.atlassian.com/jirasoftwareserver/advanced-searching-939938733.html
RESERVED = words(
    """abort access add alias alter any as audit avg begin between boolean break byte catch cf char
    character check checkpoint collate collation column commit connect continue count create
    current date decimal declare decrement default defaults define delete delimiter difference
    distinct divide do double drop else encoding end equals escape exclusive exec execute exists
    explain false fetch file field first float for function go goto grant greater group having
    identified if immediate increment index initial inner inout input insert int integer intersect
    intersection into isempty isnull join last left less like limit lock long max min minus mode
    modify modulo more multiply next noaudit notin nowait number object of option outer output
    power previous prior privileges public raise raw remainder rename resource return returns
    revoke right row rowid rownum rows select session set share size sqrt start strict string
    subtract sum synonym table then trans transaction trigger true uid union unique update user
    validate values view when whenever where while with"""
)

SCANNER = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    | (?P<text>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
    | (?P<lone_quote>["'].*)
    | (?P<sign>=== | !== | == | <> | => | =< | != | !~ | >= | <= | && | \|\| | [=<>~!&|])
    | (?P<open>\() | (?P<close>\)) | (?P<comma>,) | (?P<left>\[) | (?P<right>\])
    | (?P<word>(?:\\.|[^\s\x00-\x1f\x7f-\x9f"'=<>~!&|(),\[\]{}*/%+^$\#@?;\\])+)
    | (?P<odd>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """An unquoted word in small letters, by which keywords are known; else empty."""
        return self.text.lower() if self.kind is Kind.WORD else ""

    @property
    def connector(self) -> str:
        """``and``, ``or`` or nothing, whether as a word or a sign."""
        return CONNECTORS.get(self.text.lower(), "") if self.kind in (Kind.WORD, Kind.SIGN) else ""

    @property
    def is_operator(self) -> bool:
        return self.word in OPERATOR_WORDS or (self.kind is Kind.SIGN and not self.connector)

    @property
    def is_value(self) -> bool:
        """What may stand for a field or a value as it is."""
        return self.kind is Kind.TEXT or (self.kind is Kind.WORD and self.word not in KEYWORDS)

    @property
    def value(self) -> str:
        text = self.text[1:-1] if self.kind is Kind.TEXT else self.text
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def tokenize(text: str) -> list[Token]:
    """The tokens of ``text``, without spaces, the last one of kind END."""
    found = [
        Token(Kind(match.lastgroup), match[0], match.start())
        for match in SCANNER.finditer(text)
        if match.lastgroup != "space"
    ]
    return [*found, Token(Kind.END, "", len(text))]
