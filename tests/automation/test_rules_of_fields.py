"""Form fields, and what names them, in a project's rules as a file."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from automation.macros import describe_macro, save_macro
from automation.models import Macro
from automation.rules.clone import clone_project
from automation.rules.document import BELOW, RulesRefused
from automation.rules.plan import carry_out, rehearse
from feedback.filter_words import describe
from feedback.models import FormField, Project, SavedFilter
from feedback.saved_filters import save_filter
from tests.conftest import add_field

FIELDS = """\
    fields:
      - key: severity
        label: Severity
        kind: choice
        public_label: How bad is it?
        choices:
          - Low
          - High
        archived_choices:
          - 'No'
        required: true
        help: Ask yourself.
      - key: stars
        label: Stars
        kind: rating
        highest: 10
        public: false
        archived: true
      - key: platform
        label: Platform
        kind: platform
        choices:
          - iOS
          - Android
          - Windows
          - macOS
          - Linux
          - Web
    filters:
      - name: Bad ones
        groups:
          - field.severity:
              - High
            field.stars__min: 3
            field.platform__not:
              - iOS
              - Web
    macros:
      - name: Judge
        actions:
          - set_field:
              field: severity
              value: High
"""


@pytest.fixture
def rules(beta):
    """What FIELDS says, of the Bugs; Suggestions have a severity too."""
    severity = add_field(
        beta.bugs,
        "Severity",
        "choice",
        public_label="How bad is it?",
        choices=["Low", "High"],
        archived_choices=["No"],
        required=True,
        help="Ask yourself.",
    )
    add_field(beta.bugs, "Stars", "rating", highest=10, public=False, archived=True)
    add_field(beta.bugs, "Platform", "platform")
    add_field(beta.suggestions, "Severity", "text")
    group = {
        "field.severity": ["high"],
        "field.platform__not": ["iOS", "Web"],
        "field.stars__min": "3",
    }
    save_filter(SavedFilter(feedback_type=beta.bugs, name="Bad ones", groups=[group]))
    save_macro(
        Macro(feedback_type=beta.bugs, name="Judge"),
        [("set_field", {"field": severity.pk, "value": "high"})],
    )
    return beta


def exported(key="beta"):
    text = io.StringIO()
    call_command("export_project", key, stdout=text)
    return text.getvalue()


def refused(text):
    with pytest.raises(RulesRefused) as refusal:
        rehearse(text)
    return refusal.value.sentences


def test_the_export_has_fields_and_names_them_by_key(rules):
    assert FIELDS in exported()


def test_what_was_exported_changes_nothing(rules):
    plan = rehearse(exported())

    assert not plan.anything
    assert plan.outcome.created == plan.outcome.changed == []


def test_an_empty_project_becomes_like_it(rules):
    text = exported()
    other = text.replace("key: beta", "key: gamma", 1).replace("name: Beta\n", "name: Gamma\n", 1)

    carry_out(other)

    gamma = Project.objects.get(key="gamma")
    kind = gamma.feedback_types.get(prefix="BUG")
    assert [field.key for field in kind.fields] == ["severity", "stars", "platform"]
    assert describe(kind.saved_filters.get().groups, kind) == (
        "Severity is High and Stars is at least 3 and Platform is none of iOS or Web"
    )
    assert describe_macro(kind.macros.get()) == ["Set “Severity” to “High”"]
    assert exported("gamma") == other


def test_a_value_with_variables_is_in_files_as_it_is(rules):
    value = "{{ payload.issue.fields.severity }}"
    text = exported().replace("              value: High\n", f"              value: '{value}'\n", 1)

    carry_out(text)

    macro = Macro.objects.get()
    assert describe_macro(macro) == [f"Set “Severity” to “{value}”"]
    assert exported() == text


def test_a_text_may_name_a_field_of_the_same_file(rules):
    text = exported().replace("value: High", 'value: "{{ ticket.values.severity }}"')
    text = text.replace("key: beta", "key: gamma", 1).replace("name: Beta\n", "name: Gamma\n", 1)

    carry_out(text)

    assert Macro.objects.filter(feedback_type__project__key="gamma").exists()


def test_a_clone_has_fields_of_its_own(rules):
    clone = clone_project(rules.project, "gamma", "Gamma")

    kind = clone.project.feedback_types.get(prefix="BUG")
    used = kind.macros.get().actions.get().uses.get()
    assert used.formfield == kind.form_fields.get(key="severity")
    assert kind.saved_filters.get().uses.count() == 3


def test_the_order_of_the_file_is_that_of_the_fields(rules):
    text = exported()
    severity, platform = "      - key: severity\n", "      - key: platform\n"
    head, rest = text.split(severity, 1)
    first, last = rest.split(platform, 1)
    last, tail = last.split("    filters:\n", 1)
    moved = f"{head}{platform}{last}{severity}{first}    filters:\n{tail}"

    plan = carry_out(moved)

    assert plan.outcome.changed == ["order of the form fields of BUG"]
    assert [field.key for field in FormField.objects.filter(feedback_type=rules.bugs)] == [
        "platform",
        "severity",
        "stars",
    ]


def test_what_a_field_is_like_is_changed_and_a_new_one_is_made(rules):
    text = (
        exported()
        .replace(
            "        label: Severity\n        kind: choice",
            "        label: How severe\n        kind: choice",
        )
        .replace("          - Low\n", "          - Low\n          - Middling\n")
        .replace(
            "    filters:\n",
            "      - key: version\n        label: Version\n        kind: text\n    filters:\n",
            1,
        )
    )

    plan = carry_out(text)

    field = FormField.objects.get(key="severity", feedback_type=rules.bugs)
    assert (field.label, field.choices) == ("How severe", ["Low", "Middling", "High"])
    assert plan.outcome.created == ["form field “Version” of BUG"]
    assert plan.outcome.changed == ["form field “How severe” of BUG"]


WRONG = [
    (
        ("        highest: 10\n", "        highest: many\n"),
        "fields > stars > highest: Write a whole number here.",
    ),
    (
        ("        highest: 10\n", "        highest: 99\n"),
        "fields > stars > highest: Ensure this value is less than or equal to 10.",
    ),
    (
        ("        kind: rating\n", "        kind: ratting\n"),
        "fields > stars > kind: “ratting” is none of these: text, long_text, number, date, choice, "
        "choices, rating, platform. Did you mean “rating”?",
    ),
    (
        ("        kind: rating\n", "        kind: number\n"),
        "fields > stars > kind: The kind of a field never changes: it stays rating.",
    ),
    (
        ("        label: Stars\n", ""),
        "fields > stars: “label” is missing.",
    ),
    (
        ("      - key: stars\n", "      - key: Gold Stars\n"),
        "fields > Gold Stars > key: Use small letters and digits, with single “_” between them, "
        "and begin with a letter.",
    ),
    (
        ("          - Low\n", "          - Low\n          - low\n"),
        "fields > severity > choices: “low” stands there twice, or in both lists: keep it once.",
    ),
    (
        ("          - Low\n          - High\n", "          - Low\n"),
        "fields > severity > choices: “High” is used by Saved filter “Bad ones”, Macro “Judge”. "
        "Archive it instead: it is then no longer offered.",
    ),
    (
        ("          - field.severity:\n", "          - field.sevrity:\n"),
        "filters > Bad ones > groups > 1: There is no “field.sevrity” here. Did you mean "
        "“field.severity”?",
    ),
    (
        ("field.stars__min: 3", "field.stars__min: few"),
        "filters > Bad ones > groups > 1 > field.stars__min: Enter a number.",
    ),
    (
        ("              field: severity\n", "              field: sevrity\n"),
        "macros > Judge > actions > set_field > field: there is no form field “sevrity”. Did you "
        "mean “severity”?",
    ),
    (
        ("              value: High\n", "              value: Hihg\n"),
        "macros > Judge > actions > set_field > value: “Hihg” is none of these: Low, High, No. Did "
        "you mean “High”?",
    ),
    (
        ("              value: High\n", '              value: "{{ ticket.values.svrity }}"\n'),
        "macros > Judge > actions > set_field > value: There is no variable "
        "“ticket.values.svrity”. Did you mean “severity”?",
    ),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG)
def test_what_is_wrong_is_told_at_its_line(rules, change, sentence):
    before, after = change
    text = exported()
    assert before in text

    told = refused(text.replace(before, after, 1))

    assert any(
        each.startswith("line ") and each.endswith(sentence.replace(" > ", BELOW)) for each in told
    ), told
