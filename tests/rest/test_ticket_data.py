"""What listeners keep on tickets, by REST: custom data, and comments from outside systems."""

from __future__ import annotations

import pytest

from feedback.following import follow_comment, follow_deletion, keep_data
from feedback.models import SavedFilter
from feedback.saved_filters import save_filter
from feedback.services import submit_ticket


@pytest.fixture
def here(beta):
    """A ticket with data, and with a comment that came from Jira and was edited there."""
    for priority in ("Low", "High"):
        content = {"priority": {"name": priority}, "versions": [2.1], "none": None}
        keep_data(beta.ticket, name="jirafixed", content=content, actor="Jira data", cause="d0")
    for body in ("First", "Second"):
        follow_comment(beta.ticket, **dana(), body=body, edited=True)
    return f"tickets/{beta.ticket.pk}/"


def dana():
    return {
        "system": "jira",
        "remote_id": "9",
        "author": "Dana (Jira)",
        "exposure": "public",
        "actor": "Dana (Jira)",
        "cause": "c0",
    }


def test_a_tickets_data_are_listed_whole(call, here):
    answer = call("GET", f"{here}data/")

    assert answer.json()["count"] == 1
    assert answer.json()["results"] == [
        {
            "name": "jirafixed",
            "content": {"priority": {"name": "High"}, "versions": [2.1], "none": None},
            "updated_at": answer.json()["results"][0]["updated_at"],
        }
    ]


@pytest.mark.parametrize(("role", "count"), [("observer", 1), ("participant", 0)])
def test_data_are_for_those_inside(signed_in, here, role, count):
    assert signed_in(role)("GET", f"{here}data/").json()["count"] == count


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_data_are_only_read(call, here, method):
    assert call(method, f"{here}data/", {}).status_code == 405


def test_the_history_tells_data_in_short(call, signed_in, here):
    told = call("GET", f"{here}history/").json()["results"]

    assert [(each["field"], each["before"], each["after"]) for each in told] == [
        ("custom_data", None, "jirafixed: priority.name Low, versions[0] 2.1"),
        ("custom_data", "jirafixed: priority.name Low", "jirafixed: priority.name High"),
        ("comment", "First", "Second"),
    ]
    outside = signed_in("participant")("GET", f"{here}history/").json()["results"]
    assert [(each["field"], each["actor"], each["cause"]) for each in outside] == [
        ("comment", "Automation", "")
    ]


@pytest.mark.parametrize("path", ["{here}comments/", "comments/"])
def test_a_comment_says_where_it_comes_from_to_those_inside(signed_in, here, path):
    inside, outside = (
        signed_in(role)("GET", path.format(here=here)).json()["results"][0]
        for role in ("observer", "participant")
    )

    told = ("body", "author", "actor", "system", "remote_id", "cause")
    assert [inside[name] for name in told] == ["Second", None, "Dana (Jira)", "jira", "9", "c0"]
    assert [outside[name] for name in told] == ["Second", None, "Automation", "", "", ""]


def test_a_comment_that_was_deleted_over_there_is_gone(call, here, beta):
    comment = call("GET", "comments/").json()["results"][0]

    follow_deletion(beta.ticket, **dana())

    assert call("GET", "comments/").json()["count"] == 0
    assert call("GET", f"{here}comments/").json()["count"] == 0
    assert call("GET", f"comments/{comment['id']}/").status_code == 404
    assert [each["before"] for each in call("GET", f"{here}history/").json()["results"]][2:] == [
        "comment of Dana (Jira)"
    ]


# The filter


def refs(answer):
    assert answer.status_code == 200, answer.content
    return [row["ref"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["jirafixed.priority.name=high"], ["BUG-0001"]),
        (["jirafixed.priority.name=low", "jirafixed.versions=2.1"], ["BUG-0001"]),
        (["jirafixed.priority.name=low"], []),
        (["jirafixed"], ["BUG-0001"]),
    ],
)
def test_tickets_are_found_by_their_data(call, here, beta, asked, found):
    submit_ticket(beta.bugs, summary="Another", submitter=beta.ada)

    assert refs(call("GET", "tickets/", custom_data=asked)) == found
    assert len(refs(call("GET", "tickets/", custom_data__not=asked))) == 2 - len(found)


@pytest.mark.parametrize("asked", ["jirafixed.", "=x", "a b", "jirafixed.a=\0"])
def test_what_is_not_understood_is_refused(call, here, asked):
    answer = call("GET", "tickets/", custom_data=asked)

    assert answer.status_code == 400
    assert answer.json()["custom_data"][0].startswith(f"“{asked}” asks for no custom data.")


def test_participants_find_nothing_by_data(signed_in, here):
    participant = signed_in("participant")

    assert refs(participant("GET", "tickets/", custom_data="jirafixed")) == []
    assert refs(participant("GET", "tickets/", custom_data__not="other")) == []


def test_a_saved_filter_may_ask_for_data(call, here, beta):
    group = {"custom_data": ["jirafixed.priority.name=High"], "custom_data__not": "jirafixed.none"}
    body = {"feedback_type": beta.bugs.pk, "name": "High", "groups": [group]}

    made = call("POST", "saved-filters/", body)

    assert made.status_code == 201, made.content
    assert made.json()["groups"] == [group | {"custom_data__not": ["jirafixed.none"]}]
    assert refs(call("GET", "tickets/", filter=made.json()["id"])) == ["BUG-0001"]


def test_a_saved_filter_that_is_not_understood_is_refused_by_name(call, beta):
    body = {"feedback_type": beta.bugs.pk, "name": "x", "groups": [{"custom_data": ["a."]}]}

    answer = call("POST", "saved-filters/", body)

    assert answer.status_code == 400
    assert answer.json()["groups"][0]["custom_data"][0].startswith("“a.” asks for no custom data.")


def test_a_filter_on_data_is_bounded(call, beta):
    saved = SavedFilter(feedback_type=beta.bugs, name="x", groups=[{"custom_data": ["a.b=1"]}] * 50)
    save_filter(saved)

    assert refs(call("GET", "tickets/", filter=saved.pk)) == []
    assert call("GET", "tickets/", custom_data=["a"] * 21).status_code == 400
