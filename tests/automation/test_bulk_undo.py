"""A bulk run taken back: what goes back by itself, what is shown, and what is chosen."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from automation import bulk
from automation.models import BulkRun, Outgoing
from feedback.models import Tag, Ticket
from feedback.services import change_ticket, submit_ticket
from tests.automation.actions import make_macro


@pytest.fixture
def many(beta):
    """Three bugs."""
    for number in range(2):
        submit_ticket(beta.bugs, summary=f"Bug {number}", submitter=beta.ada)
    return Ticket.objects.filter(feedback_type=beta.bugs).order_by("pk")


def ran(macro, tickets) -> BulkRun:
    run = bulk.start_bulk(macro, tickets, chosen="All bugs", actor="pam")
    bulk.work_off()
    run.refresh_from_db()
    return run


@pytest.fixture
def closed(close, many):
    return ran(close, many)


def statuses(tickets):
    return [ticket.status.name for ticket in tickets.all()]


def test_a_run_that_failed_throughout_is_not_shown_as_a_success(page, beta, many):
    lost = make_macro(
        beta.bugs, ("add_comment", {"body": "{{ payload.a.b }}", "exposure": "public"})
    )
    run = ran(lost, many)

    answer = page.get(run.get_absolute_url())

    content = answer.content.decode()
    assert answer.context["badge"] == ("Ended", "failed")
    assert '<span class="hub-badge" data-status="failed">Ended</span>' in content
    assert many[0].get_absolute_url() in content
    assert run.executions.first().get_absolute_url() in content


def test_an_undo_is_called_one_and_is_offered_under_another_name_once_it_was(page, closed, many):
    first = page.get(closed.get_absolute_url()).content.decode()
    page.post(undo_page(closed))
    bulk.work_off()
    undo = closed.undone_by.get()

    then, undone = (page.get(run.get_absolute_url()) for run in (closed, undo))

    assert "Undo …" in first
    assert "Take back what was left alone …" in then.content.decode()
    assert str(closed) == "Close ticket on 3 tickets"
    assert undone.context["title"] == "Undo of Close ticket on 3 tickets"


def undo_page(run):
    return f"/admin/bulk-runs/{run.public_id}/undo/"


def test_newer_work_is_shown_before_anything_happens(page, beta, many, closed):
    change_ticket(many[1], actor="sam", status=beta.open)

    shown = page.get(undo_page(closed))

    assert shown.context["applied"] == 3
    assert shown.context["fields"] == [("status", "Status", 1)]
    (newer,) = shown.context["newer"]
    (part,) = newer.parts
    assert (newer.ticket, part.title) == (many[1], "Status")
    assert (part.now, part.before) == ("Open", "New")
    assert statuses(many) == ["Closed", "Open", "Closed"]


@pytest.mark.parametrize(("last", "newer"), [("closed", 1), ("new", 0)])
def test_who_made_the_same_of_it_decided_so_too(page, beta, many, closed, last, newer):
    change_ticket(many[1], actor="sam", status=beta.open)
    change_ticket(many[1], actor="sam", status=getattr(beta, last))

    assert len(page.get(undo_page(closed)).context["newer"]) == newer


@pytest.mark.parametrize(
    ("chosen", "after"),
    [
        ({}, ["New", "Open", "Open"]),
        ({"even": ["status"]}, ["New", "New", "New"]),
        ({"even_on": ["{second}:status"]}, ["New", "New", "Open"]),
        ({"even_on": ["{second}:summary", "x:status", "nonsense"]}, ["New", "Open", "Open"]),
    ],
)
def test_newer_work_goes_back_where_it_is_chosen(page, beta, many, closed, chosen, after):
    for ticket in many[1:]:
        change_ticket(ticket, actor="sam", status=beta.open)
    second = many[1].pk
    posted = {name: [each.format(second=second) for each in chosen[name]] for name in chosen}

    page.post(undo_page(closed), posted)
    bulk.work_off()

    assert statuses(many) == after


def test_what_cannot_be_called_back_is_named(page, beta, many):
    mail = {"addresses": "ops@example.com", "subject": "S", "text": "T", "sending": "each"}
    run = ran(make_macro(beta.bugs, ("send_email", mail)), many)
    Outgoing.objects.update(status=Outgoing.Status.SENT)
    assert run.executions.filter(reason="applied").count() == 3

    shown = page.get(undo_page(run))

    assert "3 mails cannot be called back." in shown.content.decode()


def test_a_digest_is_one_mail_and_what_waits_is_none(page, beta, many):
    mail = {"addresses": "ops@example.com", "subject": "S", "text": "T", "sending": "digest"}
    run = ran(make_macro(beta.bugs, ("send_email", mail)), many)
    assert page.get(undo_page(run)).context["left"] == []

    Outgoing.objects.exclude(status=Outgoing.Status.MERGED).update(status=Outgoing.Status.SENT)

    assert page.get(undo_page(run)).context["left"] == [("mail", 1)]


def test_a_run_that_is_not_over_is_not_taken_back(page, close, many):
    run = bulk.start_bulk(close, many, chosen="All bugs", actor="pam")

    with pytest.raises(ValidationError, match="cancel the rest of it first"):
        bulk.undo_bulk(run, by="pam")

    assert page.get(undo_page(run)).status_code == 403
    assert BulkRun.objects.count() == 1


def test_a_run_is_not_taken_back_twice_at_once(page, closed):
    page.post(undo_page(closed))

    again = page.post(undo_page(closed), follow=True)

    assert "It is being taken back already" in again.content.decode()
    assert BulkRun.objects.filter(undoes=closed).count() == 1


def test_tags_go_back_one_by_one(beta, many):
    known = Tag.objects.create(project=beta.project, name="known")
    many[0].tags.add(known)
    macro = make_macro(
        beta.bugs, ("add_tags", {"names": "hot, new"}), ("remove_tags", {"names": "known"})
    )
    run = ran(macro, many)
    change_ticket(many[0], actor="sam", tags=[*Tag.objects.filter(name__in=["hot", "new"])])
    later = Tag.objects.create(project=beta.project, name="later")
    change_ticket(many[0], actor="sam", tags=[later, *Tag.objects.filter(name="hot")])

    bulk.undo_bulk(run, by="pam")
    bulk.work_off()

    assert sorted(tag.name for tag in many[0].tags.all()) == ["known", "later"]


def test_the_page_asks_as_much_for_many_tickets_as_for_few(
    page, beta, many, closed, django_assert_max_num_queries
):
    for ticket in many:
        change_ticket(ticket, actor="sam", status=beta.open)

    with django_assert_max_num_queries(30) as few:
        page.get(undo_page(closed))
    for number in range(10):
        submit_ticket(beta.bugs, summary=f"More {number}", submitter=beta.ada)
    more = ran(closed.macro, many)
    fixed = beta.workflow.statuses.get(name="Fixed")
    for ticket in many.all():
        change_ticket(ticket, actor="sam", status=fixed)

    with django_assert_max_num_queries(len(few)):
        assert len(page.get(undo_page(more)).context["newer"]) == 13
