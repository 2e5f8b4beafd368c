"""What a reader of JQL, stuck at a token, would say is meant there."""

from __future__ import annotations

import re
from collections.abc import Callable

from automation.jql.findings import Edit, Found, quoted, short
from automation.jql.grammar import Expected, Stuck
from automation.jql.tokens import EMPTY, KEYWORDS, OPERATOR_SIGNS, PREDICATES, Kind, Token, words

WRONG_SIGNS = {"==": "=", "===": "=", "!==": "!=", "<>": "!=", "=>": ">=", "=<": "<="}
WRONG_WORDS = {"like": "~", "contains": "~", "equals": "=", "equal": "=", "matches": "~"}
GLUED_OPERATORS = {
    "changedto": "changed to",
    "changedfrom": "changed from",
    "notin": "not in",
    "isnot": "is not",
    "isempty": "is empty",
    "isnull": "is null",
    "wasin": "was in",
    "wasnot": "was not",
}
COMMON_FIELDS = words(
    """affectedversion assignee category cf component created creator description due duedate
    environment epic filter fixversion id issue issuekey issuetype key labels lastviewed level
    parent priority project reporter resolution resolutiondate resolved space sprint status
    statuscategory summary text type updated voter votes watcher watchers worktype"""
)
SPLITS = re.compile(r"(and|or)(?=[\w\"'.-])(.+)", re.IGNORECASE | re.DOTALL)
ENDS_GLUED = re.compile(r"(.*[a-z0-9])(AND|OR)", re.DOTALL)
FIELD_GLUED = re.compile(r"(.{2,}?)(not ?in|in|is|was|changed)", re.IGNORECASE | re.DOTALL)

Look = Callable[[list[Token], int, int], Found | None]  # tokens, where it is stuck, clause's first


def where_stuck(tokens: list[Token], stuck: Stuck) -> Found:
    for look in LOOKS[stuck.expected]:
        if found := look(tokens, stuck.at, stuck.first):
            return found
    here = tokens[stuck.at]
    shown = f"“{short(here.text)}” does not fit" if here.text else "The query stops too early"
    return Found(
        "not_understood", here.start, f"{shown}: Jira expects {stuck.expected.value} here."
    )


def _glued_connector(tokens: list[Token], at: int, first: int) -> Found | None:
    """``ANDlabels = delta``."""
    here = tokens[at]
    match = SPLITS.fullmatch(here.text) if here.kind is Kind.WORD else None
    if not match or here.word in KEYWORDS:
        return None
    connector, rest = match[1], match[2]
    shouted = connector.isupper() and (not rest[0].isupper() or tokens[at + 1].is_operator)
    if not shouted and rest.lower() not in COMMON_FIELDS:
        return None
    sentence = f"“{here.text}” runs two words together: {connector.upper()} and {rest}."
    edit = Edit(here.start, here.end, f"{connector} {rest}")
    return Found("run_together", here.start, sentence, edit)


def _glued_to_value(tokens: list[Token], at: int, first: int) -> Found | None:
    """``status = DoneAND labels = delta``."""
    before = tokens[at - 1]
    match = ENDS_GLUED.fullmatch(before.text) if before.kind is Kind.WORD else None
    if not match or not tokens[at].is_value:
        return None
    sentence = f"“{before.text}” runs two words together: {match[1]} and {match[2]}."
    edit = Edit(before.start, before.end, f"{match[1]} {match[2]}")
    return Found("run_together", before.start, sentence, edit)


def _glued_field(tokens: list[Token], at: int, first: int) -> Found | None:
    """``statusin (Open)``, ``statuschanged to Done``."""
    before = tokens[at - 1]
    match = FIELD_GLUED.fullmatch(before.text) if before.kind is Kind.WORD else None
    if not match:
        return None
    fits = {
        "in": tokens[at].kind is Kind.OPEN,
        "notin": tokens[at].kind is Kind.OPEN,
        "is": tokens[at].word in {*EMPTY, "not"},
        "was": tokens[at].is_value or tokens[at].word in ("not", "in"),
        "changed": tokens[at].word in PREDICATES,
    }
    if match[1].lower() not in COMMON_FIELDS or not fits[match[2].lower().replace(" ", "")]:
        return None
    sentence = f"“{before.text}” runs two words together: {match[1]} and {match[2]}."
    edit = Edit(before.start, before.end, f"{match[1]} {match[2]}")
    return Found("run_together", before.start, sentence, edit)


def _glued_operator(tokens: list[Token], at: int, first: int) -> Found | None:
    here = tokens[at]
    apart = GLUED_OPERATORS.get(here.word)
    if not apart:
        return None
    sentence = f"“{here.text}” runs two words together: {apart}."
    return Found("run_together", here.start, sentence, Edit(here.start, here.end, apart))


def _glued_order(tokens: list[Token], at: int, first: int) -> Found | None:
    here = tokens[at]
    if here.word != "orderby":
        return None
    sentence = f"“{here.text}” runs two words together: ORDER BY."
    return Found("run_together", here.start, sentence, Edit(here.start, here.end, "ORDER BY"))


