"""Macros that lead back to themselves over calls: known by a header, or taken for an echo."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automation.models import Execution, Outgoing
from automation.outbox import send_due
from tests.automation.actions import make_macro
from tests.automation.outside import Web, closing
from tests.conftest import make_listener


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.OUTBOUND_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def tracker():
    with closing(Web()) as web:
        yield web


@pytest.fixture
def mirror(beta, tracker):
    """A listener whose macro tells the tracker what it was told by it."""
    call = {"method": "POST", "url": f"{tracker.url}/rest/{{{{ ticket.ref }}}}"}
    macro = make_macro(
        beta.bugs,
        ("adjust_score", {"score_how": "add", "score": 1}),
        ("call_webhook", call),
        name="Mirror",
    )
    return make_listener(beta, macro, name="Jira", key="mirror", when="any")


def told(status="Done", actor="Hub"):
    """What Jira says of an item whose status just changed."""
    change = {"field": "status", "fromString": "Open", "toString": status}
    return {
        "webhookEvent": "jira:issue_updated",
        "user": {"displayName": actor},
        "issue": {"id": "1", "key": "SANDBOX-1", "fields": {"status": {"name": status}}},
        "changelog": {"items": [change]},
    }


@pytest.fixture
def round_of(send, mirror):
    """One request to the listener; then the call that follows is made."""

    def round_of(body=None, **options):
        delivery = send(mirror, told() if body is None else body, find="BUG-0001", **options)
        send_due()
        return delivery

    return round_of


def test_a_call_tells_which_run_made_it(round_of, tracker):
    round_of()

    run, call = Execution.objects.get(), Outgoing.objects.get()
    assert tracker.asked[0].headers["traceparent"] == (
        f"00-{run.public_id}-{call.public_id[:16]}-01"
    )


def test_who_passes_that_on_is_stopped_at_once(round_of, tracker):
    round_of()

    passed_on = {"traceparent": tracker.asked[0].headers["traceparent"]}
    stopped = round_of(headers=passed_on)

    assert (stopped.status, stopped.reason) == ("failed", "loop_stopped")
    assert stopped.sentence == (
        "Macro “Mirror” was stopped on BUG-0001: it leads back to itself (Jira → Mirror → call to "
        f"127.0.0.1:{tracker.port} → Jira → Mirror)."
    )
    assert len(tracker.asked) == 1


@pytest.mark.parametrize("trace", ["", "00-0-0-01", f"00-{'a' * 32}-{'b' * 16}-01", "x" * 4000])
def test_another_trace_is_nothing_to_us(round_of, trace):
    assert round_of(headers={"traceparent": trace} if trace else {}).reason == "applied"
    assert Execution.objects.get().after is None


def test_equal_requests_after_calls_are_an_echo_at_last(round_of, tracker):
    reasons = [round_of().reason for _ in range(7)]

    stopped = Execution.objects.filter(reason="loop_stopped")
    assert reasons == ["applied"] * 5 + ["loop_stopped"] * 2
    assert stopped[0].sentence == (
        "Macro “Mirror” was stopped on BUG-0001: it leads back to itself, 5 times in a row so far "
        f"(Jira → Mirror → call to 127.0.0.1:{tracker.port} → Jira → Mirror)."
    )
    assert len(tracker.asked) == 5


@pytest.mark.parametrize(
    "bodies",
    [
        [told("Done"), told("Open")],
        [told(actor="Ann"), told(actor="Bob")],
    ],
)
def test_what_people_do_by_turns_is_no_echo(round_of, bodies):
    reasons = {round_of(bodies[place % 2]).reason for place in range(10)}

    assert reasons == {"applied"}


def test_what_comes_later_is_no_echo(round_of):
    for _ in range(7):
        assert round_of().reason == "applied"
        for call in Outgoing.objects.all():
            call.created_at -= timedelta(seconds=61)
            call.sent_at -= timedelta(seconds=61)
            call.save()

    assert not Execution.objects.exclude(after=None).exists()


def test_the_run_says_what_led_to_it(page, round_of):
    round_of()
    round_of()
    first, second = Execution.objects.order_by("pk")

    shown = page.get(f"/admin/runs/{second.public_id}/").content.decode()

    assert (second.after, second.by_echo) == (first, True)
    assert f'<a href="/admin/runs/{first.public_id}/">Jira → Mirror</a>' in shown
    assert "this may be its echo" in shown
    assert f"/admin/runs/{second.public_id}/" in page.get(first.get_absolute_url()).content.decode()
