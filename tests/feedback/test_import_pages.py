"""The pages that take files of tickets and links, and the export."""

from __future__ import annotations

import csv
import html
import io
from threading import Thread

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from feedback.imports import pages
from feedback.models import FeedbackType, Tag, Ticket, TicketChange, TicketLink, Workflow
from feedback.services import change_ticket, link_ticket, submit_ticket, tags_named

IMPORT = "/admin/projects/beta/BUG/import/"
LINKS = "/admin/projects/beta/import-links/"
EXPORT = "/admin/projects/beta/BUG/export/"


@pytest.fixture
def manager(sign_in):
    return sign_in("manager")


def preview(client, text, url=IMPORT):
    raw = text if isinstance(text, bytes) else text.encode()
    return client.post(url, {"file": SimpleUploadedFile("tickets.csv", raw, "text/csv")})


def confirm(client, previewed, url=IMPORT):
    return client.post(url, {"confirmed": previewed.context["token"]}, follow=True)


def exported(client, query=""):
    """The rows of the export, each by the names of its columns."""
    text = export_text(client, query).removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def export_text(client, query=""):
    return b"".join(client.get(EXPORT + query).streaming_content).decode()


def told(answer):
    return " ".join(str(message) for message in answer.context["messages"])


def problems(answer):
    return [(each.line, each.column) for each in answer.context["problems"]]


# Who


@pytest.mark.parametrize("url", [IMPORT, LINKS])
def test_only_those_who_manage_the_project_import(sign_in, cast, url):
    roles = ("community", "manager", "support", "observer", "participant", "stranger")

    got = [sign_in(role).get(url).status_code for role in roles]
    posted = [preview(sign_in(role), "summary\nx\n", url).status_code for role in roles]

    assert got == posted == [200, 200, 404, 404, 404, 404]
    assert "/login/" in Client().get(url).url


def test_those_who_see_every_ticket_export(sign_in, cast):
    roles = ("community", "manager", "support", "observer", "participant", "stranger")

    got = [sign_in(role).get(EXPORT).status_code for role in roles]

    assert got == [200, 200, 200, 200, 404, 404]
    assert "/login/" in Client().get(EXPORT).url
    assert sign_in("manager").post(EXPORT).status_code == 405


def test_the_list_offers_to_each_what_they_may(sign_in, cast):
    url = reverse("tickets", args=["beta", "BUG"])

    texts = {role: sign_in(role).get(url).text for role in ("manager", "observer", "participant")}

    assert {role: (IMPORT in text, EXPORT in text) for role, text in texts.items()} == {
        "manager": (True, True),
        "observer": (False, True),
        "participant": (False, False),
    }


def test_nobody_learns_who_is_in_other_projects(manager, cast):
    there = preview(manager, "summary,submitter\nx,stranger\n").context["problems"]
    nowhere = preview(manager, "summary,submitter\nx,nobody\n").context["problems"]

    assert there[0].message.replace("stranger", "nobody") == nowhere[0].message


@pytest.mark.parametrize("url", [IMPORT, LINKS])
def test_nothing_is_imported_into_an_archived_project(manager, cast, url):
    cast.project.archived = True
    cast.project.save()

    answer = preview(manager, "summary\nx\n", url)

    assert answer.status_code == 403
    assert "Beta is archived: offer it again before you import." in manager.get(url).text


def test_nothing_is_imported_into_an_archived_type(manager, cast):
    ready = preview(manager, "summary\nx\n")
    cast.bugs.archived = True
    cast.bugs.save()

    assert "Bugs is archived" in manager.get(IMPORT).text
    assert confirm(manager, ready).status_code == 403
    assert Ticket.objects.count() == 1


# Tickets


def test_a_file_is_shown_then_imported(manager, cast):
    text = "ref,summary,status,tags\n,It hums,Closed,iOS\nBUG-1,,Closed,\n"

    shown = preview(manager, text)
    assert "1 new ticket, 1 change" in shown.text
    assert "makes the tag iOS" in shown.text
    assert "Import these 2 rows" in shown.text
    assert (Ticket.objects.count(), TicketChange.objects.count()) == (1, 0)

    done = confirm(manager, shown)
    assert done.redirect_chain[0][0] == reverse("tickets", args=["beta", "BUG"])
    assert told(done) == "Imported: 1 new ticket, 1 change."
    ticket = Ticket.objects.get(summary="It hums")
    assert (ticket.ref, ticket.submitter.username) == ("BUG-0002", "manager")
    assert set(TicketChange.objects.values_list("actor", "cause")) == {("manager", "")}


