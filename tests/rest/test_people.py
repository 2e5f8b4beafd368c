"""Scores and what a project keeps about its people, by REST."""

from __future__ import annotations

from feedback.models import MOST_POINTS
from feedback.people import add_note, adjust_points
from feedback.scores import How


def test_rest_tells_those_inside_and_finds_by_name(signed_in, beta):
    call = signed_in("manager")
    adjust_points(beta.ticket, How.ADD, 7, actor="Jira closed")
    add_note(beta.ticket, "Writes <b>well</b>.", actor="Jira closed", cause="c" * 32)
    points = call("GET", "rank-points/", project="beta", person="ada").json()["results"]
    (note,) = call("GET", "person-notes/", project="beta", person="ADA").json()["results"]

    assert [(row["person"], row["project"], row["points"]) for row in points] == [
        ("ada", "beta", 7)
    ]
    assert (note["body"], note["ticket"], note["cause"]) == (
        "Writes <b>well</b>.",
        beta.ticket.pk,
        "c" * 32,
    )
    assert call("GET", "person-notes/", person="nobody").json()["count"] == 0
    assert call("POST", "person-notes/", {"body": "Rude."}).status_code == 405


def test_by_rest_a_score_is_read_written_and_hidden(signed_in, beta):
    path = f"tickets/{beta.ticket.pk}/"
    manager, participant = signed_in("manager"), signed_in("participant")

    assert manager("PATCH", path, {"score": 5}).json()["score"] == 5
    assert manager("PATCH", path, {"score": None, "summary": "It"}).json()["score"] == 5
    assert participant("GET", path).json()["score"] is None
    assert participant("GET", "tickets/", score_min="5").json()["count"] == 0
    assert manager("GET", "tickets/", score_min="5").json()["count"] == 1
    history = participant("GET", path + "history/").json()["results"]
    assert [change["field"] for change in history] == ["summary"]
    for wrong in ("5", 1.5, True, MOST_POINTS + 1):
        assert [*manager("PATCH", path, {"score": wrong}).json()] == ["score"]
