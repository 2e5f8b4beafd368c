"""Schemathesis' default run over the schema, with all its checks: each operation by itself, then
chains of them. The same for longer, over HTTP: bin/fuzz."""

from __future__ import annotations

import json
import os
import re
from itertools import count

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events, from_schema
from schemathesis.transport.wsgi import WSGITransport

from automation.models import Execution
from centercode_sim.wsgi import application as hub
from feedback.models import Project
from feedback.people import add_note, adjust_points
from feedback.services import add_comment, tags_named
from tests.conftest import (
    add_field,
    closing_macro,
    link_to_jira,
    make_beta,
    make_listener,
    narrow_listener,
)
from tests.rest import unsayable  # noqa: F401  the hooks
from tests.rest.conftest import make_scripts_key

SEED = 20261124
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
SOCKET = ("max_redirects", "verify", "cert", "proxies")

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # hypothesis' own


def described():
    """The schema as JSON; of the fields to filter by, which are many, one of each type."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    for name in ("SavedFilterRequest", "PatchedSavedFilterRequest"):
        group = schema["components"]["schemas"][name]["properties"]["groups"]["items"]
        group["properties"] = one_of_each(group["properties"])
    return json.dumps(schema)


def one_of_each(properties):
    types = {}
    for name, described in properties.items():
        types.setdefault(json.dumps(described | {"description": ""}), name)
    return {name: properties[name] for name in types.values()}


SCHEMA = described()
OPERATIONS = [
    f"{method.upper()} {path}"
    for path, methods in json.loads(SCHEMA)["paths"].items()
    for method in methods
]


@pytest.fixture
def rows(db, send, settings):
    """At least one row of everything, by the last word of its address."""
    settings.REFUSED_PER_MINUTE = 10**9  # wrong keys are part of the run
    beta = make_beta()
    listener = make_listener(beta, closing_macro(beta))
    narrow_listener(listener, "New", status=[beta.new.pk])
    badness = add_field(beta.bugs, "Badness", "choice", choices=["Low", "High"])
    number = add_field(beta.suggestions, "Number", "number", required=True)
    delivery = send(listener, find="BUG-0001")
    (tag,) = tags_named(beta.project, ["lens"])
    comment = add_comment(beta.ticket, body="Here too.", actor="ada", author=beta.ada)
    adjust_points(beta.ticket, "add", 5, actor="ada")
    note = add_note(beta.ticket, "Writes well.", actor="ada")
    return {
        "teams": [beta.support.pk, beta.managers.pk],
        "workflows": [beta.workflow.pk],
        "statuses": [beta.new.pk, beta.closed.pk],
        "feedback-types": [beta.bugs.pk, beta.suggestions.pk],
        "form-fields": [badness.pk, number.pk],
        "tags": [tag.pk],
        "tickets": [beta.ticket.pk],
        "links": [link_to_jira(beta.ticket).pk],
        "comments": [comment.pk],
        "rank-points": [beta.ada.standings.get().pk],
        "person-notes": [note.pk],
        "saved-filters": [listener.filter.pk],
        "macros": [listener.macro.pk],
        "listeners": [listener.pk],
        "deliveries": [delivery.public_id],
        "executions": [Execution.objects.get().public_id],
        "api-keys": [delivery.api_key.pk],
    }


@pytest.fixture(autouse=True)
def in_process(rows, monkeypatch):
    """Schemathesis' threads share the test's connection, and have no socket.

    A request's end would close that connection; Django's own test client lets it be too.
    In the probes of “ignored_auth” schemathesis 4.32 forgets that there is no socket.
    """
    send, own = WSGITransport.send, connections["default"]

    def share(self, case, **options):
        connections["default"] = own
        return send(self, case, **{name: options[name] for name in {*options} - {*SOCKET}})

    monkeypatch.setattr(WSGITransport, "send", share)
    own.inc_thread_sharing()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    own.dec_thread_sharing()


@pytest.fixture
def aimed(in_process, rows, monkeypatch):
    """Three of four requests are about a row that there is, with a new Idempotency-Key."""
    send, numbers, own = WSGITransport.send, count(), connections["default"]

    def aim(self, case, **options):
        connections["default"] = own
        number = next(numbers)
        if number % 4:
            if not case.meta.is_negative_at(ParameterLocation.PATH):
                case.path_parameters |= known_at(case.path, rows, number)
            key = case.headers.get("Idempotency-Key", "")
            if re.fullmatch("[!-~]{1,200}", key):
                case.headers["Idempotency-Key"] = f"{key}-{number}"
        return send(self, case, **options)

    monkeypatch.setattr(WSGITransport, "send", aim)


def known_at(path, rows, number):
    """Parameters of ``path`` that name a row."""
    keys = [*Project.objects.values_list("key", flat=True)] if "{key}" in path else []
    known = {"key": keys, "link": rows["links"], "id": rows.get(path.split("/")[3])}
    return {
        name: str(choice[number % len(choice)])
        for name, choice in known.items()
        if choice and f"{{{name}}}" in path
    }


@pytest.fixture
def by_key(rows):
    return {"Authorization": f"Bearer {make_scripts_key().secret}"}


@pytest.fixture
def by_session(aimed, monkeypatch):
    """A community manager, who alone makes and changes API keys."""
    client, token, send = Client(), "c" * 32, WSGITransport.send
    client.force_login(User.objects.create_superuser("community"))
    session = client.cookies["sessionid"].value

    def sign(self, case, **options):
        for name in ("Authorization", "X-API-Key"):  # made up, and then what counts
            case.headers.pop(name, None)
        cookies = {"sessionid": session, "csrftoken": token}
        return send(self, case, **options | {"cookies": cookies})

    monkeypatch.setattr(WSGITransport, "send", sign)
    return {"X-CSRFToken": token}


def load(headers, *, stateful=False, checks=()):
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "continue-on-failure": True,
            "headers": headers,
            "cache": {"enabled": False},  # of what earlier runs learnt
            "analysis": {"constants": {"enabled": False}},  # of our source, where a change shows
            "generation": {"max-examples": EXAMPLES, "database": "none"},
            "checks": dict(checks),
            "phases": {
                name: {"enabled": stateful == (name == "stateful")}
                for name in ("examples", "coverage", "fuzzing", "stateful")
            },
        }
    )
    schema = schemathesis.openapi.from_dict(json.loads(SCHEMA), config=config)
    schema.app = hub
    return schema


def run(schema):
    """Send what schemathesis makes up; fail with all that it finds."""
    found, requests = [], 0
    for event in from_schema(schema).execute():
        if isinstance(event, (events.NonFatalError, events.FatalError)):
            found.append(str(getattr(event, "info", event)))
        if isinstance(event, events.ScenarioFinished):
            requests += len(event.recorder.interactions)
            found += failures_in(event.recorder)
    assert requests or found
    if found:
        pytest.fail("\n\n".join(found), pytrace=False)


def failures_in(recorder):
    for case_id, checks in recorder.checks.items():
        for failed in filter(None, (check.failure_info for check in checks)):
            answer = recorder.interactions[case_id].response
            told = f"{answer.status_code} {answer.text[:500]}" if answer else "no answer"
            yield f"{failed.failure}\n{told}\n{failed.code_sample}"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_is_sent_is_answered_as_the_schema_says(operation, by_key, aimed):
    run(load(by_key).include(name=operation))


NOT_BY_KEY = [each for each in OPERATIONS if "/api-keys/" in each and not each.startswith("GET")]


@pytest.mark.parametrize("operation", NOT_BY_KEY)
def test_so_it_is_for_those_who_sign_in(operation, by_session):
    """Without “ignored_auth”, which cannot sign out: by a key it is asked of each operation."""
    run(load(by_session, checks={"ignored_auth": {"enabled": False}}).include(name=operation))


def test_whatever_is_sent_in_a_row_is_answered_as_the_schema_says(by_key):
    run(load(by_key, stateful=True))
