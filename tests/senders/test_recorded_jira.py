"""Bodies that Jira really sent, as PAYLOADS_DIR holds them."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from automation.models import Delivery

HOME = os.environ.get("PAYLOADS_DIR", "")
FILES = sorted(Path(HOME, "jira").glob("*.json")) if HOME else []
WHY = "PAYLOADS_DIR does not name the folder of recorded bodies"
RECORDED = [pytest.param(path, id=path.stem) for path in FILES] or [
    pytest.param(None, marks=pytest.mark.skip(reason=WHY))
]


def told_by(body: dict) -> dict:
    """What the body tells, by a reading of its own: not a line of the product's."""
    issue = body.get("issue") or {}
    comment = body.get("comment") or {}
    of_comment = re.search(r"/rest/api/\d/issue/(\d+)/comment/", comment.get("self", ""))
    number = issue.get("id") or (of_comment and of_comment[1]) or ""
    changes = [
        (item["fromString"], item["toString"])
        for item in (body.get("changelog") or {}).get("items", [])
        if (item["field"], item["fieldtype"]) == ("status", "jira")
    ]
    kinds = set()
    match body["webhookEvent"], body.get("issue_event_type_name"):
        case "jira:issue_created", _:
            kinds.add("created")
        case "jira:issue_deleted", _:
            kinds.add("deleted")
        case ("comment_created", _) | ("jira:issue_updated", "issue_commented"):
            kinds.add("commented")
        case "comment_updated" | "comment_deleted", _:
            kinds.add("comment_changed")
        case "jira:issue_updated", "issue_comment_edited" | "issue_comment_deleted":
            kinds.add("comment_changed")
        case "jira:issue_updated", None if comment and comment["created"] == comment["updated"]:
            kinds.add("commented")
        case "jira:issue_updated", None if comment:
            kinds.add("comment_changed")
    if changes:
        kinds.add("status_changed")
    before, after = changes[-1] if changes else ("", "")
    actor = body.get("user") or comment.get("updateAuthor") or {}
    resolution = issue.get("fields", {}).get("resolution") or {}
    return {
        "kinds": kinds or {"other"},
        "references": [name for name in (issue.get("key"), number) if name],
        "item": number,
        "status_before": before,
        "status_after": after,
        "occurred_at": datetime.fromtimestamp(body["timestamp"] / 1000, UTC),
        "actor": actor.get("displayName") or actor.get("name", ""),
        "resolution": resolution.get("name", ""),
        "comment": what_became_of(comment, body),
    }


def what_became_of(comment, body):
    """(id, change, body) of the comment, None where there is none."""
    if not comment:
        return None
    events = {"comment_deleted": "deleted", "comment_updated": "edited"}
    same = comment["created"] == comment["updated"]
    change = events.get(body["webhookEvent"], "added" if same else "edited")
    return comment["id"], change, comment["body"]


@pytest.mark.parametrize("path", RECORDED)
def test_a_recorded_body_is_read_as_what_it_tells(post, listener, path):
    raw = path.read_bytes()

    answer = post(listener, raw)

    delivery = Delivery.objects.get()
    assert answer.status_code == 200
    assert bytes(delivery.body) == raw
    assert told_by(json.loads(raw)) == {
        "kinds": set(delivery.kinds),
        "references": delivery.references,
        "item": delivery.item,
        "status_before": delivery.status_before,
        "status_after": delivery.status_after,
        "occurred_at": delivery.occurred_at,
        "actor": delivery.remote_actor,
        "resolution": delivery.resolution,
        "comment": tuple(delivery.comment[part] for part in ("id", "change", "body"))
        if delivery.comment
        else None,
    }
    assert delivery.event.split(" / ")[0] == json.loads(raw)["webhookEvent"]


@pytest.mark.skipif(not FILES, reason=WHY)
def test_the_recorded_bodies_show_every_kind_of_event():
    told = [told_by(json.loads(path.read_bytes())) for path in FILES]

    assert {kind for each in told for kind in each["kinds"]} == {
        "created",
        "status_changed",
        "commented",
        "comment_changed",
        "deleted",
        "other",
    }
    assert {each["status_after"] for each in told} >= {"Done", "Closed", "In Progress", "To Do"}
    assert any(len(each["references"]) == 1 for each in told)


@pytest.mark.parametrize("path", RECORDED)
def test_only_a_changed_status_fires_a_listener_that_waits_for_one(send, beta, listener, path):
    listener.when = "status_changed"
    listener.save()
    body = json.loads(path.read_bytes())

    delivery = send(listener, body, find="BUG-0001")

    changed = "status_changed" in told_by(body)["kinds"]
    assert delivery.reason == ("applied" if changed else "event_not_wanted")
