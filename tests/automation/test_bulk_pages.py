"""A bulk run's preview, and who sees and cancels it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from automation import bulk, schedules
from automation.models import BulkRun, Execution, Outgoing, Schedule
from feedback.models import Ticket
from feedback.services import change_ticket, submit_ticket
from tests.automation.actions import make_macro
from tests.automation.test_starts import filter_of

RUN = "/admin/projects/beta/BUG/run/"
DIGEST = {
    "to": ["submitter"],
    "addresses": "",
    "subject": "Hi",
    "text": "About {{ ticket.ref }}",
    "sending": "digest",
}


@pytest.fixture
def three(beta):
    for _ in range(2):
        submit_ticket(beta.bugs, summary="B", submitter=beta.ada)
    return Ticket.objects.filter(feedback_type=beta.bugs)


def tried(page, macro):
    answer = page.post(RUN, {"macro": macro.pk, "try": "1"})
    assert not BulkRun.objects.exists()
    assert not Outgoing.objects.exists()
    return answer


def test_the_preview_shows_the_one_mail_that_a_digest_becomes(page, beta, three):
    macro = make_macro(beta.bugs, ("send_email", DIGEST))

    shown = tried(page, macro)

    bulk.start_bulk(macro, three, chosen="All", actor="pam")
    bulk.work_off()
    [mail] = Outgoing.objects.due(timezone.now())
    [digest] = shown.context["tried"].digests
    assert (digest.title, digest.text) == (mail.title, mail.content["text"])
    assert not any(run.leaving for run in shown.context["tried"].runs)
    assert shown.content.decode().count("Mail to <strong>ada@example.com</strong>") == 1


def test_the_preview_shows_each_ticket_as_those_before_it_left_it(page, beta, three):
    macro = make_macro(beta.bugs, ("adjust_score", {"points_how": "add", "points": 5}))

    runs = tried(page, macro).context["tried"].runs

    bulk.start_bulk(macro, three, chosen="All", actor="pam")
    bulk.work_off()
    really = [run.sentence for run in Execution.objects.order_by("pk")]
    assert [shown.run.sentence for shown in runs] == really
    assert "5 → 10" in really[1]


def test_the_choice_of_a_macro_shows_its_options(page, beta, close):
    close.once_per_ticket = True
    close.ask_first = True
    close.enabled = False
    close.save()

    shown = page.get(RUN).content.decode()

    assert all(option in shown for option in ("Off", "Once per ticket", "Asks first"))


def test_a_macro_that_was_not_the_one_looked_at_is_shown_first(page, close, block):
    shown = page.post(RUN, {"macro": block.pk, "run": close.pk})

    assert (shown.status_code, shown.context["chosen"]) == (200, block)
    assert not BulkRun.objects.exists()


def test_a_filter_that_does_not_exist_leads_back_to_the_list(page, beta):
    back = page.get(f"{RUN}?q=x", follow=True)

    assert back.redirect_chain == [("/admin/projects/beta/BUG/tickets/?q=x", 302)]
    assert "There is no field “q”" in back.content.decode()


@pytest.fixture
def sam(client, beta):
    """Support, who is responsible for the first ticket alone."""
    sam = User.objects.create_user("sam")
    beta.support.members.add(sam)
    change_ticket(beta.ticket, actor="pam", team=beta.support)
    client.force_login(sam)
    return sam


@pytest.fixture
def block(beta):
    return make_macro(beta.bugs, ("set_blocking", {"blocking": True}), name="Block")


def test_support_looks_at_the_runs_of_its_own_bulk_run(client, beta, sam, block):
    page = client.post(RUN, {"macro": block.pk, "run": block.pk})["Location"]
    bulk.work_off()

    shown = client.get(page).content.decode()

    run = Execution.objects.get().get_absolute_url()
    assert run in shown
    assert client.get(run).status_code == 200


@pytest.mark.parametrize("by", ["page", "program"])
def test_who_began_a_bulk_run_cancels_it(client, sam, block, by):
    page = client.post(RUN, {"macro": block.pk, "run": block.pk})["Location"]
    run = BulkRun.objects.get()
    assert "Cancel the rest" in client.get(page).content.decode()

    if by == "page":
        client.post(page)
    else:
        assert client.post(f"/api/v1/bulk-runs/{run.public_id}/cancel/").status_code == 200

    run.refresh_from_db()
    assert (run.started_by, run.state) == (sam, "cancelled")


def test_support_neither_cancels_what_others_began_nor_sees_what_it_did_elsewhere(
    client, beta, sam, block, three
):
    run = bulk.start_bulk(block, three, chosen="All", actor="pam")
    page = run.get_absolute_url()
    assert "Cancel the rest" not in client.get(page).content.decode()
    assert client.post(page).status_code == 403
    assert client.post(f"/api/v1/bulk-runs/{run.public_id}/cancel/").status_code == 403
    bulk.work_off()

    shown = client.get(page).content.decode()

    own, *others = run.executions.order_by("ticket_id")
    assert own.get_absolute_url() in shown
    assert not any(other.get_absolute_url() in shown for other in others)
    assert "3 of 3 tickets" in " ".join(shown.split())


def test_a_program_is_told_that_a_run_is_not_over_yet(page, block, three):
    run = bulk.start_bulk(block, three, chosen="All", actor="pam")

    answer = page.post(
        f"/api/v1/bulk-runs/{run.public_id}/undo/", {}, content_type="application/json"
    )

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("It still runs")


def test_a_schedule_names_the_version_of_its_filter(beta, close):
    new = filter_of(beta, status=[beta.new.pk])
    schedules.save_schedule(
        Schedule(
            feedback_type=beta.bugs,
            name="Nightly",
            macro=close,
            filter=new,
            every="day",
            starts_at=timezone.now() + timedelta(hours=1),
        )
    )
    Schedule.objects.update(next_run_at=timezone.now())

    schedules.start_due()
    bulk.work_off()

    assert Execution.objects.get().filter_version == new.version


def test_a_program_that_names_a_filter_keeps_its_version(page, beta, close):
    new = filter_of(beta, status=[beta.new.pk])

    page.post(
        "/api/v1/bulk-runs/", {"macro": close.pk, "filter": new.pk}, content_type="application/json"
    )
    bulk.work_off()

    run = Execution.objects.get()
    assert run.filter_version == new.version
    told = page.get(f"/api/v1/executions/{run.public_id}/").json()
    assert told["filter_version"] == new.version.number
