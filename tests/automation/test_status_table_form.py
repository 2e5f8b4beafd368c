"""The status table, the protected statuses and the types of a listener, on its page."""

from __future__ import annotations

from time import sleep

import pytest
from django.db import OperationalError
from django.urls import reverse

from automation.listener_form import ListenerForm
from automation.models import ExternalListener, StatusRow
from automation.status_table import unreached
from feedback.models import Status, Workflow
from tests.automation.listener_forms import errors_of, rows_of, table
from tests.conftest import closing_macro, make_listener
from tests.rest.conftest import at_once

UNCHOSEN = "Choose a macro, here or in a row of the status table: else nothing runs."


def problems_of(answer):
    """What is said at each row of the status table."""
    return [row.problems for row in answer.context["layout"].table_rows()]


def test_rows_are_kept_in_the_order_of_the_page(page, given, address, start, close):
    rows = table(
        ("In Progress,Reopened ,", "", start), ("Done", "Fixed", close), ("Done", "", None)
    )

    page.post(address("listener_add"), given | rows)

    listener = ExternalListener.objects.get()
    assert listener.macro is None
    assert rows_of(listener) == [
        (0, "In Progress, Reopened", "", "Start work"),
        (1, "Done", "Fixed", "Close ticket"),
        (2, "Done", "", None),
    ]


def test_rows_that_were_left_empty_are_no_rows(page, given, address, close):
    rows = table(("", "", None), ("Done", "", close), (" ", "", None))

    page.post(address("listener_add"), given | rows)

    assert rows_of(ExternalListener.objects.get()) == [(0, "Done", "", "Close ticket")]


def test_without_javascript_there_are_empty_rows_to_fill(page, listener, address):
    content = page.get(address("listener", listener.pk)).content.decode()

    assert content.count('name="status_table-status"') == 3


def test_rows_are_moved_changed_and_removed(page, given, address, start, close):
    page.post(address("listener_add"), given | table(("Done", "", close), ("Open", "", start)))
    listener = ExternalListener.objects.get()
    url = address("listener", listener.pk)

    page.post(url, given | table(("Open", "", start), ("Done", "", close)))
    moved = rows_of(listener)
    page.post(url, given | table(("Closed", "Fixed", close)))

    assert [status for _, status, *_ in moved] == ["Open", "Done"]
    assert rows_of(listener) == [(0, "Closed", "Fixed", "Close ticket")]


def test_rows_that_stay_as_they_are_are_not_written(page, given, address, close):
    page.post(address("listener_add"), given | table(("Done", "", close)))
    before = list(StatusRow.objects.values())

    url = address("listener", ExternalListener.objects.get().pk)
    page.post(url, given | table(("Done", "", close)) | {"name": "Renamed"})

    assert list(StatusRow.objects.values()) == before
    assert ExternalListener.objects.get().name == "Renamed"


@pytest.mark.django_db(transaction=True)
def test_a_listener_and_its_rows_are_saved_together_or_not_at_all(
    page, given, address, close, monkeypatch
):
    def break_off(rows):
        raise OperationalError("the disk is full")

    page.post(address("listener_add"), given | table(("Done", "", close)))
    listener = ExternalListener.objects.get()
    monkeypatch.setattr(StatusRow.objects, "bulk_create", break_off)

    with pytest.raises(OperationalError):
        page.post(
            address("listener", listener.pk),
            given | table(("Closed", "", close)) | {"name": "Renamed"},
        )

    listener.refresh_from_db()
    assert listener.name == "Jira follows"
    assert rows_of(listener) == [(0, "Done", "", "Close ticket")]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_the_last_has_the_table(on_postgres, listener, monkeypatch):
    create = StatusRow.objects.bulk_create

    def create_slowly(rows):
        sleep(0.3)  # long enough for the other to come between
        return create(rows)

    monkeypatch.setattr(StatusRow.objects, "bulk_create", create_slowly)
    tables = [[{"status": f"{who} {place}"} for place in range(3)] for who in ("Ann", "Bob")]

    def saver(rows):
        mine = ExternalListener.objects.get(pk=listener.pk)
        fields = {"name": "x", "key": "x", "sender": "jira", "type": "macro", "when": "any"}
        form = ListenerForm(
            fields | {"macro": listener.macro_id, "status_table": rows}, instance=mine
        )
        assert form.is_valid(), form.errors
        return form.save

    at_once(*map(saver, tables))

    kept = [row.status for row in listener.status_rows.all()]
    assert kept in [[row["status"] for row in rows] for rows in tables]


def test_a_listener_needs_a_macro_or_a_row_with_one(page, given, address):
    answer = page.post(address("listener_add"), given | table(("Done", "", None)))

    assert errors_of(answer) == {"macro": [UNCHOSEN]}


