"""Bodies that were really sent, as PAYLOADS_DIR holds them, of the senders beside Jira."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from automation.models import Delivery
from automation.senders import SENDERS
from automation.senders.base import Event
from tests.conftest import make_listener
from tests.senders.readings import NOTHING, READERS

HOME = os.environ.get("PAYLOADS_DIR", "")
WHY = "PAYLOADS_DIR does not name the folder of recorded bodies"
NEEDED = pytest.mark.skipif(not HOME, reason=WHY)
SLUGS = {folder: folder for folder in READERS} | {"azuredevops": "azure_devops"}
FILES = sorted(path for folder in READERS for path in Path(HOME, folder).glob("*.json") if HOME)
RECORDED = [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in FILES] or [
    pytest.param(None, marks=pytest.mark.skip(reason=WHY))
]
RALLY_ITEM = "f25043d0-ee75-4a53-834b-6988fdc2d153"
LINEAR_ITEM = "3443a709-f2b5-46f2-a136-a0445fd432be"
HELLO = ["Codertocat/Hello-World#1", "444500041"]

# Read from each body by hand: its kind, references, status before and after, comment's id.
TOLD = {
    "azuredevops/aspnet-webhooks__bad.noEventType": ("other", [], "", "", ""),
    "azuredevops/aspnet-webhooks__bad.notMappedEventType": ("other", [], "", "", ""),
    "azuredevops/aspnet-webhooks__build.complete": ("other", [], "", "", ""),
    "azuredevops/aspnet-webhooks__git.pullrequest.updated": ("other", [], "", "", ""),
    "azuredevops/aspnet-webhooks__git.push": ("other", [], "", "", ""),
    "azuredevops/aspnet-webhooks__workitem.commented": ("commented", ["5"], "", "", "5.rev4"),
    "azuredevops/aspnet-webhooks__workitem.created": ("created", ["5"], "", "", ""),
    "azuredevops/aspnet-webhooks__workitem.deleted": ("deleted", ["5"], "", "", ""),
    "azuredevops/aspnet-webhooks__workitem.restored": ("other", ["5"], "", "", ""),
    "azuredevops/aspnet-webhooks__workitem.updated": (
        "status_changed",
        ["5"],
        "New",
        "Approved",
        "",
    ),
    "azuredevops/msdocs__workitem.updated": ("status_changed", ["5"], "New", "Approved", ""),
    "rally/nickrally-postamuk__defect-updated-state-fixed-closed": (
        "status_changed",
        ["DE8", RALLY_ITEM],
        "Fixed",
        "Closed",
        "",
    ),
    "github/octokit__issue_comment-created": ("commented", HELLO, "", "", "492700400"),
    "github/octokit__issue_comment-edited": ("comment_changed", HELLO, "", "", "492700400"),
    "github/octokit__issue_comment-deleted": ("comment_changed", HELLO, "", "", "492700400"),
    "github/octokit__issues-opened": ("created", HELLO, "", "", ""),
    "github/octokit__issues-edited": ("other", HELLO, "", "", ""),
    "github/octokit__issues-labeled": ("other", HELLO, "", "", ""),
    "github/octokit__issues-deleted": ("deleted", HELLO, "", "", ""),
    "github/octokit__issues-reopened": ("status_changed", HELLO, "closed", "open", ""),
    "github/octokit__issues-transferred": (
        "moved",
        ["Codertocat/Hello-World#1", "octo-org/octo-repo#1", "512748900"],
        "",
        "",
        "",
    ),
    "github/octokit__pull_request-closed": (
        "status_changed",
        ["Codertocat/Hello-World#2"],
        "open",
        "closed",
        "",
    ),
    "github/octokit__ping": ("ping", [], "", "", ""),
    "github/octokit__projects_v2_item-edited": ("other", [], "", "", ""),
    "gitlab/go-gitlab__issue": ("created", ["gitlabhq/gitlab-test#23", "301"], "", "", ""),
    "gitlab/go-gitlab__merge_request": ("created", ["gitlabhq/gitlab-test!1"], "", "", ""),
    "gitlab/go-gitlab__note_issue": (
        "commented",
        ["gitlab-org/gitlab-test#17", "92"],
        "",
        "",
        "1241",
    ),
    "gitlab/go-gitlab__note_merge_request": (
        "commented",
        ["gitlab-org/gitlab-test!1"],
        "",
        "",
        "1244",
    ),
    "gitlab/go-gitlab__push": ("other", [], "", "", ""),
    "gitlab/go-gitlab__resource_access_token_project": ("other", [], "", "", ""),
    "linear/zulip__comment_create": (
        "commented",
        ["WEB-46", "f9a37fcf-eb52-44be-a52c-0477f70e9952"],
        "",
        "",
        "c7cafc52-994d-4984-a217-bff9f9aa9473",
    ),
    "linear/zulip__issue_remove": ("deleted", ["WEB-44", LINEAR_ITEM], "", "", ""),
    "linear/zulip__issue_update": ("other", ["WEB-44", LINEAR_ITEM], "", "", ""),
}


def body_of(name: str) -> dict:
    return json.loads((Path(HOME) / f"{name}.json").read_text())


def read(name: str, body: object) -> Event:
    return SENDERS[SLUGS[name.split("/")[0]]].read({}, body)


@NEEDED
@pytest.mark.parametrize("name", TOLD)
def test_a_recorded_body_tells_what_its_reader_sees(name):
    kind, references, before, after, comment = TOLD[name]

    event = read(name, body_of(name))

    assert event.kinds == (kind,)
    assert list(event.references) == references
    assert (event.status_before, event.status_after) == (before, after)
    assert (event.comment.id if event.comment else "") == comment


@pytest.mark.parametrize("path", RECORDED)
def test_at_the_door_a_recorded_body_is_kept_as_another_reading_of_it(post, beta, close, path):
    raw, folder = path.read_bytes(), path.parent.name
    listener = make_listener(beta, close, sender=SLUGS[folder])

    answer = post(listener, raw)

    row = Delivery.objects.get()
    told = READERS[folder](json.loads(raw))
    expected = NOTHING | told
    assert answer.status_code == 200
    assert bytes(row.body) == raw
    assert {"kinds": row.kinds, "references": row.references, "item": row.item} == {
        name: expected[name] for name in ("kinds", "references", "item")
    }
    assert (row.status_before, row.status_after, row.resolution) == (
        *(expected["status_before"], expected["status_after"], expected["resolution"]),
    )
    assert row.remote_actor == expected["actor"]
    assert row.occurred_at == told.get("occurred_at", row.occurred_at)
    assert row.delivery_id == told.get("delivery_id", row.delivery_id)
    comment = tuple(row.comment[part] for part in ("id", "change", "body")) if row.comment else None
    assert comment == expected["comment"]


@NEEDED
def test_the_recorded_bodies_are_of_every_sender():
    assert {path.parent.name for path in FILES} == set(READERS)
