"""Bodies that were really sent, as PAYLOADS_DIR holds them, of the senders beside Jira."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path

import pytest

from automation.senders.azure_devops import AzureDevOps
from automation.senders.base import Event
from automation.senders.github import GitHub
from automation.senders.gitlab import GitLab
from automation.senders.linear import Linear
from automation.senders.rally import Rally

HOME = os.environ.get("PAYLOADS_DIR", "")
NEEDED = pytest.mark.skipif(not HOME, reason="PAYLOADS_DIR does not name the recorded bodies")
SENDERS = {
    "azuredevops": AzureDevOps(),
    "rally": Rally(),
    "github": GitHub(),
    "gitlab": GitLab(),
    "linear": Linear(),
}
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
        ["Codertocat/Hello-World#2", "279147437"],
        "open",
        "closed",
        "",
    ),
    "github/octokit__ping": ("other", [], "", "", ""),
    "github/octokit__projects_v2_item-edited": ("other", [], "", "", ""),
    "gitlab/go-gitlab__issue": ("created", ["gitlabhq/gitlab-test#23", "301"], "", "", ""),
    "gitlab/go-gitlab__merge_request": ("created", ["gitlabhq/gitlab-test!1", "99"], "", "", ""),
    "gitlab/go-gitlab__note_issue": (
        "commented",
        ["gitlab-org/gitlab-test#17", "92"],
        "",
        "",
        "1241",
    ),
    "gitlab/go-gitlab__note_merge_request": (
        "commented",
        ["gitlab-org/gitlab-test!1", "7"],
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
    return SENDERS[name.split("/")[0]].read({}, body)


@NEEDED
@pytest.mark.parametrize("name", TOLD)
def test_a_recorded_body_tells_what_its_reader_sees(name):
    kind, references, before, after, comment = TOLD[name]

    event = read(name, body_of(name))

    assert event.kinds == (kind,)
    assert list(event.references) == references
    assert (event.status_before, event.status_after) == (before, after)
    assert (event.comment.id if event.comment else "") == comment


NOTHING: list[object] = [None, True, "", [], {}, [[]]]
STRANGE = [*NOTHING, -1, 1e300, "\0", "\ud800", "9" * 400, "0001-01-01T00:00:00Z"]


def mangled(value: object, chance: random.Random, by: list) -> object:
    """``value`` with some of its parts replaced by one of ``by``."""
    if chance.random() < 0.08:
        return chance.choice(by)
    if isinstance(value, dict):
        return {key: mangled(inner, chance, by) for key, inner in value.items()}
    if isinstance(value, list):
        return [mangled(inner, chance, by) for inner in value]
    return value


@NEEDED
@pytest.mark.parametrize("name", TOLD)
def test_a_body_with_holes_is_never_read_as_another_item(name):
    recorded = body_of(name)
    said = json.dumps(recorded)
    chance = random.Random(name)

    for _ in range(150):
        event = read(name, mangled(recorded, chance, NOTHING))

        for reference in event.references:
            assert all(part in said for part in re.split("[#!-]", reference)), reference


@NEEDED
@pytest.mark.parametrize("name", TOLD)
def test_whatever_stands_in_a_body_it_is_read_without_an_error(name):
    chance = random.Random(name)

    for _ in range(150):
        assert read(name, mangled(body_of(name), chance, STRANGE)).kinds