@pytest.mark.parametrize(
    ("rows", "place", "sentence"),
    [
        (
            [("Done", ""), ("done", "Fixed")],
            1,
            "Row 2 (done / Fixed) is never reached: row 1 (Done) catches all that it would. "
            "Move it up, or remove it.",
        ),
        (
            [("", ""), ("Done", "")],
            1,
            "Row 2 (Done) is never reached: row 1 (any status) catches all that it would. "
            "Move it up, or remove it.",
        ),
        (
            [("Done", "Fixed"), ("Done", "Resolved"), ("Done", "Fixed, Resolved")],
            2,
            "Row 3 (Done / Fixed, Resolved) is never reached: row 1 (Done / Fixed) and row 2 "
            "(Done / Resolved) catch all that it would. Move it up, or remove it.",
        ),
        (
            [("Done", ""), ("Closed", ""), ("Closed, Done", "Fixed")],
            2,
            "Row 3 (Closed, Done / Fixed) is never reached: row 1 (Done) and row 2 (Closed) catch "
            "all that it would. Move it up, or remove it.",
        ),
    ],
)
def test_a_row_that_is_never_reached_is_refused(page, given, address, close, rows, place, sentence):
    answer = page.post(address("listener_add"), given | table(*((*row, close) for row in rows)))

    said = problems_of(answer)
    assert said[place] == {"": [sentence]}
    assert [each for each in said if each] == [said[place]]
    assert sentence in answer.content.decode()
    assert not ExternalListener.objects.exists()


@pytest.mark.parametrize(
    "rows",
    [
        [("Done", "Fixed"), ("Done", "")],
        [("Done", ""), ("Done, Closed", "")],
        [("Done", "Fixed"), ("", "Fixed")],
        [("", "Fixed"), ("Done", "")],
        [("Done", ""), ("", "")],
        [("Done", "Fixed"), ("Closed", "Done"), ("Done, Closed", "Done")],
    ],
)
def test_a_row_with_something_left_to_catch_is_reached(rows):
    known = [StatusRow(status=status, resolution=resolution) for status, resolution in rows]

    assert list(unreached(known)) == []


def test_a_row_that_waits_for_another_status_is_never_reached(page, given, address, close):
    when = {"when": "status_changed_to", "when_status": "Done"}
    answer = page.post(
        address("listener_add"), given | when | table(("Done", "", close), ("Open", "", close))
    )

    assert problems_of(answer)[1] == {
        "": ["Row 2 (Open) is never reached: the listener waits for a change of status to Done."]
    }


def test_what_is_wrong_is_said_at_its_row_and_cell(page, given, address, beta, close):
    foreign = closing_macro(beta, "Elsewhere")
    foreign.feedback_type = beta.suggestions
    foreign.save()
    rows = table(("Done", "", close), ("x" * 201, "", close), ("Open", "a\0b", foreign))

    answer = page.post(address("listener_add"), given | rows)

    assert problems_of(answer) == [
        {},
        {"status": ["Ensure this value has at most 200 characters (it has 201)."]},
        {
            "resolution": ["Null characters are not allowed."],
            "macro": ["Choose a macro of this feedback type that is offered."],
        },
    ]
    content = answer.content.decode()
    assert 'aria-describedby="status_table-1-status"' in content
    assert 'id="status_table-1-status"' in content
    assert answer.context["layout"].table_open()


def test_what_was_typed_into_a_refused_table_is_still_there(page, given, address, close):
    answer = page.post(
        address("listener_add"), given | table(("Done", "Fixed", close)) | {"name": ""}
    )

    [row] = answer.context["layout"].table_rows()
    assert [cell.value() for cell, _ in row.cells()] == ["Done", "Fixed", str(close.pk)]


def test_a_table_has_fifty_rows_at_most(page, given, address, close):
    rows = [(f"Status {number}", "", close) for number in range(51)]

    refused = page.post(address("listener_add"), given | table(*rows))
    page.post(address("listener_add"), given | table(*rows[:50]))

    assert errors_of(refused) == {"status_table": ["A status table has 50 rows at most."]}
    assert "A status table has 50 rows at most." in refused.content.decode()
    assert StatusRow.objects.count() == 50


def test_a_table_costs_no_more_queries_with_many_rows(
    page, beta, address, close, django_assert_max_num_queries
):
    listener = make_listener(beta, close)
    for number in range(50):
        listener.status_rows.create(order=number, status=f"Status {number}", macro=close)
    page.get(address("listener", listener.pk))

    with django_assert_max_num_queries(28):
        page.get(address("listener", listener.pk))


