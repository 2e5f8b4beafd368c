"""Triggers and schedules in a project's rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from automation.models import Schedule, Trigger
from automation.rules.clone import clone_project
from automation.rules.document import BELOW, RulesRefused
from automation.rules.export import rules_of
from automation.rules.plan import carry_out, rehearse
from automation.schedules import save_schedule
from automation.triggers import save_trigger
from feedback.models import FeedbackType, SavedFilter
from feedback.saved_filters import save_filter

STARTS = """\
    triggers:
      - name: Comes back
        event: entered
        filter: New ones
        macro: Close ticket
      - name: What blocks
        event: modified
        field: blocking
        macro: Close ticket
        enabled: false
    schedules:
      - name: Every night
        every: day
        starts_at: '2100-01-01T02:00:00Z'
        macro: Close ticket
      - name: Once
        every: once
        starts_at: '2100-01-01T02:00:00Z'
        ends_at: '2100-02-01T02:00:00Z'
        filter: New ones
        macro: Close ticket
        enabled: false
"""


@pytest.fixture
def rules(beta, close):
    """What STARTS says, made as the pages make it; the text of the whole project's rules."""
    saved = SavedFilter(feedback_type=beta.bugs, name="New ones", groups=[{"search": "lens"}])
    own = {"feedback_type": beta.bugs, "macro": close}
    filtered = {**own, "filter": save_filter(saved)}
    save_trigger(
        Trigger(name="What blocks", event="modified", field="blocking", enabled=False, **own)
    )
    save_trigger(Trigger(name="Comes back", event="entered", **filtered))
    night, end = datetime(2100, 1, 1, 2, tzinfo=UTC), datetime(2100, 2, 1, 2, tzinfo=UTC)
    save_schedule(Schedule(name="Every night", every="day", starts_at=night, **own))
    once = {"every": "once", "starts_at": night, "ends_at": end, "enabled": False}
    save_schedule(Schedule(name="Once", **once, **filtered))
    return rules_of(beta.project).text


def test_they_are_written_by_names_without_defaults(rules):
    assert STARTS in rules


def test_they_come_back_as_they_were(beta, rules):
    Trigger.objects.all().delete()
    Schedule.objects.all().delete()
    FeedbackType.objects.update(watched=False)

    carry_out(rules)

    assert rules_of(beta.project).text == rules
    assert FeedbackType.objects.get(pk=beta.bugs.pk).watched
    entered = Trigger.objects.get(name="Comes back")
    assert entered.members.count() == 1
    night = Schedule.objects.get(name="Every night")
    assert night.next_run_at == night.starts_at


def test_what_did_not_change_is_not_touched(rules):
    assert not rehearse(rules).anything
    assert rehearse(rules).outcome.changed == []


def test_a_change_in_the_file_is_applied(beta, rules):
    text = rules.replace("field: blocking", "field: status").replace("every: day", "every: week")

    plan = carry_out(text)

    assert plan.outcome.changed == ["trigger “What blocks” of BUG", "schedule “Every night” of BUG"]
    assert Trigger.objects.get(name="What blocks").field == "status"
    assert Schedule.objects.get(name="Every night").every == "week"


def test_a_time_may_stand_without_quotes(rules):
    text = rules.replace("starts_at: '2100-01-01T02:00:00Z'", "starts_at: 2100-03-01T02:00:00Z")

    carry_out(text.replace("ends_at: '2100-02-01", "ends_at: '2100-04-01"))

    assert Schedule.objects.get(name="Every night").starts_at.month == 3


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "        event: modified\n        field: blocking\n        macro: Close ticket",
            "        event: modified\n        field: blocking\n        macro: Close tickt",
            "triggers > What blocks > macro: there is no macro “Close tickt” in BUG. Did you mean "
            "“Close ticket”?",
        ),
        (
            "event: modified",
            "event: modifed",
            "event: “modifed” is none of submitted, modified, entered. Did you mean “modified”?",
        ),
        (
            "        filter: New ones\n        macro: Close ticket\n      - name: What",
            "        macro: Close ticket\n      - name: What",
            "triggers > Comes back > filter: Choose the filter that tickets come within.",
        ),
        ("every: day", "every: [day]", "every: Here belongs a text, not a list."),
        (
            "starts_at: '2100-01-01T02:00:00Z'\n        macro",
            "starts_at: soon\n        macro",
            "Every night > starts_at: Enter a valid date/time.",
        ),
        ("        every: day\n", "", "Every night > every: This field is required."),
    ],
)
def test_what_is_wrong_is_told_at_its_place(rules, old, new, problem):
    assert old in rules

    with pytest.raises(RulesRefused) as refused:
        carry_out(rules.replace(old, new))

    assert [each for each in refused.value.sentences if problem.replace(" > ", BELOW) in each], (
        refused.value.sentences
    )
    assert Trigger.objects.filter(macro__name="Close ticket").count() == 2


def test_in_a_clone_they_are_switched_off(beta, rules):
    clone = clone_project(beta.project, "gamma", "Gamma")

    for model in (Trigger, Schedule):
        rows = model.objects.filter(feedback_type__project=clone.project)
        assert [row.enabled for row in rows] == [False, False]
    assert not clone.project.feedback_types.filter(watched=True).exists()


def test_a_clone_that_is_refused_names_the_place_and_no_line_of_a_file(beta, rules):
    Trigger.objects.filter(name="What blocks").update(field="values.gone")

    with pytest.raises(RulesRefused) as refused:
        clone_project(beta.project, "gamma", "Gamma")

    [sentence] = refused.value.sentences
    place = BELOW.join(["feedback_types", "BUG", "triggers", "What blocks", "field"])
    assert sentence.startswith(f"{place}: “values.gone”")


def test_a_clone_has_none_that_needs_a_filter_with_a_person(beta, rules):
    SavedFilter.objects.update(groups=[{"submitter": [beta.ada.pk]}])

    clone = clone_project(beta.project, "gamma", "Gamma")

    assert [row.name for row in Trigger.objects.filter(feedback_type__project=clone.project)] == [
        "What blocks"
    ]
    assert "The trigger “Comes back”, which needs that filter." in clone.left
    assert "The schedule “Once”, which needs that filter." in clone.left


def test_one_whose_macro_no_longer_works_is_left_out_with_a_remark(beta, close, rules):
    close.actions.update(params={"status": 0})

    found = rules_of(beta.project)

    assert "triggers:" not in found.text
    assert "the trigger “What blocks”, which needs one of these." in found.left_out
