"""Listeners of the type Comment: a comment over there is one here, and stays the same."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from django.db import connection

from automation import queue
from automation.models import Delivery, Execution, ExternalListener
from automation.senders.base import Event, RemoteComment
from automation.senders.github import GitHub
from feedback.models import Comment, TicketChange
from feedback.services import link_ticket
from tests.conftest import make_beta, make_key, make_listener

HEADERS = {"X-GitHub-Event": "issue_comment"}
DID = {"added": "created", "edited": "edited", "deleted": "deleted"}


def told(did="added", body="It melts here too.", *, at=0, number=9, author="dana", by="dana"):
    """GitHub's body for a comment, ``at`` minutes after noon; None: without a time."""
    comment = {"id": number, "body": body, "user": {"login": author}}
    if at is not None:
        comment["updated_at"] = f"2026-01-01T12:{at:02}:00Z"
    return {
        "action": DID[did],
        "issue": {"id": 77, "number": 30},
        "comment": comment,
        "repository": {"full_name": "lens/cap"},
        "sender": {"login": by},
    }


def commenting(beta, **fields):
    options = {"type": "comment", "sender": "github", "name": "GitHub comments", "key": "comments"}
    return make_listener(beta, None, **options | fields)


@pytest.fixture
def comments(beta):
    return commenting(beta)


@pytest.fixture
def beta(beta):
    """With the item lens/cap#30, which BUG-0001 stands for."""
    link_to_github(beta.ticket)
    return beta


def link_to_github(ticket):
    link_ticket(ticket, actor="ada", system="github", remote_key="lens/cap#30")


@pytest.fixture
def hear(send, comments):
    """Let GitHub tell of a comment; the delivery is returned."""

    def hear(*args, **options):
        return send(comments, told(*args, **options), headers=HEADERS)

    return hear


def shown(ticket):
    return [comment.body for comment in ticket.comments.filter(deleted_at=None)]


def test_a_comment_over_there_is_added_once_with_its_author_and_cause(hear, beta):
    delivery = hear()

    comment = beta.ticket.comments.get()
    assert (comment.body, comment.actor, comment.author) == (
        "It melts here too.",
        "dana (GitHub)",
        None,
    )
    assert (comment.system, comment.remote_id, comment.exposure) == ("github", "9", "internal")
    assert comment.cause == Execution.objects.get().public_id
    assert delivery.sentence == ("Listener “GitHub comments” ran on BUG-0001: a comment added.")
    assert [step.sentence for step in Execution.objects.get().steps.all()] == [
        "Add the comment of dana (GitHub)"
    ]


def test_the_listener_says_who_reads_them(hear, beta, comments):
    comments.comment_exposure = "public"
    comments.save()

    hear()

    assert beta.ticket.comments.get().exposure == "public"


def test_told_twice_it_is_one(hear, beta):
    hear()

    delivery = hear(at=1)

    assert (delivery.status, delivery.reason) == ("done", "unchanged")
    assert shown(beta.ticket) == ["It melts here too."]
    assert not TicketChange.objects.filter(field="comment").exists()


def test_azure_devops_tells_one_comment_in_two_events(send, beta):
    listener = commenting(beta, sender="azure_devops")
    link_ticket(beta.ticket, actor="ada", system="azure_devops", remote_key="5")
    own = {"commentVersionRef": {"commentId": 3}}
    text = "It melts."
    commented = {
        "id": "a",
        "eventType": "workitem.commented",
        "resource": {"id": 5, "rev": 4, "fields": {"System.History": text}, **own},
    }
    updated = {
        "id": "b",
        "eventType": "workitem.updated",
        "resource": {"workItemId": 5, "fields": {"System.History": {"newValue": text}}, **own},
    }

    reasons = [send(listener, body).reason for body in (commented, updated)]

    assert reasons == ["applied", "unchanged"]
    assert shown(beta.ticket) == [text]


def test_an_edit_is_followed_and_leaves_a_change_with_its_cause(hear, beta):
    hear()

    delivery = hear("edited", "It melts at noon.", at=5, by="erin")

    change = beta.ticket.changes.get(field="comment")
    assert shown(beta.ticket) == ["It melts at noon."]
    assert (change.before_text, change.after_text) == ("It melts here too.", "It melts at noon.")
    assert (change.actor, change.cause) == (
        "erin (GitHub)",
        delivery.executions.get().public_id,
    )
    assert delivery.sentence == "Listener “GitHub comments” ran on BUG-0001: a comment edited."


