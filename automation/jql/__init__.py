"""What is wrong with a JQL query that chooses a webhook's issues, and what to write instead.

The grammar is that of Jira's own parser (Data Center's Jql.g); which words are reserved, and what
each operator takes, is from https://support.atlassian.com/jira-software-cloud/docs/jql-operators/
and https://confluence.atlassian.com/jirasoftwareserver/advanced-searching-939938733.html.
"""

from __future__ import annotations

from automation.jql.advice import advice
from automation.jql.findings import Edit, Finding, edited
from automation.jql.grammar import parse
from automation.jql.mistakes import next_mistake
from automation.jql.tokens import tokenize

__all__ = ["LONGEST", "Finding", "check"]

LONGEST = 10_000  # characters
MOST_FINDINGS = 20


def check(text: str) -> list[Finding]:
    """What Jira would not understand in ``text``, then what it would, though not as it is meant.

    ``position`` counts characters of ``text`` from 0; ``safer`` is the whole query with this
    finding and those before it put right, empty where only its writer knows how. Never raises;
    takes time in proportion to the length of ``text``, which may be ``LONGEST``.
    """
    if len(text) > LONGEST:
        size = f"{len(text):,} characters long; only {LONGEST:,} are looked at"
        return [Finding("too_long", LONGEST, f"The query is {size}. Make it shorter.")]
    if not text.strip():
        return [
            Finding(
                "everything",
                0,
                "Without JQL the webhook is sent for every issue of every project. Name yours, "
                "such as project = SANDBOX.",
            )
        ]
    findings: list[Finding] = []
    edits: list[Edit] = []
    current = text
    while len(findings) < MOST_FINDINGS and (mistake := next_mistake(current)):
        position = _in_original(mistake.position, edits)
        if mistake.edit is None:
            return [*findings, Finding(mistake.code, position, mistake.sentence)]
        current = edited(current, [mistake.edit])
        edits.append(mistake.edit)
        findings.append(Finding(mistake.code, position, mistake.sentence, current))
    if len(findings) == MOST_FINDINGS:
        return findings
    return findings + _advised(current, edits)


def _advised(text: str, edits: list[Edit]) -> list[Finding]:
    findings: list[Finding] = []
    wanted: list[Edit] = []
    for each in advice(parse(tokenize(text)), text)[:MOST_FINDINGS]:
        wanted += each.edits
        safer = edited(text, wanted) if each.edits else ""
        position = _in_original(each.position, edits)
        findings.append(Finding(each.code, position, each.sentence, safer))
    return findings


def _in_original(position: int, edits: list[Edit]) -> int:
    """Where ``position`` was before ``edits`` were made, one after the other."""
    for edit in reversed(edits):
        if position >= edit.start + len(edit.text):
            position += (edit.end - edit.start) - len(edit.text)
        elif position > edit.start:
            position = min(position, edit.end)
    return max(position, 0)
