"""The pages of triggers and schedules: what each card says, and the switch on it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from automation.models import Schedule, Trigger
from automation.schedules import save_schedule
from automation.triggers import save_trigger
from feedback.models import FeedbackType
from tests.conftest import add_field, narrow_listener

LATER = datetime(2100, 1, 1, 2, tzinfo=UTC)


@pytest.fixture
def rule(beta, close):
    return {"feedback_type": beta.bugs, "macro": close}


def test_a_trigger_is_told_as_people_call_its_parts(page, beta, rule, listener, address):
    add_field(beta.bugs, "How bad", key="severity")
    saved = narrow_listener(listener, "New ones", status=[beta.new.pk])
    save_trigger(Trigger(name="Worse", event="modified", field="values.severity", **rule))
    save_trigger(Trigger(name="Comes", event="entered", filter=saved, **rule))

    content = page.get(address("starts")).content.decode()

    named = f'<a href="{saved.get_absolute_url()}">New ones</a>'
    assert "A ticket is modified (How bad): runs macro" in content
    assert f"A ticket comes within the filter {named}: runs macro" in content


def test_a_trigger_is_switched_off_and_on_where_it_is_listed(page, rule, address):
    trigger = save_trigger(Trigger(name="At once", event="submitted", **rule))
    switch = address("trigger_switch", trigger.pk)

    answer = page.post(switch, {"enabled": "off"}, follow=True)

    assert "Trigger “At once” is switched off: it starts nothing." in answer.content.decode()
    assert not Trigger.objects.get().enabled
    assert not FeedbackType.objects.get(pk=trigger.feedback_type_id).watched
    page.post(switch, {"enabled": "on"})
    assert FeedbackType.objects.get(pk=trigger.feedback_type_id).watched


def test_a_schedule_that_is_switched_on_again_has_its_next_time(page, rule, address):
    schedule = save_schedule(Schedule(name="Daily", every="day", starts_at=LATER, **rule))
    Schedule.objects.update(next_run_at=None, enabled=False)

    page.post(address("schedule_switch", schedule.pk), {"enabled": "on"})

    assert Schedule.objects.get().next_run_at == LATER


def test_a_schedule_that_is_over_says_so_instead_of_on(page, rule, address):
    save_schedule(Schedule(name="Past", every="once", starts_at=timezone.now(), **rule))

    content = page.get(address("starts")).content.decode()

    assert '<span class="hub-badge" data-status="off">Over</span>' in content
    assert ">On</span>" not in content


def test_a_card_takes_no_query_of_its_own(page, rule, address, django_assert_max_num_queries):
    for number in range(20):
        save_trigger(Trigger(name=f"T{number}", event="submitted", **rule))
        save_schedule(Schedule(name=f"S{number}", every="day", starts_at=LATER, **rule))
    page.get(address("starts"))

    with django_assert_max_num_queries(18):
        page.get(address("starts"))


def test_the_forms_invite_to_choose_and_name_the_clock(page, rule, address):
    trigger, schedule = (page.get(address(name)) for name in ("trigger_add", "schedule_add"))

    assert trigger.context["form"].fields["event"].choices[0] == ("", "Choose …")
    assert schedule.context["form"].fields["every"].choices[0] == ("", "Choose …")
    assert "By the clock of UTC." in schedule.content.decode()
    assert "---------" not in trigger.content.decode() + schedule.content.decode()
