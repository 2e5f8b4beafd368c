"""The pages of a type's form fields, and these on the pages of tickets."""

from __future__ import annotations

from threading import Event, Thread
from time import sleep

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from feedback.form_fields import (
    MOST_FIELDS,
    delete_form_field,
    key_from,
    move_form_field,
    save_form_field,
)
from feedback.models import FormField, SavedFilter, Ticket, TicketChange
from feedback.saved_filters import save_filter
from feedback.services import change_ticket, submit_ticket
from tests.conftest import add_field


def address(name, *args):
    return reverse(name, args=["beta", "BUG", *args])


@pytest.fixture
def severity(beta):
    return add_field(
        beta.bugs,
        "Severity",
        "choice",
        public_label="How bad is it?",
        choices=["Low", "High"],
        help="<b>Ask</b> yourself.",
        required=True,
    )


@pytest.fixture
def root_cause(beta):
    """For the team only."""
    return add_field(beta.bugs, "Root cause", "long_text", public=False, required=True)


# The pages of form fields


def test_every_kind_is_offered_and_its_page_asks_what_it_needs_alone(sign_in):
    manager = sign_in("manager")
    text = manager.get(address("form_fields")).content.decode()

    asked = {}
    for kind in FormField.Kind.values:
        own = f"{address('form_field_add')}?kind={kind}"
        assert f'href="{own}"' in text
        asked[kind] = {*manager.get(own).context["form"].fields}

    usual = {"label", "public_label", "key", "help", "required", "public"}
    assert asked == dict.fromkeys(FormField.Kind.values, usual) | {
        "choice": usual | {"choices"},
        "choices": usual | {"choices"},
        "platform": usual | {"choices"},
        "rating": usual | {"highest"},
    }


def test_a_field_is_added_with_a_key_made_of_its_label(sign_in):
    given = {"label": "Steps to reproduce!", "public": "on", "required": "on"}
    answer = sign_in("manager").post(f"{address('form_field_add')}?kind=long_text", given)

    field = FormField.objects.get()
    assert (answer.status_code, answer.url) == (302, address("form_fields"))
    assert (field.key, field.kind, field.required, field.public, field.order) == (
        "steps_to_reproduce",
        "long_text",
        True,
        True,
        0,
    )


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Größe & Länge", "groe_lange"),
        ("2nd try", "nd_try"),
        ("  __a--b__ ", "a_b"),
        ("???", "field"),
        ("x" * 99, "x" * 40),
    ],
)
def test_any_label_gives_a_key(label, key):
    assert key_from(label) == key


def test_a_key_that_is_taken_gets_a_number(beta):
    keys = [add_field(beta.bugs, label).key for label in ("重大度", "版本", "x" * 60, "x" * 61)]

    assert keys == ["field", "field_2", "x" * 40, f"{'x' * 36}_2"]


def test_a_platform_begins_with_the_usual_systems(sign_in):
    page = sign_in("manager").get(f"{address('form_field_add')}?kind=platform")

    assert ">\niOS\nAndroid\nWindows\nmacOS\nLinux\nWeb</textarea>" in page.content.decode()


@pytest.mark.parametrize(
    ("kind", "given", "name", "problem"),
    [
        ("text", {"label": ""}, "label", "This field is required."),
        ("text", {"label": "SEVERITY"}, "label", "The type has a field with this label"),
        ("text", {"key": "severity"}, "key", "The type has a field with this key"),
        ("text", {"key": "Severity"}, "key", "Use small letters and digits"),
        ("text", {"key": "a__min"}, "key", "Use small letters and digits, with single “_”"),
        ("text", {"key": "7up"}, "key", "and begin with a letter."),
        ("choice", {}, "choices", "Give at least one choice."),
        ("choice", {"choices": " \n "}, "choices", "Give at least one choice."),
        ("choice", {"choices": "A\nB\na"}, "choices", "“a” stands there twice"),
        ("choice", {"choices": "x" * 101}, "choices", "is too long: a choice has at most 100"),
        ("choice", {"choices": "\n".join(map(str, range(201)))}, "choices", "at most 200 choices."),
        ("rating", {"highest": "1"}, "highest", "greater than or equal to 2."),
        ("rating", {"highest": "11"}, "highest", "less than or equal to 10."),
    ],
)
def test_what_is_wrong_is_told_at_its_place(sign_in, severity, kind, given, name, problem):
    given = {"label": "Mine", "highest": "5"} | given
    answer = sign_in("manager").post(f"{address('form_field_add')}?kind={kind}", given)

    assert answer.status_code == 200
    [message] = answer.context["form"].errors[name]
    assert problem in message
    assert FormField.objects.count() == 1


