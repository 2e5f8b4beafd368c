"""The switch that holds what runs by itself: where it is, and what it says."""

from __future__ import annotations

import pytest
from django.urls import reverse

from automation.models import Pause
from automation.pauses import pause
from feedback.furnishing import create_project


@pytest.fixture
def switch(beta):
    return reverse("pause", args=["beta"])


def said(answer) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in answer.context["messages"]]


@pytest.mark.parametrize("name", ["automation", "starts"])
def test_the_switch_is_on_the_pages_of_what_runs_by_itself(page, address, name):
    assert "Pause execution" in page.get(address(name)).content.decode()


@pytest.mark.parametrize("name", ["automation", "starts", "runs", "project_home"])
def test_a_pause_is_said_wherever_somebody_may_wonder(page, beta, address, pam, name):
    pause(beta.project, pam)

    told = page.get(reverse(name, args=["beta"]) if name == "project_home" else address(name))

    assert "Execution is paused" in told.content.decode()
    assert "Let it go on" in told.content.decode()


def test_whoever_pauses_stays_where_they_are(page, address, switch):
    answer = page.post(switch, {"paused": "on", "next": address("starts")}, follow=True)

    assert answer.redirect_chain == [(address("starts"), 302)]
    assert [level for level, _ in said(answer)] == ["warning"]


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "x", "/\\evil"]
)
def test_the_way_back_leads_nowhere_else(page, beta, switch, elsewhere):
    answer = page.post(switch, {"paused": "on", "next": elsewhere})

    assert (answer.status_code, answer.url) == (302, reverse("project_home", args=["beta"]))


def test_what_goes_on_while_everything_is_paused_says_so(client, root, beta, switch):
    client.force_login(root)
    pause(None, root)
    pause(beta.project, root)

    answer = client.post(switch, {"paused": "off"}, follow=True)

    assert said(answer) == [
        (
            "warning",
            "The project is no longer paused by itself, but everything still is, by root: what "
            "waits is worked off once a community manager lets everything go on.",
        )
    ]
    assert Pause.objects.get().project is None


def test_what_stays_paused_when_everything_goes_on_is_named(client, root, beta):
    client.force_login(root)
    for project in (None, beta.project, create_project("alpha", "Alpha")):
        pause(project, root)

    answer = client.post(reverse("pause_all"), {"paused": "off"}, follow=True)

    assert said(answer) == [
        ("success", "It goes on, but for projects that are paused by themselves: Alpha, Beta.")
    ]


def test_the_address_of_a_switch_leads_to_its_page(client, root, beta, listener, switch, address):
    client.force_login(root)

    assert client.get(switch).url == reverse("project_home", args=["beta"])
    assert client.get(reverse("pause_all")).url == reverse("community")
    assert client.get(address("listener_go_on", listener.pk)).url == address("automation")
