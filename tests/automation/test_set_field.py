"""The action *Set a Form Field*: on the macro's page, by REST, and at a run."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from access.callers import Caller
from automation.by_hand import run_by_hand, undo
from automation.macros import describe_macro, save_macro
from automation.models import Macro, MacroActionUse
from feedback.form_fields import delete_form_field, save_form_field
from feedback.models import FormField, Ticket, TicketChange
from feedback.services import change_ticket
from tests.conftest import add_field, make_listener

PAM = Caller("pam")


@pytest.fixture
def severity(beta):
    return add_field(beta.bugs, "Severity", "choice", choices=["Low", "Middle", "High"])


@pytest.fixture
def areas(beta):
    return add_field(beta.bugs, "Areas", "choices", choices=["Lens; cap", "Strap", "Box"])


def setting(field, value, name="Judge") -> Macro:
    macro = Macro(feedback_type=field.feedback_type, name=name)
    return save_macro(macro, [("set_field", {"field": field.pk, "value": value})])


def run(send, beta, macro):
    return send(make_listener(beta, macro), find="BUG-0001")


def said(execution) -> list[str]:
    return [step.sentence for step in execution.steps.all()]


def test_a_request_sets_the_field_and_its_history_says_which(send, beta, severity):
    delivery = run(send, beta, setting(severity, "high"))

    assert Ticket.objects.get().values == {"severity": "High"}
    assert delivery.sentence == "Macro “Judge” ran on BUG-0001: Severity empty → High."
    change = TicketChange.objects.get()
    assert (change.field, change.label, change.after) == ("values.severity", "Severity", "High")
    step = delivery.executions.get().steps.get()
    assert step.sentence == "Set “Severity” to “High”"
    assert step.record == {"changes": [change.pk]}


def test_what_is_so_already_is_unchanged(send, beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})

    assert run(send, beta, setting(severity, "High")).reason == "unchanged"


def test_a_value_left_empty_empties_the_field(send, beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
    macro = setting(severity, "")

    run(send, beta, macro)

    assert describe_macro(macro) == ["Empty “Severity”"]
    assert Ticket.objects.get().values == {}


@pytest.mark.parametrize(
    ("kind", "text", "kept", "said"),
    [
        ("text", " 2.1 ", "2.1", "2.1"),
        ("long_text", "One\r\nTwo", "One\nTwo", "One\nTwo"),
        ("number", "2.50", 2.5, "2.5"),
        ("date", "2026-03-02", "2026-03-02", "2026-03-02"),
        ("rating", "4", 4, "4"),
        ("platform", "web; ios", ["iOS", "Web"], "iOS, Web"),
    ],
)
def test_text_means_what_the_fields_kind_makes_of_it(send, beta, kind, text, kept, said):
    field = add_field(beta.bugs, "Mine", kind)
    macro = setting(field, text)

    run(send, beta, macro)

    assert Ticket.objects.get().values == {"mine": kept}
    assert describe_macro(macro) == [f"Set “Mine” to “{said}”"]


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        ("number", "many", "Value: Enter a number."),
        ("date", "soon", "Value: Write a day such as 2026-11-23."),
        ("rating", "6", "Value: “6” is none of these: 1, 2, 3, 4, 5."),
        (
            "platform",
            "iOS, Wbe",
            "Value: “Wbe” is none of these: iOS, Android, Windows, macOS, Linux, Web. Did you mean "
            "“Web”?",
        ),
    ],
)
def test_what_cannot_be_is_refused_when_the_macro_is_saved(beta, kind, text, problem):
    field = add_field(beta.bugs, "Mine", kind)

    with pytest.raises(ValidationError) as refused:
        setting(field, text)

    assert refused.value.messages == [f"Set a Form Field: {problem}"]
    assert not Macro.objects.exists()


def test_a_field_of_another_type_is_no_choice(beta, severity):
    macro = Macro(feedback_type=beta.suggestions, name="Judge")

    with pytest.raises(ValidationError, match="Form field: Select a valid choice"):
        save_macro(macro, [("set_field", {"field": severity.pk, "value": "High"})])


def test_a_required_field_is_never_emptied(send, beta, severity):
    macro = setting(severity, "")
    FormField.objects.update(required=True)

    delivery = run(send, beta, macro)

    assert delivery.reason == "macro_broken"
    assert "This is required" in delivery.sentence


def test_what_is_archived_keeps_working(send, beta, severity):
    macro = setting(severity, "High")
    severity.choices, severity.archived_choices, severity.archived = ["Low"], ["High"], True
    save_form_field(severity)

    run(send, beta, macro)

    assert Ticket.objects.get().values == {"severity": "High"}


def test_what_a_macro_names_is_not_taken_away(beta, severity, areas):
    setting(severity, "High")
    setting(areas, '"Lens; cap", box', name="Sort")

    severity.choices = ["Low"]
    areas.choices = ["Strap", "Box"]
    with pytest.raises(ValidationError, match="“High” is used by Macro “Judge”"):
        save_form_field(severity)
    with pytest.raises(ValidationError, match="“Lens; cap” is used by Macro “Sort”"):
        save_form_field(areas)
    assert delete_form_field(severity) == ["Macro “Judge”"]


def test_what_is_gone_all_the_same_fails_and_says_so(send, beta, severity):
    listener = make_listener(beta, setting(severity, "High"))
    FormField.objects.update(choices=["Low"])

    delivery = send(listener, find="BUG-0001")

    assert delivery.reason == "macro_broken"
    assert "“High” is none of these: Low." in delivery.sentence

    MacroActionUse.objects.all().delete()
    FormField.objects.all().delete()

    delivery = send(listener, find="BUG-0001")

    assert delivery.reason == "macro_broken"
    assert "Form field: Select a valid choice." in delivery.sentence


# The macro's page


@pytest.fixture
def address(beta):
    return reverse("macro_add", args=[beta.project.key, "BUG"])


def test_the_page_sets_a_field_by_plain_text(page, beta, areas, address):
    given = {"set_field-field": areas.pk, "set_field-value": "box, strap"}
    page.post(address, {"name": "Sort", "set_field": "on", **given})

    params = Macro.objects.get().actions.get().params
    assert params == {"field": areas.pk, "value": "Strap, Box"}


def test_the_page_takes_a_text_for_each_box_that_is_ticked(page, beta, areas, address):
    given = {"set_field-field": areas.pk, "set_field-value": ['"Lens; cap"', "Box"]}
    page.post(address, {"name": "Sort", "set_field": "on", **given})

    assert Macro.objects.get().actions.get().params["value"] == '"Lens; cap", Box'


def test_the_page_has_the_widget_of_each_field_with_what_was_chosen(page, beta, severity, areas):
    macro = setting(areas, '"Lens; cap"')

    text = page.get(macro.get_absolute_url()).content.decode()

    assert f'<template data-field="{severity.pk}"><select name="set_field-value"' in text
    assert f'id="id_set_field-value-{severity.pk}"' in text
    box = '<input type="checkbox" name="set_field-value" value="&quot;Lens; cap&quot;"'
    assert box in text
    assert text.split(box)[1].split(">")[0].endswith("checked")
    assert "&quot;Lens; cap&quot;</textarea>" in text


def test_an_error_stands_at_the_value(page, beta, severity, address):
    given = {"set_field-field": severity.pk, "set_field-value": "Hihg"}
    answer = page.post(address, {"name": "Judge", "set_field": "on", **given})

    part = next(part for part in answer.context["form"].parts if part.action.kind == "set_field")
    assert part.form.errors == {
        "value": ["“Hihg” is none of these: Low, Middle, High. Did you mean “High”?"]
    }
    assert not Macro.objects.exists()


def test_an_archived_field_is_offered_only_where_it_was_chosen(page, beta, severity, areas):
    macro = setting(areas, "Box")
    FormField.objects.update(archived=True)

    def offered(url):
        form = page.get(url).context["form"]
        part = next(part for part in form.parts if part.action.kind == "set_field")
        return {pk for pk, _ in part.form.fields["field"].widget.choices if pk}

    assert offered(macro.get_absolute_url()) == {areas.pk}
    assert offered(reverse("macro_add", args=[beta.project.key, "BUG"])) == set()


def test_the_text_box_has_the_variables_and_the_field_of_text_has_no_other(page, beta, severity):
    note = add_field(beta.bugs, "Note", "long_text")
    macro = setting(severity, "{{ event.status_after }}")

    text = page.get(macro.get_absolute_url()).content.decode()

    box = text.split('<textarea name="set_field-value"')[1].split("</textarea>")[0]
    assert 'data-variables="" data-field="set_field.value"' in box
    assert "{{ event.status_after }}" in box
    assert f'<template data-field="{note.pk}">' not in text


# Variables


def body(**issue):
    return {"issue": issue}


def test_a_value_with_variables_becomes_what_the_request_says(send, beta, severity):
    macro = setting(severity, "{{ payload.issue.priority.name }}")

    delivery = send(make_listener(beta, macro), body(priority={"name": " high "}), find="BUG-0001")

    assert Ticket.objects.get().values == {"severity": "High"}
    assert describe_macro(macro) == ["Set “Severity” to “{{ payload.issue.priority.name }}”"]
    assert said(delivery.executions.get()) == ["Set “Severity” to “High”"]


@pytest.mark.parametrize(
    ("kind", "text", "given", "kept"),
    [
        ("text", "{{ payload.x }} ({{ ticket.ref }})", "Rome", "Rome (BUG-0001)"),
        ("long_text", "{{ payload.x }}\nand on", "a\nb", "a\nb\nand on"),
        ("number", "{{ payload.x }}", 2.5, 2.5),
        ("date", "{{ payload.x|truncate(10, true, '', 0) }}", "2026-03-02T10:00:00Z", "2026-03-02"),
        ("rating", "{{ payload.x }}", "4", 4),
        ("platform", "{{ payload.x|join }}", ["web", "ios"], ["iOS", "Web"]),
        ("text", "{{ payload.gone|default('') }}", 1, None),
    ],
)
def test_what_it_becomes_is_read_by_the_fields_kind(send, beta, kind, text, given, kept):
    field = add_field(beta.bugs, "Mine", kind)

    send(make_listener(beta, setting(field, text)), {"x": given}, find="BUG-0001")

    assert Ticket.objects.get().values.get("mine") == kept


@pytest.mark.parametrize(
    ("kind", "given", "why"),
    [
        ("number", "many", "“Mine” cannot be “many”: Enter a number."),
        ("date", "soon", "“Mine” cannot be “soon”: Write a day such as 2026-11-23."),
        ("rating", 6, "“Mine” cannot be “6”: “6” is none of these: 1, 2, 3, 4, 5."),
        ("text", "x" * 251, f"“Mine” cannot be “{'x' * 60}”: Ensure this value has at most 250"),
        ("text", "a\0", "Value: Null characters are not allowed."),
        ("text", "a\ud800", "Value: It became a text with a character that cannot be kept."),
        ("long_text", "x" * 10_001, "Value: It became 10,001 characters long: 10,000 are allowed."),
    ],
)
def test_what_does_not_fit_fails_the_run_and_names_the_field(send, beta, kind, given, why):
    field = add_field(beta.bugs, "Mine", kind)
    macro = setting(field, "{{ payload.x }}")

    delivery = send(make_listener(beta, macro), {"x": given}, find="BUG-0001")

    assert delivery.reason == "action_failed"
    assert why in delivery.sentence
    assert Ticket.objects.get().values == {}


def test_a_required_field_is_not_emptied_by_variables_either(send, beta):
    field = add_field(beta.bugs, "Mine", "text", required=True)

    delivery = run(send, beta, setting(field, "{{ event.comment }}"))

    assert "“Mine” cannot be “”: This is required: give it a value." in delivery.sentence


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ tickt.ref }}", "There is no variable “tickt”. Did you mean “ticket”?"),
        ("{{ ticket.values.svrity }}", "There is no variable “ticket.values.svrity”."),
        ("{{ ticket.ref", "Line 1: unexpected end of template"),
    ],
)
def test_names_are_checked_when_the_macro_is_saved(beta, severity, text, problem):
    with pytest.raises(ValidationError) as refused:
        setting(severity, text)

    assert refused.value.messages[0].startswith(f"Set a Form Field: Value: {problem}")


# Taking it back


def test_what_was_set_goes_back(beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "Low"})
    done = run_by_hand(setting(severity, "High"), beta.ticket, PAM)

    undone = undo(done, PAM)

    assert done.sentence == "Macro “Judge” ran on BUG-0001: Severity Low → High."
    assert Ticket.objects.get().values == {"severity": "Low"}
    assert said(undone) == ["Severity: taken back to “Low”."]


def test_what_was_empty_becomes_empty_again_and_other_fields_stay(beta, severity, areas):
    done = run_by_hand(setting(severity, "High"), beta.ticket, PAM)
    change_ticket(beta.ticket, actor="ada", values={"areas": ["Box"]})

    assert said(undo(done, PAM)) == ["Severity: taken back."]
    assert Ticket.objects.get().values == {"areas": ["Box"]}


@pytest.mark.parametrize(("since", "now"), [("Low", "Low"), (None, "")])
def test_what_somebody_changed_since_is_left_alone_unless_it_is_chosen(beta, severity, since, now):
    change_ticket(beta.ticket, actor="ada", values={"severity": "Middle"})
    done = run_by_hand(setting(severity, "High"), beta.ticket, PAM)
    change_ticket(beta.ticket, actor="ada", values={"severity": since})

    (sentence,) = said(undo(done, PAM))
    left = Ticket.objects.get().values.get("severity")
    undo(done, PAM, even=["values.severity"])

    assert sentence == (
        f"Severity: left alone: changed since; it is “{now}” now, and was “Middle” before the run."
    )
    assert left == since
    assert Ticket.objects.get().values == {"severity": "Middle"}


def test_a_choice_that_is_gone_does_not_come_back(beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "Low"})
    done = run_by_hand(setting(severity, "High"), beta.ticket, PAM)
    severity.choices = ["Middle", "High"]
    save_form_field(severity)

    undone = undo(done, PAM)

    assert said(undone) == ["Severity: cannot be taken back. “Low” is no longer there."]
    assert Ticket.objects.get().values == {"severity": "High"}


def test_a_field_that_is_gone_does_not_come_back(beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "Low"})
    macro = setting(severity, "")
    done = run_by_hand(macro, beta.ticket, PAM)
    save_macro(macro, [("set_blocking", {"blocking": True})])
    assert not delete_form_field(severity)

    assert said(undo(done, PAM)) == [
        "Severity: cannot be taken back. “severity” is no longer there."
    ]


# In texts


def test_texts_have_the_values_as_they_are_shown(beta, severity, areas):
    change_ticket(beta.ticket, actor="ada", values={"areas": ["Lens; cap", "Box"]})
    text = "{{ ticket.values.areas }}{% if ticket.values.severity %}!{% endif %}"
    macro = Macro(feedback_type=beta.bugs, name="Say it")
    save_macro(macro, [("add_comment", {"body": text, "exposure": "public"})])

    run_by_hand(macro, beta.ticket, PAM)

    assert beta.ticket.comments.get().body == "Lens; cap, Box"


def test_a_field_that_a_text_names_is_not_deleted(beta, severity, areas):
    body = "{{ ticket.values.severity }}{% if ticket['values'].areas %}!{% endif %}"
    macro = Macro(feedback_type=beta.bugs, name="Say it")
    save_macro(macro, [("add_comment", {"body": body, "exposure": "public"})])

    assert delete_form_field(severity) == ["Macro “Say it”"]
    assert delete_form_field(areas) == ["Macro “Say it”"]

    save_macro(macro, [("add_comment", {"body": "Hi", "exposure": "public"})])

    assert delete_form_field(severity) == []


def test_a_field_that_a_macro_names_twice_is_named_once(beta, severity):
    setting(severity, "{{ ticket.values.severity }}")

    assert delete_form_field(severity) == ["Macro “Judge”"]
    assert MacroActionUse.objects.count() == 1


def test_a_text_names_only_fields_that_the_type_has(beta, severity):
    macro = Macro(feedback_type=beta.bugs, name="Say it")

    with pytest.raises(ValidationError, match="Did you mean “severity”"):
        save_macro(
            macro, [("add_comment", {"body": "{{ ticket.values.sevrity }}", "exposure": "public"})]
        )
