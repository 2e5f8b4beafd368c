from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automation.jql import LONGEST, check
from automation.jql.grammar import parse
from automation.jql.tokens import tokenize

# What the vendor's guide offers its readers, and how each should read.
SAMPLES = {
    'project = Sandbox AND status changed to "In Progress"': (
        ["history"],
        'project = Sandbox AND status = "In Progress"',
    ),
    'project = Sandbox AND status changed to "Done"': (
        ["history"],
        'project = Sandbox AND status = "Done"',
    ),
    'project = Sandbox AND status changed to "Closed" AND resolution = "Fixed"': (
        ["history"],
        'project = Sandbox AND status = "Closed" AND resolution = "Fixed"',
    ),
    'project = "Sandbox" ANDlabels = delta AND resolution changed to (Fixed, Done)': (
        ["run_together", "history"],
        'project = "Sandbox" AND labels = delta AND resolution in (Fixed, Done)',
    ),
}


def codes(text):
    return [finding.code for finding in check(text)]


def mended(text):
    """The query with everything put right."""
    findings = check(text)
    return findings[-1].safer if findings else text


@pytest.mark.parametrize("text", SAMPLES)
def test_the_guides_own_samples(text):
    expected, safer = SAMPLES[text]

    assert (codes(text), mended(text)) == (expected, safer)


def test_these_are_the_guides_own_samples(shared):
    guide = " ".join((shared / "GUIDE.txt").read_text().split())

    assert [text for text in SAMPLES if text not in guide] == []


@pytest.fixture
def shared():
    folder = Path(__file__).parents[3] / "shared"
    if not (folder / "GUIDE.txt").exists():
        pytest.skip("needs the vendor's guide beside the project")
    return folder


FINE = [
    'project = Sandbox AND status = "In Progress"',
    "project = SANDBOX",
    "status=Done&&labels=x||!project=y",
    "NOT (status = Done OR status = Closed)",
    "sprint in openSprints() AND issue in linkedIssues(A-1, 'blocks')",
    "cf[10042] = 3 AND issue.property[a.b].c = 1",
    "assignee = currentUser() AND due <= endOfWeek(-1w)",
    "resolution is EMPTY AND fixVersion is not null",
    'summary ~ "it\'s “fine”" AND labels not in (a, "b c")',
    'status changed FROM "Open" TO "Done" AFTER -1d',
    "status was not in (Done, Closed) BEFORE -1w",
    "status was Done ON 2026-01-01",
    r'text ~ "a \"b\" c"',
    "component = Ander AND labels = Orchid",  # these only begin like AND and OR
    "labels = BRAND AND project = MONITOR",
]


@pytest.mark.parametrize("text", FINE)
def test_what_is_right_is_left_alone(text):
    assert codes(text) == []


MENDED = {
    # run-together words
    "status = Done ANDproject = X": ("run_together", "status = Done AND project = X"),
    "status = Done andproject = X": ("run_together", "status = Done and project = X"),
    "status = DoneAND project = X": ("run_together", "status = Done AND project = X"),
    "statusin (A, B)": ("run_together", "status in (A, B)"),
    "status notin (A, B)": ("run_together", "status not in (A, B)"),
    "fixVersion isnot EMPTY": ("run_together", "fixVersion is not EMPTY"),
    "labels = x ORstatus = Done": ("run_together", "labels = x OR status = Done"),
    # quotes
    "status = In Progress": ("missing_quotes", 'status = "In Progress"'),
    "status = in progress AND project = X": (
        "missing_quotes",
        'status = "in progress" AND project = X',
    ),
    "status in (To Do, Done)": ("missing_quotes", 'status in ("To Do", Done)'),
    "project = My own project": ("missing_quotes", 'project = "My own project"'),
    "Story Points > 3": ("missing_quotes", '"Story Points" > 3'),
    "status = date": ("reserved_word", 'status = "date"'),
    "labels = by": ("reserved_word", 'labels = "by"'),
    "labels = c++ AND project = X": ("reserved_character", 'labels = "c++" AND project = X'),
    "reporter = bo@example.com": ("reserved_character", 'reporter = "bo@example.com"'),
    "status = “Done”": ("curly_quotes", 'status = "Done"'),
    "status = „In Progress“": ("curly_quotes", 'status = "In Progress"'),
    "status = \u2018Done\u2019": ("curly_quotes", 'status = "Done"'),
    'status = "Done”': ("curly_quotes", 'status = "Done"'),
    'status = "Done': ("unbalanced_quotes", 'status = "Done"'),
    "summary ~ don't": ("unbalanced_quotes", 'summary ~ "don\'t"'),
    "project\u00a0= X": ("odd_space", "project = X"),
    # brackets, commas, connectors
    "(status = Done": ("unbalanced_brackets", "(status = Done)"),
    "status = Done)": ("unbalanced_brackets", "status = Done"),
    "status in (A, B AND project = X": ("unbalanced_brackets", "status in (A, B) AND project = X"),
    'status in ("A" "B")': ("no_comma", 'status in ("A", "B")'),
    "status = Done project = X": ("no_connector", "status = Done AND project = X"),
    "status = Done AND": ("unfinished", "status = Done"),
    "status = Done AND OR project = X": ("doubled", "status = Done AND project = X"),
    # operators
    "status == Done": ("unknown_operator", "status = Done"),
    "status <> Done": ("unknown_operator", "status != Done"),
    "votes => 3": ("unknown_operator", "votes >= 3"),
    "summary like x": ("unknown_operator", "summary ~ x"),
    "summary not contains x": ("unknown_operator", "summary !~ x"),
    "priority is High": ("unknown_operator", "priority = High"),
    "priority is not High": ("unknown_operator", "priority != High"),
    "status = (A, B)": ("several_values", "status in (A, B)"),
    "status=(A, B)": ("several_values", "status in (A, B)"),
    "status != (A, B)": ("several_values", "status not in (A, B)"),
    "status = A, B": ("several_values", "status in (A, B)"),
    "status in Done": ("list_needed", "status in (Done)"),
    # understood, and yet not what is meant
    "status was Done": ("history", "status = Done"),
    "status changed": ("history", "status changed AFTER -5m"),
    "status changed FROM Open TO Done": ("history", "status changed FROM Open TO Done AFTER -5m"),
    "project = X ORDER BY created DESC": ("order_by", "project = X"),
    "status = A AND status = B": ("impossible", "status in (A, B)"),
}


