"""External listeners: the form of the pages has the rules."""

from __future__ import annotations

import pytest

from automation.models import ExternalListener, Macro
from feedback.models import FeedbackType, SavedFilter
from feedback.saved_filters import save_filter
from tests.conftest import closing_macro


@pytest.fixture
def body(beta, close):
    return {
        "feedback_type": beta.bugs.pk,
        "name": "Jira fixed",
        "key": "JiraFixed",
        "macro": close.pk,
    }


def test_a_new_listener_has_the_defaults_of_the_page(call, beta, body, close):
    answer = call("POST", "listeners/", body)

    assert answer.status_code == 201, answer.content
    assert answer.json() == body | {
        "id": answer.json()["id"],
        "project": "beta",
        "key": "jirafixed",
        "description": "",
        "sender": "jira",
        "type": "macro",
        "status_table": [],
        "protected_statuses": [],
        "comment_exposure": "internal",
        "data_name": "",
        "data_expression": "",
        "filter": None,
        "when": "status_changed",
        "when_status": "",
        "condition": "",
        "reference_expression": "",
        "event_expression": "",
        "status_expression": "",
        "several": "all",
        "most_tickets": 200,
        "within_minutes": 10,
        "has_secret": False,
        "enabled": True,
        "endpoint_url": "http://testserver/api/v1/projects/beta/feedbackListeners/jirafixed"
        "?find=${issue.key}&apiKey=prefix-community_API_key",
    }


def test_when_follows_from_the_sender_where_it_is_left_out(call, body):
    answer = call("POST", "listeners/", body | {"sender": "generic"})

    assert answer.json()["when"] == "any"


def test_what_it_makes_works(call, beta, body, post):
    call("POST", "listeners/", body | {"when": "any"})
    listener = ExternalListener.objects.get()

    answer = post(listener, find="BUG-0001")

    assert answer.status_code == 200


def test_everything_can_be_changed_but_its_type(call, beta, listener):
    saved = save_filter(
        SavedFilter(feedback_type=beta.bugs, name="New", groups=[{"status": [beta.new.pk]}])
    )
    path = f"listeners/{listener.pk}/"
    change = {
        "name": "Renamed",
        "key": "renamed",
        "description": "Of the web team.",
        "macro": closing_macro(beta, "Other").pk,
        "filter": saved.pk,
        "when": "status_changed_to",
        "when_status": "Done, Closed",
        "condition": "issue.fields.priority.name == 'High'",
        "reference_expression": "issue.key",
        "event_expression": "webhookEvent",
        "status_expression": "issue.fields.status.name",
        "several": "stop",
        "most_tickets": 3,
        "within_minutes": 60,
        "status_table": [{"status": "Done", "resolution": "Fixed", "macro": None}],
        "protected_statuses": sorted([beta.new.pk, beta.closed.pk]),
        "enabled": False,
    }

    answer = call("PATCH", path, change)
    moved = call("PATCH", path, {"feedback_type": beta.suggestions.pk})

    assert answer.status_code == 200, answer.content
    assert change.items() <= answer.json().items()
    assert (moved.status_code, [*moved.json()]) == (400, ["feedback_type"])


def test_a_change_of_one_thing_leaves_the_others(call, listener):
    ExternalListener.objects.update(
        description="d", when="status_changed_to", when_status="Done", condition="a", secret="s"
    )
    before = call("GET", f"listeners/{listener.pk}/").json()

    answer = call("PATCH", f"listeners/{listener.pk}/", {"enabled": False})

    assert answer.json() == before | {"enabled": False}
    assert ExternalListener.objects.get().secret == "s"


def test_what_was_read_can_be_sent_back(call, listener):
    before = call("GET", f"listeners/{listener.pk}/").json()

    answer = call("PUT", f"listeners/{listener.pk}/", before)

    assert (answer.status_code, answer.json()) == (200, before)


def test_a_secret_is_kept_never_shown_and_taken_away(call, listener):
    path = f"listeners/{listener.pk}/"

    given = call("PATCH", path, {"secret": "hush-hush"})
    kept = ExternalListener.objects.get().secret
    taken = call("PATCH", path, {"secret": ""})

    assert (given.json()["has_secret"], kept) == (True, "hush-hush")
    assert "hush" not in given.content.decode() + call("GET", path).content.decode()
    assert taken.json()["has_secret"] is False
    assert ExternalListener.objects.get().secret == ""


