"""What bites in the other senders' bodies, beside what the recorded ones show."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import time

import pytest

from automation import samples
from automation.models import Delivery
from automation.senders import SENDERS
from feedback.services import link_ticket, submit_ticket
from tests.conftest import make_listener


def body_of(sender, name):
    return copy.deepcopy(samples.load(sender, name).payload)


def read(sender, name, *, headers=None, **changes):
    """The sample's event, some parts of its body changed: a dotted path, with : for dots."""
    body = body_of(sender, name)
    for path, value in changes.items():
        *parents, last = path.split("__")
        holder = body
        for parent in parents:
            holder = holder[parent]
        holder[last] = value
    return SENDERS[sender].read(headers or {}, body)


def reasons():
    return [delivery.reason for delivery in Delivery.objects.order_by("pk")]


@pytest.fixture
def linked(beta, close):
    """Make a listener of ``sender``, and link BUG-0001 to an item of its system."""

    def linked(sender, remote_key, remote_id="", **fields):
        link_ticket(
            beta.ticket, actor="ada", system=sender, remote_key=remote_key, remote_id=remote_id
        )
        return make_listener(beta, close, sender=sender, **fields)

    return linked


# Azure DevOps


def test_an_updates_own_number_is_never_the_items():
    event = read(
        *("azure_devops", "workitem_resolved"),
        resource__workItemId=0,
        resource__revision={},
        message={"text": "no number"},
    )

    assert event.references == ()


@pytest.mark.parametrize("detail", ["minimal", "none"])
def test_without_details_the_message_names_the_item(linked, send, detail):
    listener = linked("azure_devops", "12", when="status_changed_to", when_status="Resolved")
    body = body_of("azure_devops", "workitem_resolved_minimal")
    if detail == "none":
        body["resource"] = None

    assert send(listener, body).reason == "applied"


@pytest.mark.parametrize("said", ["", "\r\n- New Reason: Fixed\r\n", "New State: Resolved"])
def test_without_details_a_message_that_tells_no_state_changes_none(linked, send, said):
    listener = linked("azure_devops", "12", when="status_changed")
    body = body_of("azure_devops", "workitem_resolved_minimal")
    body["detailedMessage"] = {"text": said}

    assert send(listener, body).reason == "event_not_wanted"


@pytest.mark.parametrize(
    ("person", "actor"),
    [
        ("Dana Developer <dana@example.com>", "Dana Developer"),
        ({"displayName": "Dana Developer", "uniqueName": "dana@example.com"}, "Dana Developer"),
        ({"name": "Dana Developer <dana@example.com>"}, "Dana Developer"),
        ({"newValue": {"displayName": "Dana"}, "oldValue": {"displayName": "Sam"}}, "Dana"),
        ("Dana", "Dana"),
        (None, ""),
    ],
)
def test_an_identity_is_a_text_or_an_object(person, actor):
    body = body_of("azure_devops", "workitem_resolved")
    body["resource"]["revisedBy"] = None
    body["resource"]["fields"]["System.ChangedBy"] = person

    assert SENDERS["azure_devops"].read({}, body).actor == actor


NIL = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("own", "subscription", "number", "delivery_id"),
    [
        ("7a0f", "5e1b", 21, "7a0f"),
        ("", "5e1b", 21, "5e1b/21"),
        (NIL, "5e1b", 21, "5e1b/21"),
        (NIL, "5e1b", None, ""),
        (None, None, None, ""),
    ],
)
def test_azures_delivery_id_is_the_events_own_or_the_notifications(
    own, subscription, number, delivery_id
):
    event = read(
        *("azure_devops", "workitem_created"),
        id=own,
        subscriptionId=subscription,
        notificationId=number,
    )

    assert event.delivery_id == delivery_id


def test_a_comment_that_azure_tells_twice_runs_the_macro_once(linked, send):
    listener = linked("azure_devops", "12", when="commented")

    send(listener, body_of("azure_devops", "workitem_commented"))
    send(listener, body_of("azure_devops", "workitem_updated_by_comment"))

    assert reasons() == ["applied", "duplicate"]


