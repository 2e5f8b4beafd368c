from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from string import Template

import pytest
from rest_framework import exceptions

from apikeys.authentication import ANSWERS
from automation.queue import settle_all
from automation.reasons import Reason
from centercode_sim.api import RESOURCES
from tests.conftest import make_key

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_reason_is_explained():
    explained = set(re.findall(r"^\*\*`(\w+)`\*\*", (ROOT / "docs/reasons.md").read_text(), re.M))

    assert explained == set(Reason.values)


# docs/api.md: its examples are run as they stand, one after the other

API = (ROOT / "docs/api.md").read_text()
EXAMPLE = re.compile(r"^```sh\n(curl .*?)\n```\n(?:\n```json\n(.*?)\n```)?", re.M | re.S)
REST = "…"


def words_of(command, variables):
    """The command as a shell reads it: a curl whose options are these."""
    command = command.replace("\\\n", " ")
    words = [Template(word).safe_substitute(variables) for word in shlex.split(command)]
    given = {"method": None, "address": "", "headers": {}, "body": ""}
    words = iter(words[1:])
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            given["headers"][name] = value
        elif word == "-d":
            given["body"] = next(words)
        elif word == "-X":
            given["method"] = next(words)
        elif word != "-i":
            given["address"] = word
    given["method"] = given["method"] or ("POST" if given["body"] else "GET")
    return given


def is_like(answer, told):
    """Whether ``answer`` is what is told of it; “…” stands for what was left out."""
    if isinstance(told, dict):
        named = told.keys() - {REST}
        whole = named == answer.keys() or (REST in told and named <= answer.keys())
        return whole and all(is_like(answer[name], told[name]) for name in named)
    if isinstance(told, list):
        return len(answer) == len(told) and all(map(is_like, answer, told))
    if isinstance(told, str):
        return re.fullmatch(".*".join(map(re.escape, told.split(REST))), answer) is not None
    return bool(answer == told)


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_every_example_of_the_api_is_true(client):
    client.raise_request_exception = False
    variables = {
        "HUB": "",
        "KEY": make_key(name="Scripts", prefix="scripts", scopes=["write"]).secret,
        "JIRA_KEY": make_key().secret,
    }
    examples = EXAMPLE.findall(API)

    for command, told in examples:
        given = words_of(command, variables)
        content_type = given["headers"].pop("Content-Type", "")
        answer = client.generic(
            given["method"],
            given["address"],
            given["body"],
            content_type=content_type,
            headers=given["headers"],
        )
        if "-i" in command:
            variables["ETAG"] = answer.headers["ETag"]
        if told:
            assert is_like(answer.json(), json.loads(told)), (command, answer.json())
        settle_all()

    assert len(examples) == API.count("```sh\ncurl ") > 15


def test_every_reason_of_a_refusal_is_in_the_table():
    own = {each.default_code for each in subclasses(exceptions.APIException)}
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| \d.*", API, re.M))))

    unseen = {"error", "invalid", "not_authenticated", "authentication_failed", "throttled"}
    assert own - unseen | {*ANSWERS} <= named


def subclasses(cls):
    """Those of ours and of REST framework."""
    for each in cls.__subclasses__():
        yield each
        yield from subclasses(each)


def test_every_resource_is_in_the_table():
    for name in RESOURCES:
        assert f"`{name}`" in API