def test_another_secret_is_another_state(call, listener):
    path = f"listeners/{listener.pk}/"
    etag = call("PATCH", path, {"secret": "mine-mine"}).headers["ETag"]
    call("PATCH", path, {"secret": "theirs-theirs"})

    answer = call("PATCH", path, {"secret": "mine-again"}, headers={"If-Match": etag})

    assert answer.status_code == 412
    assert ExternalListener.objects.get().secret == "theirs-theirs"


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (
            {"key": "JIRACLOSED"},
            {
                "key": [
                    "The key “jiraclosed” is taken by listener “Jira closed” of Bugs. Choose "
                    "another one: a key is used once in a project."
                ]
            },
        ),
        ({"sender": "jria"}, {"sender": ['"jria" is not a valid choice.']}),
        ({"when": "sometimes"}, {"when": ['"sometimes" is not a valid choice.']}),
        (
            {"sender": "generic", "when": "commented"},
            {
                "when": [
                    "Anything that can POST does not tell that: enter an event expression, or "
                    "choose one of “Any event”."
                ]
            },
        ),
        (
            {"when": "status_changed_to"},
            {"when_status": ["Enter the status over there, exactly as the tracker calls it."]},
        ),
        (
            {"condition": "a ==", "reference_expression": "foo("},
            {
                "condition": [
                    "This is no JMESPath expression: the end at position 5 does not fit. Names "
                    "with other characters than letters, digits and _ need double quotes."
                ],
                "reference_expression": [
                    "This is no JMESPath expression: the end at position 5 does not fit. Names "
                    "with other characters than letters, digits and _ need double quotes."
                ],
            },
        ),
        ({"type": "mail"}, {"type": ['"mail" is not a valid choice.']}),
        ({"secret": "x" * 201}, {"secret": ["Ensure this field has no more than 200 characters."]}),
        ({"endpoint_url": "x"}, {"endpoint_url": ["This is set by the hub: leave it out."]}),
        ({"has_secret": True}, {"has_secret": ["This is set by the hub: leave it out."]}),
    ],
)
def test_a_listener_that_cannot_be_is_refused_at_its_field(call, listener, body, change, problems):
    answer = call("POST", "listeners/", body | change)

    assert answer.status_code == 400
    assert answer.json() == problems
    assert ExternalListener.objects.count() == 1


@pytest.mark.parametrize("name", ["macro", "filter"])
def test_what_belongs_to_another_type_is_refused_at_its_field(call, beta, body, name):
    comment = {"kind": "add_comment", "params": {"body": "x", "exposure": "public"}}
    made = {
        "macro": ("macros/", {"actions": [comment]}),
        "filter": ("saved-filters/", {"groups": [{"blocking": True}]}),
    }
    path, rest = made[name]
    other = call("POST", path, {"feedback_type": beta.suggestions.pk, "name": "Other"} | rest)

    answer = call("POST", "listeners/", body | {name: other.json()["id"]})

    assert (answer.status_code, [*answer.json()]) == (400, [name])
    assert not ExternalListener.objects.exists()


def test_an_archived_macro_is_not_chosen_but_stays_where_it_is_used(call, listener, body):
    Macro.objects.update(archived=True)

    refused = call("POST", "listeners/", body)
    kept = call("PATCH", f"listeners/{listener.pk}/", {"name": "Renamed"})

    assert (refused.status_code, [*refused.json()]) == (400, ["macro"])
    assert kept.status_code == 200


def test_a_listener_that_was_called_is_switched_off_not_deleted(call, listener, send):
    send(listener, find="BUG-0001")

    answer = call("DELETE", f"listeners/{listener.pk}/")

    assert (answer.status_code, answer.json()["reason"]) == (409, "in_use")
    assert answer.json()["detail"].endswith("Switch it off instead.")
    assert ExternalListener.objects.exists()


def test_one_that_never_was_called_is_deleted(call, listener):
    answer = call("DELETE", f"listeners/{listener.pk}/")

    assert answer.status_code == 204
    assert not ExternalListener.objects.exists()


@pytest.mark.parametrize("role", ["support", "observer", "participant"])
def test_only_who_manages_sees_and_makes_listeners(signed_in, listener, body, role):
    person = signed_in(role)

    answers = [person("GET", f"listeners/{listener.pk}/"), person("POST", "listeners/", body)]

    assert answers[0].status_code == 404
    assert answers[1].status_code in (400, 403)
    assert ExternalListener.objects.count() == 1


def test_a_manager_makes_none_in_a_project_that_is_not_seen(signed_in, gamma, body):
    bugs = FeedbackType.objects.get(project=gamma, prefix="BUG")

    answer = signed_in("manager")("POST", "listeners/", body | {"feedback_type": bugs.pk})

    assert (answer.status_code, [*answer.json()]) == (400, ["feedback_type"])
