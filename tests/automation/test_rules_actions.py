"""Macros of every action as a file, and back."""

from __future__ import annotations

import pytest

from automation.macros import save_macro
from automation.models import Macro, MacroAction, MacroActionUse, MacroSecret
from automation.rules.clone import clone_project
from automation.rules.plan import carry_out, rehearse
from feedback.models import Tag, Ticket
from tests.automation.actions import make_macro
from tests.automation.test_actions_outside import SECRET
from tests.automation.test_rules import exported, refused

ALL = """\
      - name: Everything
        actions:
          - adjust_workflow:
              status: Closed
          - set_field:
              field: severity
              value: High
          - set_blocking:
              blocking: false
          - set_exposure:
              exposure: internal
          - add_tags:
              tags:
                - hot
                - lens
              names: '{{ ticket.type }}'
          - remove_tags:
              tags:
                - lens
          - add_comment:
              body: Hi
              exposure: internal
          - adjust_score:
              points_how: add
              points: 5
              score_how: set
              score: -3
          - add_note:
              body: Good.
          - adjust_team_membership:
              change: remove
              team: Participants
          - link:
              system: github
              remote_key: a/b#1
          - unlink:
              system: jira
          - send_email:
              to:
                - submitter
                - team
              addresses: |-
                a@example.com
                b@example.com
              subject: Hi
              text: Hello
              sending: digest
          - call_webhook:
              method: POST
              url: https://a.example/
              headers: |-
                Accept: text/plain
                Authorization: Bearer {{ secret }}
              keep: severity = issue.priority
          - run_macro:
              macro: Zebra
      - name: Zebra
        enabled: false
        once_per_ticket: true
        ask_first: true
        actions:
          - set_blocking:
              blocking: true
"""
FIELDS = """\
    fields:
      - key: severity
        label: Severity
        kind: text
"""
SCORES = """\
    filters:
      - name: Urgent
        groups:
          - score_min: 5
            score_max__not: 90
"""


@pytest.fixture
def text(beta):
    """A file with every action, of which the project has nothing yet but two tags."""
    for name in ("hot", "lens"):
        Tag.objects.create(project=beta.project, name=name)
    bare = exported()
    where = "    default_workflow: Default\n"
    assert bare.count(where) == 2
    return bare.replace(where, f"{where}{FIELDS}{SCORES}    macros:\n{ALL}", 1)


def entered(macro):
    """With the secret, as a page keeps it."""
    actions = [(row.kind, dict(row.params)) for row in macro.actions.all()]
    for kind, params in actions:
        if kind == "call_webhook":
            params["secret"] = "swordfish"
    return save_macro(macro, actions)


def test_every_action_goes_the_round_trip(text):
    plan = carry_out(text)
    assert plan.outcome.remarks() == [
        "Macro “Everything” of BUG does not work yet. Enter what {{ secret }} stands for: it is "
        "not kept here."
    ]
    assert exported() == text

    entered(Macro.objects.get(name="Everything"))
    before = [*MacroAction.objects.values()]
    again = rehearse(text)

    assert (again.anything, again.outcome.changed, again.outcome.created) == (False, [], [])
    assert [*MacroAction.objects.values()] == before
    assert "swordfish" not in exported()


def test_an_empty_installation_becomes_the_same_project(beta, text):
    carry_out(text)
    Ticket.objects.all().delete()
    MacroActionUse.objects.all().delete()
    Macro.objects.all().delete()

    carry_out(text)

    assert exported() == text


def test_a_changed_file_keeps_the_secret_for_the_same_host_alone(text):
    carry_out(text)
    macro = entered(Macro.objects.get(name="Everything"))
    kept = MacroSecret.objects.get()

    plan = carry_out(text.replace("body: Good.", "body: Very good."))
    assert MacroSecret.objects.get() == kept
    assert plan.outcome.remarks() == []
    assert macro.actions.get(kind="call_webhook").params["secret"] == kept.name

    plan = carry_out(text.replace("https://a.example", "https://b.example"))
    assert not MacroSecret.objects.exists()
    assert "does not work yet" in plan.outcome.remarks()[0]


