"""Macros that are off, run once, or ask first."""

from __future__ import annotations

import pytest
from django.urls import reverse

from automation.models import Execution, Macro


@pytest.fixture
def asking(close):
    Macro.objects.filter(pk=close.pk).update(ask_first=True)
    close.refresh_from_db()
    return close


@pytest.fixture
def run(page, beta):
    """Press a button of the page that runs macros on BUG-0001."""
    url = reverse("run_macro", args=["beta", beta.ticket.ref])
    return lambda macro, **buttons: page.post(url, {"macro": macro.pk} | buttons)


def test_a_macro_that_asks_shows_what_it_would_do_and_then_runs(run, beta, asking):
    asked = run(asking)

    content = asked.content.decode()
    beta.ticket.refresh_from_db()
    assert asked.status_code == 200
    assert "“Close ticket” asks before it runs" in content
    assert "Move to “Closed” in Default" in content
    assert 'name="sure" value="1"' in content
    assert (beta.ticket.status, Execution.objects.count()) == (beta.new, 0)

    done = run(asking, sure="1")

    beta.ticket.refresh_from_db()
    assert done.status_code == 302
    assert beta.ticket.status == beta.closed


def test_a_macro_that_does_not_ask_runs_at_once(run, beta, close):
    assert run(close).status_code == 302
    beta.ticket.refresh_from_db()
    assert beta.ticket.status == beta.closed


def test_where_nothing_would_be_done_nobody_is_asked_to_go_on(run, asking):
    Macro.objects.update(enabled=False)

    content = run(asking).content.decode()

    assert "is switched off" in content
    assert 'name="sure"' not in content
    assert not Execution.objects.exists()


def test_its_options_are_kept_and_shown(page, beta, address):
    comment = {"add_comment": "on", "add_comment-body": "Hi", "add_comment-exposure": "public"}
    options = {"once_per_ticket": "on", "ask_first": "on"}
    page.post(address("macro_add"), {"name": "Quiet"} | options | comment)

    macro = Macro.objects.get()
    assert (macro.enabled, macro.once_per_ticket, macro.ask_first) == (False, True, True)
    form = page.get(address("macro", macro.pk)).context["form"]
    assert [form[name].value() for name in Macro.OPTIONS] == [False, True, True]
    listed = page.get(address("resources")).content.decode()
    assert all(f">{badge}</span>" in listed for badge in ("Off", "Once per ticket", "Asks first"))


def test_a_new_macro_is_on(page, beta, address):
    form = page.get(address("macro_add")).context["form"]

    assert [form[name].value() for name in Macro.OPTIONS] == [True, False, False]