@pytest.mark.parametrize("kind", ["", "?kind=", "?kind=colour"])
def test_an_unknown_kind_is_no_page(sign_in, kind):
    assert sign_in("manager").get(address("form_field_add") + kind).status_code == 404


def test_a_field_is_changed_and_keeps_its_key_and_kind(sign_in, severity):
    given = {
        "label": "Badness",
        "key": "badness",
        "kind": "text",
        "choices": "High\r\nMiddling\r\n",
        "archived_choices": "Low",
    }
    sign_in("manager").post(address("form_field", severity.pk), given)

    severity.refresh_from_db()
    assert (severity.label, severity.key, severity.kind) == ("Badness", "severity", "choice")
    assert (severity.choices, severity.archived_choices) == (["High", "Middling"], ["Low"])
    assert not severity.public


def test_buttons_move_a_field_and_keep_the_focus(sign_in, beta):
    first, second, third = (add_field(beta.bugs, label) for label in ("One", "Two", "Three"))
    manager = sign_in("manager")

    answer = manager.post(address("form_fields"), {"field": third.pk, "way": "up"}, follow=True)

    assert [field.label for field, _ in answer.context["page"].fields()] == ["One", "Three", "Two"]
    button = answer.content.decode().split(" Three</span>")[0].rsplit("<button", 1)[1]
    assert 'value="up" autofocus' in button

    move_form_field(first, -1)
    move_form_field(second, 1)
    assert [field.label for field in FormField.objects.all()] == ["One", "Three", "Two"]


@pytest.mark.parametrize("given", [{}, {"way": "left", "field": 1}, {"way": "up", "field": "²"}])
def test_a_move_that_cannot_be_is_a_404(sign_in, severity, given):
    assert sign_in("manager").post(address("form_fields"), given).status_code == 404


def test_a_type_has_at_most_a_hundred_fields(beta):
    FormField.objects.bulk_create(
        FormField(feedback_type=beta.bugs, label=f"F{number}", key=f"f{number}", kind="text")
        for number in range(MOST_FIELDS)
    )

    with pytest.raises(ValidationError, match="at most 100 form fields"):
        add_field(beta.bugs, "One more")


# What is in use is not taken away