def test_rows_may_be_pasted(manager, cast):
    shown = manager.post(IMPORT, {"text": "summary\tteam\nIt hums\tBeta Support"})

    confirm(manager, shown)

    assert Ticket.objects.get(number=2).team == cast.support


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose a file, or paste some rows."),
        ({"text": " \n"}, "Choose a file, or paste some rows."),
        ({"text": "a\0b"}, "Null characters are not allowed."),
        ({"file": "a name, no file"}, "Choose a file, or paste some rows."),
        ({"file": SimpleUploadedFile("x.csv", b"")}, "The submitted file is empty."),
        ({"file": SimpleUploadedFile("x.csv", b"x"), "text": "x"}, "not both"),
    ],
    ids=["nothing", "blanks", "a NUL", "a name", "an empty file", "both"],
)
def test_a_form_without_one_file_says_so(manager, cast, data, words):
    answer = manager.post(IMPORT, data)

    assert answer.status_code == 200
    assert words in answer.text


@pytest.mark.parametrize("url", [IMPORT, LINKS])
@pytest.mark.parametrize(
    "raw",
    [
        bytes(range(256)),
        b"\xff\xfe\x00",
        b'"',
        b'"' * 999,
        b"\0" * 99,
        b"," * 100_000,
        b"\r\r\r",
        b"summary\n" + b"x" * 300_000,
        b"ref,remote_key\n" + b"BUG-1," + b"x" * 1000,
        b"ref,remote_key\nBUG-999999999999,x\n",
        "ref,summary\nBUG-٣,x".encode(),
        b"ref,summary,submitter,status,team\nBUG-1,\x01,%s,{0},{%}\n",
    ],
    ids=range(12),
)
def test_no_strange_file_breaks_the_page(manager, cast, raw, url):
    assert preview(manager, raw, url).status_code == 200
    assert manager.post(url, {"text": raw.decode("latin-1").replace("\0", "")}).status_code == 200
    assert Ticket.objects.count() == 1


def test_rows_that_were_pasted_stay_there_to_be_put_right(manager, cast):
    answer = manager.post(IMPORT, {"text": "summary,status\nMelts,Clozed\n"})

    assert answer.context["form"]["text"].value() == "summary,status\nMelts,Clozed\n"


def test_every_error_is_listed_with_its_line_and_nothing_imported(manager, cast):
    answer = preview(manager, "summary,status\nFine,\n,Clozed\nAlso fine,Nowhere\n")

    assert problems(answer) == [(3, "status"), (3, "summary"), (4, "status")]
    assert "Nothing was imported: 3 errors" in answer.text
    assert "Did you mean “Closed”?" in answer.text
    assert Ticket.objects.count() == 1


def test_a_wrong_column_does_not_hide_what_is_wrong_with_the_rows(manager, cast):
    answer = preview(manager, "summary,colour,status\nFine,red,Clozed\n")

    assert problems(answer) == [(1, "colour"), (2, "status")]
    assert '<div class="hub-note" data-kind="error" role="alert">' in answer.text


def test_thousands_of_errors_are_counted_and_two_hundred_shown(manager, cast):
    answer = preview(manager, "summary,status\n" + "x,Clozed\n" * 1000)

    assert len(answer.context["problems"]) == 200
    assert "1000 errors" in answer.text
    assert "And 800 more." in answer.text


def test_a_preview_shows_twenty_rows_and_escapes_them(manager, cast):
    answer = preview(manager, "summary\n" + "<script>alert(1)</script>\n" * 25)

    assert "25 new tickets" in answer.text
    assert "And 5 more rows." in answer.text
    assert answer.text.count("&lt;script&gt;alert(1)") == 20
    assert "<script>alert" not in answer.text


def test_a_change_is_shown_before_and_after(manager, cast):
    answer = preview(manager, "ref,summary,status\nBUG-1,The lens cap glows,Closed\n")

    text = " ".join(answer.text.split())
    assert "<del>The lens cap melts</del>" in text
    assert "<ins>The lens cap glows</ins>" in text
    assert "Import this row" in text


