"""What must hold when processes die: proved on PostgreSQL and Redis, with real processes."""

from __future__ import annotations

import os
import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.installation import Furnished, Installation, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.postgres]

TICKETS = 20
EFFECTS = "SELECT count(*) FROM feedback_comment"
CLOSED = "SELECT count(*) FROM feedback_ticketchange WHERE field = 'status'"
ATTEMPTS = "SELECT id, attempts FROM automation_delivery"


# What a test holds, so that a worker stops where the test wants it to.
HELD = {
    "before its first effect": "SELECT 1 FROM feedback_ticket WHERE number = 1 FOR UPDATE",
    "amid its effects": "LOCK TABLE feedback_ticketchange IN SHARE MODE",
}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory):
    server_url = os.environ.get("TEST_POSTGRES_URL")
    if not server_url or not shutil.which("redis-server"):
        pytest.skip("needs PostgreSQL (TEST_POSTGRES_URL) and redis-server")
    furnished = Furnished(server_url, tmp_path_factory.mktemp("furnished"), tickets=TICKETS)
    yield furnished
    furnished.database.drop()


@pytest.fixture
def installation(tmp_path, furnished):
    installation = Installation(tmp_path, furnished)
    yield installation
    installation.end()


def ref(number: int) -> str:
    return f"BUG-{number % TICKETS + 1:04d}"


@pytest.mark.parametrize("held", HELD.values(), ids=HELD)
def test_a_worker_killed_in_mid_run_loses_nothing_and_doubles_nothing(installation, held):
    installation.start("web")
    for listener, count in (("note", 5), ("close", TICKETS), ("note", 80)):
        for number in range(count):
            installation.post(listener, ref(number))

    with installation.holding(held):
        worker = installation.start("worker", "--concurrency 1")
        wait_until(installation.somebody_waits_for_a_lock, within=60, what="the worker waits")
        claimed = dict(installation.rows(f"{ATTEMPTS} WHERE attempts > 0 AND status = 'received'"))
        installation.kill(worker)
    installation.start("worker", "--concurrency 2")
    installation.start("beat")
    wait_until(installation.settled, within=60, what="all deliveries are settled")

    assert set(claimed.values()) == {1}, "one run held them all"
    attempts = dict(installation.rows(ATTEMPTS))
    assert min(attempts[delivery] for delivery in claimed) > 1
    assert len(claimed) < len(attempts) == 85 + TICKETS
    assert installation.value(EFFECTS) == 85
    assert installation.value(CLOSED) == TICKETS
    assert installation.rows(
        "SELECT reason, count(*) FROM automation_delivery GROUP BY reason"
    ) == [("applied", 85 + TICKETS)]


def test_with_the_broker_gone_the_door_answers_and_the_sweep_finds_what_came(installation):
    installation.start("web")
    installation.start("worker", "--concurrency 1")
    installation.start("beat")
    installation.post("note", ref(0))
    wait_until(installation.settled, within=60, what="the first one is settled")

    installation.redis.kill()
    began = time.monotonic()
    for number in range(20):
        assert installation.post("note", ref(number))["status"] == "received"
    took = time.monotonic() - began
    installation.redis.start()  # empty

    def settled():
        installation.restart_what_died()
        return installation.settled()

    wait_until(settled, within=120, what="the sweep settled the rest")
    assert installation.value(EFFECTS) == 21
    assert took < 20, "each answer would wait for the broker"


def test_the_same_requests_ten_times_shuffled_by_eight_clients_have_one_effect_each(installation):
    installation.start("web")
    installation.start("worker", "--concurrency 2")
    requests = [number for number in range(TICKETS) for _ in range(10)]
    random.shuffle(requests)

    with ThreadPoolExecutor(8) as clients:
        answers = list(
            clients.map(
                lambda number: installation.post(
                    "note", ref(number), {"Idempotency-Key": f"request {number}"}
                ),
                requests,
            )
        )
    wait_until(installation.settled, within=60, what="all deliveries are settled")

    assert installation.value(EFFECTS) == TICKETS
    assert sorted(answer["status"] for answer in answers) == (
        ["duplicate"] * 9 * TICKETS + ["received"] * TICKETS
    )
    assert len({answer["delivery"] for answer in answers}) == TICKETS


def test_two_workers_apply_the_deliveries_of_a_ticket_in_the_order_of_their_rows(installation):
    installation.start("web")
    for number in range(80):
        installation.post(("close", "reopen")[number % 2], ref(0))
        installation.post("note", ref(number))

    for _ in range(2):
        installation.start("worker", "--concurrency 2")
    installation.start("beat")
    wait_until(installation.settled, within=120, what="all deliveries are settled")

    moves = installation.rows(
        "SELECT after->>'name' FROM feedback_ticketchange WHERE field = 'status' ORDER BY id"
    )
    assert moves == [("Closed",), ("Open",)] * 40
    assert installation.value(EFFECTS) == 80
