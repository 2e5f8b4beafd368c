"""A set-up guide handed over by a link, for somebody without an account: one look at secrets."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apikeys.models import APIKey
from apikeys.secrecy import strike
from automation import hand_over as services
from automation.hand_over import hand_over_of, make_hand_over, reveal, revoke
from automation.hand_over_page import STOP_POLLING
from automation.models import HandOver
from feedback.models import Team
from tests.conftest import closing_macro, link_to_jira, make_beta, make_key, make_listener

DOOR = "/hand-over/"
SECRET = "melting-lens-cap"
DONE = {
    "webhookEvent": "jira:issue_updated",
    "issue": {"id": "10012", "key": "SANDBOX-12", "fields": {"status": {"name": "Done"}}},
    "changelog": {"items": [{"field": "status", "fromString": "Open", "toString": "Done"}]},
}


@pytest.fixture
def signed(listener):
    listener.secret = SECRET
    listener.save()
    return listener


@pytest.fixture
def stranger():
    return Client()


@pytest.fixture
def make(page, signed):
    """Make a link on the guide's page; returns it as the page shows it."""

    def make(client=page, **given):
        address = reverse("hand_over_add", args=["beta", "BUG", signed.pk])
        answer = client.post(address, {"days": "7"} | given)
        assert answer.headers["Cache-Control"] == "no-store"
        return re.search(r'id="hand-over-link">([^<]+)<', answer.content.decode())[1]

    return make


def token_of(link):
    return link.partition("#")[2]


def show(client, link, **given):
    return client.post(DOOR, {"token": token_of(link)} | given)


def test_a_link_shows_the_guide_without_signing_in_and_without_secrets(make, stranger):
    link = make()

    answer = show(stranger, link)

    content = answer.content.decode()
    assert link.startswith("http://testserver/hand-over/#handover-")
    assert answer.status_code == 200
    assert "Create a WebHook" in content
    assert "feedbackListeners/jiraclosed?find=${issue.key}" in content
    assert "Show the secrets" in content
    assert SECRET not in content
    assert "prefix-community_API_key" in content
    assert HandOver.objects.get().opened_at is None


def test_the_secret_is_shown_once(make, stranger):
    link = make()

    first, second, third = (
        show(stranger, link, action="reveal"),
        show(Client(), link, action="reveal"),
        show(Client(), link),
    )

    hand_over = HandOver.objects.get()
    assert SECRET in first.content.decode()
    for later in (second, third):
        content = later.content.decode()
        assert SECRET not in content
        assert "are not shown again" in content
        assert "If that was not you" in content
        assert f"{hand_over.opened_at:%Y-%m-%d %H:%M} UTC" in content
    assert hand_over.opened_from == "127.0.0.1"


def test_what_a_scanner_fetches_holds_nothing(make, stranger):
    link = make()

    for method in (stranger.get, stranger.head):
        answer = method(link.partition("#")[0])
        assert answer.status_code == 200
        assert "jiraclosed" not in answer.content.decode()
    assert HandOver.objects.get().opened_at is None


@pytest.mark.parametrize(
    "given", [{}, {"action": "reveal"}, {"action": "light"}, {"action": "nonsense"}], ids=str
)
def test_nothing_of_it_is_cached_indexed_or_told_on(make, stranger, given):
    link = make()
    for answer in (stranger.get(DOOR), show(stranger, link, **given), stranger.post(DOOR)):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert not answer.cookies


def test_the_page_tells_nothing_of_the_project(make, stranger, signed, beta):
    link_to_jira(beta.ticket)
    signed.project.name = "Secret project"
    signed.project.save()

    content = show(stranger, make(), action="reveal").content.decode()

    for told in ("Secret project", signed.name, "SANDBOX", "Bugs", "Close ticket", "/admin/"):
        assert told not in content


@pytest.mark.parametrize("days", ["1", "7", "30"])
def test_a_link_ends_when_it_was_said_to(make, days):
    make(days=days)

    hand_over = HandOver.objects.get()
    assert hand_over.expires_at - hand_over.created_at == pytest.approx(
        timedelta(days=int(days)), abs=timedelta(seconds=5)
    )


