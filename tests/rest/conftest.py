from __future__ import annotations

import json
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from feedback.furnishing import create_project
from feedback.models import FeedbackType, Team
from feedback.services import submit_ticket
from tests.conftest import make_key


@pytest.fixture
def key(db):
    """A key that may read and write everything by REST."""
    return make_scripts_key()


def make_scripts_key(**fields):
    return make_key(
        **({"name": "Scripts", "prefix": "scripts", "scopes": ["read", "write"]} | fields)
    )


@pytest.fixture
def call(client, key):
    """Call the API with that key, or another; the answer is read into ``json``."""

    def call(method, path, body=None, *, secret=None, headers=None, raw=None, **query):
        bearer = {"Authorization": f"Bearer {secret or key.secret}"}
        return request(
            client, method, path, body, raw=raw, headers=bearer | (headers or {}), **query
        )

    return call


def request(client, method, path, body=None, *, raw=None, headers=None, **query):
    data = raw if raw is not None else b"" if body is None else json.dumps(body)
    return client.generic(
        method,
        f"/api/v1/{path}",
        data,
        content_type="application/json",
        headers=headers,
        query_params=query,
    )


@pytest.fixture
def signed_in(beta):
    """Call the API as a person of one of Beta's teams, or as a community manager."""
    observers = Team.objects.create(project=beta.project, name="Observers", kind=Team.Kind.OBSERVER)
    teams = {
        "manager": beta.managers,
        "support": beta.support,
        "observer": observers,
        "participant": beta.participants,
    }

    def signed_in(role):
        person = User.objects.filter(username=role).first()
        if person is None:
            person = User.objects.create_user(
                role, f"{role}@example.com", role, is_superuser=role == "community"
            )
            if role in teams:
                teams[role].members.add(person)
        client = Client()
        client.force_login(person)
        return lambda *args, **options: request(client, *args, **options)

    return signed_in


@pytest.fixture
def gamma(beta):
    """Another project, with a ticket and somebody that Beta's people do not know."""
    project = create_project("gamma", "Gamma")
    gus = User.objects.create_user("gus", "gus@example.com", "gus")
    project.teams.get(kind=Team.Kind.PROJECT_MANAGER).members.add(gus)
    bugs = FeedbackType.objects.get(project=project, prefix="BUG")
    submit_ticket(bugs, summary="Gamma's own", submitter=gus)
    return project


def at_once(*functions):
    """What each returns, all of them called at one moment, each over its own connection."""
    start = Barrier(len(functions))
    answers = []

    def run(function):
        start.wait()
        try:
            answers.append(function())
        finally:
            connection.close()

    threads = [Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def codes(answers):
    return sorted(answer.status_code for answer in answers)
