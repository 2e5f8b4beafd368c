"""The cast of every story."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection

from apikeys.models import APIKey
from automation import queue
from automation.macros import save_macro
from automation.models import Delivery, ExternalListener, Macro
from feedback.form_fields import save_form_field
from feedback.furnishing import create_project
from feedback.models import FeedbackType, FormField, SavedFilter, Status, Team
from feedback.saved_filters import save_filter
from feedback.services import link_ticket, submit_ticket


@pytest.fixture(autouse=True)
def quiet_broker(monkeypatch):
    """Nobody listens to the broker in a test: ``send`` plays the worker, where it is wanted."""
    monkeypatch.setattr("automation.intake.wake", lambda: None)
    monkeypatch.setattr("automation.outbox.put.wake_outbox", lambda: None)


@pytest.fixture(autouse=True)
def forgotten_callers():
    """Nobody has called before, in whichever order the tests run."""
    cache.clear()


@pytest.fixture(autouse=True)
def quick_starts(settings):
    """Cheap passwords, and no look at every static file for each new client."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def beta(db):
    """A project with BUG-0001 and everything that a story about it needs."""
    return make_beta()


def make_beta() -> SimpleNamespace:
    project = create_project("beta", "Beta")
    bugs = FeedbackType.objects.get(project=project, prefix="BUG")
    ada = User.objects.create_user("ada", "ada@example.com", "ada")
    status = {status.name: status for status in Status.objects.in_project(project)}
    team = {team.name: team for team in Team.objects.filter(project=project)}
    team["Participants"].members.add(ada)
    return SimpleNamespace(
        project=project,
        bugs=bugs,
        suggestions=FeedbackType.objects.get(project=project, prefix="SUG"),
        workflow=bugs.default_workflow,
        new=status["New"],
        open=status["Open"],
        closed=status["Closed"],
        managers=team["Project Managers"],
        support=team["Beta Support"],
        participants=team["Participants"],
        ada=ada,
        ticket=submit_ticket(bugs, summary="The lens cap melts", submitter=ada),
    )


@pytest.fixture
def close(beta):
    """The macro that closes a ticket and hands it to Beta Support."""
    return closing_macro(beta)


def closing_macro(beta, name="Close ticket", status=None) -> Macro:
    params = {
        "team": beta.support.pk,
        "workflow": beta.workflow.pk,
        "status": (status or beta.closed).pk,
    }
    return save_macro(Macro(feedback_type=beta.bugs, name=name), [("adjust_workflow", params)])


@pytest.fixture
def listener(beta, close):
    return make_listener(beta, close)


def make_listener(beta, macro, **fields) -> ExternalListener:
    options = {"name": "Jira closed", "key": "jiraclosed", "sender": "jira", "when": "any"} | fields
    return ExternalListener.objects.create(
        project=beta.project, feedback_type=beta.bugs, macro=macro, **options
    )


def narrow_listener(listener, name, **group) -> SavedFilter:
    """Let ``listener`` act only within a filter of that name."""
    saved = SavedFilter(feedback_type=listener.feedback_type, name=name, groups=[group])
    listener.filter = save_filter(saved)
    listener.save()
    return saved


def add_field(feedback_type, label, kind="text", **options) -> FormField:
    field = FormField(feedback_type=feedback_type, label=label, kind=kind, **options)
    return save_form_field(field)


def link_to_jira(ticket, remote_key="SANDBOX-12", remote_id="10012"):
    return link_ticket(
        ticket, actor="ada", system="jira", remote_key=remote_key, remote_id=remote_id
    )


@pytest.fixture
def api_key(db):
    """A key that may call listeners, with its ``secret``: the whole key as it was shown once."""
    return make_key()


def make_key(**fields) -> SimpleNamespace:
    key = APIKey(**({"name": "Jira", "prefix": "jira", "scopes": ["listen"]} | fields))
    secret = key.issue()
    return SimpleNamespace(row=key, secret=secret)


@pytest.fixture
def post(client, api_key):
    """POST to a listener's address, as a tracker would; nobody works on it yet."""

    def post(listener, body=None, *, find="", key=None, headers=None, content_type=None, path=""):
        address = path or (
            f"/api/v1/projects/{listener.project.key}/feedbackListeners/{listener.key}"
        )
        query = {"find": find} if find else {}
        query |= {"apiKey": api_key.secret if key is None else key}
        data = body if isinstance(body, (bytes, str)) else b"" if body is None else json.dumps(body)
        return client.post(
            address,
            data,
            content_type=content_type or "application/json",
            query_params={name: value for name, value in query.items() if value},
            headers=headers,
        )

    return post


@pytest.fixture
def send(post):
    """POST to a listener and let the worker settle what came; the last delivery is returned."""

    def send(listener, body=None, **options):
        answer = post(listener, body, **options)
        assert answer.status_code == 200, answer.content
        queue.settle_all()
        return Delivery.objects.order_by("pk").last()

    return send


@pytest.fixture
def on_postgres():
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: row locks and real concurrency")