def test_an_edit_of_a_comment_that_is_not_known_adds_it(hear, beta):
    delivery = hear("edited", "It melts at noon.", at=5)

    assert shown(beta.ticket) == ["It melts at noon."]
    assert delivery.sentence.endswith("a comment added.")


def test_an_edit_that_is_older_than_the_last_one_is_late(hear, beta):
    hear()
    hear("edited", "Third", at=9)

    delivery = hear("edited", "Second", at=5)

    assert (delivery.status, delivery.reason) == ("skipped", "late")
    assert delivery.sentence == (
        "The event is of 2026-01-01 12:05:00 UTC; a newer one, of 2026-01-01 12:09:00 UTC, was "
        "already applied to the comment of dana (GitHub) on BUG-0001."
    )
    assert shown(beta.ticket) == ["Third"]


@pytest.mark.parametrize(("at", "reason"), [(0, "late"), (None, "unchanged")])
def test_an_addition_that_comes_after_its_edit_changes_nothing(hear, beta, at, reason):
    hear("edited", "Second", at=5)

    assert hear("added", "First", at=at).reason == reason
    assert shown(beta.ticket) == ["Second"]


def test_the_newer_text_counts_even_where_it_is_told_as_an_addition(hear, beta):
    hear()

    hear("added", "Second", at=5)

    assert shown(beta.ticket) == ["Second"]


def test_without_times_edits_are_followed_as_they_come(hear, beta):
    hear(at=None)

    hear("edited", "Second", at=None)

    assert shown(beta.ticket) == ["Second"]


def test_a_deletion_is_followed_and_told(hear, beta):
    hear()

    delivery = hear("deleted", at=0, by="erin")

    change = beta.ticket.changes.get(field="comment")
    assert shown(beta.ticket) == []
    assert (change.before_text, change.after, change.actor) == (
        "comment of dana (GitHub)",
        None,
        "erin (GitHub)",
    )
    assert delivery.sentence == "Listener “GitHub comments” ran on BUG-0001: a comment deleted."
    assert hear("deleted").reason == "unchanged"


@pytest.mark.parametrize("did", ["added", "edited"])
@pytest.mark.parametrize(("at", "reason"), [(0, "late"), (9, "unchanged"), (None, "unchanged")])
def test_what_was_deleted_before_it_was_known_does_not_come_back(hear, beta, did, at, reason):
    first = hear("deleted", at=5)

    delivery = hear(did, at=at)

    assert first.reason == "unchanged"
    assert delivery.reason == reason
    assert shown(beta.ticket) == []
    assert not beta.ticket.changes.filter(field="comment").exists()


@pytest.mark.parametrize(
    ("when", "body"), [("created", told()), ("status_changed", told("edited", "x", at=3))]
)
def test_a_comment_is_wanted_whatever_the_listener_waits_for(send, beta, when, body):
    listener = commenting(beta, when=when)

    assert send(listener, body, headers=HEADERS).reason == "applied"


def test_an_event_without_a_comment_is_not_wanted(send, comments):
    body = told() | {"action": "closed"}
    del body["comment"]

    delivery = send(comments, body, headers={"X-GitHub-Event": "issues"})

    assert (delivery.status, delivery.reason) == ("skipped", "event_not_wanted")
    assert delivery.sentence == (
        "Listener “GitHub comments” waits for a comment; this was a change of status to "
        "closed without one."
    )


def test_a_request_without_a_body_has_no_comment(send, comments):
    delivery = send(comments, find="BUG-0001")

    assert delivery.sentence == (
        "Listener “GitHub comments” waits for a comment; this was another event without one."
    )


def test_its_condition_still_holds(send, comments, beta):
    comments.condition = "comment.user.login != 'bot'"
    comments.save()

    delivery = send(comments, told(author="bot"), headers=HEADERS)

    assert delivery.sentence == (
        "Listener “GitHub comments” waits for a comment where comment.user.login != 'bot'; this "
        "was a new comment where that is not so."
    )
    assert send(comments, told(), headers=HEADERS).reason == "applied"


def test_a_comment_without_an_id_is_added_each_time(hear, beta, monkeypatch):
    def read(self, headers, payload):
        comment = RemoteComment(id="", body=payload["comment"]["body"])
        return Event(kinds=("commented",), references=("lens/cap#30",), comment=comment)

    monkeypatch.setattr(GitHub, "read", read)

    reasons = [hear(body=text).reason for text in ("One", "Two")]

    assert reasons == ["applied", "applied"]
    assert shown(beta.ticket) == ["One", "Two"]


