from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from automation import triggers
from automation.models import ExternalListener, Trigger
from feedback.furnishing import create_project
from feedback.models import Team, Ticket
from feedback.services import submit_ticket
from tests.automation.listener_forms import table
from tests.conftest import closing_macro


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


@pytest.fixture
def address(beta):
    return lambda name, *args: reverse(name, args=[beta.project.key, "BUG", *args])


@pytest.fixture
def start(beta):
    return closing_macro(beta, "Start work", beta.open)


@pytest.fixture
def given(close):
    """What somebody fills in, less the macro."""
    return {
        "name": "Jira follows",
        "key": "jirafollows",
        "sender": "jira",
        "type": "macro",
        "macro": "",
        "when": "status_changed",
        "enabled": "on",
    }


@pytest.fixture
def whole(page, given, address, beta, close):
    """A listener with all that Macro Execution has."""
    page.post(
        address("listener_add"),
        given
        | table(("Done", "", close))
        | {"macro": close.pk, "protected_statuses": [beta.closed.pk]},
    )
    return ExternalListener.objects.get()


@pytest.fixture
def many(beta):
    """Seven bugs: BUG-0001 and six more."""
    for number in range(6):
        submit_ticket(beta.bugs, summary=f"Bug {number}", submitter=beta.ada)
    return Ticket.objects.filter(feedback_type=beta.bugs)


@pytest.fixture
def on(beta, close):
    """Make a trigger that closes tickets."""

    def on(event, macro=close, **fields):
        name = fields.pop("name", f"On {event}")
        trigger = Trigger(feedback_type=beta.bugs, name=name, event=event, macro=macro, **fields)
        triggers.save_trigger(trigger)
        beta.bugs.refresh_from_db()

    return on