@pytest.mark.parametrize(
    ("reference", "comment_id", "change"),
    [
        ({"commentId": 5093, "version": 2}, "12.5093", "edited"),
        ({"commentId": 5093, "version": 1}, "12.5093", "added"),
        (None, "12.rev7", "added"),
    ],
)
def test_an_edited_comment_has_another_version(reference, comment_id, change):
    event = read(
        *("azure_devops", "workitem_updated_by_comment"),
        resource__revision__commentVersionRef=reference,
    )

    assert (event.comment.id, event.comment.change) == (comment_id, change)


def test_the_api_key_comes_as_the_password_of_basic_authentication(linked, api_key, client):
    listener = linked("azure_devops", "12", secret="squirrel")
    password = base64.b64encode(f":{api_key.secret}".encode()).decode()
    headers, body = samples.request_of(samples.load("azure_devops", "workitem_resolved"))
    address = listener.endpoint_path.partition("?")[0]

    codes = [
        client.generic(
            *("POST", address, body),
            content_type=headers["Content-Type"],
            headers={"Authorization": f"Basic {password}"} | proof,
        ).status_code
        for proof in ({"X-Hook-Secret": "squirrel"}, {"X-Hook-Secret": "nut"}, {})
    ]

    assert codes == [200, 401, 401]


@pytest.mark.parametrize("name", [name for sender, name in samples.known() if "azure" in sender])
def test_azure_is_told_200_whatever_comes_of_its_event(post, beta, close, name):
    listener = make_listener(beta, close, sender="azure_devops", enabled=False, when="commented")

    assert post(listener, body_of("azure_devops", name)).status_code == 200


# Rally


def test_a_post_in_a_discussion_is_about_its_artifact(linked, send):
    listener = linked(
        "rally", "DE12", remote_id="3f0f6b1a-5f0c-4b6e-9d0a-7c9c4e9f2a12", when="commented"
    )

    delivery = send(listener, body_of("rally", "discussion_post_created"))

    assert (delivery.reason, delivery.comment["body"]) == (
        "applied",
        "Fixed on the release branch.",
    )


def test_a_post_in_a_discussion_is_no_new_item(linked, send):
    listener = linked(
        "rally", "DE12", remote_id="3f0f6b1a-5f0c-4b6e-9d0a-7c9c4e9f2a12", when="created"
    )

    assert send(listener, body_of("rally", "discussion_post_created")).reason == "event_not_wanted"


def test_a_new_defect_has_had_no_other_status():
    event = read("rally", "defect_created")

    assert (event.kinds, event.status_after) == (("created",), "")


# GitHub


def test_a_ping_is_answered_kindly_and_does_nothing(post, send, linked):
    listener = linked("github", "octo-team/sandbox#12", when="any")
    ping = body_of("github", "ping")
    headers = {"X-GitHub-Event": "ping"}

    answer = post(listener, ping, headers=headers)
    delivery = send(listener, ping, headers=headers, find="BUG-0001")

    assert answer.json()["detail"] == (
        "Jira closed hears you: the webhook is set up. This was a test of the connection."
    )
    assert (delivery.status, delivery.reason) == ("skipped", "event_not_wanted")
    assert delivery.sentence == (
        "Listener “Jira closed” waits for events of items; this was a test of the connection, and "
        "GitHub is through."
    )


@pytest.mark.parametrize("name", ["milestone", "label", "release", "projects_v2_item"])
@pytest.mark.parametrize("action", ["closed", "opened", "deleted", "created"])
def test_an_action_on_something_else_is_another_event(name, action):
    body = body_of("github", "issue_closed") | {"action": action, name: {"id": 1, "number": 12}}
    del body["issue"]

    event = SENDERS["github"].read({"X-GitHub-Event": name}, body)

    assert (event.kinds, event.references, event.status_after) == (("other",), (), "")


def test_a_transferred_issue_is_opened_at_its_new_place_as_a_moved_one():
    body = body_of("github", "issue_opened")
    body["changes"] = {
        "old_issue": {"id": 1, "number": 3},
        "old_repository": {"full_name": "octo-team/delta"},
    }

    event = SENDERS["github"].read({}, body)

    assert event.kinds == ("moved",)
    assert event.references == ("octo-team/sandbox#12", "octo-team/delta#3", "2301147712")


# GitLab


