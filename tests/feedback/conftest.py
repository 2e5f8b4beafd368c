from __future__ import annotations

from threading import Thread

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.test import Client

from feedback.furnishing import create_project
from feedback.models import Team


@pytest.fixture
def cast(beta):
    """A person of each role, and a stranger who manages another project."""
    beta.observers = Team.objects.create(
        project=beta.project, name="Observers", kind=Team.Kind.OBSERVER
    )
    other = create_project("secret", "Secret <i>project</i>")
    teams = {
        "manager": beta.managers,
        "support": beta.support,
        "observer": beta.observers,
        "participant": beta.participants,
        "stranger": other.teams.get(name="Project Managers"),
    }
    for name, team in teams.items():
        team.members.add(User.objects.create_user(name, f"{name}@example.com", name))
    User.objects.create_superuser("community", "community@example.com", "community")
    return beta


@pytest.fixture
def sign_in(cast):
    def sign_in(name: str) -> Client:
        client = Client()
        client.force_login(User.objects.get(username=name))
        return client

    return sign_in


def is_locked(row) -> bool:
    """Whether nobody else could change ``row`` now, asked over a second connection."""
    refused = []

    def ask():
        try:
            with transaction.atomic():
                type(row).objects.select_for_update(nowait=True, of=("self",)).get(pk=row.pk)
        except OperationalError:
            refused.append(row)
        finally:
            connection.close()

    other = Thread(target=ask)
    other.start()
    other.join()
    return bool(refused)