def _wrong_operator(tokens: list[Token], at: int, first: int) -> Found | None:
    here, after = tokens[at], tokens[at + 1] if at + 1 < len(tokens) else tokens[at]
    right = WRONG_SIGNS.get(here.text) or WRONG_WORDS.get(here.word)
    edit = Edit(here.start, here.end, right) if right else None
    shown = here.text
    if here.word == "not" and WRONG_WORDS.get(after.word) == "~":
        shown, edit = f"{here.text} {after.text}", Edit(here.start, after.end, "!~")
    if edit is None:
        return None
    if here.word and edit.text in ("~", "=") and not _stands_apart(tokens, at):
        edit = Edit(edit.start, edit.end, f" {edit.text} ")
    sentence = f"“{shown}” is no operator of JQL: write {edit.text.strip()}."
    return Found("unknown_operator", here.start, sentence, edit)


def _stands_apart(tokens: list[Token], at: int) -> bool:
    return tokens[at - 1].end < tokens[at].start < tokens[at].end < tokens[at + 1].start


def _field_of_words(tokens: list[Token], at: int, first: int) -> Found | None:
    """``Story Points > 3``."""
    end = at
    while tokens[end].kind is Kind.WORD and not tokens[end].connector and end - first < 8:
        end += 1
    name = tokens[first:end]
    if len(name) < 2 or not (tokens[end].kind is Kind.SIGN and tokens[end].text in OPERATOR_SIGNS):
        return None
    text = " ".join(token.text for token in name)
    sentence = f"The field “{text}” has several words: put it into quotation marks."
    edit = Edit(name[0].start, name[-1].end, quoted(text))
    return Found("missing_quotes", name[0].start, sentence, edit)


def _unfinished(tokens: list[Token], at: int, first: int) -> Found | None:
    """A connector with nothing behind it, or twice."""
    if at == 0:
        return None
    here, before = tokens[at], tokens[at - 1]
    if here.connector and before.connector:
        sentence = f"“{before.text} {here.text}”: one of the two is too many."
        return Found("doubled", here.start, sentence, Edit(before.end, here.end, ""))
    if here.kind in (Kind.END, Kind.CLOSE) and before.connector:
        sentence = f"Nothing follows the last “{before.text}”."
        start = tokens[at - 2].end if at > 1 else 0
        return Found("unfinished", before.start, sentence, Edit(start, before.end, ""))
    return None


def _no_operator(tokens: list[Token], at: int, first: int) -> Found | None:
    here = tokens[at]
    if here.kind in (Kind.END, Kind.CLOSE) or here.connector:
        name = tokens[at - 1].text
        sentence = f"“{short(name)}” stands alone: an operator and a value are missing."
        return Found("unfinished", tokens[at - 1].start, sentence)
    return None


def _no_value(tokens: list[Token], at: int, first: int) -> Found | None:
    here = tokens[at]
    if here.kind in (Kind.END, Kind.CLOSE) or (here.connector and tokens[at + 1].kind is Kind.WORD):
        before = tokens[at - 1]
        return Found("unfinished", before.start, f"A value is missing after “{before.text}”.")
    return None


def _value_of_words(tokens: list[Token], at: int, first: int) -> Found | None:
    """``status = In Progress``: what stands there up to AND, OR, a bracket or a comma."""
    start = at
    if start and tokens[start].kind is Kind.WORD and _is_bare_value(tokens, start - 1):
        start -= 1
    end = start
    while _belongs_to_value(tokens, end, start):
        end += 1
    if end < len(tokens) and tokens[end].is_operator and end - start > 1:
        end -= 1  # the last word is the next clause's field
    run = tokens[start:end]
    if not run or (len(run) == 1 and run[0].is_value):
        return None
    text = " ".join(token.value for token in run)
    sentence = f"“{short(text)}” has several words: put it into quotation marks."
    code = "missing_quotes"
    if len(run) == 1:
        sentence, code = (
            f"“{text}” is a word of JQL itself: put it into quotation marks.",
            "reserved_word",
        )
    return Found(code, run[0].start, sentence, Edit(run[0].start, run[-1].end, quoted(text)))


def _is_bare_value(tokens: list[Token], at: int) -> bool:
    """Whether a word at ``at`` is a value that was read: behind an operator, bracket or comma."""
    before = tokens[at - 1] if at else tokens[at]
    follows = before.is_operator or before.word in {*PREDICATES, "not"}
    follows = follows or before.kind in (Kind.OPEN, Kind.COMMA)
    return tokens[at].kind is Kind.WORD and follows


def _belongs_to_value(tokens: list[Token], at: int, start: int) -> bool:
    token = tokens[at]
    if token.kind is not Kind.WORD or token.connector:
        return False
    by_follows = token.word == "order" and tokens[at + 1].word == "by"
    return not by_follows and not (at > start and token.word in PREDICATES)


