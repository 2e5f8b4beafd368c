from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from feedback.models import Team
from feedback.services import create_project


@pytest.fixture
def pam(beta):
    """The project manager of Beta."""
    pam = User.objects.create_user("pam", "pam@example.com", "pam")
    beta.managers.members.add(pam)
    return pam


@pytest.fixture
def root(db):
    """The community manager."""
    return User.objects.create_superuser("root", "root@example.com", "root")


@pytest.fixture
def people(beta, pam, root):
    """Everybody by role, and somebody who manages another project."""
    sam = User.objects.create_user("sam")
    beta.support.members.add(sam)
    olga = User.objects.create_user("olga")
    observers = Team.objects.create(project=beta.project, name="Observers", kind=Team.Kind.OBSERVER)
    observers.members.add(olga)
    return {
        "manager": pam,
        "community": root,
        "support": sam,
        "observer": olga,
        "participant": beta.ada,
        "outsider": make_outsider(),
    }


def make_outsider() -> User:
    other = create_project("other", "Other")
    outsider = User.objects.create_user("oscar")
    Team.objects.get(project=other, kind=Team.Kind.PROJECT_MANAGER).members.add(outsider)
    return outsider


@pytest.fixture
def page(client, pam):
    """A client signed in as the project manager."""
    client.force_login(pam)
    return client
