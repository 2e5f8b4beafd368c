"""A listener that would change too much holds, and what waits behind it holds up nobody else."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.utils import timezone

from automation import queue
from automation.brakes import Brakes
from automation.models import Delivery, Execution, ExternalListener
from automation.pauses import pause
from feedback.models import Ticket
from feedback.services import change_ticket, submit_ticket
from tests.conftest import link_to_jira, make_listener, narrow_listener


@pytest.fixture
def careful(beta, close):
    """A listener that may change one ticket in ten minutes."""
    return make_listener(beta, close, most_tickets=1)


@pytest.fixture
def second(beta):
    return submit_ticket(beta.bugs, summary="The strap tears", submitter=beta.ada)


def let_go_on(listener):
    listener.held_at, listener.counted_from = None, timezone.now()
    listener.save()
    queue.settle_all()
    listener.refresh_from_db()


def statuses():
    return list(Delivery.objects.order_by("pk").values_list("status", flat=True))


def test_a_listener_that_changes_too_many_tickets_holds_and_goes_on(post, beta, listener, many):
    listener.most_tickets = 3
    listener.save()
    for ticket in many.order_by("pk"):
        post(listener, find=ticket.ref)

    queue.settle_all()

    listener.refresh_from_db()
    assert listener.held_at is not None
    assert Delivery.objects.filter(reason="applied").count() == 3
    assert Delivery.objects.filter(status="received").count() == 4

    listener.held_at, listener.counted_from = None, timezone.now()
    listener.most_tickets = 0
    listener.save()
    queue.settle_all()
    assert Delivery.objects.filter(reason="applied").count() == 7


def test_one_request_that_is_too_big_passes_once_it_was_let_go(post, beta, careful, second):
    for ticket in (beta.ticket, second):
        link_to_jira(ticket, remote_id="")
    post(careful, find="SANDBOX-12")
    queue.settle_all()
    careful.refresh_from_db()
    assert (statuses(), careful.held_at is None) == (["received"], False)

    let_go_on(careful)

    assert (statuses(), careful.held_at) == (["done"], None)
    assert set(Ticket.objects.values_list("status__name", flat=True)) == {"Closed"}


def test_what_changes_nothing_is_not_counted(send, beta, careful, second):
    change_ticket(second, actor="sam", status=beta.closed)
    narrow_listener(careful, "New", status=[beta.new.pk])
    send(careful, find="BUG-0001")

    outside = send(careful, find=second.ref)

    assert (outside.status, outside.reason) == ("skipped", "outside_filter")


def test_nothing_that_comes_after_what_held_is_done_before_it(post, beta, careful, second):
    for ref in ("BUG-0001", second.ref, "BUG-0001"):
        post(careful, find=ref)

    queue.settle_all()

    assert statuses() == ["done", "received", "received"]


def test_what_waits_behind_a_held_listener_holds_up_no_other_ticket(
    post, beta, close, listener, second, monkeypatch
):
    monkeypatch.setattr(queue, "BATCH", {connection.vendor: 5})
    held = make_listener(beta, close, key="held", name="Held", held_at=timezone.now())
    post(held, find="BUG-0001")
    for _ in range(5):
        post(listener, find="BUG-0001")
    post(listener, find=second.ref)

    for _ in range(3):
        queue.settle_all()
    assert Delivery.objects.exclude(status="received").get() == Delivery.objects.latest("pk")

    let_go_on(held)
    assert set(statuses()) == {"done"}
    first = Execution.objects.filter(ticket=beta.ticket).order_by("pk").first()
    assert first.listener == held


def test_the_page_of_a_request_says_what_holds_it(post, page, beta, pam, close, listener):
    held = make_listener(beta, close, key="held", name="Held", held_at=timezone.now())
    for each in (held, listener):
        post(each, find="BUG-0001")
    queue.settle_all()
    first, second = Delivery.objects.order_by("pk")

    told = page.get(first.get_absolute_url()).context["waits"]
    assert told.sentence == (
        "External listener “Held” holds, because it was about to change more tickets at once than "
        "it may: it waits until somebody lets it go on."
    )
    assert told.url == "/admin/projects/beta/BUG/automation/"

    told = page.get(second.get_absolute_url()).context["waits"]
    assert told.sentence == "It waits behind an earlier request about the same ticket."
    assert told.url == first.get_absolute_url()

    pause(beta.project, pam)
    told = page.get(second.get_absolute_url()).context["waits"]
    assert told.sentence == ("Execution is paused, by pam: it waits until somebody lets it go on.")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_do_not_count_past_each_other(on_postgres, post, beta, close, monkeypatch):
    listener = make_listener(beta, close, most_tickets=3)
    for _ in range(9):
        post(listener, find=submit_ticket(beta.bugs, summary="B", submitter=beta.ada).ref)
    monkeypatch.setattr(queue, "DEFAULT_BATCH", 3)
    together, grip = Barrier(3), Brakes.grip

    def grip_together(self, *args):
        if not self._rows:
            together.wait(10)
        grip(self, *args)

    monkeypatch.setattr(Brakes, "grip", grip_together)

    def work():
        try:
            queue.settle_batch()
        finally:
            connections.close_all()

    workers = [Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert Execution.objects.filter(reason="applied").count() == 3
    assert ExternalListener.objects.get().held_at is not None
