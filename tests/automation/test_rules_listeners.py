"""Status tables, protected statuses and types of listeners in a project's rules."""

from __future__ import annotations

import re

import pytest

from automation.models import ExternalListener, Macro, StatusRow
from automation.rules.clone import clone_project
from automation.rules.document import BELOW, RulesRefused
from automation.rules.export import rules_of
from automation.rules.plan import carry_out, rehearse
from automation.status_table import EMPTY_ROW
from feedback.models import Project, Status, Workflow
from tests.conftest import closing_macro, make_listener

TABLE = """\
    listeners:
      - key: jiracomments
        name: Jira comments
        sender: jira
        type: comment
        comment_exposure: public
        when: commented
      - key: jiradata
        name: Jira data
        sender: jira
        type: custom_data
        data_name: jira
        data_expression: issue.fields
        when: any
      - key: jirafollows
        name: Jira follows
        sender: jira
        status_table:
          - status: In Progress, Reopened
            macro: Start work
          - status: Done
            resolution: Fixed
            macro: Close ticket
          - status: Done
        protected_statuses:
          - Closed
        when: status_changed
        several: stop
      - key: own
        name: Own system
        sender: generic
        macro: Close ticket
        when: created
        reference_expression: ticket.id
        event_expression: ticket.event
        status_expression: ticket.state
"""


@pytest.fixture
def rules(beta, close):
    """What TABLE says, made as the pages make it; the text of the whole project's rules."""
    start = closing_macro(beta, "Start work", beta.open)
    follows = make_listener(
        beta, None, key="jirafollows", name="Jira follows", when="status_changed", several="stop"
    )
    follows.status_rows.create(order=0, status="In Progress, Reopened", macro=start)
    follows.status_rows.create(order=1, status="Done", resolution="Fixed", macro=close)
    follows.status_rows.create(order=2, status="Done")
    follows.protected_statuses.add(beta.closed)
    make_listener(
        beta,
        None,
        key="jiracomments",
        name="Jira comments",
        type="comment",
        comment_exposure="public",
        when="commented",
    )
    make_listener(
        beta,
        None,
        key="jiradata",
        name="Jira data",
        type="custom_data",
        data_name="jira",
        data_expression="issue.fields",
    )
    make_listener(
        beta,
        close,
        key="own",
        name="Own system",
        sender="generic",
        when="created",
        reference_expression="ticket.id",
        event_expression="ticket.event",
        status_expression="ticket.state",
    )
    return rules_of(beta.project).text


def everything():
    models = (ExternalListener, StatusRow, ExternalListener.protected_statuses.through)
    return [list(model.objects.order_by("pk").values()) for model in models]


def changed(text, *changes):
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def refused(text):
    before = everything()
    with pytest.raises(RulesRefused) as caught:
        carry_out(text)
    assert everything() == before
    return caught.value.sentences


def table_of(key="jirafollows", project="beta"):
    rows = StatusRow.objects.filter(listener__key=key, listener__project__key=project)
    return list(rows.values_list("status", "resolution", "macro__name"))


def test_a_listener_is_written_by_names_and_without_what_is_usual(rules):
    assert TABLE in rules


def test_the_round_trip_changes_nothing(rules):
    before = everything()

    plan = carry_out(rules)

    assert not plan.anything
    assert plan.outcome.changed == plan.outcome.created == []
    assert everything() == before


def test_an_empty_installation_gets_the_same_listeners(rules):
    ExternalListener.objects.all().delete()

    carry_out(rules)

    assert rules_of(Project.objects.get(key="beta")).text == rules
    assert table_of() == [
        ("In Progress, Reopened", "", "Start work"),
        ("Done", "Fixed", "Close ticket"),
        ("Done", "", None),
    ]


def test_a_changed_row_is_all_that_changes(rules):
    listener = ExternalListener.objects.get(key="jirafollows")
    text = changed(rules, ("resolution: Fixed", "resolution: Fixed, Resolved"))

    plan = carry_out(text)

    assert plan.outcome.changed == ["external listener “Jira follows”"]
    assert table_of()[1] == ("Done", "Fixed, Resolved", "Close ticket")
    assert ExternalListener.objects.get(key="jirafollows") == listener
    assert rules_of(listener.project).text == text


def test_the_plan_shows_the_row(rules):
    old = "            macro: Close ticket\n          - status: Done\n"
    text = changed(rules, (old, "            macro: Start work\n"))

    lines = [str(line) for line in rehearse(text).lines]

    assert lines[0] == f"@@ feedback_types{BELOW}BUG{BELOW}listeners{BELOW}jirafollows{BELOW}" + (
        f"status_table{BELOW}2{BELOW}macro @@"
    )
    assert [line for line in lines if line[0] in "+-"] == [
        "-            macro: Close ticket",
        "-          - status: Done",
        "+            macro: Start work",
    ]


def test_what_is_left_out_is_taken_away(rules):
    start, end = rules.index("        status_table:"), rules.index("        when: status_changed\n")
    text = rules[:start] + "        macro: Close ticket\n" + rules[end:]
    text = changed(text, ("        several: stop\n", ""))

    carry_out(text)

    listener = ExternalListener.objects.get(key="jirafollows")
    assert (table_of(), listener.several) == ([], "all")
    assert not listener.protected_statuses.exists()


