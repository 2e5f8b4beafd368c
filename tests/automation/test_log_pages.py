from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automation.delivery_page import SHOWN_OF_BODY
from automation.models import Delivery, Execution
from automation.queue import settle_all
from automation.slices import ROWS
from tests.conftest import link_to_jira, make_key, make_listener


@pytest.fixture
def community(client, root):
    """A client signed in as the community manager."""
    client.force_login(root)
    return client


def log_of(listener):
    return reverse("listener_log", args=["beta", "BUG", listener.pk])


def rows_of(answer):
    return answer.context["log"].rows


def text_of(answer):
    return " ".join(answer.content.decode().split())


def test_the_listeners_log_has_a_row_for_each_request(page, send, post, listener, api_key):
    send(listener, find="BUG-0001")
    send(listener, find="BUG-0404")
    post(listener, '{"a": }', find="BUG-0001")

    answer = page.get(log_of(listener))

    text = text_of(answer)
    assert [row.reason for row in rows_of(answer)] == [
        "body_unreadable",
        "ticket_not_found",
        "applied",
    ]
    for part in (
        "POST /api/v1/projects/beta/feedbackListeners/jiraclosed?find=BUG-0001&amp;apiKey=jira-***",
        "from 127.0.0.1",
        "find=BUG-0404",
        reverse("ticket", args=["beta", "BUG-0001"]),
        "Macro “Close ticket” ran on BUG-0001",
        "<strong>What to do:</strong> Mend the body in the tracker, or leave it out.",
    ):
        assert part in text
    assert api_key.secret not in text


def test_a_keys_log_holds_its_requests_to_every_listener(community, send, beta, close, listener):
    other = make_key(name="Other", prefix="other")
    send(listener, find="BUG-0001")
    send(make_listener(beta, close, key="second", name="Second"), find="BUG-0001")
    send(listener, find="BUG-0001", key=other.secret)

    answer = community.get(other.row.get_log_url())
    assert [row.listener.name for row in rows_of(answer)] == ["Jira closed"]

    first = Delivery.objects.order_by("pk").first().api_key
    answer = community.get(first.get_log_url())
    assert [row.listener.name for row in rows_of(answer)] == ["Second", "Jira closed"]


def test_requests_without_a_known_key_have_a_log_of_their_own(community, post, listener):
    post(listener, find="BUG-0001", key="")
    post(listener, find="BUG-0001", key="nobody-knows")
    post(listener, find="BUG-0001")

    answer = community.get(reverse("refused_log"))

    assert [row.reason for row in rows_of(answer)] == ["key_unknown", "key_missing"]
    assert "nobody-knows" not in text_of(answer)


def test_a_log_is_narrowed_by_outcome_reason_and_ticket(page, send, beta, listener):
    link_to_jira(beta.ticket)
    send(listener, find="SANDBOX-12")
    send(listener, find="BUG-0404")

    def reasons(**query):
        return [row.reason for row in rows_of(page.get(log_of(listener), query))]

    assert reasons(status="done") == ["applied"]
    assert reasons(reason="ticket_not_found") == ["ticket_not_found"]
    assert reasons(find="bug-1") == ["applied"]
    assert reasons(find="0404") == ["ticket_not_found"]
    assert reasons(find="sandbox", status="skipped") == []
    assert "No request here fits that." in text_of(page.get(log_of(listener), {"find": "no"}))


@pytest.mark.parametrize("query", ["older=x", "newer=²", "older=", f"older={'9' * 40}", "status=x"])
def test_nonsense_in_the_address_of_a_log_does_no_harm(page, send, listener, query):
    send(listener, find="BUG-0001")

    assert page.get(f"{log_of(listener)}?{query}").status_code == 200


def test_what_a_log_cannot_understand_matches_nothing_and_it_says_so(page, send, listener):
    send(listener, find="BUG-0001")

    answer = page.get(log_of(listener), {"status": "nonsense"})

    assert answer.context["log"].rows == []
    assert "Select a valid choice." in text_of(answer)


def test_a_long_log_is_paged_without_counting(page, listener):
    Delivery.objects.bulk_create(
        Delivery(
            listener=listener,
            project=listener.project,
            status="done",
            reason="applied",
            method="POST",
            path="/",
            status_code=200,
            find=str(number),
        )
        for number in range(2 * ROWS + 10)
    )

    def seen(query):
        answer = page.get(log_of(listener), query)
        log = answer.context["log"]
        return log, [int(row.find) for row in log.rows]

    newest, first = seen({})
    middle, second = seen({"older": newest.older})
    last, third = seen({"older": middle.older})
    back, again = seen({"newer": last.newer})
    top, start = seen({"newer": back.newer})

    assert first + second + third == list(range(2 * ROWS + 10))[::-1]
    assert (newest.newer, last.older) == (None, None)
    assert (again, start) == (second, first)
    assert top.newer is None


def test_a_log_takes_as_many_queries_for_many_rows_as_for_one(page, send, listener):
    send(listener, find="BUG-0001")
    page.get(log_of(listener))
    with CaptureQueriesContext(
        connection,
    ) as few:
        page.get(log_of(listener))
    for _ in range(30):
        send(listener, find="BUG-0001")

    with CaptureQueriesContext(connection) as many:
        page.get(log_of(listener))

    assert len(many) == len(few)
    assert not any('"automation_delivery"."body"' in query["sql"] for query in many)


def test_an_empty_log_says_what_to_look_at(page, community, listener, api_key, pam, root):
    page.force_login(pam)
    assert "No request has come to this listener yet." in text_of(page.get(log_of(listener)))
    community.force_login(root)
    unused = text_of(community.get(api_key.row.get_log_url()))
    assert "Nobody has called a listener with this key yet." in unused
    assert "That is how it should be." in text_of(community.get(reverse("refused_log")))


