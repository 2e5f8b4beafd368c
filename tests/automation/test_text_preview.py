"""Texts with variables are filled in on a ticket and a request, while somebody writes them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from automation.models import Delivery
from automation.preview import offered_variables, payload_variables
from automation.variables import check
from feedback.models import FeedbackType, TicketChange
from feedback.services import submit_ticket
from tests.conftest import add_field, make_listener

BODY = {"issue": {"key": "A-1", "fields": {"status": {"name": "Done"}, "reporter": "Dana"}}}


@pytest.fixture
def url(beta):
    return reverse("text_preview", args=["beta", "BUG"])


@pytest.fixture
def preview(page, url):
    def preview(text, field="add_comment.body", **given):
        answer = page.post(url, {"field": field, "text": text, "name": "Say it"} | given)
        assert answer.status_code == 200
        return answer.json()

    return preview


def test_a_text_is_filled_in_on_the_newest_ticket_or_the_one_that_is_named(preview, beta):
    submit_ticket(beta.bugs, summary="Newer", submitter=beta.ada)
    text = "{{ ticket.summary|upper }}, {{ actor.name }}"

    assert preview(text) == {"ticket": "BUG-0002", "text": "NEWER, pam → Say it"}
    assert preview(text, ticket=" bug-1 ")["text"] == "THE LENS CAP MELTS, pam → Say it"


def test_a_request_gives_its_event_and_body(preview, beta, listener, send):
    delivery = send(listener, BODY, find="BUG-0001")
    text = "{{ payload.issue.fields.reporter }}: {{ event.status_after }} ({{ actor.name }})"

    told = preview(text, request=delivery.public_id)

    assert told["text"] == "Dana: Done (Jira closed → Say it)"
    assert "there is no payload.issue.fields.reporter" in preview(text)["problem"]


def test_the_names_of_a_request_are_offered_with_what_they_hold(page, listener, send):
    delivery = send(listener, BODY | {"odd name": 1, "list": [1, 2], "long": "x" * 99})

    told = page.get("/admin/projects/beta/BUG/macros/variables/", {"request": delivery.public_id})

    assert dict(told.json()["variables"]) == {
        "payload.issue": "",
        "payload.list": "2 in a list",
        "payload.long": "x" * 60 + "…",
        "payload.issue.key": "A-1",
        "payload.issue.fields": "",
        "payload.issue.fields.status": "",
        "payload.issue.fields.reporter": "Dana",
        "payload.issue.fields.status.name": "Done",
    }


def test_of_a_large_body_so_many_names_are_offered(listener, send):
    delivery = send(listener, {f"k{number}": {"a": {"b": 1}} for number in range(400)})

    assert len(payload_variables(delivery)) == 500


@pytest.mark.parametrize("request_id", ["", "0" * 32, "%00"])
def test_without_a_request_no_names_are_offered(page, listener, request_id):
    told = page.get("/admin/projects/beta/BUG/macros/variables/", {"request": request_id})

    assert told.json()["variables"] == []


def test_requests_are_told_apart_by_what_they_name(page, listener, send):
    send(listener, {"hello": "there"})
    send(listener, {"hello": "there"}, find="BUG-0001")

    shown = page.get("/admin/projects/beta/BUG/macros/add/").content.decode()
    tried = page.get(listener.get_absolute_url()).content.decode()

    assert shown.count("Jira closed: a request") == 2
    assert shown.count("Jira closed: a request, BUG-0001</option>") == 1
    assert tried.count("· BUG-0001</button>") == 1


def test_who_previews_a_request_that_is_not_chosen_is_told_so(preview):
    assert preview("{{ payload.issue.key }}")["problem"].endswith(
        "No request is chosen: choose one below the parts."
    )


def test_nothing_stays(preview, beta):
    before = TicketChange.objects.count()

    preview("{{ ticket.ref }}")

    assert TicketChange.objects.count() == before


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"text": "{{ tickt.ref }}"}, "There is no variable “tickt”. Did you mean “ticket”?"),
        ({"text": "{{ ticket.ref"}, "Line 1:"),
        ({"text": "{{ ticket.summary|truncate(1) }}"}, "“truncate” does not fit (expected length"),
        ({"text": ""}, "This field is required."),
        ({"text": "{{ ticket.ref }}" + "x" * 10_000}, "at most 10000 characters"),
        ({"text": "Hi", "ticket": "BUG-0999"}, "There is no ticket “BUG-0999” of Bugs."),
        ({"text": "Hi", "ticket": "\0" * 500}, "There is no ticket"),
        ({"text": "Hi", "request": "nonsense"}, "That request is not kept any more"),
        ({"text": "Hi", "request": "\0"}, "That request is not kept any more"),
        ({"text": "Hi\0"}, "Null characters are not allowed."),
        ({"text": "Hi", "field": "add_comment.exposure"}, "There is no such text"),
        ({"text": "Hi", "field": "nonsense"}, "There is no such text"),
        ({"text": "Hi", "field": "call_webhook.secret"}, "There is no such text"),
        (
            {"text": "ftp://{{ ticket.ref }}", "field": "call_webhook.url"},
            "This is no web address",
        ),
        ({"text": "{{ ticket.tags|join }}", "field": "send_email.subject"}, "Nothing is left"),
    ],
)
def test_what_is_wrong_is_told_on_the_spot(preview, beta, given, problem):
    assert problem in preview(**given)["problem"]


def test_the_types_own_fields_are_known(preview, beta):
    add_field(beta.bugs, "Severity")

    problem = preview("{{ ticket.values.sevrity }}")["problem"]

    assert problem == "There is no variable “ticket.values.sevrity”. Did you mean “severity”?"


def test_a_type_without_tickets_says_so(page, beta):
    answer = page.post(reverse("text_preview", args=["beta", "SUG"]), {"text": "Hi"})

    assert answer.json() == {"problem": "Suggestions have no ticket yet: submit one first."}


def test_tickets_and_requests_of_another_type_are_not_shown(preview, beta, close, listener, send):
    other = submit_ticket(beta.suggestions, summary="Hidden", submitter=beta.ada)
    delivery = send(listener, BODY, find="BUG-0001")
    Delivery.objects.filter(pk=delivery.pk).update(listener=None)

    assert "There is no ticket" in preview("{{ ticket.summary }}", ticket=other.ref)["problem"]
    assert "problem" in preview("{{ payload.issue.key }}", request=delivery.public_id)


def test_parts_of_calls_are_shown_without_their_secret(preview, beta):
    url = preview("https://a.example/{{ ticket.summary }}?k={{ secret }}", "call_webhook.url")
    headers = preview(
        "Authorization: Bearer {{ secret }}\nX-Ref: {{ ticket.ref }}", "call_webhook.headers"
    )

    assert url["text"] == "https://a.example/The%20lens%20cap%20melts?k=•••"
    assert headers["text"] == "Authorization: Bearer •••\nX-Ref: BUG-0001"


@pytest.mark.parametrize("role", ["support", "observer", "participant", "outsider"])
def test_only_who_manages_the_project_previews(client, people, url, role):
    client.force_login(people[role])

    assert client.post(url, {"field": "add_comment.body", "text": "Hi"}).status_code == 404


def test_a_preview_is_made_by_post_alone(page, url):
    assert page.get(url).status_code == 405


def test_every_variable_that_is_offered_is_known(beta, preview):
    add_field(beta.bugs, "Lens")

    offered = dict(offered_variables(FeedbackType.objects.get(pk=beta.bugs.pk)))

    assert offered["ticket.values.lens"] == "Lens"
    for name, about in offered.items():
        check(f"{{{{ {name} }}}}")
        assert about
        assert "text" in preview(f"- {{{{ {name} }}}}"), name


def test_the_page_offers_the_newest_ticket_and_requests(page, beta, close, listener, send, address):
    quiet = make_listener(beta, close, key="quiet", name="Quiet")
    shown = send(listener, BODY, find="BUG-0001")
    send(quiet, find="BUG-0001")  # without a body

    answer = page.get(address("macro_add"))

    content = answer.content.decode()
    assert 'id="preview-ticket" autocomplete="off" value="BUG-0001"' in content
    assert [delivery.pk for delivery in answer.context["recorded"]] == [shown.pk]
    assert f'value="{shown.public_id}"' in content
    assert 'data-field="add_comment.body"' in content
    assert 'data-variables="secret"' in content


def test_the_page_takes_few_queries_however_many_listeners_and_requests_there_are(
    page, beta, close, send, address, django_assert_max_num_queries
):
    for number in range(8):
        busy = make_listener(beta, close, key=f"key{number}", name=f"Busy {number}")
        for _ in range(2):
            send(busy, BODY, find="BUG-0001")

    with django_assert_max_num_queries(45):
        answer = page.get(address("macro_add"))

    assert len(answer.context["recorded"]) == 10