def test_two_calls_of_a_host_keep_a_secret_each(beta):
    macro = make_macro(
        beta.bugs, ("call_webhook", SECRET), ("call_webhook", SECRET | {"secret": "two"})
    )
    before = [row.params["secret"] for row in macro.actions.all()]

    carry_out(exported().replace("name: Do it", "name: DO IT"))

    assert [row.params["secret"] for row in macro.actions.all()] == before


def test_a_secret_in_a_file_is_refused(text):
    (problem,) = refused(text.replace("method: POST", "secret: swordfish"))[:1]

    assert "Secrets do not stand in files" in problem


def test_macros_may_stand_in_any_order_and_change_who_runs_whom(beta):
    inner = make_macro(beta.bugs, ("set_blocking", {"blocking": True}), name="One")
    make_macro(beta.bugs, ("run_macro", {"macro": inner.pk}), name="Two")

    carry_out(exported().replace("One", "…").replace("Two", "One").replace("…", "Two"))

    runs = {use.action.macro.name: use.macro.name for use in MacroActionUse.objects.all()}
    assert runs == {"One": "Two"}


def test_macros_that_run_one_another_in_a_circle_are_refused_with_the_path(text):
    circle = text.replace(
        "          - set_blocking:\n              blocking: true\n",
        "          - run_macro:\n              macro: everything\n",
    )

    (problem, *_) = refused(circle)

    assert "The macro would run itself: " in problem
    assert "Everything → Zebra → Everything" in problem or "Zebra → Everything → Zebra" in problem


def test_a_circle_over_a_macro_that_the_file_lacks_is_refused(beta):
    outer = make_macro(beta.bugs, ("set_blocking", {"blocking": True}), name="Outer")
    make_macro(beta.bugs, ("run_macro", {"macro": outer.pk}), name="Inner")
    text = exported()
    start, end = text.index("      - name: Inner"), text.index("      - name: Outer")
    lacking = text[:start] + text[end:]
    circle = lacking.replace(
        "          - set_blocking:\n              blocking: true\n",
        "          - run_macro:\n              macro: Inner\n",
    )

    (problem,) = refused(circle)

    assert "The macro would run itself: Outer → Inner → Outer." in problem


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "                - lens\n              names",
            "                - lense\n              names",
            "no tag “lense”. Did you mean “lens”?",
        ),
        ("team: Participants", "team: Project Managers", "is a team of project managers"),
        ("macro: Zebra", "macro: Zebre", "there is no macro “Zebre”."),
        ("blocking: false", "blocking: maybe", "Write true or false here."),
        (
            "                - team\n",
            "                - tea\n",
            "“tea” is none of submitter, team.",
        ),
        ("points: 5", "points: much", "Enter a whole number."),
        ("score_how: set", "score_how: double", "“double” is none of add, subtract, set."),
        ("names: '{{ ticket.type }}'", "names: '{{ tiket }}'", "There is no variable “tiket”."),
        ("score_min: 5", "score_min: much", "Enter a whole number."),
    ],
)
def test_what_is_wrong_with_an_action_is_said_at_its_place(text, old, new, sentence):
    assert old in text

    problems = refused(text.replace(old, new, 1))

    assert len(problems) == 1
    assert sentence in problems[0]


def test_a_list_belongs_where_several_may_be_chosen(text):
    wrong = text.replace(
        "              to:\n                - submitter\n                - team\n",
        "              to: submitter\n",
    )

    assert any("Here belongs a list" in problem for problem in refused(wrong))


def test_what_a_refused_macro_runs_is_told_once(text):
    """The one that names it is not blamed too."""
    problems = refused(text.replace("blocking: true", "blocking: maybe"))

    assert len(problems) == 1


def test_a_project_made_from_another_has_all_of_it_but_the_secret(beta, text):
    carry_out(text)
    entered(Macro.objects.get(name="Everything"))

    clone = clone_project(beta.project, "gamma", "Gamma")

    assert any("does not work yet" in each for each in clone.left)
    theirs = Macro.objects.get(feedback_type__project=clone.project, name="Everything")
    used = MacroActionUse.objects.filter(action__macro=theirs, macro__isnull=False)
    assert used.get().macro.project == clone.project
    assert not theirs.secrets.exists()
