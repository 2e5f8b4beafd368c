"""Form fields as columns of CSV: out, and in again."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from feedback.form_fields import save_form_field
from feedback.imports.files import decode, read_rows
from feedback.imports.plan import carry_out, rehearse
from feedback.imports.problems import Refused
from feedback.imports.tickets import layout_of, plan_tickets
from feedback.models import FormField, Ticket, TicketChange
from feedback.services import change_ticket
from tests.conftest import add_field

VALUES = {
    "severity": "High",
    "areas": ["Lens; cap", "Strap, left"],
    "steps": "One\n“Two”, three",
    "offset": -2.5,
    "since": "2026-03-02",
    "stars": 4,
}


@pytest.fixture
def fields(beta):
    add_field(beta.bugs, "Severity", "choice", choices=["Low", "High"], required=True)
    add_field(beta.bugs, "Areas", "choices", choices=["Lens; cap", "Strap, left", "Box"])
    add_field(beta.bugs, "Steps to reproduce", "long_text", key="steps")
    add_field(beta.bugs, "Offset", "number")
    add_field(beta.bugs, "Since", "date")
    add_field(beta.bugs, "Stars", "rating")
    add_field(beta.bugs, "Status", "text", key="other_status")
    return beta


def rows_of(beta, text):
    return read_rows(decode(text.encode()), layout_of(beta.bugs))


def run(beta, text):
    rows = rows_of(beta, text)
    seen = rehearse(plan_tickets(rows, beta.bugs, beta.ada), actor="ada")
    return carry_out(
        plan_tickets(rows, beta.bugs, beta.ada),
        actor="ada",
        expected=seen.fingerprint,
        last_number=seen.last_number,
    )


def refused(beta, text):
    with pytest.raises(Refused) as refusal:
        rehearse(plan_tickets(rows_of(beta, text), beta.bugs, beta.ada), actor="ada")
    return [(each.line, each.column, each.message) for each in refusal.value.problems]


@pytest.fixture
def exported(sign_in, fields):
    def exported() -> str:
        address = reverse("export_tickets", args=["beta", "BUG"])
        return sign_in("observer").get(address).getvalue().decode()

    return exported


def test_the_export_has_a_column_for_each_field_and_changes_nothing(exported, fields):
    change_ticket(fields.ticket, actor="ada", values=VALUES)
    text = exported()

    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert {name: cell for name, cell in row.items() if name.startswith("field.")} == {
        "field.severity": "High",
        "field.areas": '"Lens; cap", "Strap, left"',
        "field.steps": "One\n“Two”, three",
        "field.offset": "'-2.5",
        "field.since": "2026-03-02",
        "field.stars": "4",
        "field.other_status": "",
    }
    assert run(fields, text).sentence == "1 unchanged"


def test_what_was_exported_makes_another_ticket_alike(exported, fields):
    change_ticket(fields.ticket, actor="ada", values=VALUES)

    run(fields, exported().replace("BUG-0001", ""))

    assert Ticket.objects.get(number=2).values == VALUES
    assert not TicketChange.objects.filter(ticket__number=2, field__startswith="values").exists()


def test_a_new_ticket_may_go_by_labels_and_keys(fields):
    run(
        fields,
        "summary;SEVERITY;Steps to Reproduce;offset;field.since\nIt hums;low;Listen;3;2026-03-02\n",
    )

    assert Ticket.objects.get(number=2).values == {
        "severity": "Low",
        "steps": "Listen",
        "offset": 3,
        "since": "2026-03-02",
    }


def test_a_column_of_every_ticket_goes_before_a_label(fields):
    run(fields, "summary,severity,status,other_status\nIt hums,Low,Open,Odd\n")

    ticket = Ticket.objects.get(number=2)
    assert (str(ticket.status), ticket.values["other_status"]) == ("Open", "Odd")


def test_a_change_is_noted_field_by_field_and_empty_cells_change_nothing(fields):
    change_ticket(fields.ticket, actor="bob", values=VALUES)

    run(fields, "ref,severity,stars,offset\nBUG-0001,low,4,\n")

    assert Ticket.objects.get().values == VALUES | {"severity": "Low"}
    changes = TicketChange.objects.filter(actor="ada")
    assert [(each.field, each.label, each.before, each.after) for each in changes] == [
        ("values.severity", "Severity", "High", "Low")
    ]


def test_every_error_names_its_line_and_column(fields):
    FormField.objects.filter(key="steps").update(archived=True)
    text = (
        "ref,summary,field.severity,stars,areas,since,steps\n"
        ",One,,3,Box,2026-03-02,\n"
        ",Two,Hihg,six,Box; Bxo,02.03.2026,x\n"
        "BUG-0001,,Low,9,,,\n"
    )

    assert refused(fields, text) == [
        (2, "field.severity", "This is required: give it a value."),
        (
            3,
            "field.areas",
            "“Bxo” is none of these: Lens; cap, Strap, left, Box. Did you mean “Box”?",
        ),
        (3, "field.severity", "“Hihg” is none of these: Low, High. Did you mean “High”?"),
        (3, "field.since", "Write a day such as 2026-11-23."),
        (3, "field.stars", "“six” is none of these: 1, 2, 3, 4, 5."),
        (3, "field.steps", "This is archived: it is no longer asked for. Leave it as it is."),
        (4, "field.stars", "“9” is none of these: 1, 2, 3, 4, 5."),
    ]


def test_an_unknown_column_is_told_with_the_field_that_was_perhaps_meant(fields):
    [(line, column, message)] = refused(fields, "summary,severty\nx,Low\n")

    assert (line, column) == (1, "severty")
    assert message.endswith("Did you mean “severity”?")


def test_an_archived_choice_stays_where_it_is(exported, fields):
    change_ticket(fields.ticket, actor="bob", values={"severity": "High"})
    field = fields.bugs.form_fields.get(key="severity")
    field.choices, field.archived_choices = ["Low"], ["High"]
    save_form_field(field)

    assert run(fields, exported()).sentence == "1 unchanged"
    told = refused(fields, "summary,severity\nNew,High\n")
    assert told == [(2, "field.severity", "“High” is none of these: Low.")]


def test_the_preview_shows_fields_and_the_page_says_what_their_columns_hold(sign_in, fields):
    manager = sign_in("manager")
    address = reverse("import_tickets", args=["beta", "BUG"])

    page = manager.get(address).content.decode()
    text = "ref,summary,severity,stars\n,New,Low,2\nBUG-0001,,High,\n"
    preview = manager.post(address, {"text": text}).content.decode()

    assert "Areas. Some of its choices, with commas or semicolons between them." in page
    assert '<span class="hub-muted">Stars:</span> 2 of 5' in preview
    assert "Severity:</span> <del>none</del>" in preview


def test_thousands_of_lines_cost_no_look_at_the_fields_each(fields):
    lines = "".join(f",New {number},Low\n" for number in range(200))
    run(fields, f"ref,summary,severity\n{lines}")
    changed = "".join(f"BUG-{number:04d},High\n" for number in range(2, 202))

    with CaptureQueriesContext(connection) as queries:
        run(fields, f"ref,severity\n{changed}")

    looks = [query for query in queries if 'FROM "feedback_formfield"' in query["sql"]]
    assert Ticket.objects.filter(values__severity="High").count() == 200
    assert len(looks) <= 2