@pytest.mark.parametrize(
    ("kind", "about", "reference"),
    [("emoji", "issue", "beta/sandbox#12"), ("pipeline", "merge_request", "beta/sandbox!31")],
)
def test_a_number_beside_another_event_is_a_reference_too(kind, about, reference):
    body = body_of("gitlab", "note_created") | {"object_kind": kind}
    del body["issue"]
    body[about] = {"id": 301, "iid": int(reference[13:])}

    event = SENDERS["gitlab"].read({}, body)

    assert event.references[0] == reference
    assert (event.kinds, event.comment) == (("other",), None)


def test_an_issue_is_not_a_merge_request_of_the_same_id(linked, send):
    listener = linked("gitlab", "", remote_id="99")

    assert send(listener, body_of("gitlab", "merge_request_merged")).reason == "ticket_not_found"


@pytest.mark.parametrize(
    ("headers", "delivery_id"),
    [
        ({"Idempotency-Key": "f5e5", "X-Gitlab-Event-UUID": "1671"}, "f5e5"),
        ({"X-Gitlab-Event-UUID": "1671"}, "1671/issue/301/close/2026-11-16 10:21:44 UTC"),
        ({}, ""),
    ],
)
def test_what_retries_repeat_goes_before_what_recursion_shares(headers, delivery_id):
    assert read("gitlab", "issue_closed", headers=headers).delivery_id == delivery_id


def test_a_note_that_gitlab_wrote_itself_is_no_comment():
    event = read("gitlab", "note_created", object_attributes__system=True)

    assert (event.kinds, event.comment) == (("other",), None)


SIGNING_TOKEN = "whsec_" + base64.b64encode(b"k" * 32).decode()


def signed(body, moment, key=b"k" * 32):
    digest = hmac.new(key, f"f5e5.{moment}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {
        "webhook-id": "f5e5",
        "webhook-timestamp": str(moment),
        "webhook-signature": signature,
    }


@pytest.mark.parametrize(
    ("secret", "headers", "problem"),
    [
        ("squirrel", {"X-Gitlab-Token": "squirrel"}, ""),
        ("squirrel", {"X-Gitlab-Token": "nut"}, "another secret"),
        ("squirrel", {}, "no X-Gitlab-Token"),
        (SIGNING_TOKEN, signed(b"{}", "soon"), "not of now"),
        (SIGNING_TOKEN, {"X-Gitlab-Token": SIGNING_TOKEN}, "no webhook-signature"),
    ],
)
def test_gitlab_proves_itself_by_token_or_by_signature(secret, headers, problem):
    found = SENDERS["gitlab"].signature.problem(secret, b"{}", headers)

    assert problem in found
    assert bool(problem) == bool(found)


@pytest.mark.parametrize(
    ("body", "key", "age", "problem"),
    [
        (b"{}", b"k" * 32, 0, ""),
        (b"{ }", b"k" * 32, 0, "does not match"),
        (b"{}", b"x", 0, "does not match"),
        (b"{}", b"k" * 32, 3600, "not of now"),
    ],
)
def test_gitlabs_signature_is_of_the_body_the_token_and_now(body, key, age, problem):
    headers = signed(body, int(time.time()) - age, key=key)

    found = SENDERS["gitlab"].signature.problem(SIGNING_TOKEN, b"{}", headers)

    assert problem in found
    assert bool(problem) == bool(found)


def test_two_signatures_are_one_too_many_only_where_neither_fits():
    headers = signed(b"{}", int(time.time()))
    headers["webhook-signature"] = f"v1,AAAA {headers['webhook-signature']}"

    assert SENDERS["gitlab"].signature.problem(SIGNING_TOKEN, b"{}", headers) == ""


# Linear


@pytest.mark.parametrize(("apart", "code"), [(0, 200), (50, 200), (-50, 200), (70, 401)])
def test_a_signed_body_of_linear_is_of_now(post, beta, close, apart, code):
    listener = make_listener(beta, close, sender="linear", secret="squirrel")
    body = body_of("linear", "issue_done")
    body["webhookTimestamp"] = int((time.time() - apart) * 1000)
    raw = json.dumps(body).encode()
    proof = hmac.new(b"squirrel", raw, hashlib.sha256).hexdigest()

    answer = post(listener, raw, headers={"Linear-Signature": proof})

    assert answer.status_code == code


