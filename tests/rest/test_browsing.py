"""In a browser the API shows what the caller may see, and nothing of other projects."""

from __future__ import annotations

import pytest
from django.test import Client

from automation.models import Macro
from feedback.models import FeedbackType, SavedFilter
from feedback.saved_filters import save_filter
from tests.conftest import closing_macro, make_listener
from tests.rest.test_lists import LISTS

HTML = {"Accept": "text/html"}


@pytest.fixture
def secrets(gamma, beta):
    """All of Gamma under names that stand nowhere else."""
    bugs = FeedbackType.objects.get(project=gamma, prefix="BUG")
    gamma.name = "Hush-project"
    gamma.save()
    for rows in (gamma.teams, gamma.workflows, gamma.feedback_types):
        for row in rows.all():
            row.name = f"Hush-{row.pk}"
            row.save()
    gamma.tags.create(name="Hush-tag")
    hushed = {"blocking": ["true"]}
    save_filter(SavedFilter(feedback_type=bugs, name="Hush-filter", groups=[hushed]))
    Macro.objects.create(feedback_type=bugs, name="Hush-macro")
    gus = gamma.teams.first().members.get()
    gus.username = "Hush-gus"
    gus.save()
    bugs.tickets.update(summary="Hush-ticket")
    return "Hush"


BELOW = ("links", "comments", "data", "history")


@pytest.fixture
def addresses(beta, listener, send):
    delivery = send(listener, find="BUG-0001")
    tag = beta.project.tags.create(name="lens")
    saved = save_filter(
        SavedFilter(feedback_type=beta.bugs, name="F", groups=[{"blocking": ["true"]}])
    )
    make_listener(beta, closing_macro(beta, "Other"), name="O", key="o")
    rows = {
        "projects": "beta",
        "teams": beta.support.pk,
        "workflows": beta.workflow.pk,
        "statuses": beta.new.pk,
        "feedback-types": beta.bugs.pk,
        "tags": tag.pk,
        "tickets": beta.ticket.pk,
        "saved-filters": saved.pk,
        "macros": listener.macro_id,
        "listeners": listener.pk,
        "deliveries": delivery.public_id,
        "executions": delivery.executions.get().public_id,
    }
    below = [f"tickets/{beta.ticket.pk}/{part}/" for part in BELOW]
    return [
        "",
        *(f"{name}/" for name in LISTS),
        *(f"{name}/{row}/" for name, row in rows.items()),
        *below,
        "macros/actions/",
    ]


@pytest.mark.parametrize("role", ["manager", "participant", "community"])
def test_every_address_is_a_page_without_what_the_caller_may_not_see(
    signed_in, addresses, secrets, role
):
    person = signed_in(role)

    pages = {path: person("GET", path, headers=HTML) for path in addresses}

    for path, page in pages.items():
        text = page.content.decode()
        assert page.headers["Content-Type"].startswith("text/html"), path
        assert page.status_code == 200 or (role, page.status_code) == ("participant", 404), path
        assert role == "community" or secrets not in text, path


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "tickets/?colour=1", None, 400),
        ("GET", "tickets/999999/", None, 404),
        ("GET", "nosuch/", None, 404),
        ("POST", "tickets/", {"summary": 5}, 400),
        ("POST", "projects/", {"key": "x"}, 403),
        ("PATCH", "projects/beta/", {"name": ""}, 400),
        ("DELETE", "projects/beta/", None, 403),
        ("PUT", "deliveries/", {}, 405),
    ],
)
def test_a_refusal_is_an_answer_in_a_browser_too(signed_in, secrets, method, path, body, code):
    path, _, query = path.partition("?")
    manager = signed_in("manager")

    answer = manager(method, path, body, headers=HTML, **({"colour": 1} if query else {}))

    assert answer.status_code == code
    assert secrets not in answer.content.decode()


@pytest.mark.parametrize("path", ["", *(f"{name}/" for name in LISTS)])
def test_who_is_signed_out_sees_nothing_and_is_not_redirected(beta, path):
    answer = Client().get(f"/api/v1/{path}", headers=HTML)

    assert answer.status_code == 401
    assert "Beta" not in answer.content.decode()
