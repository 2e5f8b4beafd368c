"""Two writers never overwrite each other in silence: ETag and If-Match."""

from __future__ import annotations

import pytest
from django.test import Client

from automation.macros import save_macro
from automation.models import ExternalListener, Macro
from feedback.models import SavedFilter, Tag, Ticket
from feedback.services import change_ticket, link_ticket
from tests.conftest import closing_macro, make_beta, make_listener
from tests.rest.conftest import at_once, codes, make_scripts_key, request


@pytest.fixture(params=["ticket", "macro", "listener"])
def thing(request, beta, close, listener):
    """The address of one, a body that changes it, and another."""
    return {
        "ticket": (f"tickets/{beta.ticket.pk}/", {"summary": "A"}, {"summary": "B"}),
        "macro": (f"macros/{close.pk}/", {"name": "A"}, {"name": "B"}),
        "listener": (f"listeners/{listener.pk}/", {"name": "A"}, {"name": "B"}),
    }[request.param]


def test_who_read_it_before_it_changed_is_refused(call, thing):
    path, mine, theirs = thing
    etag = call("GET", path).headers["ETag"]
    call("PATCH", path, theirs)

    answer = call("PATCH", path, mine, headers={"If-Match": etag})

    assert (answer.status_code, answer.json()["reason"]) == (412, "changed_meanwhile")
    assert "Read it again" in answer.json()["detail"]
    assert theirs.items() <= call("GET", path).json().items()


def test_who_read_it_as_it_is_may_write_and_is_told_the_next_etag(call, thing):
    path, mine, theirs = thing
    etag = call("GET", path).headers["ETag"]

    first = call("PATCH", path, mine, headers={"If-Match": etag})
    second = call("PATCH", path, theirs, headers={"If-Match": first.headers["ETag"]})

    assert [first.status_code, second.status_code] == [200, 200]
    assert second.headers["ETag"] == call("GET", path).headers["ETag"] != etag


def test_put_asks_too(call, thing):
    path, mine, theirs = thing
    read = call("GET", path)
    call("PATCH", path, theirs)

    answer = call("PUT", path, read.json() | mine, headers={"If-Match": read.headers["ETag"]})

    assert answer.status_code == 412


def test_without_if_match_the_last_one_wins(call, thing):
    path, mine, theirs = thing
    call("GET", path)
    call("PATCH", path, theirs)

    answer = call("PATCH", path, mine)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("*", 200),
        ("{etag}", 200),
        ('"other", {etag}', 200),
        ('"other"', 412),
        ('"other", "another"', 412),
        ("W/{etag}", 412),  # weak tags never match strongly: RFC 9110, 13.1.1
        ("other", 400),
        ("", 400),
    ],
)
def test_if_match_is_read_as_http_has_it(call, beta, wanted, code):
    path = f"tickets/{beta.ticket.pk}/"
    etag = call("GET", path).headers["ETag"]

    answer = call(
        "PATCH", path, {"summary": "Melts"}, headers={"If-Match": wanted.format(etag=etag)}
    )

    assert answer.status_code == code, answer.content
    assert (Ticket.objects.get().summary == "Melts") == (code == 200)
    assert code != 400 or answer.json() == {
        "If-Match": [
            "Give the ETag of what you read, in its quotes, or “*” for whatever it is now."
        ]
    }


@pytest.mark.parametrize(
    ("known", "code"),
    [("{etag}", 304), ("W/{etag}", 304), ('"x", {etag}', 304), ("*", 304), ('"x"', 200)],
)
def test_who_has_it_already_is_not_sent_it_again(call, beta, known, code):
    path = f"tickets/{beta.ticket.pk}/"
    etag = call("GET", path).headers["ETag"]

    answer = call("GET", path, headers={"If-None-Match": known.format(etag=etag)})

    assert (answer.status_code, answer.headers["ETag"]) == (code, etag)
    assert bool(answer.content) == (code == 200)


def test_a_macros_actions_and_a_tickets_tags_are_part_of_it(call, beta, close):
    path, ticket = f"macros/{close.pk}/", f"tickets/{beta.ticket.pk}/"
    before = [call("GET", path).headers["ETag"], call("GET", ticket).headers["ETag"]]
    tag = Tag.objects.create(project=beta.project, name="lens")

    save_macro(close, [("add_comment", {"body": "Seen", "exposure": "public"})])
    change_ticket(beta.ticket, actor="ada", tags=[tag])

    after = [call("GET", path).headers["ETag"], call("GET", ticket).headers["ETag"]]
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_what_changed_since_is_not_deleted(call, beta, close):
    path = f"macros/{close.pk}/"
    old = call("GET", path).headers["ETag"]
    new = call("PATCH", path, {"name": "Shut"}).headers["ETag"]

    answers = [call("DELETE", path, headers={"If-Match": etag}) for etag in (old, new)]

    assert [answer.status_code for answer in answers] == [412, 204]
    assert not Macro.objects.exists()


