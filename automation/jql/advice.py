"""What Jira understands, though not as whoever waits for a change may mean it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from automation.jql.findings import Edit, Found, quoted, short
from automation.jql.grammar import AllOf, AnyOf, Clause, Not, Query, Value
from automation.jql.mistakes import clauses_of
from automation.jql.tokens import words

BOUNDED = {"after", "on", "during"}  # these predicates leave old changes out
RECENTLY = "AFTER -5m"
# “changed” and “was” are told of a few fields only; these are said to have neither.
UNTOLD = words(
    """affectedversion component created description environment issuekey issuetype key labels
    project space summary text type updated"""
)
ALIASES = {
    "type": "issuetype",
    "worktype": "issuetype",
    "issue": "key",
    "issuekey": "key",
    "id": "key",
    "space": "project",
}
# An issue has one of each. People are called by several names, so those are compared as written.
SINGLE = {"status", "statuscategory", "project", "resolution", "issuetype", "priority", "key"}
PEOPLE = {"assignee", "reporter", "creator"}
NONE = "\0none"  # stands for EMPTY


def advice(query: Query, text: str) -> list[Found]:
    """In the order of the text."""
    found = [
        *(each for clause in clauses_of(query.where) for each in _history(clause, text)),
        *_impossible(query),
        *_order(query, text),
    ]
    return sorted(found, key=lambda each: each.position)


def _history(clause: Clause, text: str) -> Iterator[Found]:
    if not clause.operator.startswith(("changed", "was")):
        return
    if clause.field.lower() in UNTOLD:
        sentence = (
            f"Jira keeps no history of {clause.field} for searches: “{clause.operator}” is not "
            "understood here. Leave the clause out; the listener's “When” decides."
        )
        yield Found("history_untold", clause.start, sentence)
        return
    given = {predicate.name for predicate in clause.predicates}
    if given & BOUNDED or clause.operator in ("was not", "was not in"):
        return
    written = text[clause.start : clause.end]
    now = _as_it_is_now(clause)
    advised = (
        "Say how the issue is now; the listener's “When” decides whether that was a change."
        if now
        else "Limit it to the last minutes, and let the listener's “When” decide."
    )
    sentence = (
        f"“{short(written)}” looks at the issue's whole history: once true it stays true, and the "
        f"webhook is sent again at every later edit. {advised}"
    )
    edit = Edit(clause.start, clause.end, now or f"{written} {RECENTLY}")
    yield Found("history", clause.start, sentence, edit)


def _as_it_is_now(clause: Clause) -> str:
    """``status changed to Done`` as ``status = Done``; empty where there is no such wording."""
    name = clause.field if clause.field.isalnum() else quoted(clause.field)
    names = [predicate.name for predicate in clause.predicates]
    told = clause.predicates[0] if names == ["to"] else clause
    if not told.values or (clause.operator.startswith("was") and names):
        return ""
    shown = [value.token.text if value.token else f"{value.text}()" for value in told.values]
    if told.listed and len(shown) > 1:
        return f"{name} in ({', '.join(shown)})"
    return f"{name} = {shown[0]}"


def _order(query: Query, text: str) -> Iterator[Found]:
    if query.order_at is not None:
        start = len(text[: query.order_at].rstrip())
        sentence = "A webhook has no order: ORDER BY does nothing here."
        yield Found("order_by", query.order_at, sentence, Edit(start, len(text), ""))


def _impossible(query: Query) -> Iterator[Found]:
    waiting = [query.where] if query.where else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, AllOf):
            yield from _contradictions(node, query)
            waiting += node.parts
        elif isinstance(node, AnyOf):
            waiting += node.parts
        elif isinstance(node, Not):
            waiting.append(node.part)


@dataclass(frozen=True)
class Told:
    """What one clause says of a field."""

    clause: Clause
    negated: bool
    allows: bool
    values: frozenset[str]

    def __str__(self) -> str:
        values = ", ".join(value.text for value in self.clause.values)
        values = f"({values})" if self.clause.listed else values
        return f"“{'NOT ' * self.negated}{self.clause.field} {self.clause.operator} {values}”"


def _contradictions(node: AllOf, query: Query) -> Iterator[Found]:
    """Among the clauses of one AND alone: within OR or NOT of more, anything may be meant."""
    by_field: dict[str, list[Told]] = {}
    for part in node.parts:
        clause = part.part if isinstance(part, Not) else part
        if isinstance(clause, Clause):
            field = clause.field.lower()
            field = ALIASES.get(field, field)
            if told := _read(clause, field, negated=part is not clause):
                by_field.setdefault(field, []).append(told)
    for field, all_told in by_field.items():
        if len(all_told) > 1 and not _possible(field, all_told):
            yield _contradiction(field, all_told, query)


def _read(clause: Clause, field: str, *, negated: bool) -> Told | None:
    """What the clause allows or excludes; None where that cannot be told."""
    allows = {"=": True, "in": True, "is": True, "!=": False, "not in": False, "is not": False}
    if clause.operator not in allows or field not in SINGLE | PEOPLE:
        return None
    if any(value.kind == "function" or value.text.isdecimal() for value in clause.values):
        return None  # an id may stand for any of the names
    values = frozenset(_name(value, field) for value in clause.values)
    return Told(clause, negated, allows[clause.operator] != negated, values)


def _name(value: Value, field: str) -> str:
    unresolved = field == "resolution" and value.text.lower() == "unresolved"
    return NONE if value.kind == "empty" or unresolved else value.text.casefold().strip()


def _possible(field: str, all_told: list[Told]) -> bool:
    allowed = [told.values for told in all_told if told.allows]
    excluded = {value for told in all_told if not told.allows for value in told.values}
    if not allowed:
        return True
    if field in PEOPLE:
        return not any(values <= excluded for values in allowed)
    return bool(frozenset.intersection(*allowed) - excluded)


def _contradiction(field: str, all_told: list[Told], query: Query) -> Found:
    first, last = all_told[0], all_told[-1]
    shown = " and ".join(short(str(told)) for told in all_told[:3])
    only_allow = all(told.allows and not told.negated for told in all_told)
    unless = ""
    if field == "project" and only_allow:
        unless = ", unless they are key and name of one project"
    sentence = f"{shown} cannot be true together{unless}: no issue is ever found."
    if len(all_told) != 2 or not only_allow or (cut := _with_its_and(last.clause, query)) is None:
        return Found("impossible", last.clause.start, sentence)
    values = dict.fromkeys(
        value.token.text for told in all_told for value in told.clause.values if value.token
    )
    either = f"{first.clause.field} in ({', '.join(values)})"
    edit = Edit(first.clause.start, first.clause.end, either)
    return Found("impossible", last.clause.start, f"{sentence} For either of them:", edit, cut)


def _with_its_and(clause: Clause, query: Query) -> Edit | None:
    """The cut that takes the clause out, with the AND before it."""
    starts = [token.start for token in query.tokens]
    at = bisect_left(starts, clause.start)
    if at < 2 or query.tokens[at - 1].connector != "and":
        return None
    return Edit(query.tokens[at - 2].end, clause.end, "")
