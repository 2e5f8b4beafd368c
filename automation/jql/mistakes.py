"""What Jira would not understand: the first such thing in a text, and how it should read."""

from __future__ import annotations

import re

from automation.jql.findings import Edit, Found, quoted, short
from automation.jql.grammar import AllOf, AnyOf, Clause, Node, Not, Query, Stuck, parse
from automation.jql.stuck import where_stuck
from automation.jql.tokens import RESERVED, Kind, Token, tokenize

CURLY_DOUBLE = re.compile("[“”„‟«»]")
LEFT_SINGLE, SINGLE = "\u2018\u201a\u201b", "\u2018\u2019\u201a\u201b"
CURLY_SINGLE = re.compile(f"[{LEFT_SINGLE}]([^{SINGLE}]*)\u2019")
CURLY = re.compile(f"[“”„‟«»{LEFT_SINGLE}]")
ODD_SPACE = re.compile("[\u00a0\u2000-\u200b\u202f\u2060\u3000\ufeff]")


def next_mistake(text: str) -> Found | None:
    tokens = tokenize(text)
    for look in (_odd_space, _curly_quotes, _lone_quote):
        if found := look(text, tokens):
            return found
    try:
        query = parse(tokens)
    except Stuck as stuck:
        return where_stuck(tokens, stuck)
    return _in_clauses(query, text)


def _odd_space(text: str, tokens: list[Token]) -> Found | None:
    for token in tokens:
        match = ODD_SPACE.search(token.text) if token.kind is not Kind.TEXT else None
        if match:
            at = token.start + match.start()
            sentence = (
                "There is a space that is none, pasted from a document: Jira takes it for a letter."
            )
            return Found("odd_space", at, sentence, Edit(at, at + 1, " "))
    return None


def _curly_quotes(text: str, tokens: list[Token]) -> Found | None:
    """Outside straight quotes, or where they are unbalanced because of these."""
    for token in tokens:
        if token.kind is Kind.TEXT:
            continue
        if match := CURLY.search(token.text):
            straight = CURLY_DOUBLE.sub('"', CURLY_SINGLE.sub(r'"\1"', text))
            sentence = (
                f"{match[0]} is a quotation mark of a document: Jira takes it for a letter. "
                'Use " instead.'
            )
            at = token.start + match.start()
            edit = Edit(0, len(text), straight) if straight != text else None
            return Found("curly_quotes", at, sentence, edit)
    return None


def _lone_quote(text: str, tokens: list[Token]) -> Found | None:
    lone = next((token for token in tokens if token.kind is Kind.LONE_QUOTE), None)
    if lone is None:
        return None
    mark, rest = lone.text[0], lone.text[1:]
    sentence = f"The quotation mark {mark} is never closed."
    before = tokens[tokens.index(lone) - 1]
    if mark == "'" and before.kind is Kind.WORD and before.end == lone.start:
        end = lone.start + len(re.match(r"\S*?(?=[\s)]|$)", lone.text)[0])  # type: ignore[index]
        edit = Edit(before.start, end, quoted(text[before.start : end]))
        return Found("unbalanced_quotes", lone.start, sentence, edit)
    if word := re.match(r"[^\s()\"'\\]+(?=[\s)]*$)", rest):
        end = lone.start + 1 + len(word[0])
        return Found("unbalanced_quotes", lone.start, sentence, Edit(end, end, mark))
    return Found("unbalanced_quotes", lone.start, sentence)


# What the grammar allows, and Jira refuses


def _in_clauses(query: Query, text: str) -> Found | None:
    looks = (_list_for_one, _one_for_list, _is_not_empty, _reserved_value)
    for clause in clauses_of(query.where):
        for look in looks:
            if found := look(clause, text):
                return found
    return None


def clauses_of(node: Node | None) -> list[Clause]:
    """Every clause, in the order of the text."""
    found: list[Clause] = []
    waiting = [node] if node else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Clause):
            found.append(node)
        elif isinstance(node, Not):
            waiting.append(node.part)
        elif isinstance(node, (AllOf, AnyOf)):
            waiting += reversed(node.parts)
    return found


def _list_for_one(clause: Clause, text: str) -> Found | None:
    several = {"=": "in", "!=": "not in", "was": "was in", "was not": "was not in"}
    operator = several.get(clause.operator)
    if not clause.listed or operator is None:
        return None
    start, end = clause.operator_at
    sentence = f"“{clause.operator}” takes one value: for several write {operator} (…)."
    before, after = ("" if text[at] == " " else " " for at in (start - 1, end))
    edit = Edit(start, end, f"{before}{operator}{after}")
    return Found("several_values", start, sentence, edit)


def _one_for_list(clause: Clause, text: str) -> Found | None:
    if not clause.operator.endswith("in") or clause.listed or clause.values[0].token is None:
        return None
    token = clause.values[0].token
    sentence = f"“{clause.operator}” takes a list: put {short(token.text)} into brackets."
    edit = Edit(token.start, token.end, f"({token.text})")
    return Found("list_needed", token.start, sentence, edit)


def _is_not_empty(clause: Clause, text: str) -> Found | None:
    """“is” and “is not” go with EMPTY alone."""
    if clause.operator not in ("is", "is not") or clause.listed:
        return None
    if clause.values[0].kind == "empty":
        return None
    start, end = clause.operator_at
    sign = "=" if clause.operator == "is" else "!="
    sentence = f"“{clause.operator}” goes with EMPTY alone: write {sign}."
    return Found("unknown_operator", start, sentence, Edit(start, end, sign))


def _reserved_value(clause: Clause, text: str) -> Found | None:
    values = [*clause.values, *(value for each in clause.predicates for value in each.values)]
    for value in values:
        token = value.token
        if token is not None and token.word in RESERVED:
            sentence = f"“{token.text}” is a word that JQL reserves: put it into quotation marks."
            edit = Edit(token.start, token.end, quoted(token.text))
            return Found("reserved_word", token.start, sentence, edit)
    return None