def test_without_a_secret_an_old_body_of_linear_is_taken(post, beta, close):
    listener = make_listener(beta, close, sender="linear")

    answer = post(listener, body_of("linear", "issue_done"))

    assert answer.status_code == 200


def test_a_status_may_be_waited_for_by_linears_type_of_it(linked, send):
    listener = linked(
        "linear", "WEB-12", when="status_changed_to", when_status="category:completed"
    )

    assert send(listener, body_of("linear", "issue_done")).reason == "applied"


def test_a_comment_on_something_else_than_an_issue_is_another_event():
    body = body_of("linear", "comment_created")
    body["url"] = "https://linear.app/sandbox-team/project/export-1234#comment-2174add1"
    del body["data"]["issueId"], body["data"]["issue"]

    event = SENDERS["linear"].read({}, body)

    assert (event.kinds, event.comment, event.references) == (("other",), None, ())


# Every sender


@pytest.mark.parametrize(
    ("sender", "name", "remote_key"),
    [
        ("gitlab", "issue_renamed", "beta/sandbox#12"),
        ("github", "issue_edited", "octo-team/sandbox#12"),
        ("linear", "issue_renamed", "WEB-12"),
        ("rally", "defect_renamed", "DE12"),
        ("jira", "issue_edited", "SANDBOX-12"),
        ("azure_devops", "workitem_updated_by_comment", "12"),
    ],
)
def test_a_changed_title_is_no_changed_status(linked, send, sender, name, remote_key):
    listener = linked(sender, remote_key, when="status_changed")

    assert send(listener, body_of(sender, name)).reason == "event_not_wanted"


@pytest.mark.parametrize("reference", ["jira:SANDBOX-12", "BUG-0001"])
def test_a_key_in_a_body_names_neither_another_system_nor_our_own_ticket(
    send, beta, linked, close, reference
):
    link_ticket(beta.ticket, actor="ada", system="jira", remote_key="SANDBOX-12")
    listener = linked("linear", "WEB-99")
    body = body_of("linear", "issue_done")
    body["data"]["identifier"] = body["data"]["id"] = reference
    body["url"], body["data"]["number"], body["data"]["previousIdentifiers"] = "", None, []

    assert send(listener, body).reason == "ticket_not_found"


def test_a_listeners_own_expression_may_name_a_system(send, beta, close):
    link_ticket(beta.ticket, actor="ada", system="jira", remote_key="SANDBOX-12")
    listener = make_listener(beta, close, sender="generic", reference_expression="item")

    assert send(listener, {"item": "jira:SANDBOX-12"}).reason == "applied"


def test_the_same_number_in_two_systems_is_two_items(send, beta, linked):
    other = submit_ticket(beta.bugs, summary="Elsewhere", submitter=beta.ada)
    link_ticket(other, actor="ada", system="rally", remote_key="12")
    listener = linked("azure_devops", "12")

    delivery = send(listener, body_of("azure_devops", "workitem_resolved"))

    assert [run.ticket for run in delivery.executions.all()] == [beta.ticket]


# As it comes over HTTP


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/json", "utf-8-sig"),
        ("application/json;charset=UTF-8", "utf-8"),
        ("application/json; charset=iso-8859-1", "iso-8859-1"),
        ("application/json; charset=utf-16", "utf-16"),
        ("text/json", "utf-8"),
    ],
)
def test_a_body_is_read_in_its_character_set(
    client, api_key, beta, close, sender, content_type, encoding
):
    listener = make_listener(beta, close, sender=sender, reference_expression="word")
    address = listener.endpoint_path.partition("?")[0]
    raw = '{"word": "café"}'.encode(encoding)

    answer = client.generic(
        *("POST", address, raw), content_type=content_type, headers={"X-API-Key": api_key.secret}
    )

    assert answer.status_code == 200
    assert Delivery.objects.get().references == ["café"]


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/xml"])
def test_an_empty_body_is_none_whatever_its_type(send, beta, close, sender, content_type):
    listener = make_listener(beta, close, sender=sender, when="status_changed")

    assert send(listener, b"", find="BUG-0001", content_type=content_type).reason == "applied"
