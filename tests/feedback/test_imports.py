"""Files of tickets and links: what is read, refused, written and kept as it was."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from feedback.bulk import Work, do_work
from feedback.furnishing import create_project
from feedback.imports import links
from feedback.imports.cells import guard, tags_cell, unguard
from feedback.imports.files import MAX_BYTES, MAX_ROWS, decode, read_rows
from feedback.imports.plan import carry_out, rehearse
from feedback.imports.problems import Refused
from feedback.imports.tickets import layout_of, plan_tickets
from feedback.lists import split_names
from feedback.models import (
    FeedbackType,
    Status,
    Tag,
    Team,
    Ticket,
    TicketChange,
    TicketLink,
    Workflow,
)
from feedback.services import change_ticket, link_ticket, submit_ticket, tags_named
from tests.conftest import link_to_jira


def plan(beta, text):
    rows = read_rows(decode(as_bytes(text)), layout_of(beta.bugs))
    return plan_tickets(rows, beta.bugs, beta.ada)


def run(beta, text):
    """Import tickets as ada: preview, then write."""
    seen = rehearse(plan(beta, text), actor="ada")
    return carry_out(
        plan(beta, text), actor="ada", expected=seen.fingerprint, last_number=seen.last_number
    )


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def refused(beta, text):
    """What is wrong, as (line, column, sentence)."""
    with pytest.raises(Refused) as refusal:
        rehearse(plan(beta, text), actor="ada")
    return [(each.line, each.column, each.message) for each in refusal.value.problems]


def only(problems):
    [problem] = problems
    return problem


# Reading


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_of_every_spreadsheet_are_read(beta, encoding, delimiter, end):
    lines = [delimiter.join(["Summary", "TEAM"]), delimiter.join(["It hümms", "Beta Support"])]

    run(beta, end.join(lines).encode(encoding))

    ticket = Ticket.objects.get(number=2)
    assert (ticket.summary, ticket.team) == ("It hümms", beta.support)


def test_column_names_come_in_any_letter_case_with_spaces(beta):
    run(beta, " Summary ,Remote Key,remote-id,,\nIt hums,SANDBOX-12,10012,,\n")

    assert str(TicketLink.objects.get()) == "Jira SANDBOX-12"


def test_an_error_names_the_line_in_which_its_row_begins(beta):
    text = 'summary,blocking\n"Three\nlines\nlong",no\n\nIt hums,maybe\n'

    assert only(refused(beta, text)) == (6, "blocking", "“maybe” is neither yes nor no.")


REFUSED_FILES = {
    "nothing": (b"", 0, "The file is empty"),
    "blank lines": (b"\n\n , \n", 0, "The file is empty"),
    "a header alone": (b"summary\n", 1, "no row below it"),
    "latin-1": ("summary\nIt hümms\n".encode("latin-1"), 2, "Byte 13 of the file (0xFC)"),
    "half of utf-16": ("summary\nx".encode("utf-16")[:-1], 0, "cannot be read as UTF-16"),
    "utf-16 without a mark": ("summary\nx".encode("utf-16-le"), 1, "CSV UTF-8"),
    "a NUL": (b"summary\nIt\0hums\n", 2, "NUL character"),
    "random bytes": (bytes(range(256)) * 9, 0, "cannot be read"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0", 1, "cannot be read as UTF-8"),
    "an open quotation mark": (b'summary\nFine\n"It hums\nand\nhums', 3, "is never closed"),
    "a stray quotation mark": (b'summary\n"It" hums\n', 2, "follows a closing quotation mark"),
    "a huge cell": (b"summary\n" + b"x" * 200_000, 2, "more than 131,072 characters"),
    "a huge file": (b"summary\n" + b"x\n" * MAX_BYTES, 0, "more than 5 MB"),
    "too many rows": (b"summary\n" + b"x\n" * (MAX_ROWS + 1), MAX_ROWS + 2, "more than 5,000 rows"),
    "an unknown column": (b"summary,statuss\nx,y\n", 1, "Did you mean “status”?"),
    "a column unlike any": (b"summary,qqqqqqqq\nx,y\n", 1, "Known are ref, summary"),
    "a column without a name": (b"summary,,team\nx,y,z\n", 1, "A column has no name"),
    "a column twice": (b"summary,Summary\nx,y\n", 1, "There are 2 columns “summary”"),
    "too many cells": (b"summary,team\nOne, two, three\n", 2, "This row has 3 cells"),
}


@pytest.mark.parametrize("name", REFUSED_FILES)
def test_a_file_that_cannot_be_read_says_where_and_why(beta, name):
    raw, line, words = REFUSED_FILES[name]

    found = refused(beta, raw)

    assert found[0][0] == line or name == "random bytes"
    assert words in found[0][2]
    assert Ticket.objects.count() == 1


def test_ten_thousand_unknown_columns_are_told_in_brief(beta):
    text = "summary," + ",".join(f"c{number}" for number in range(10_000)) + "\nx\n"

    found = refused(beta, text)

    assert len(found) == 21
    assert "9,980 more columns are unknown." in {message for _, _, message in found}


# New tickets


def test_a_new_ticket_is_as_its_row_says(beta):
    text = (
        "summary,description,status,team,tags,exposure,blocking,score,"
        "submitter,system,remote_key,url\n"
        'It hums,"At night,\nloudly",closed,BETA SUPPORT,"iOS; Camera",Internal,X,-7,'
        "ADA@example.com,"
        "GitHub,acme/lens#7,https://github.com/acme/lens/issues/7\n"
    )

    report = run(beta, text)

    ticket = Ticket.objects.get(number=2)
    assert report.sentence == "1 new ticket"
    assert (ticket.ref, ticket.summary, ticket.description) == (
        "BUG-0002",
        "It hums",
        "At night,\nloudly",
    )
    assert (ticket.status, ticket.team, ticket.submitter) == (beta.closed, beta.support, beta.ada)
    assert (ticket.exposure, ticket.blocking, ticket.score) == ("internal", True, -7)
    assert {tag.name for tag in ticket.tags.all()} == {"iOS", "Camera"}
    link = ticket.links.get()
    assert (link.system, link.remote_key) == ("github", "acme/lens#7")


def test_a_row_of_a_summary_alone_is_what_the_browser_would_submit(beta):
    by_hand = submit_ticket(beta.bugs, summary="It hums", submitter=beta.ada)

    run(beta, "summary\nIt hums\n")

    imported = Ticket.objects.get(number=3)
    same = ("summary", "description", "submitter", "team", "status", "blocking", "exposure")
    assert all(getattr(imported, name) == getattr(by_hand, name) for name in same)
    assert not imported.changes.exists()


def test_many_at_once_leave_what_the_services_leave_one_by_one(beta):
    tags = tags_named(beta.project, ["iOS", "Camera"])
    fields = {"status": beta.closed, "team": beta.support, "blocking": True, "score": 5}
    fields["tags"] = tags
    link = {"system": "jira", "remote_key": "SANDBOX-12", "remote_id": "", "url": ""}
    by_hand = submit_ticket(beta.bugs, summary="It hums", submitter=beta.ada)
    change_ticket(by_hand, actor="ada", **fields)
    link_ticket(by_hand, actor="ada", **link)

    ticket = Ticket(feedback_type=beta.bugs, summary="It hums", submitter=beta.ada)
    work = Work(ticket, dict(fields), [TicketLink(ticket=ticket, **link)])
    do_work([work], actor="ada", feedback_type=beta.bugs)

    told = ("field", "before", "after", "actor", "cause")
    assert sorted(map(str, ticket.changes.values_list(*told))) == sorted(
        map(str, by_hand.changes.values_list(*told))
    )
    kept = ("summary", "status", "team", "blocking", "exposure", "score", "submitter")
    rows = Ticket.objects.filter(summary="It hums").values_list(*kept)
    assert rows[0] == rows[1]
    assert list(ticket.tags.all()) == list(by_hand.tags.all())


def test_the_history_names_the_person_and_no_cause(beta):
    run(beta, "ref,summary,status,remote_key\n,It hums,Closed,\nBUG-1,,Open,SANDBOX-12\n")

    told = TicketChange.objects.values_list("ticket__number", "field", "actor", "cause")
    assert sorted(told) == [
        (1, "link", "ada", ""),
        (1, "status", "ada", ""),
        (2, "status", "ada", ""),
    ]


REFUSED_CELLS = {
    "no summary": ("description\nx", 2, "summary", "Give the new ticket a summary."),
    "a long summary": (f"summary\n{'x' * 251}", 2, "summary", "at most 250 characters"),
    "an unknown status": ("summary,status\nx,Clozed", 2, "status", "Did you mean “Closed”?"),
    "an archived status": ("summary,status\nx,Fixed", 2, "status", "“Fixed” is archived"),
    "a status of several": ("summary,status\nx,New", 2, "status", "“Default: New” or “Fast: New”"),
    "an unknown team": ("summary,team\nx,Beta Suport", 2, "team", "“Beta Support”?"),
    "an archived team": ("summary,team\nx,Old", 2, "team", "“Old” is archived"),
    "a strange team": ("summary,team\nx,Theirs", 2, "team", "There is no team “Theirs”"),
    "a long tag": (f"summary,tags\nx,{'y' * 51}", 2, "tags", "at most 50 characters"),
    "an exposure": ("summary,exposure\nx,secret", 2, "exposure", "neither public nor internal"),
    "a truth": ("summary,blocking\nx,perhaps", 2, "blocking", "neither yes nor no"),
    "a score": ("summary,score\nx,many", 2, "score", "Give a whole number."),
    "a person": ("summary,submitter\nx,bob", 2, "submitter", "Nobody in Beta goes by “bob”"),
    "a shared address": ("summary,submitter\nx,s@x.org", 2, "submitter", "Several people"),
    "a stranger": ("summary,submitter\nx,eve", 2, "submitter", "Nobody in Beta goes by “eve”"),
    "a system": ("summary,system,remote_key\nx,jirra,S-1", 2, "system", "Did you mean “jira”?"),
    "a link to nothing": ("summary,system\nx,jira", 2, "", "Say what the item is called"),
    "an address": ("summary,remote_key,url\nx,S-1,not an address", 2, "url", "valid URL"),
    "an unknown ref": ("ref,summary\nBUG-99,x", 2, "ref", "There is no ticket BUG-99"),
    "no ref": ("ref,summary\n99,x", 2, "ref", "There is no ticket 99"),
    "another type": ("ref,summary\nSUG-1,x", 2, "ref", "no ticket of Bugs: import it there"),
    "a new submitter": ("ref,submitter\nBUG-1,sam", 2, "submitter", "cannot be changed"),
}


@pytest.mark.parametrize("name", REFUSED_CELLS)
def test_a_cell_that_cannot_be_is_refused_with_what_to_do(beta, name):
    text, line, column, words = REFUSED_CELLS[name]
    fast = Workflow.objects.create(project=beta.project, name="Fast")
    Status.objects.create(workflow=fast, name="New")
    Status.objects.filter(name="Fixed").update(archived=True)
    Team.objects.create(project=beta.project, name="Old", kind="support", archived=True)
    other = create_project("other", "Other")
    Team.objects.create(project=other, name="Theirs", kind="support")
    other.teams.first().members.add(User.objects.create_user("eve", "eve@x.org"))
    beta.support.members.add(
        *(User.objects.create_user(name, "s@x.org") for name in ("sam", "sue"))
    )
    submit_ticket(beta.suggestions, summary="More", submitter=beta.ada)

    found = only(refused(beta, text))

    assert found[:2] == (line, column)
    assert words in found[2]
    assert Ticket.objects.count() == 2


def test_all_errors_are_told_at_once_and_nothing_is_written(beta):
    text = "ref,summary,status,team\n,Fine,,\n,,Clozed,Nobody\nBUG-9,x,Clozed,\nbug-1,New name,,\n"

    found = refused(beta, text)

    assert [(line, column) for line, column, _ in found] == [
        (3, "status"),
        (3, "summary"),
        (3, "team"),
        (4, "ref"),
        (4, "status"),
    ]
    assert [ticket.summary for ticket in Ticket.objects.all()] == ["The lens cap melts"]


def test_a_type_whose_workflow_is_empty_says_so(beta):
    Status.objects.update(archived=True)

    assert "has no status that a new ticket could begin with" in refused(beta, "summary\nx\n")[0][2]


def test_a_status_is_told_by_its_workflow_where_several_have_it(beta):
    fast = Workflow.objects.create(project=beta.project, name="Fast")
    quick = Status.objects.create(workflow=fast, name="Closed")

    run(beta, "summary,status\nOne,Fast: Closed\nTwo,default:closed\nThree,Open\n")

    statuses = [ticket.status for ticket in Ticket.objects.filter(number__gt=1).order_by("number")]
    assert statuses == [quick, beta.closed, beta.open]


def test_tags_are_found_in_any_letter_case_and_made_once(beta):
    tags_named(beta.project, ["iOS"])

    report = run(beta, 'summary,tags\nOne,"ios, Camera"\nTwo,camera;IOS\n')

    assert report.new_tags == ["Camera"]
    assert sorted(Tag.objects.values_list("name", flat=True)) == ["Camera", "iOS"]


# Changes


def test_a_row_with_a_ref_changes_that_ticket_alone_where_it_says_something(beta):
    tags_named(beta.project, ["iOS"])
    change_ticket(beta.ticket, actor="ada", description="Keep me", team=beta.support)

    report = run(beta, "ref,summary,description,team,status\n bug - 1 ,,,,Closed\n")

    ticket = Ticket.objects.get()
    assert report.sentence == "1 change"
    assert (ticket.status, ticket.description, ticket.team) == (
        beta.closed,
        "Keep me",
        beta.support,
    )
    assert ticket.updated_at > beta.ticket.updated_at


def test_what_a_ticket_says_already_is_unchanged(beta):
    before = Ticket.objects.get().updated_at

    report = run(beta, "ref,summary,status\nBUG-0001,The lens cap melts,new\n")

    assert report.sentence == "1 unchanged"
    assert Ticket.objects.get().updated_at == before
    assert not TicketChange.objects.exists()


def test_a_cell_of_separators_alone_takes_no_tag_away(beta):
    change_ticket(beta.ticket, actor="ada", tags=tags_named(beta.project, ["iOS"]))

    report = run(beta, "ref,tags\nBUG-1,;\n")

    assert report.sentence == "1 unchanged"


def test_a_ticket_that_is_gone_by_the_time_of_writing_is_an_error_of_its_line(beta):
    made = plan(beta, "ref,status\nBUG-1,Closed\n")
    beta.ticket.delete()

    with pytest.raises(Refused, match="BUG-0001 is gone") as refusal:
        rehearse(made, actor="ada")

    assert refusal.value.problems[0].line == 2


@pytest.mark.parametrize("error", [IntegrityError, OperationalError])
def test_trouble_with_the_database_is_a_sentence_and_leaves_nothing(beta, monkeypatch, error):
    def fail(*args, **kwargs):
        tags_named(beta.project, ["left behind"])
        raise error

    monkeypatch.setattr("feedback.imports.plan.do_work", fail)

    assert "Nothing was imported: try again." in only(refused(beta, "summary\nx\n"))[2]
    assert not Tag.objects.exists()


def test_two_lines_that_change_one_ticket_are_refused(beta):
    found = only(refused(beta, "ref,summary\nBUG-1,One\nbug-0001,Two\n"))

    assert found[:2] == (3, "ref")
    assert "BUG-0001 is in line 2 already" in found[2]


# Previews


def test_a_preview_writes_nothing_and_burns_no_number(beta):
    report = rehearse(plan(beta, "summary,tags\nOne,iOS\nTwo,iOS\n"), actor="ada")

    assert report.sentence == "2 new tickets"
    assert (Ticket.objects.count(), Tag.objects.count()) == (1, 0)
    assert FeedbackType.objects.get(pk=beta.bugs.pk).last_number == 1
    assert submit_ticket(beta.bugs, summary="Next", submitter=beta.ada).ref == "BUG-0002"


def test_other_tickets_may_come_in_between(beta):
    text = "summary\nOne\nTwo\n"
    seen = rehearse(plan(beta, text), actor="ada")
    submit_ticket(beta.bugs, summary="Between", submitter=beta.ada)

    done = carry_out(
        plan(beta, text), actor="ada", expected=seen.fingerprint, last_number=seen.last_number
    )

    assert done.done
    assert [
        ticket.summary for ticket in Ticket.objects.filter(number__gt=1).order_by("number")
    ] == [
        "Between",
        "One",
        "Two",
    ]


def test_the_number_of_queries_grows_by_writes_alone(beta):
    def queries(count):
        rows = "".join(
            f"It hums {number},Closed,Beta Support,iOS,ada,S-{count}-{number}\n"
            for number in range(count)
        )
        text = "summary,status,team,tags,submitter,remote_key\n" + rows
        with CaptureQueriesContext(connection) as reading:
            made = plan(beta, text)
        with CaptureQueriesContext(connection) as writing:
            rehearse(made, actor="ada")
        return len(reading), len(writing)

    few, many = queries(2), queries(300)

    assert few[0] == many[0] < 10
    assert many[1] - few[1] < 40


def test_changes_take_one_write_for_each_ticket(beta):
    for number in range(60):
        submit_ticket(beta.bugs, summary=f"It hums {number}", submitter=beta.ada)

    def queries(count):
        rows = "".join(f"BUG-{number + 1},Closed\n" for number in range(count))
        with CaptureQueriesContext(connection) as captured:
            rehearse(plan(beta, "ref,status\n" + rows), actor="ada")
        return len(captured)

    assert queries(60) - queries(10) <= 50 + 2


# Links


def run_links(beta, text):
    rows = read_rows(decode(as_bytes(text)), links.LAYOUT)
    report = rehearse(links.plan_links(rows, beta.project), actor="ada")
    return carry_out(
        links.plan_links(rows, beta.project),
        actor="ada",
        expected=report.fingerprint,
        last_number=0,
    )


def refused_links(beta, text):
    with pytest.raises(Refused) as refusal:
        run_links(beta, text)
    return [(each.line, each.column, each.message) for each in refusal.value.problems]


def test_a_file_of_ids_needs_no_header(beta):
    submit_ticket(beta.suggestions, summary="More", submitter=beta.ada)

    report = run_links(beta, "bug-1,SANDBOX-12\nSUG-0001,SANDBOX-13\n")

    assert report.sentence == "2 changes"
    assert [(str(link.ticket), str(link)) for link in TicketLink.objects.all()] == [
        ("BUG-0001", "Jira SANDBOX-12"),
        ("SUG-0001", "Jira SANDBOX-13"),
    ]
    assert set(TicketChange.objects.values_list("field", "actor", "cause")) == {("link", "ada", "")}


def test_a_system_goes_by_its_slug_or_its_label(beta):
    run_links(beta, "ref;system;remote_id\nBUG-1;azure devops / tfs;7\nBUG-1;azure_devops;8\n")

    assert {link.system for link in TicketLink.objects.all()} == {"azure_devops"}


def test_a_link_that_is_there_stays_as_it_is(beta):
    link = link_to_jira(beta.ticket)

    report = run_links(beta, "BUG-0001,sandbox-12\n")

    assert report.sentence == "1 unchanged"
    assert TicketLink.objects.get() == link


def test_a_link_is_completed_by_what_the_file_knows_more(beta):
    link_to_jira(beta.ticket, remote_id="")

    report = run_links(beta, "ref,remote_key,remote_id\nBUG-0001,SANDBOX-12,10012\n")

    link = TicketLink.objects.get()
    assert report.sentence == "1 change"
    assert (link.remote_key, link.remote_id) == ("SANDBOX-12", "10012")


def test_the_same_link_twice_names_both_lines(beta):
    found = only(refused_links(beta, "BUG-0001,SANDBOX-12\n\nbug-1,sandbox-12\n"))

    assert found[0] == 3
    assert "is in line 1 already" in found[2]


def test_errors_of_links_name_their_lines(beta):
    text = "ref,remote_key,system,url\nBUG-9,S-1,,\n,S-1,,\nBUG-1,,,\nBUG-1,S-1,jirra,x y\n"

    found = refused_links(beta, text)

    assert [(line, column) for line, column, _ in found] == [
        (2, "ref"),
        (3, "ref"),
        (4, ""),
        (5, "system"),
        (5, "url"),
    ]
    assert not TicketLink.objects.exists()


def test_a_ticket_of_another_project_is_not_there(beta):
    other = create_project("other", "Other")
    submit_ticket(other.feedback_types.get(prefix="BUG"), summary="x", submitter=beta.ada)
    Ticket.objects.filter(feedback_type=beta.bugs).delete()

    assert "There is no ticket BUG-0001 in Beta" in refused_links(beta, "BUG-0001,S-1\n")[0][2]


# Cells


@pytest.mark.parametrize(
    "text", ["=1+1", "'=1", "''=1", "-x", "@a", "+1", "\tx", "\rx", "'a", "'", ""]
)
def test_what_is_guarded_comes_back_as_it_was(text):
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_tags_come_back_as_they_were():
    names = ["a, b", 'say "hi"', "one;two", "plain"]

    assert sorted(split_names(tags_cell(Tag(name=name) for name in names))) == sorted(names)