@pytest.mark.parametrize("role", ["support", "observer", "participant", "outsider"])
def test_a_listeners_log_is_for_those_who_manage_its_project(client, people, listener, role):
    client.force_login(people[role])

    assert client.get(log_of(listener)).status_code == 404


@pytest.mark.parametrize("role", ["manager", "support", "observer", "participant", "outsider"])
@pytest.mark.parametrize("name", ["community", "refused_log", "api_key_log"])
def test_community_tools_are_for_community_managers(client, people, api_key, role, name):
    client.force_login(people[role])
    url = reverse(name, args=[api_key.row.pk] if name == "api_key_log" else [])

    assert client.get(url).status_code in (403, 404)


def test_all_community_tools_lead_to_api_keys(community):
    text = text_of(community.get(reverse("community")))

    for name in ("apikeys_apikey", "feedback_project", "auth_user", "feedback_team"):
        assert reverse(f"admin:{name}_changelist") in text
    assert reverse("refused_log") in text
    assert reverse("api_docs") in text


def test_project_managers_find_the_rest_api_in_the_settings_of_their_project(page):
    assert reverse("api_docs") in text_of(page.get(reverse("project_settings", args=["beta"])))


def test_the_page_of_a_request_tells_everything_about_it(page, send, beta, listener, api_key):
    body = {"webhookEvent": "jira:issue_updated", "issue": {"key": "X-1", "id": "7"}}
    delivery = send(listener, body, find="bug-0001")

    text = text_of(page.get(delivery.get_absolute_url()))

    for part in (
        "Macro “Close ticket” ran on BUG-0001: team Project Managers → Beta Support",
        "Move to “Closed” in Default, owned by Beta Support",
        "<del>New</del> → <ins>Closed</ins>",
        reverse("ticket", args=["beta", "BUG-0001"]),
        "X-1, 7",
        "jira:issue_updated",
        "Content-Type: application/json",
        "&quot;webhookEvent&quot;: &quot;jira:issue_updated&quot;",
        delivery.public_id,
        "jira-…",
    ):
        assert part in text
    assert "every 1s" not in text
    assert api_key.secret not in text
    assert api_key.row.get_log_url() not in text


def test_a_community_manager_goes_on_to_the_keys_log(community, send, listener, api_key):
    delivery = send(listener, find="BUG-0001")

    text = text_of(community.get(delivery.get_absolute_url()))
    assert api_key.row.get_log_url() in text


def test_a_request_that_waits_is_looked_at_again_by_itself(page, post, listener):
    post(listener, find="BUG-0001")

    url = Delivery.objects.get().get_absolute_url()
    text = text_of(page.get(url))
    was = "was=It%20waits%2C%20and%20its%20page%20says%20for%20what."
    assert f'hx-get="{url}?{was}" hx-trigger="every 1s"' in text
    assert "It waits, and its page says for what." in text
    assert page.get(f"{url}?{was}").status_code == 204
    settle_all()
    assert page.get(f"{url}?{was}").status_code == 200


def test_a_repeat_and_the_first_lead_to_each_other(page, post, listener):
    for _ in range(2):
        post(listener, {"a": 1}, find="BUG-1", headers={"X-Atlassian-Webhook-Identifier": "same"})
    first, repeat = Delivery.objects.order_by("pk")

    assert repeat.get_absolute_url() in text_of(page.get(first.get_absolute_url()))
    assert first.get_absolute_url() in text_of(page.get(repeat.get_absolute_url()))


def test_a_long_body_is_cut_and_says_so(page, post, listener):
    post(listener, {"text": "x" * (SHOWN_OF_BODY + 1)}, find="BUG-0001")

    answer = page.get(Delivery.objects.get().get_absolute_url())
    assert len(answer.context["body"]) == SHOWN_OF_BODY
    assert "Only the first 64 kB are shown." in text_of(answer)


@pytest.mark.parametrize("body", ['{"a": }', "\udcff".encode("utf-8", "surrogateescape"), "<b>x"])
def test_a_body_that_cannot_be_read_is_shown_as_it_came(page, post, listener, body):
    post(listener, body, find="BUG-0001")

    answer = page.get(Delivery.objects.get().get_absolute_url())
    assert answer.status_code == 200
    assert "<b>x" not in answer.content.decode()


def test_a_deep_body_is_shown(page, post, listener):
    deep = json.dumps({"a": 1})
    for _ in range(400):
        deep = f'{{"a": {deep}}}'
    post(listener, deep, find="BUG-0001")

    assert page.get(Delivery.objects.get().get_absolute_url()).status_code == 200


@pytest.mark.parametrize("role", ["support", "observer", "participant", "outsider"])
def test_a_request_is_seen_by_those_who_manage_its_project(client, people, send, listener, role):
    delivery = send(listener, find="BUG-0001")
    execution = Execution.objects.get()
    client.force_login(people[role])

    assert client.get(delivery.get_absolute_url()).status_code == 404
    assert client.get(reverse("cause", args=[execution.public_id])).status_code == 404


def test_a_refused_request_of_no_project_is_for_community_managers(client, people, post, listener):
    post(listener, find="BUG-0001", key="wrong")
    url = Delivery.objects.get().get_absolute_url()

    client.force_login(people["manager"])
    assert client.get(url).status_code == 404
    client.force_login(people["community"])
    assert "There is no API key" in text_of(client.get(url))


def test_a_cause_leads_to_its_request(page, send, listener):
    delivery = send(listener, find="BUG-0001")
    cause = reverse("cause", args=[Execution.objects.get().public_id])

    assert page.get(cause).url == delivery.get_absolute_url()
    assert page.get(reverse("cause", args=["0" * 32])).status_code == 404
