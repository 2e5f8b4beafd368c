"""The demo, besides its proof, which CI runs as people do."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from automation.models import Pause
from centercode_sim.demo_data import Demo, demo_data
from centercode_sim.management.commands.demo import Command
from feedback.models import Ticket


@pytest.fixture
def demo(db, settings, tmp_path) -> Demo:
    settings.DATA_DIR = tmp_path
    return demo_data()


def test_its_data_show_what_there_is(demo):
    assert demo.ticket.values == {"severity": "High", "platform": ["Windows"], "seen": "2026-11-20"}
    assert demo.listener.version.number == 1
    assert [macro.name for macro in demo.ticket.feedback_type.macros.all()] == [
        "Close ticket",
        "Thank the tester",
    ]
    assert Ticket.objects.count() == 6


@pytest.mark.parametrize("what", ["held", "paused"])
def test_who_held_it_is_told_so_and_goes_on(demo, what):
    if what == "held":
        demo.listener.held_at = timezone.now()
        told = "The listener “Jira closed” is held"
    else:
        Pause.objects.create(project=None, by=User.objects.first())
        told = "Pause of everything is in force"
    command = Command(stdout=StringIO())

    assert command.prove_if_possible(demo, "http://127.0.0.1:1") is None
    assert f"{told}, so this start sends no request." in command.stdout.getvalue()