def test_a_table_is_for_senders_that_tell_a_status(page, given, address, close):
    rows = given | table(("Done", "", close)) | {"sender": "generic", "when": "any"}

    answer = page.post(address("listener_add"), rows)
    page.post(address("listener_add"), rows | {"status_expression": "ticket.state"})

    sentence = (
        "Anything that can POST does not tell a status: enter a status expression, or remove the "
        "rows."
    )
    assert errors_of(answer) == {"status_table": [sentence]}
    assert sentence in answer.content.decode()
    assert rows_of(ExternalListener.objects.get()) == [(0, "Done", "", "Close ticket")]


def test_archived_macros_stay_in_the_rows_that_have_them(page, given, address, start, close):
    page.post(address("listener_add"), given | table(("Done", "", close)))
    close.archived = True
    close.save()
    url = address("listener", ExternalListener.objects.get().pk)

    kept = page.post(url, given | table(("Done", "Fixed", close), ("Open", "", start)))
    refused = page.post(
        address("listener_add"), given | table(("Done", "", close)) | {"key": "another"}
    )

    assert kept.status_code == 302
    assert problems_of(refused) == [
        {"macro": ["Choose a macro of this feedback type that is offered."]}
    ]


def test_a_made_up_table_is_no_crash(page, given, address, close):
    changes = {
        "status_table": "nonsense",
        "status_table-status": ["Done", "Open"],
        "status_table-macro": [close.pk],
        "protected_statuses": ["x", "1" * 30],
    }
    answer = page.post(address("listener_add"), given | changes)

    assert answer.status_code == 200
    assert list(errors_of(answer)) == ["protected_statuses"]


# Protected statuses


def test_protected_statuses_are_chosen_by_workflow(page, given, address, beta, close):
    fast = Workflow.objects.create(project=beta.project, name="Fast track")
    at_once = Status.objects.create(workflow=fast, name="Done at once")
    chosen = {"macro": close.pk, "protected_statuses": [beta.closed.pk, at_once.pk]}

    page.post(address("listener_add"), given | chosen)

    listener = ExternalListener.objects.get()
    assert set(listener.protected_statuses.all()) == {beta.closed, at_once}
    layout = page.get(address("listener", listener.pk)).context["layout"]
    assert [name for name, _ in layout.protected_statuses()] == ["Default", "Fast track"]
    assert layout.protected_open()


def test_statuses_of_other_projects_and_archived_ones_are_not_protected(
    page, given, address, beta, people, close
):
    other = Status.objects.get(workflow__project__key="other", name="Closed")
    beta.open.archived = True
    beta.open.save()

    for status in (other, beta.open):
        answer = page.post(
            address("listener_add"),
            given | {"macro": close.pk, "protected_statuses": [status.pk]},
        )
        assert errors_of(answer) == {
            "protected_statuses": [
                f"There is no status {status.pk} in this project that is offered."
            ]
        }


def test_an_archived_status_stays_protected_where_it_was(page, given, address, beta, listener):
    listener.protected_statuses.add(beta.open)
    beta.open.archived = True
    beta.open.save()
    chosen = {"macro": listener.macro_id, "protected_statuses": [beta.open.pk]}

    answer = page.post(address("listener", listener.pk), given | chosen)

    assert answer.status_code == 302
    assert list(listener.protected_statuses.all()) == [beta.open]


# What is in use is not deleted


def test_a_macro_of_a_row_is_not_deleted(page, whole, address, start):
    whole.status_rows.create(order=1, status="Open", macro=start)

    answer = page.post(address("macro_delete", start.pk))

    assert answer.status_code == 409
    assert "Listener “Jira follows” (its status table: Open)" in answer.content.decode()
    assert StatusRow.objects.filter(macro=start).exists()


def test_a_protected_status_is_not_deleted(client, root, beta, listener):
    spare = Status.objects.create(workflow=beta.workflow, name="Spare", order=9)
    listener.protected_statuses.add(spare)
    client.force_login(root)
    url = reverse("admin:feedback_workflow_change", args=[beta.workflow.pk])
    rows = beta.workflow.statuses.all()
    form = {
        "name": "Default",
        "statuses-TOTAL_FORMS": len(rows),
        "statuses-INITIAL_FORMS": len(rows),
        "statuses-MIN_NUM_FORMS": 0,
        "statuses-MAX_NUM_FORMS": 1000,
    }
    for place, row in enumerate(rows):
        form |= {
            f"statuses-{place}-{name}": getattr(row, name)
            for name in ("id", "name", "category", "order")
        } | {f"statuses-{place}-workflow": beta.workflow.pk}
    form[f"statuses-{len(rows) - 1}-DELETE"] = "on"

    answer = client.post(url, form)

    assert answer.status_code == 200
    assert (
        "“Spare” is in use and was not deleted. It is used by: Listener “Jira closed”."
        in answer.content.decode()
    )
    assert Status.objects.filter(pk=spare.pk).exists()
