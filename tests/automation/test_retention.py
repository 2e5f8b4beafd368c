"""What is past its time goes; test_life.py tells what is left of a ticket's story."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from apikeys.models import APICall
from automation import retention
from automation.hand_over import make_hand_over
from automation.models import HandOver
from automation.tasks import prune
from rest.models import KeptAnswer


@pytest.fixture
def rows(db, settings):
    """Calls and kept answers, by how many days old they are."""
    settings.RETENTION_DAYS = 30
    now = timezone.now()

    def make(days, number=1):
        then = now - timedelta(days=days)
        call = {"method": "GET", "path": "/", "status_code": 200, "received_at": then}
        APICall.objects.bulk_create(APICall(**call) for _ in range(number))
        KeptAnswer.objects.create(caller="key 1", key=f"{days} days", created_at=then)

    return make


def test_links_that_were_handed_over_go_after_their_end(settings, listener):
    settings.RETENTION_DAYS = 30
    maker = User.objects.create_user("maker")
    for days in (31, 29):
        hand_over, _ = make_hand_over(listener, by=maker, key=False)
        hand_over.expires_at = timezone.now() - timedelta(days=days)
        hand_over.save()

    prune()

    assert [*HandOver.objects.values_list("pk", flat=True)] == [hand_over.pk]


def kept():
    return APICall.objects.count(), [*KeptAnswer.objects.values_list("key", flat=True)]


def test_calls_are_kept_as_long_as_requests_and_answers_for_a_week(rows):
    for days in (31, 29, 8, 6):
        rows(days)

    prune()

    assert kept() == (3, ["6 days"])


def test_where_requests_are_kept_for_ever_answers_are_not(rows, settings):
    settings.RETENTION_DAYS = 0
    rows(9999)
    rows(1)

    assert retention.prune() == 1
    assert kept() == (2, ["1 days"])


def test_much_is_deleted_some_at_a_time(rows, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(retention, "AT_ONCE", 4)
    rows(40, number=10)
    rows(1)

    with django_assert_max_num_queries(20):
        assert retention.prune() == 11

    assert kept() == (1, ["1 days"])
