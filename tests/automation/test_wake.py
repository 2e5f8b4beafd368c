from __future__ import annotations

import threading

import pytest
from celery import current_app

from automation.wake import Waker
from tests.installation import wait_until


@pytest.fixture
def sent(monkeypatch):
    """The messages sent; while ``sent.answers`` is clear, the broker keeps its caller waiting."""
    messages = Messages()
    monkeypatch.setattr(current_app, "send_task", messages.send)
    yield messages
    messages.answers.set()


class Messages(list):
    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()

    def send(self, task, **options) -> None:
        self.append(task)
        self.answers.wait(10)


def test_one_message_stands_for_all_that_came_while_the_last_was_sent(sent):
    waker = Waker("automation.tasks.settle_received")
    sent.answers.clear()
    waker.wake()
    wait_until(lambda: len(sent) == 1, within=5, what="the first message")

    for _ in range(100):
        waker.wake()
    sent.answers.set()

    wait_until(lambda: len(sent) == 2, within=5, what="one more message for the hundred")


def test_a_broker_that_cannot_be_reached_harms_nobody(sent, monkeypatch):
    waker = Waker("automation.tasks.settle_received")
    tried = threading.Event()

    def refuse(task, **options):
        tried.set()
        raise ConnectionError("no broker")

    monkeypatch.setattr(current_app, "send_task", refuse)
    waker.wake()
    assert tried.wait(5)

    monkeypatch.setattr(current_app, "send_task", sent.send)
    waker.wake()

    wait_until(lambda: len(sent) == 1, within=5, what="the message after the broker came back")