@pytest.mark.parametrize("body", ["", "x" * 70_000, "a\0b <b>x</b> 🙂"])
def test_bodies_of_any_kind_are_kept(hear, beta, client, body):
    hear(body=body)

    comment = beta.ticket.comments.get()
    assert comment.body == body[: 64 * 1024].replace("\0", "")


@pytest.mark.parametrize("length", [200, 201, 5000])
def test_an_id_or_name_of_any_length_is_kept(hear, beta, length):
    long = {"number": "9" * length, "author": "d" * length}
    hear(**long)

    assert hear("edited", "Second", at=3, **long).reason == "applied"
    assert shown(beta.ticket) == ["Second"]


def test_of_two_comments_with_long_ids_each_is_itself(hear, beta):
    for last in "12":
        hear(number="9" * 300 + last)

    assert len(shown(beta.ticket)) == 2


def test_comments_of_two_systems_with_one_id_are_two(send, hear, beta):
    hear()
    other = commenting(beta, sender="jira", key="jira")
    body = {"webhookEvent": "comment_created", "comment": {"id": "9", "body": "One"}}

    send(other, body, find="BUG-0001")

    assert sorted(beta.ticket.comments.values_list("system", "remote_id")) == [
        ("github", "9"),
        ("jira", "9"),
    ]


def test_each_ticket_of_the_item_gets_it(hear, beta, comments):
    from_other = beta.bugs.tickets.create(
        number=2, summary="Two", submitter=beta.ada, status=beta.new
    )
    link_to_github(from_other)

    hear()

    assert Comment.objects.count() == 2


def test_an_older_status_is_no_reason_to_leave_a_comment_out(send, beta):
    listener = commenting(beta, sender="azure_devops")
    link_ticket(beta.ticket, actor="ada", system="azure_devops", remote_key="5")

    def moved(at, text):
        state = {"oldValue": "New", "newValue": "Active"}
        return {
            "id": text,
            "eventType": "workitem.updated",
            "createdDate": f"2026-01-01T12:{at:02}:00Z",
            "resource": {
                "workItemId": 5,
                "rev": at,
                "fields": {"System.State": state, "System.History": {"newValue": text}},
            },
        }

    send(listener, moved(9, "Later"))

    assert send(listener, moved(5, "Earlier")).reason == "applied"
    assert shown(beta.ticket) == ["Later", "Earlier"]


def test_a_request_of_a_comment_listener_has_its_page(hear, client, pam):
    hear()
    delivery = hear("edited", "Second <b>", at=5)
    client.force_login(pam)

    page = client.get(delivery.get_absolute_url())

    text = page.content.decode()
    assert page.status_code == 200
    assert "Edit the comment of dana (GitHub)" in text
    assert "Second &lt;b&gt;" in text
    assert "macro <a" not in text


def test_what_a_deleted_comment_said_is_on_no_requests_page_beside_the_request(hear, client, pam):
    hear("added", "First")
    delivery = hear("edited", "Second", at=5)
    hear("deleted", "Second", at=9)
    client.force_login(pam)

    text = client.get(delivery.get_absolute_url()).content.decode()
    run = client.get(f"/api/v1/executions/{delivery.executions.get().public_id}/").json()

    assert "First" not in text
    assert text.count("Second") == 1  # in the body
    assert run["changes"] == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_one_comment_make_one(on_postgres, client):
    beta = make_beta()
    link_to_github(beta.ticket)
    commenting(beta)
    key = make_key()
    for number in range(6):
        answer = client.post(
            "/api/v1/projects/beta/feedbackListeners/comments",
            told(at=number),
            content_type="application/json",
            query_params={"apiKey": key.secret},
            headers=HEADERS,
        )
        assert answer.status_code == 200
    start = Barrier(3)

    def work():
        start.wait()
        queue.settle_all()
        connection.close()

    workers = [Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(Delivery.objects.values_list("reason", flat=True)) == [
        "applied",
        *["unchanged"] * 5,
    ]
    assert Comment.objects.count() == 1


def test_no_delivery_of_the_type_needs_a_macro(hear, beta):
    hear()

    run = Execution.objects.get()
    assert (run.macro, run.listener, run.actor) == (
        None,
        ExternalListener.objects.get(),
        "GitHub comments",
    )
