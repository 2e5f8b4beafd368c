"""Bodies that Jira really sent, as PAYLOADS_DIR holds them, and what strangers make of them."""

from __future__ import annotations

import copy
import json
import os
import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from automation import queue
from automation.models import Delivery
from automation.senders import SENDERS
from automation.senders.base import Event

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
        case "jira:issue_updated", None if comment and comment["created"] == comment["updated"]:
            kinds.add("commented")
    if changes:
        kinds.add("status_changed")
    before, after = changes[-1] if changes else ("", "")
    return {
        "kinds": kinds or {"other"},
        "references": [name for name in (issue.get("key"), number) if name],
        "item": number,
        "status_before": before,
        "status_after": after,
        "occurred_at": datetime.fromtimestamp(body["timestamp"] / 1000, UTC),
    }


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
    }
    assert delivery.event.split(" / ")[0] == json.loads(raw)["webhookEvent"]


@pytest.mark.skipif(not FILES, reason=WHY)
def test_the_recorded_bodies_show_every_kind_of_event():
    told = [told_by(json.loads(path.read_bytes())) for path in FILES]

    assert {kind for each in told for kind in each["kinds"]} == {
        "created",
        "status_changed",
        "commented",
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


WHOLE = {
    "webhookEvent": "jira:issue_updated",
    "issue_event_type_name": "issue_generic",
    "timestamp": 1550286940507,
    "issue": {"id": "10040", "key": "TES-41", "fields": {"status": {"name": "Done"}}},
    "comment": {
        "self": "https://x/rest/api/2/issue/10040/comment/1",
        "created": "2019-02-16T10:11:18.314-0800",
        "updated": "2019-02-16T10:11:18.314-0800",
    },
    "transition": {"from_status": "To Do", "to_status": "Done"},
    "changelog": {
        "id": "7",
        "items": [
            {"field": "Key", "fieldtype": "jira", "fromString": "A-1", "toString": "TES-41"},
            {"field": "status", "fieldtype": "jira", "fromString": "To Do", "toString": "Done"},
        ],
    },
}
ODD: list[object] = [
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1e308,
    float("nan"),
    float("-inf"),
    "",
    " ",
    "\0",
    "\ud800",
    "${issue.key}",
    "BUG-0001",
    "9" * 400,
    "x" * 3000,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"": None},
    {"items": {}},
    {"0": 1},
    ["status"],
]


def mutated(body, chance: random.Random):
    """``body`` with some of its parts dropped, doubled or replaced by something odd."""
    body = copy.deepcopy(body)
    for _ in range(chance.randint(1, 4)):
        parts = list(parts_of(body))
        if not parts:
            break
        holder, name = chance.choice(parts)
        match chance.choice(["drop", "odd", "odd", "wrap"]):
            case "drop":
                del holder[name]
            case "odd":
                holder[name] = copy.deepcopy(chance.choice(ODD))
            case "wrap":
                holder[name] = chance.choice([[holder[name]], {"name": holder[name]}])
    return body


def parts_of(value):
    names = value if isinstance(value, dict) else range(len(value)) if _is_list(value) else ()
    for name in list(names):
        yield value, name
        yield from parts_of(value[name])


def _is_list(value) -> bool:
    return isinstance(value, list)


@pytest.mark.parametrize("body", [*ODD, [WHOLE]], ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("name", ["", "issue", "changelog", "comment", "timestamp", "transition"])
def test_a_part_of_another_type_is_read_as_nothing(name, body):
    payload = WHOLE | {name: body} if name else body

    event = SENDERS["jira"].read({}, payload)

    assert isinstance(event, Event)
    assert all(isinstance(text, str) and "\0" not in text for text in event.references)


@pytest.mark.parametrize("path", [None, *FILES], ids=lambda path: path.stem if path else "whole")
def test_reading_never_raises_whatever_a_stranger_posts(path):
    chance = random.Random(f"jira {path and path.stem}")
    body = json.loads(path.read_bytes()) if path else WHOLE

    events = [SENDERS["jira"].read({}, mutated(body, chance)) for _ in range(200)]

    assert all(isinstance(event, Event) for event in events)
    assert len(set(events)) > 1


@pytest.mark.parametrize("seed", range(4))
def test_a_mutated_body_is_stored_and_settled(post, beta, listener, seed):
    chance = random.Random(seed)
    listener.when, listener.when_status = "status_changed_to", "Done"
    listener.condition = "issue.fields.status.name"
    listener.save()
    bodies = [json.loads(path.read_bytes()) for path in FILES] or [WHOLE]

    codes = {
        post(listener, mutated(chance.choice([WHOLE, *bodies]), chance)).status_code
        for _ in range(60)
    }
    queue.settle_all()

    assert codes == {200}
    assert set(Delivery.objects.values_list("status", flat=True)) <= {"done", "skipped"}


@pytest.mark.parametrize("seed", range(4))
def test_damaged_bytes_are_stored_or_refused(post, listener, seed):
    chance = random.Random(seed)
    whole = json.dumps(WHOLE).encode()
    codes = set()

    for _ in range(60):
        raw = bytearray(whole)
        for _ in range(chance.randint(1, 5)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        cut = chance.choice([len(raw), chance.randrange(len(raw))])
        codes.add(post(listener, bytes(raw[:cut])).status_code)

    assert codes <= {200, 400}
    assert 400 in codes