@pytest.mark.parametrize("days", ["0", "365", "", "x"])
def test_no_other_time_can_be_chosen(page, signed, days):
    address = reverse("hand_over_add", args=["beta", "BUG", signed.pk])

    answer = page.post(address, {"days": days}, follow=True)

    assert "No link was made" in answer.content.decode()
    assert not HandOver.objects.exists()


def test_what_is_past_taken_back_or_unknown_looks_the_same(make, stranger):
    past, taken_back, cut_off = make(), make(), make()
    rows = HandOver.objects.order_by("pk")
    rows.filter(pk=rows[0].pk).update(expires_at=timezone.now())
    revoke(rows[1])

    answers = [
        show(stranger, link, action=action)
        for link in (past, taken_back, cut_off[:-1], "", "#handover-" + "0" * 48, "#\0ä")
        for action in ("", "reveal", "light")
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {
        (404, answers[0].content)
    }
    assert "This link does not work" in answers[0].content.decode()
    assert "beta" not in answers[0].content.decode()


def test_the_whole_link_may_be_pasted(make, stranger):
    assert stranger.post(DOOR, {"token": f" {make()} \n"}).status_code == 200


def test_the_token_is_kept_nowhere(make, stranger, caplog):
    caplog.set_level(logging.DEBUG)
    token = token_of(make())
    show(stranger, f"#{token}", action="reveal")
    show(stranger, f"#{token}x" * 2)

    rows = [str(row) for row in HandOver.objects.values()]
    assert token not in " ".join(rows) + caplog.text
    assert strike(f"POST {token}") == "POST handover-***"


def test_an_error_report_leaves_the_token_out(make, monkeypatch, mailoutbox, settings):
    monkeypatch.setattr("centercode_sim.logs.OnceInAWhile.filter", lambda *record: True)
    settings.ADMINS = [("Op", "op@example.com")]
    settings.DEBUG = False
    link = make()
    monkeypatch.setattr(
        "automation.hand_over_page.hand_over_of", lambda text: 1 / 0 if text else None
    )

    answer = Client(raise_request_exception=False).post(DOOR, {"token": token_of(link)})

    assert answer.status_code == 500
    assert "ZeroDivisionError" in mailoutbox[0].body
    assert token_of(link) not in mailoutbox[0].body


def test_a_link_is_worth_160_bits_and_more():
    assert services.SECRET_BYTES * 8 >= 160


def test_guessing_is_slowed_down_and_good_links_are_not(make, stranger, settings):
    settings.REFUSED_PER_MINUTE = 5
    link = make()

    codes = [stranger.post(DOOR, {"token": f"x{number}"}).status_code for number in range(7)]

    assert codes == [404] * 5 + [429] * 2
    assert stranger.post(DOOR).headers["Retry-After"] == "60"
    assert show(stranger, link).status_code == 200


# Who may


def test_a_project_manager_gives_no_key(make, signed, pam):
    make(gives_key="on")

    assert HandOver.objects.get().gives_key is False
    hand_over, _ = make_hand_over(signed, by=pam, key=True)
    assert hand_over.gives_key is False


@pytest.fixture
def manager(client, root):
    client = Client()
    client.force_login(root)
    return client


def test_a_community_manager_may_let_a_key_be_made_at_that_moment(
    make, manager, stranger, signed, root, post
):
    link = make(manager, gives_key="on")
    assert APIKey.objects.count() == 1  # that of the fixture

    content = show(stranger, link, action="reveal").content.decode()

    key = APIKey.objects.get(name__startswith="Jira closed")
    whole = re.search(rf"{key.prefix}-[0-9a-f]{{48}}", content)[0]
    assert (key.name, key.scopes) == ("Jira closed (beta/jiraclosed)", ["listen"])
    assert (key.project, key.enabled) == (signed.project, True)
    assert "hand-over of root" in key.description
    assert f"apiKey={whole}" in content
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (root, str(key.pk))
    assert "opened from 127.0.0.1" in entry.change_message
    signed.secret = ""
    signed.save()
    assert post(signed, DONE, key=whole).status_code == 200
    assert whole not in show(stranger, link, action="reveal").content.decode()
    assert f"{key.prefix}-…" in show(stranger, link).content.decode()


def test_two_hand_overs_make_two_keys(make, manager, stranger):
    for _ in range(2):
        show(stranger, make(manager, gives_key="on"), action="reveal")

    assert set(APIKey.objects.filter(scopes=["listen"]).values_list("name", flat=True)) >= {
        "Jira closed (beta/jiraclosed)",
        "Jira closed (beta/jiraclosed) 2",
    }


def test_a_link_outlives_its_makers_right_to_make_keys_without_one(
    make, manager, stranger, root, beta
):
    link = make(manager, gives_key="on")
    User.objects.filter(pk=root.pk).update(is_superuser=False)
    beta.managers.members.add(root)

    content = show(stranger, link, action="reveal").content.decode()

    assert SECRET in content
    assert "No API key was made" in content
    assert not APIKey.objects.filter(name__startswith="Jira closed").exists()


@pytest.mark.parametrize("end", ["leaves the team", "is deactivated"])
def test_a_link_ends_with_its_makers_rights(make, stranger, beta, pam, end):
    link = make()
    if end == "leaves the team":
        beta.managers.members.remove(pam)
    else:
        User.objects.filter(pk=pam.pk).update(is_active=False)

    assert show(stranger, link).status_code == 404


def test_the_listeners_pages_list_links_and_take_them_back(make, page, stranger, signed):
    opened, still_open = make(), make()
    show(stranger, opened, action="reveal")
    newest = HandOver.objects.first()

    for name in ("listener", "listener_setup"):
        content = page.get(reverse(name, args=["beta", "BUG", signed.pk])).content.decode()
        assert "The secrets were shown" in content
        assert "to somebody at 127.0.0.1" in content
        assert "Nobody has seen the secrets. It works until" in content
        assert token_of(opened) not in content
        assert token_of(still_open) not in content
    address = reverse("hand_over_revoke", args=["beta", "BUG", signed.pk, newest.pk])
    answer = page.post(address, follow=True)

    assert "The link was revoked" in answer.content.decode()
    assert "Revoked" in answer.content.decode()
    assert show(stranger, still_open).status_code == 404


def test_the_link_of_another_listener_is_not_taken_back_here(make, page, signed, beta, close):
    other = make_listener(beta, close, key="other")
    make()

    address = reverse("hand_over_revoke", args=["beta", "BUG", other.pk, HandOver.objects.get().pk])

    assert page.post(address).status_code == 404
    assert HandOver.objects.get().revoked_at is None


def test_without_anything_secret_there_is_no_button(make, stranger, signed):
    signed.secret = ""
    signed.save()

    content = show(stranger, make()).content.decode()

    assert "Show the secrets" not in content
    assert "which you get from whoever sent you this guide" in content


def test_the_way_that_was_chosen_is_the_one_that_is_shown(make, stranger):
    content = show(stranger, make(way="automation")).content.decode()

    assert "Send web request" in content
    assert "Create a WebHook" not in content


# The light


def lit(client, link, **given):
    answer = show(client, link, action="light", **given)
    return answer.status_code, " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_the_light_says_yes_and_no_more(make, stranger, send, signed, beta):
    link_to_jira(beta.ticket)
    link = make()
    assert "Waiting for the first request …" in lit(stranger, link)[1]
    signed.secret = ""
    signed.save()

    send(signed, DONE, find="SANDBOX-12")

    code, said = lit(stranger, link)
    assert (code, said) == (
        200,
        "It works A request has come and was taken. Nothing is left to do here.",
    )
    assert "hx-post" not in show(stranger, link, action="light").content.decode()


@pytest.mark.parametrize(
    ("body", "find", "says"),
    [
        (DONE, "${issue.key}", "the tracker did not fill in the item"),
        ({"webhookEvent": "x"}, "", "it names no item"),
        (DONE, "SANDBOX-99", "was taken"),
    ],
)
def test_what_is_the_administrators_to_mend_is_said(make, stranger, send, signed, body, find, says):
    link = make()
    signed.secret = ""
    signed.save()
    send(signed, body, find=find)

    said = lit(stranger, link)[1]

    assert says in said
    assert "SANDBOX" not in said


def test_a_refused_request_is_told_with_its_cause(make, stranger, post, signed):
    link = make()
    post(signed, DONE)

    said = lit(stranger, link)[1]

    assert "Not yet A request has come and was refused. The secrets differ" in said


def test_what_came_before_the_link_is_not_told(make, stranger, post, signed):
    post(signed, DONE)
    post(signed, DONE, key="bad")

    assert "Waiting for the first request" in lit(stranger, make())[1]


def test_a_page_that_waits_is_told_only_what_is_new(make, stranger):
    link = make()
    state = re.search(r'name="state" value="([^"]+)"', show(stranger, link).content.decode())[1]

    assert lit(stranger, link, state=state) == (204, "")
    assert lit(stranger, link, state="x")[0] == 200
    assert lit(stranger, link, opened="9" * 40)[0] == 200


def test_a_page_whose_link_ended_stops_asking(make, stranger):
    link = make()
    revoke(HandOver.objects.get())

    answer = stranger.post(
        DOOR, {"token": token_of(link), "action": "light"}, headers={"HX-Request": "true"}
    )

    assert answer.status_code == STOP_POLLING
    assert "does not work any more" in answer.content.decode()


# Two at once


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_it_at_once_one_sees_the_secrets(on_postgres):
    beta = make_beta()
    root = User.objects.create_superuser("root", "root@example.com", "root")
    listener = make_listener(beta, closing_macro(beta), secret=SECRET)
    make_key()
    for _ in range(5):
        _, token = make_hand_over(listener, by=root, key=True)
        seen, start = [], Barrier(4)

        def look(token=token, seen=seen, start=start):
            try:
                found = hand_over_of(token)
                start.wait()
                seen.append(reveal(found, address="192.0.2.1"))
            finally:
                connection.close()

        threads = [Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        shown = [each for each in seen if each is not None]
        assert len(seen) == 4
        assert [each.secret for each in shown] == [SECRET]
    assert APIKey.objects.filter(name__startswith="Jira closed").count() == 5


def test_a_key_that_could_not_be_made_leaves_the_link_unopened(signed, root, monkeypatch):
    hand_over, _ = make_hand_over(signed, by=root, key=True)
    monkeypatch.setattr(services, "issue_key", lambda *args, **options: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        reveal(hand_over, address=None)

    hand_over.refresh_from_db()
    assert hand_over.opened_at is None


def test_a_listener_goes_with_its_links(make, signed, page):
    make()

    page.post(reverse("listener_delete", args=["beta", "BUG", signed.pk]))

    assert not HandOver.objects.exists()


def test_a_manager_of_another_project_makes_no_link(signed, beta):
    outsider = User.objects.create_user("oscar")
    team = Team.objects.create(project=beta.project, name="Watchers", kind=Team.Kind.OBSERVER)
    team.members.add(outsider)
    client = Client()
    client.force_login(outsider)

    address = reverse("hand_over_add", args=["beta", "BUG", signed.pk])

    assert client.post(address, {"days": "7"}).status_code == 404
    assert not HandOver.objects.exists()


def test_the_row_of_the_url_says_that_a_key_is_still_to_be_put_in(page, listener, address):
    guide = page.get(address("listener_setup", listener.pk)).content.decode()

    assert "First put an API key in place of prefix-community_API_key. Paste it whole." in guide


def test_a_sender_without_a_name_is_your_system_in_sentences(page, beta, close, address):
    own = make_listener(beta, close, key="own", sender="generic")

    guide = page.get(address("listener_setup", own.pk)).content.decode()

    assert "Set up “Jira closed” in your system" in guide
    assert "in Anything that can POST" not in guide


def test_a_link_without_secrets_does_not_speak_of_secrets(page, listener):
    page.post(reverse("hand_over_add", args=["beta", "BUG", listener.pk]), {"days": "7"})

    content = page.get(reverse("listener", args=["beta", "BUG", listener.pk])).content.decode()

    assert "There are no secrets to see. It works until" in content