def test_what_changes_nothing_has_nothing_to_import(manager, cast):
    answer = preview(manager, "ref,status\nBUG-1,New\n")

    assert "1 unchanged" in answer.text
    assert 'name="confirmed"' in answer.text
    assert "Import th" not in answer.text


def test_a_preview_that_would_now_do_something_else_is_shown_again(manager, cast):
    ready = preview(manager, "ref,status\nBUG-1,Closed\n")
    change_ticket(cast.ticket, actor="ada", status=cast.open)

    again = confirm(manager, ready)
    assert "something changed since the preview" in again.text
    cast.ticket.refresh_from_db()
    assert cast.ticket.status == cast.open

    confirm(manager, again)
    cast.ticket.refresh_from_db()
    assert cast.ticket.status == cast.closed


def test_a_preview_that_now_fails_says_why(manager, cast):
    ready = preview(manager, "summary,status\nIt hums,Closed\n")
    cast.closed.archived = True
    cast.closed.save()

    answer = confirm(manager, ready)

    assert problems(answer) == [(2, "status")]
    assert Ticket.objects.count() == 1


def test_a_form_that_is_sent_twice_makes_its_tickets_once(manager, cast):
    ready = preview(manager, "summary\nIt hums\nIt glows\n")

    confirm(manager, ready)
    again = confirm(manager, ready)

    assert "2 tickets with the same summaries came in since the preview" in again.text
    assert Ticket.objects.count() == 3
    confirm(manager, again)
    assert Ticket.objects.count() == 5


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\0"])
def test_a_preview_of_ones_own_making_is_not_imported(manager, cast, token):
    answer = manager.post(IMPORT, {"confirmed": token}, follow=True)

    assert "This preview is too old" in told(answer)


def test_a_preview_is_good_for_its_person_and_page_alone(manager, sign_in, cast):
    ready = preview(manager, "summary\nIt hums\n")

    elsewhere = confirm(manager, ready, IMPORT.replace("BUG", "SUG"))
    another = confirm(sign_in("community"), ready)

    assert "too old" in told(elsewhere) + told(another)
    assert Ticket.objects.count() == 1


def test_a_preview_is_good_for_a_day(manager, cast, monkeypatch):
    ready = preview(manager, "summary\nIt hums\n")
    monkeypatch.setattr(pages, "GOOD_FOR", -1)

    assert "too old" in told(confirm(manager, ready))


def test_a_file_too_large_for_the_form_is_refused(manager, cast, monkeypatch):
    monkeypatch.setattr(pages, "MAX_TOKEN", 50)

    answer = preview(manager, "summary\nIt hums\n")

    assert "The file is too large for one import: split it." in answer.text


def test_five_thousand_ordinary_rows_fit_into_the_form(manager, cast, monkeypatch):
    words = "The lens cap melts when the sun is high. " * 5
    text = "summary,description\n" + "".join(f"It hums {n},{words}\n" for n in range(300))

    token = preview(manager, text).context["token"]

    assert len(token) * 5000 / 300 < pages.MAX_TOKEN


def test_the_template_can_be_imported_as_it_is(manager, cast):
    for url in (IMPORT, LINKS):
        answer = manager.get(url, {"template": ""})
        text = b"".join(answer.streaming_content)
        assert answer["Content-Disposition"].startswith('attachment; filename="beta-')

        shown = preview(manager, text, url)

        assert shown.context["report"].writes == 1


# Links


def test_ids_as_the_tracker_exports_them_become_links(manager, cast):
    shown = preview(manager, "BUG-0001,SANDBOX-12\n", LINKS)
    assert "1 change" in shown.text
    assert not TicketLink.objects.exists()

    done = confirm(manager, shown, LINKS)

    assert told(done) == "Imported: 1 change."
    assert str(TicketLink.objects.get()) == "Jira SANDBOX-12"


def test_links_that_are_there_may_be_imported_again(manager, cast):
    confirm(manager, preview(manager, "BUG-0001,SANDBOX-12\n", LINKS), LINKS)

    again = preview(manager, "bug-1,sandbox-12\n", LINKS)

    assert "1 unchanged" in again.text


# Export