def test_a_row_may_name_a_macro_in_another_letter_case_and_an_archived_one(rules):
    Macro.objects.filter(name="Start work").update(archived=True)
    text = rules_of(Project.objects.get(key="beta")).text

    rest = "\n          - status: Done\n"
    carry_out(changed(text, (f"macro: Close ticket{rest}", f"macro: start WORK{rest}")))

    assert [macro for _, _, macro in table_of()] == ["Start work", "Start work", None]


def test_a_status_of_several_workflows_is_written_with_its_own(rules):
    project = Project.objects.get(key="beta")
    other = Workflow.objects.create(project=project, name="Other")
    Status.objects.create(workflow=other, name="closed")

    text = rules_of(project).text

    assert "        protected_statuses:\n          - 'Default: Closed'\n" in text
    assert not rehearse(text).anything


def test_a_clone_keeps_them(rules):
    clone = clone_project(Project.objects.get(key="beta"), "gamma", "Gamma")

    assert table_of("jirafollows-gamma", "gamma") == table_of()
    listener = clone.project.listeners.get(key="jirafollows-gamma")
    [status] = listener.protected_statuses.all()
    assert (status.name, status.project) == ("Closed", clone.project)
    assert clone.project.listeners.get(key="jiracomments-gamma").comment_exposure == "public"
    assert {row.macro.project for row in listener.status_rows.exclude(macro=None)} == {
        clone.project
    }


def test_a_listener_whose_rows_macro_cannot_be_written_is_left_out_too(rules):
    Macro.objects.get(name="Start work").actions.update(params={"status": 99999})

    text = rules_of(Project.objects.get(key="beta")).text

    assert "# Left out: the listener “Jira follows”, which needs one of these." in text
    assert "jirafollows" not in text
    assert "jiradata" in text


ROW = "          - status: Done\n            resolution: Fixed\n"


@pytest.mark.parametrize(
    ("old", "new", "at", "sentence"),
    [
        (
            "macro: Start work\n          -",
            "macro: Start wrok\n          -",
            "macro: Start wrok",
            "status_table > 1 > macro: there is no macro “Start wrok” in BUG. Did you mean “Start "
            "work”?",
        ),
        (
            ROW,
            ROW.replace("resolution", "resoluton"),
            "resoluton",
            "status_table > 2: There is no “resoluton” here. Did you mean “resolution”?",
        ),
        (
            ROW,
            ROW.replace("Fixed", "x" * 201),
            "x" * 201,
            "status_table > 2 > resolution: Ensure this value has at most 200 characters",
        ),
        (ROW, ROW.replace("Fixed", "5"), "resolution: 5", 'write "5", in quotes.'),
        (
            "            resolution: Fixed\n",
            "",
            "          - status: Done\n        protected",
            "status_table > 3: Row 3 (Done) is never reached: row 2 (Done) catches all that it "
            "would. Move it up, or remove it.",
        ),
        (
            "          - status: Done\n        protected",
            "          - status: ' , '\n        protected",
            "          - status: ' , '",
            f"status_table > 3: {EMPTY_ROW}",
        ),
        (
            "          - status: Done\n        protected",
            "          - Done\n        protected",
            "          - Done",
            "status_table > 3: Here belong status and resolution and macro",
        ),
        (
            "          - Closed",
            "          - Closd",
            "          - Closd",
            "protected_statuses > 1: there is no status “Closd”. Did you mean “Closed”?",
        ),
        ("several: stop", "several: stopp", "several: stopp", "“stopp” is none of all, stop."),
        (
            "comment_exposure: public",
            "comment_exposure: publik",
            "publik",
            "“publik” is none of public, internal. Did you mean “public”?",
        ),
        ("type: comment", "type: coment", "coment", "“coment” is none of macro, comment, custom"),
        (
            "sender: jira\n        type: comment",
            "sender: generic\n        type: comment",
            "type: comment",
            "Anything that can POST does not tell comments: choose another listener type.",
        ),
        (
            "data_expression: issue.fields",
            "data_expression: issue..fields",
            "issue..fields",
            "This is no JMESPath expression",
        ),
        (
            "        event_expression: ticket.event\n",
            "",
            "when: created",
            "Anything that can POST with your expressions does not tell that: enter an event",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(rules, old, new, at, sentence):
    text = changed(rules, (old, new))
    line = text[: text.index(at)].count("\n") + 1

    [problem] = refused(text)

    assert re.match(rf"line {line}\b", problem), problem
    assert sentence.replace(" > ", BELOW) in problem


def test_a_listener_without_any_macro_is_refused_at_its_place(rules):
    text = changed(
        rules,
        ("            macro: Start work\n", ""),
        ("            macro: Close ticket\n", ""),
    )

    [problem] = refused(text)

    assert problem.endswith(
        "Choose a macro, here or in a row of the status table: else nothing runs."
    )


def test_a_row_whose_macro_is_refused_itself_is_not_blamed(rules):
    """The macro's own mistake is told, and nothing that follows from it."""
    ExternalListener.objects.all().delete()
    Macro.objects.all().delete()
    text = changed(rules, ("status: Open", "status: Opn"))

    problems = refused(text)

    assert len(problems) == 1
    assert "there is no status “Opn”" in problems[0]