@pytest.mark.parametrize("text", MENDED)
def test_each_mistake_is_named_and_put_right(text):
    code, safer = MENDED[text]

    assert (codes(text), mended(text)) == ([code], safer)
    assert codes(safer) == []


@pytest.mark.parametrize(
    "text",
    [
        "status = Done AND status != Done",
        "NOT status = Done AND status = Done",
        "project = X AND labels = y AND project = Z",
        "resolution = Unresolved AND resolution = Fixed",
        "resolution is EMPTY AND resolution = Fixed",
        "status in (A, B) AND status in (C, D)",
        "status in (A, B) AND status not in (b, a)",
        "labels = x OR (status = A AND status = B)",
        "issuetype = Bug AND type = Story",
        "assignee = bo AND assignee != bo",
    ],
)
def test_conditions_that_cannot_be_true_together(text):
    assert codes(text) == ["impossible"]


@pytest.mark.parametrize(
    "text",
    [
        "status = A OR status = B",
        "(status = A OR labels = x) AND status = B",
        "NOT (status = A AND labels = x) AND status = A",
        "status in (A, B) AND status in (B, C)",
        "status in (A, B) AND status != A",
        "labels = a AND labels = b",
        "fixVersion = 1 AND fixVersion = 2",
        "project = 10000 AND project = SANDBOX",  # an id and a name
        "status = 3 AND status = Done",
        'assignee = bo AND assignee = "Bo Berg"',  # two names of one person
        "project in projectsLeadByUser() AND project = X",
        "status != A AND status != B",
        "created > -1d AND created < -2d",
    ],
)
def test_what_may_be_true_is_no_contradiction(text):
    assert codes(text) == []


def test_two_projects_may_be_a_key_and_a_name():
    finding = check('project = SAND AND project = "Sandbox"')[0]

    assert "unless they are key and name of one project" in finding.sentence


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ('project = "Sandbox" ANDlabels = delta', "run_together", 20),
        ("status == Done AND votes => 3", "unknown_operator", 7),
        ("labels = x AND status = (A, B)", "several_values", 22),
        ("status = foo bar)", "missing_quotes", 9),
    ],
)
def test_a_finding_says_where(text, code, position):
    finding = check(text)[0]

    assert (finding.code, finding.position) == (code, position)


def test_later_findings_are_placed_in_the_query_as_it_was_written():
    text = "status == Done ANDlabels = x AND votes => 3"

    found = check(text)

    assert [text[finding.position :][:5] for finding in found] == ["== Do", "ANDla", "=> 3"]


@pytest.mark.parametrize(
    "text", ["status", "status =", "= Done", "status = Done ORDER", "a[b", ")("]
)
def test_what_only_its_writer_can_finish_is_named_without_a_wording(text):
    findings = check(text)

    assert findings
    assert findings[-1].safer == ""


def test_no_query_at_all_means_every_issue():
    assert codes("  \n") == ["everything"]


def test_a_query_beyond_all_measure_is_not_read():
    assert codes("a" * (LONGEST + 1)) == ["too_long"]
    assert codes("(" * 200) == ["not_understood"]


WORDS = (
    "project status labels resolution = != ~ ( ) , \" ' “ ” AND OR NOT ANDlabels in is was changed "
    "to after ORDER BY Done Sandbox -1d * + \\ [ ] cf EMPTY && || ! \x00 \u00a0 currentUser()"
)
PIECES = st.sampled_from([*WORDS.split(" "), '"In Progress"'])
QUERIES = st.lists(PIECES | st.text(max_size=3), max_size=60).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(QUERIES | st.text(max_size=200))
@example("a=b" + "\\")
@example('"')
@example("a in (")
@example("orderby")
def test_no_text_breaks_the_check(text):
    for finding in check(text):
        assert 0 <= finding.position <= len(text)
        assert finding.sentence.endswith((".", ":"))
        assert not finding.safer or finding.safer != text


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12).map(" ".join))
def test_what_passes_is_a_query(text):
    if not check(text):
        parse(tokenize(text))


LONG = [
    "(",
    ")",
    "!",
    "not ",
    '"',
    '" ',
    "a=1 AND ",
    "status = A AND ",
    "status changed AND ",
    "x in (a, ",
    "a ",
    "ANDa = 1 ",
    "“",
    "\\",
    "=",
    "aAND",
    ",",
    "*",
    "status = a b ",
]


@pytest.mark.parametrize("piece", LONG)
def test_the_time_grows_with_the_length_and_no_faster(piece):
    short, long = (piece * (size // len(piece)) for size in (LONGEST // 8, LONGEST))
    quickest = [min(timed(text) for _ in range(3)) for text in (short, long)]

    assert quickest[1] < max(quickest[0] * 8 * 4, 0.25), quickest


def timed(text):
    start = time.perf_counter()
    check(text)
    return time.perf_counter() - start


def test_sentences_name_what_they_are_about():
    for text, (code, _) in MENDED.items():
        finding = check(text)[0]
        assert re.fullmatch(r".{15,400}", finding.sentence, re.DOTALL), code