def test_a_new_row_tells_its_etag(call, beta):
    answer = call("POST", "tags/", {"project": "beta", "name": "lens"})

    assert answer.headers["ETag"] == call("GET", f"tags/{answer.json()['id']}/").headers["ETag"]


def caller(secret, method, path, body=None, headers=None):
    bearer = {"Authorization": f"Bearer {secret}"} | (headers or {})
    return lambda: request(Client(), method, path, body, headers=bearer)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["tickets", "macros", "listeners"])
def test_of_two_writers_at_once_one_wins(on_postgres, what):
    beta = make_beta()
    macro = closing_macro(beta)
    listener = make_listener(beta, macro)
    row, field = {
        "tickets": (beta.ticket, "summary"),
        "macros": (macro, "name"),
        "listeners": (listener, "name"),
    }[what]
    secret = make_scripts_key().secret
    path = f"{what}/{row.pk}/"
    etag = caller(secret, "GET", path)().headers["ETag"]

    answers = at_once(
        *(
            caller(secret, "PATCH", path, {field: f"Writer {number}"}, {"If-Match": etag})
            for number in range(4)
        )
    )

    assert codes(answers) == [200, 412, 412, 412]
    (winner,) = [answer.json()[field] for answer in answers if answer.status_code == 200]
    row.refresh_from_db()
    assert getattr(row, field) == winner


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["projects", "tags", "macros", "listeners", "teams"])
def test_of_two_rows_of_one_name_at_once_one_is_made(on_postgres, what):
    beta = make_beta()
    macro = closing_macro(beta)
    bodies = {
        "projects": {"key": "delta", "name": "Delta"},
        "tags": {"project": "beta", "name": "lens"},
        "teams": {"project": "beta", "name": "Testers", "kind": "support"},
        "macros": {
            "feedback_type": beta.bugs.pk,
            "name": "Note",
            "actions": [{"kind": "add_comment", "params": {"body": "x", "exposure": "public"}}],
        },
        "listeners": {
            "feedback_type": beta.bugs.pk,
            "name": "Jira",
            "key": "jira",
            "sender": "jira",
            "macro": macro.pk,
        },
    }
    secret = make_scripts_key().secret

    answers = at_once(*[caller(secret, "POST", f"{what}/", bodies[what])] * 4)

    made, *refused = sorted(answers, key=lambda answer: answer.status_code)
    assert made.status_code == 201
    assert {answer.status_code for answer in refused} <= {400, 409}
    assert all(len(answer.json()) for answer in refused)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_tickets_made_at_once_have_numbers_and_tags_of_their_own(on_postgres):
    beta = make_beta()
    secret = make_scripts_key().secret
    body = {"feedback_type": beta.bugs.pk, "summary": "Tears", "tags": ["strap"]}

    answers = at_once(*[caller(secret, "POST", "tickets/", body)] * 4)

    refs = [answer.json()["ref"] for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({*refs}) == len(refs) == Ticket.objects.count() - 1 >= 1
    assert Tag.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_is_taken_into_use_while_it_is_deleted_stays_or_is_refused(on_postgres):
    beta = make_beta()
    macro = closing_macro(beta)
    secret = make_scripts_key().secret
    body = {"feedback_type": beta.bugs.pk, "name": "Jira", "key": "jira", "macro": macro.pk}

    answers = at_once(
        caller(secret, "POST", "listeners/", body),
        caller(secret, "DELETE", f"macros/{macro.pk}/"),
    )

    assert {answer.status_code for answer in answers} <= {201, 204, 400, 409}
    assert ExternalListener.objects.count() == Macro.objects.count()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_that_delete_at_once_the_second_finds_nothing(on_postgres):
    beta = make_beta()
    macro = closing_macro(beta)
    secret = make_scripts_key().secret

    answers = at_once(*[caller(secret, "DELETE", f"macros/{macro.pk}/")] * 3)

    assert codes(answers) == [204, 404, 404]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_link_taken_away_twice_at_once_is_one_change(on_postgres):
    beta = make_beta()
    link = link_ticket(beta.ticket, actor="ada", system="jira", remote_key="S-1")
    secret = make_scripts_key().secret
    path = f"tickets/{beta.ticket.pk}/links/{link.pk}/"

    answers = at_once(*[caller(secret, "DELETE", path)] * 3)

    assert codes(answers) == [204, 404, 404]
    assert beta.ticket.changes.filter(field="link", after__isnull=True).count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_saved_filter_written_by_two_at_once_is_one_of_theirs(on_postgres):
    beta = make_beta()
    secret = make_scripts_key().secret
    body = {"feedback_type": beta.bugs.pk, "name": "New", "groups": [{"status": [beta.new.pk]}]}
    path = f"saved-filters/{caller(secret, 'POST', 'saved-filters/', body)().json()['id']}/"

    answers = at_once(
        *(
            caller(secret, "PATCH", path, {"groups": [{"status": [status.pk]}]})
            for status in (beta.open, beta.closed)
        )
    )

    assert codes(answers) == [200, 200]
    (saved,) = SavedFilter.objects.all()
    assert [use.status_id for use in saved.uses.all()] == saved.groups[0]["status"]