def _reserved_character(tokens: list[Token], at: int, first: int) -> Found | None:
    """``labels = c++``: what touches the character belongs to it."""
    odd = tokens[at]
    if odd.kind is not Kind.ODD:
        return None
    if not odd.text.isprintable():
        sentence = "There is a character that no query may hold."
        return Found("reserved_character", odd.start, sentence, Edit(odd.start, odd.end, " "))
    start = end = at
    while start and tokens[start - 1].end == tokens[start].start and _loose(tokens[start - 1]):
        start -= 1
    while tokens[end].end == tokens[end + 1].start and _loose(tokens[end + 1]):
        end += 1
    text = "".join(token.text for token in tokens[start : end + 1])
    sentence = f"“{odd.text}” may only stand inside quotation marks."
    edit = Edit(tokens[start].start, tokens[end].end, quoted(text))
    return Found("reserved_character", odd.start, sentence, edit)


def _loose(token: Token) -> bool:
    return token.kind in (Kind.WORD, Kind.ODD)


def _several_values(tokens: list[Token], at: int, first: int) -> Found | None:
    """``status = Open, Done``."""
    if tokens[at].kind is not Kind.COMMA or not tokens[at - 1].is_value:
        return None
    end = at
    while tokens[end].kind is Kind.COMMA and tokens[end + 1].is_value:
        end += 2
    sign = tokens[at - 2]
    operators = {"=": "in", "!=": "not in", "in": "in"}
    if end == at or sign.text.lower() not in operators:
        return None
    values = ", ".join(token.text for token in tokens[at - 1 : end : 2])
    operator = operators[sign.text.lower()]
    sentence = f"“{sign.text}” takes one value: for several write {operator} (…)."
    space = "" if tokens[at - 3].end < sign.start else " "
    edit = Edit(sign.start, tokens[end - 1].end, f"{space}{operator} ({values})")
    return Found("several_values", sign.start, sentence, edit)


def _predicate_without_history(tokens: list[Token], at: int, first: int) -> Found | None:
    here = tokens[at]
    if here.word not in PREDICATES:
        return None
    sentence = f"“{here.text}” goes with “changed” or “was”, not with a comparison."
    return Found("not_understood", here.start, sentence)


def _no_connector(tokens: list[Token], at: int, first: int) -> Found | None:
    here = tokens[at]
    starts_clause = here.is_value and (tokens[at + 1].is_operator or tokens[at + 1].word == "not")
    if not starts_clause and here.kind is not Kind.OPEN:
        return None
    sentence = f"AND or OR is missing before “{short(here.text)}”."
    return Found("no_connector", here.start, sentence, Edit(here.start, here.start, "AND "))


def _bracket(tokens: list[Token], at: int, first: int) -> Found | None:
    here = tokens[at]
    if here.kind is Kind.CLOSE:
        sentence = "This ) closes no bracket."
        return Found("unbalanced_brackets", here.start, sentence, Edit(here.start, here.end, ""))
    if here.kind is Kind.END or here.word == "order":
        opened = _open_bracket(tokens, at)
        if opened is None:
            return None
        end = tokens[at - 1].end
        sentence = "The bracket ( is never closed."
        return Found("unbalanced_brackets", opened.start, sentence, Edit(end, end, ")"))
    return None


def _bracket_of_list(tokens: list[Token], at: int, first: int) -> Found | None:
    """``status in (Open, Done AND labels = delta``."""
    here = tokens[at]
    if not here.connector and here.kind is not Kind.END:
        return None
    opened, end = _open_bracket(tokens, at), tokens[at - 1].end
    if opened is None:
        return None
    sentence = "The bracket ( is never closed."
    return Found("unbalanced_brackets", opened.start, sentence, Edit(end, end, ")"))


def _open_bracket(tokens: list[Token], at: int) -> Token | None:
    """The last bracket before ``at`` that is open there."""
    opened: list[Token] = []
    for token in tokens[:at]:
        if token.kind is Kind.OPEN:
            opened.append(token)
        elif token.kind is Kind.CLOSE and opened:
            opened.pop()
    return opened[-1] if opened else None


def _no_comma(tokens: list[Token], at: int, first: int) -> Found | None:
    here, before = tokens[at], tokens[at - 1]
    if Kind.TEXT not in (here.kind, before.kind) or not here.is_value:
        return None
    edit = Edit(before.end, before.end, ",")
    return Found("no_comma", here.start, f"A comma is missing before {short(here.text)}.", edit)


LOOKS: dict[Expected, tuple[Look, ...]] = {
    Expected.FIELD: (_unfinished, _reserved_character),
    Expected.OPERATOR: (
        _wrong_operator,
        _glued_operator,
        _glued_field,
        _reserved_character,
        _field_of_words,
        _no_operator,
    ),
    Expected.VALUE: (_no_value, _reserved_character, _value_of_words),
    Expected.CONNECTOR: (
        _glued_order,
        _glued_connector,
        _glued_to_value,
        _reserved_character,
        _several_values,
        _predicate_without_history,
        _bracket,
        _no_connector,
        _value_of_words,
    ),
    Expected.COMMA: (_bracket_of_list, _reserved_character, _no_comma, _value_of_words),
    Expected.CLOSE: (_bracket,),
    Expected.BY: (_value_of_words,),
    Expected.FEWER_BRACKETS: (),
}
