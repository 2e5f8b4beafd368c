"""A project's outbox, as its managers and their programs see it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automation import outbox
from automation.models import Execution, Outgoing
from automation.outbox import sending
from automation.outbox.results import Sent
from feedback.furnishing import create_project
from feedback.models import FeedbackType
from feedback.services import submit_ticket

SECRET = "s3cret-of-the-tracker"


def put_call(beta, **options):
    return outbox.put_call(
        **{
            "project": beta.project,
            "ticket": beta.ticket,
            "method": "POST",
            "url": f"https://hooks.example.com/a?token={SECRET}&page=2",
            "headers": {"Authorization": f"Bearer {SECRET}", "Content-Type": "text/plain"},
            "body": "BUG-0001 <b>",
        }
        | options
    )


def put_mail(beta, *to, **options):
    (row, *_) = outbox.put_mail(
        **{
            "project": beta.project,
            "ticket": beta.ticket,
            "to": to or ["ada@example.com"],
            "subject": "BUG-0001 is <i>closed</i>",
            "text": "It is fixed.",
            "html": "<script>alert(1)</script>",
        }
        | options
    )
    return row


@pytest.fixture
def run(beta, close):
    return Execution.objects.create(
        ticket=beta.ticket, macro=close, actor="Jira closed → Close ticket", status="done"
    )


def text(answer):
    return " ".join(answer.content.decode().split())


def outbox_page(page, **query):
    answer = page.get(reverse("outbox", args=["beta"]), query)
    assert answer.status_code == 200
    return text(answer)


def test_the_outbox_lists_what_goes_where_for_which_ticket_and_run(page, beta, run):
    put_call(beta, execution=run)
    put_mail(beta)

    shown = outbox_page(page)

    assert "POST https://hooks.example.com/a</a>" in shown
    assert "Call to hooks.example.com" in shown
    assert "BUG-0001 is &lt;i&gt;closed&lt;/i&gt;" in shown
    assert "Mail to ada@example.com" in shown
    assert f'href="{beta.ticket.get_absolute_url()}">BUG-0001</a>' in shown
    assert f'href="{reverse("cause", args=[run.public_id])}">Jira closed → Close ticket' in shown
    assert shown.count("Waits to be sent.") == 2
    assert SECRET not in shown


def test_it_is_reached_from_the_project_and_from_its_resources(page, beta):
    link = f'href="{reverse("outbox", args=["beta"])}"'

    for place in ("/admin/projects/beta/", "/admin/projects/beta/BUG/resources/"):
        assert link in text(page.get(place))


def test_an_empty_outbox_says_so(page, beta):
    assert "No macro has sent a mail or made a call yet." in outbox_page(page)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"kind": "mail"}, {"mail", "other"}),
        ({"status": "failed"}, {"call"}),
        ({"find": "HOOKS.example"}, {"call"}),
        ({"find": "bug-1"}, {"call", "mail"}),
        ({"find": "BUG-0002"}, {"other"}),
        ({"kind": "mail", "find": "bob"}, {"other"}),
    ],
)
def test_it_is_narrowed(page, beta, query, found):
    second = submit_ticket(beta.bugs, summary="Another", submitter=beta.ada)
    rows = {
        "call": put_call(beta),
        "mail": put_mail(beta),
        "other": put_mail(beta, "bob@example.com", ticket=second),
    }
    Outgoing.objects.filter(pk=rows["call"].pk).update(status="failed", outcome="No.")

    shown = outbox_page(page, **query)

    assert {name for name, row in rows.items() if row.public_id in shown} == found


def test_what_fits_nothing_says_so(page, beta):
    put_mail(beta)

    assert "Nothing here fits that." in outbox_page(page, find="nowhere")
    assert "Select a valid choice." in outbox_page(page, status="nonsense")


def test_a_long_outbox_is_turned_over_with_few_queries(page, beta, run):
    for number in range(60):
        put_mail(beta, f"{number}@example.com", execution=run)

    with CaptureQueriesContext(connection) as queries:
        shown = outbox_page(page)

    assert shown.count("Mail to") == 50
    assert len(queries) < 20
    assert not [query for query in queries if '"automation_outgoing"."content"' in query["sql"]]
    assert f"older={Outgoing.objects.order_by('-pk')[49].pk}" in shown
    assert outbox_page(page, older=Outgoing.objects.order_by("-pk")[49].pk).count("Mail to") == 10


def test_a_call_is_shown_in_full_but_for_its_secrets(page, beta, run):
    row = put_call(beta, execution=run)
    answer = {"status": 404, "headers": {"etag": "x"}, "body": "<no>", "cut": True}
    Outgoing.objects.filter(pk=row.pk).update(
        status="failed", outcome="hooks.example.com answered 404 Not Found.", answer=answer
    )

    shown = text(page.get(row.get_absolute_url()))

    assert "POST https://hooks.example.com/a?token=***&amp;page=2" in shown
    assert 'Authorization:</dt><dd class="hub-mono">***' in shown
    assert "text/plain" in shown
    assert "BUG-0001 &lt;b&gt;" in shown
    assert "404 etag: x &lt;no&gt; … and more, which is not kept." in shown
    assert row.public_id in shown
    assert SECRET not in shown


def test_a_mail_is_shown_as_text_and_its_html_as_source(page, beta):
    shown = text(page.get(put_mail(beta).get_absolute_url()))

    assert "It is fixed." in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>alert(1)" not in shown


def test_a_digest_names_what_it_was_gathered_from(page, beta):
    parts = [put_mail(beta, digest="bulk 1") for _ in range(2)]
    (one,) = outbox.close_digest("bulk 1")

    assert f'href="{parts[0].get_absolute_url()}"' in text(page.get(one.get_absolute_url()))
    assert f'href="{one.get_absolute_url()}"' in text(page.get(parts[0].get_absolute_url()))


def test_what_failed_is_sent_again_by_its_button(page, beta, monkeypatch):
    row = put_mail(beta)
    Outgoing.objects.filter(pk=row.pk).update(status="failed", outcome="No.", attempts=9)
    assert "Send now" in outbox_page(page)

    answer = page.post(
        row.get_absolute_url() + "?list=kind%3Dmail", {"action": "send"}, follow=True
    )
    monkeypatch.setitem(sending.SENDERS, "mail", lambda row: Sent("Gone."))
    outbox.send_due()

    assert answer.redirect_chain == [(reverse("outbox", args=["beta"]) + "?kind=mail", 302)]
    assert "goes now: look at its outcome in a moment." in text(answer)
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("sent", 1)


def test_what_waits_is_cancelled_by_its_button(page, beta):
    row = put_call(beta)

    answer = page.post(row.get_absolute_url(), {"action": "cancel"}, follow=True)

    assert answer.redirect_chain == [(row.get_absolute_url(), 302)]
    assert "Cancelled by pam." in text(answer)
    assert "Send now" not in text(answer)
    assert outbox.send_due() == 0


def test_what_went_meanwhile_is_left_alone_and_said_so(page, beta):
    row = put_mail(beta)
    outbox.send_due()

    answer = page.post(row.get_absolute_url(), {"action": "cancel"}, follow=True)

    assert "was left alone: it went, or goes now." in text(answer)
    row.refresh_from_db()
    assert row.status == "sent"


def test_the_page_of_a_request_tells_what_its_run_sent(page, beta, send, listener):
    delivery = send(listener, find="BUG-0001")
    row = put_mail(beta, execution=delivery.executions.get())

    shown = text(page.get(delivery.get_absolute_url()))

    assert f'Mail to ada@example.com: <a class="hub-link" href="{row.get_absolute_url()}">' in shown


def test_another_project_s_outbox_and_rows_are_not_there(page, beta):
    other = create_project("other", "Other")
    ticket = submit_ticket(
        FeedbackType.objects.get(project=other, prefix="BUG"), summary="x", submitter=beta.ada
    )
    row = put_mail(beta, project=other, ticket=ticket)
    under_ours = reverse("outgoing", args=["beta", row.public_id])

    for address in (reverse("outbox", args=["other"]), row.get_absolute_url(), under_ours):
        assert page.get(address).status_code == 404
        assert page.post(address, {"action": "send"}).status_code in (404, 405)
    assert row.public_id not in outbox_page(page)


# REST


@pytest.fixture
def api(client, root):
    client.force_login(root)

    def api(path="", **query):
        answer = client.get(f"/api/v1/outgoing/{path}", query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return api


def test_programs_read_it_without_secrets(api, beta, run):
    row = put_call(beta, execution=run)

    shown = api(f"{row.public_id}/")

    told = {
        "id": row.public_id,
        "project": "beta",
        "kind": "call",
        "status": "waiting",
        "sentence": "Waits to be sent.",
        "destination": "hooks.example.com",
        "title": "POST https://hooks.example.com/a",
        "ticket": beta.ticket.pk,
        "ref": "BUG-0001",
        "execution": run.public_id,
        "attempts": 0,
        "sent_at": None,
        "merged_into": None,
        "answer": {},
    }
    assert told.items() <= shown.items()
    assert shown["next_attempt_at"]
    assert shown["content"]["headers"] == {"Authorization": "***", "Content-Type": "text/plain"}
    assert SECRET not in str(shown)


def test_what_does_not_go_by_itself_has_no_next_attempt(api, beta):
    put_mail(beta, digest="bulk 1")
    row = put_mail(beta)
    outbox.send_due()

    shown = {each["id"]: each for each in api()["results"]}

    assert {each["next_attempt_at"] for each in shown.values()} == {None}
    assert shown[row.public_id]["sentence"] == "The mail server took it."


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["mail", "call"]),
        ({"kind": "call"}, ["call"]),
        ({"status": "sent"}, []),
        ({"destination": "Ada@example.com"}, ["mail"]),
        ({"ref": "bug-1", "ordering": "id"}, ["call", "mail"]),
        ({"ref": "BUG-0009"}, []),
        ({"project": "other"}, []),
        ({"created_after": "2999-01-01"}, []),
    ],
)
def test_the_list_is_narrowed_and_reads_no_contents(api, beta, query, found):
    rows = {put_call(beta).public_id: "call", put_mail(beta).public_id: "mail"}

    with CaptureQueriesContext(connection) as queries:
        shown = api(**query)["results"]

    assert [rows[each["id"]] for each in shown] == found
    assert not [query for query in queries if '"content"' in query["sql"]]
    assert all("content" not in each for each in shown)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_programs_only_look(client, root, beta, method):
    client.force_login(root)
    row = put_mail(beta)

    for path in ("", f"{row.public_id}/"):
        answer = client.generic(method, f"/api/v1/outgoing/{path}", "{}", "application/json")
        assert answer.status_code == 405