def dress(cast):
    """Tickets with everything that is hard to write into a cell."""
    fast = Workflow.objects.create(project=cast.project, name="Fast")
    done = fast.statuses.create(name="Closed", archived=True)
    Tag.objects.create(project=cast.project, name='a, "b"; c')
    tags = tags_named(cast.project, ['a, "b"; c', "plain"])
    for text in (
        "=1+1",
        "'=1",
        "-x",
        "@ada",
        "+4",
        "\tx",
        "Two\r\nlines",
        " wide ",
        '"q"',
        "a;b,c",
    ):
        submit_ticket(cast.bugs, summary=text, description=text, submitter=cast.ada)
    change_ticket(cast.ticket, actor="ada", status=done, team=None, blocking=True, tags=tags)
    for key in ("SANDBOX-1", "SANDBOX-2", "=3"):
        link_ticket(cast.ticket, actor="ada", system="jira", remote_key=key)


def test_an_export_that_is_imported_again_changes_nothing(manager, cast):
    dress(cast)
    cast.participants.members.clear()
    TicketChange.objects.all().delete()

    shown = preview(manager, export_text(manager))

    assert shown.context["report"].sentence == "13 unchanged"
    assert not TicketChange.objects.exists()


def test_nor_does_one_that_a_spreadsheet_has_saved(manager, cast):
    dress(cast)
    rows = list(csv.reader(io.StringIO(export_text(manager).removeprefix("\ufeff"), newline="")))
    out = io.StringIO(newline="")
    ending = [[cell.replace("\r\n", "\n") for cell in row] for row in rows]
    csv.writer(out, delimiter=";", lineterminator="\n").writerows(ending)

    shown = preview(manager, out.getvalue().encode("utf-16"))

    assert shown.context["report"].sentence == "13 unchanged"


def test_no_exported_cell_is_taken_for_a_formula(manager, cast):
    dress(cast)

    cells = [cell for row in exported(manager) for cell in row.values()]

    assert "'=1+1" in cells
    assert "''=1" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_what_was_guarded_comes_into_another_type_as_it_was(manager, cast):
    dress(cast)
    rows = [[row["summary"], row["description"]] for row in exported(manager)]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["summary", "description"], *filter(any, rows)])
    url = IMPORT.replace("BUG", "SUG")

    confirm(manager, preview(manager, out.getvalue(), url), url)

    imported = {ticket.summary for ticket in Ticket.objects.filter(feedback_type=cast.suggestions)}
    assert {"=1+1", "'=1", "-x", "@ada", "+4"} <= imported


def test_the_export_follows_the_filter_and_order_of_the_list(manager, cast):
    submit_ticket(cast.bugs, summary="It hums", submitter=cast.ada)
    submit_ticket(cast.bugs, summary="It hums loudly", submitter=cast.ada)

    rows = exported(manager, "?search=hums&order=ref&page=7")

    assert [row["ref"] for row in rows] == ["BUG-0002", "BUG-0003"]
    assert rows[0]["created"]


@pytest.mark.parametrize("query", ["?status=nonsense", "?statuss=1", "?created_after=soon"])
def test_a_filter_that_is_not_understood_exports_nothing_and_says_why(manager, cast, query):
    answer = manager.get(EXPORT + query, follow=True)

    assert answer.redirect_chain[0][0].startswith(reverse("tickets", args=["beta", "BUG"]))
    assert "Until this is put right, no ticket matches." in answer.text


def test_an_export_takes_the_same_few_queries_however_long(
    manager, cast, django_assert_max_num_queries
):
    for number in range(30):
        submit_ticket(cast.bugs, summary=f"It hums {number}", submitter=cast.ada)

    with django_assert_max_num_queries(16):
        assert len(exported(manager)) == 31


def test_the_page_explains_each_column(manager, cast):
    text = html.unescape(manager.get(IMPORT).text)

    assert "The id of a ticket, such as BUG-0001" in text
    assert LINKS in text


# At the same time


@pytest.mark.django_db(transaction=True)
def test_a_form_that_is_sent_twice_at_once_makes_its_tickets_once(on_postgres, cast, sign_in):
    ready = preview(sign_in("manager"), "summary\n" + "It hums\n" * 50)
    answers = []

    def send(client):
        answers.append(confirm(client, ready).status_code)
        connection.close()

    threads = [Thread(target=send, args=[sign_in("manager")]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200, 200, 200]
    assert Ticket.objects.count() == 51
    assert FeedbackType.objects.get(pk=cast.bugs.pk).last_number == 51
    assert User.objects.filter(tickets__number=51).count() == 1