def test_an_unused_field_is_deleted_and_leaves_its_history(sign_in, beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
    change_ticket(beta.ticket, actor="ada", values={"severity": None})

    answer = sign_in("manager").post(address("form_field", severity.pk), {"action": "delete"})

    assert answer.url == address("form_fields")
    assert not FormField.objects.exists()
    assert {change.label for change in TicketChange.objects.all()} == {"Severity"}


def test_a_field_in_use_stays_and_the_refusal_lists_what_uses_it(sign_in, beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
    group = {"field.severity__not": ["Low"]}
    save_filter(SavedFilter(feedback_type=beta.bugs, name="Bad", groups=[group]))

    answer = sign_in("manager").post(
        address("form_field", severity.pk), {"action": "delete"}, follow=True
    )

    text = answer.content.decode()
    assert FormField.objects.exists()
    assert "It is used by: BUG-0001, Saved filter “Bad”. Archive it instead" in text


def test_the_first_tickets_that_use_a_field_are_named_and_the_others_counted(beta, severity):
    for number in range(25):
        submit_ticket(
            beta.bugs, summary=f"T{number}", submitter=beta.ada, values={"severity": "Low"}
        )

    users = delete_form_field(severity)

    assert (users[0], users[-1], len(users)) == ("BUG-0002", "5 more tickets", 21)


def test_the_page_of_a_field_links_all_that_uses_it(sign_in, beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
    mild = SavedFilter(feedback_type=beta.bugs, name="Mild", groups=[{"field.severity": ["Low"]}])
    save_filter(mild)

    text = sign_in("manager").get(address("form_field", severity.pk)).text

    assert f'<a href="{beta.ticket.get_absolute_url()}">BUG-0001</a>' in text
    assert f'<a href="{mild.get_absolute_url()}">Saved filter “Mild”</a>' in text


def test_a_choice_without_choices_is_told_so_at_once_beside_the_label(sign_in, beta):
    answer = sign_in("manager").post(f"{address('form_field_add')}?kind=choice", {"label": ""})

    assert answer.context["form"].errors["choices"] == ["Give at least one choice."]
    assert "label" in answer.context["form"].errors


def test_a_choice_in_use_is_archived_and_not_removed(beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
    save_filter(
        SavedFilter(feedback_type=beta.bugs, name="Mild", groups=[{"field.severity__not": ["Low"]}])
    )

    severity.choices = ["Middling"]
    with pytest.raises(ValidationError) as refused:
        save_form_field(severity)
    assert refused.value.message_dict == {
        "choices": [
            "“Low” is used by Saved filter “Mild”. Archive it instead: it is then no longer "
            "offered."
        ]
    }

    severity.choices, severity.archived_choices = ["Middling"], ["Low", "High"]
    save_form_field(severity)
    assert Ticket.objects.get().values == {"severity": "High"}


def test_the_stars_that_a_ticket_has_stay_possible(beta):
    stars = add_field(beta.bugs, "Stars", "rating", highest=10)
    change_ticket(beta.ticket, actor="ada", values={"stars": 8})

    stars.highest = 5
    with pytest.raises(ValidationError) as refused:
        save_form_field(stars)

    assert refused.value.message_dict == {
        "highest": ["“8” is used by BUG-0001. Leave it as high as it was."]
    }


def test_a_type_with_fields_says_so_where_it_is_set_up(sign_in, beta, severity):
    page = sign_in("manager").get(
        reverse("admin:feedback_feedbacktype_change", args=[beta.bugs.pk])
    )

    assert f'<a class="hub-link" href="{address("form_fields")}">Severity</a>' in (
        page.content.decode()
    )


# Submit and edit


def test_participants_are_asked_what_is_public_by_its_public_label(sign_in, severity, root_cause):
    form = sign_in("participant").get(address("submit_ticket")).context["form"]

    assert [field.label for field in form.fields_of_type()] == ["How bad is it?"]
    assert [field.name for field in form.fields_of_tickets()] == ["summary", "description"]


def test_the_team_is_asked_everything(sign_in, severity, root_cause):
    page = sign_in("support").get(address("submit_ticket"))

    form = page.context["form"]
    assert [field.label for field in form.fields_of_type()] == ["Severity", "Root cause"]
    assert "&lt;b&gt;Ask&lt;/b&gt; yourself." in page.content.decode()


def test_a_participant_submits_what_is_public_and_nothing_else(sign_in, severity, root_cause):
    sign_in("participant").post(
        address("submit_ticket"),
        {"summary": "New", "values.severity": "High", "values.root_cause": "Me"},
    )

    assert Ticket.objects.get(summary="New").values == {"severity": "High"}


def test_what_is_required_is_asked_for(sign_in, severity, root_cause):
    for name, missing in (
        ("participant", {"values.severity"}),
        ("support", {"values.severity", "values.root_cause"}),
    ):
        answer = sign_in(name).post(
            address("submit_ticket"), {"summary": "New", "exposure": "public"}
        )
        assert answer.context["form"].errors == {
            place: ["This is required: give it a value."] for place in missing
        }
    assert Ticket.objects.count() == 1


def edited(beta, **values):
    return {
        "action": "edit",
        "summary": beta.ticket.summary,
        "status": beta.new.pk,
        "team": beta.managers.pk,
        "exposure": "public",
        "seen": Ticket.objects.get(pk=beta.ticket.pk).updated_at.isoformat(),
        **{f"values.{key}": value for key, value in values.items()},
    }


def test_an_edit_changes_fields_with_a_history(sign_in, beta, severity, root_cause):
    day = add_field(beta.bugs, "Since", "date")
    change_ticket(beta.ticket, actor="ada", values={"severity": "Low", "since": "2026-03-02"})
    manager = sign_in("manager")

    form = manager.get(f"{beta.ticket.get_absolute_url()}?edit").context["edit_form"]
    assert 'value="2026-03-02"' in str(form[day.place])
    manager.post(
        beta.ticket.get_absolute_url(),
        edited(beta, severity="High", root_cause="A\r\nB", since="2026-03-02"),
    )

    beta.ticket.refresh_from_db()
    assert beta.ticket.values == {"severity": "High", "root_cause": "A\nB", "since": "2026-03-02"}
    changes = TicketChange.objects.filter(actor="manager")
    assert [(change.field, change.before, change.after) for change in changes] == [
        ("values.severity", "Low", "High"),
        ("values.root_cause", None, "A\nB"),
    ]


def test_an_archived_field_is_no_longer_asked_for_and_stays_where_it_is(sign_in, beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
    other = submit_ticket(beta.bugs, summary="Other", submitter=beta.ada)
    FormField.objects.update(archived=True)
    manager = sign_in("manager")

    manager.post(beta.ticket.get_absolute_url(), edited(beta) | {"summary": "New"})

    assert Ticket.objects.get(summary="New").values == {"severity": "High"}
    assert "Severity" in manager.get(beta.ticket.get_absolute_url()).content.decode()
    assert "Severity" not in manager.get(other.get_absolute_url()).content.decode()


def test_an_archived_choice_is_offered_where_it_was_chosen(sign_in, beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
    severity.choices, severity.archived_choices = ["Low"], ["High"]
    save_form_field(severity)
    manager = sign_in("manager")

    edit = manager.get(f"{beta.ticket.get_absolute_url()}?edit").context["edit_form"]
    submit = manager.get(address("submit_ticket")).context["form"]

    def offered(form):
        return [choice for choice, _ in form.fields["values.severity"].choices if choice]

    assert offered(edit) == ["Low", "High"]
    assert offered(submit) == ["Low"]


# What is read of it


def test_participants_read_what_is_public_in_the_ticket_and_its_history(
    sign_in, beta, severity, root_cause
):
    change_ticket(
        beta.ticket, actor="ada", values={"severity": "High", "root_cause": "Rubber glue"}
    )

    texts = {
        name: sign_in(name).get(beta.ticket.get_absolute_url()).content.decode()
        for name in ("participant", "observer")
    }

    for words in ("How bad is it?", "High"):
        assert words in texts["participant"]
    for words in ("Severity", "Root cause", "Rubber glue"):
        assert words not in texts["participant"]
        assert words in texts["observer"]


def test_a_field_without_a_value_says_so(sign_in, beta, severity):
    text = sign_in("observer").get(beta.ticket.get_absolute_url()).content.decode()

    assert "Not given" in text


# The ticket list


def test_the_filter_form_has_the_fields_and_finds_by_them(sign_in, beta, severity, root_cause):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
    submit_ticket(beta.bugs, summary="Other", submitter=beta.ada)
    page = sign_in("manager").get(f"{address('tickets')}?field.severity=high")

    assert [ticket.ref for ticket in page.context["page_obj"]] == ["BUG-0001"]
    assert page.context["sentence"] == "Severity is High"
    rows = {row["field"].name: row for row in page.context["rows"]}
    assert rows["field.severity"]["ticked"]
    assert rows["field.root_cause"]["verbs"] == ("contains", "does not contain")


def test_an_archived_field_is_in_the_filter_form_only_where_it_is_asked_for(sign_in, severity):
    FormField.objects.update(archived=True)
    manager = sign_in("manager")

    def names(query):
        page = manager.get(f"{address('tickets')}?{query}")
        return {row["field"].name for row in page.context["rows"]}

    assert "field.severity" not in names("blocking=true")
    assert "field.severity" in names("field.severity__not=Low")


@pytest.mark.parametrize("name", ["field.severity", "field.root_cause", "field.nowhere"])
def test_participants_filter_by_no_field(sign_in, severity, root_cause, name):
    page = sign_in("participant").get(f"{address('tickets')}?{name}=High")

    assert page.context["errors"] == [f"There is no field “{name}” to filter by."]


def test_what_the_list_shows_is_saved_as_a_filter_with_its_field(sign_in, severity):
    manager = sign_in("manager")
    manager.post(
        f"{address('save_filter')}?field.severity=High&field.severity=Low", {"name": "Bad"}
    )

    saved = SavedFilter.objects.get()
    assert saved.groups == [{"field.severity": ["Low", "High"]}]
    assert saved.uses.get().formfield == severity
    assert "Severity is Low or High" in manager.get(saved.get_absolute_url()).content.decode()


@pytest.mark.django_db(transaction=True)
def test_no_answer_is_left_without_its_field(on_postgres, beta, severity):
    answered, lost = Event(), []

    def answer():
        try:
            with transaction.atomic():
                change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
                answered.set()
                sleep(0.5)
        except IntegrityError as error:  # at the commit, for its history names the field
            lost.append(error)
        finally:
            connection.close()

    other = Thread(target=answer)
    other.start()
    answered.wait()
    users = delete_form_field(severity)
    other.join()

    assert (users, len(lost)) == ([], 1)
    assert Ticket.objects.get().values == {}
