"""The set-up guide: each tracker's form, with the listener's own values."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
from django.urls import reverse

from automation import jql
from automation.models import Delivery, ExternalListener
from automation.senders import SENDERS
from automation.setup import WAYS, generic, jira
from automation.setup.base import facts_of, shown_steps, with_secrets
from tests.conftest import closing_macro, link_to_jira, make_listener

SITE = "https://hub.example.com"
SECRET = 'It\'s a "secret" $HOME'


@pytest.fixture
def make(beta, close):
    return lambda macro=close, **fields: make_listener(beta, macro, **fields)


@pytest.fixture
def address():
    return lambda listener, name="listener_setup", *args: reverse(
        name, args=["beta", "BUG", listener.pk, *args]
    )


def shown(listener, way=None, **secrets):
    """{label: value, or what is to be chosen} of a way, the sender's first by default."""
    facts = facts_of(listener, SITE, "Hub")
    if secrets:
        facts = with_secrets(facts, **secrets)
    steps = shown_steps(way or WAYS[listener.sender][0], facts)
    return {field.label: field.value or field.choose for step in steps for field in step.fields}


EVERY_WAY = [(sender, way) for sender, ways in WAYS.items() for way in ways]
CHOICES = [
    {"when": "any"},
    {"when": "status_changed"},
    {"when": "status_changed_to", "when_status": 'Done, "Won\'t fix"'},
    {"when": "created"},
    {"when": "commented", "secret": SECRET},
    {"when": "any", "type": "comment"},
    {"when": "any", "type": "custom_data", "secret": SECRET},
    {"when": "any", "reference_expression": "a.b", "condition": "a == 'b'"},
]


def test_every_sender_has_its_ways():
    assert SENDERS.keys() <= WAYS.keys()


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_way_has_something_to_say_whatever_was_chosen(make, choice):
    listener = make(**choice)
    for sender, way in EVERY_WAY:
        listener.sender = sender if sender in SENDERS else "generic"
        for step in shown_steps(way, facts_of(listener, SITE, "Hub")):
            assert step.text
            for field in step.fields:
                said = field.value or field.choose
                assert said, f"{way.name}: {field.label} says nothing"
                assert "None" not in said.split() or field.label == "Detailed messages to send"
                assert "tick nothing" not in said or way.slug == "webhooks"


@pytest.mark.parametrize(("sender", "way"), EVERY_WAY, ids=lambda each: getattr(each, "slug", each))
def test_every_way_names_the_vendors_own_page(sender, way):
    assert way.source.startswith("https://")
    assert way.who
    assert way.choose.endswith(".")


@pytest.mark.parametrize("sender", SENDERS)
def test_no_guide_tells_the_secret_before_it_is_asked_for(make, sender):
    listener = make(sender=sender, secret=SECRET, when="any")

    told = [shown(listener, way) for way in WAYS[sender]]

    assert SECRET not in json.dumps(told, ensure_ascii=False)
    assert "prefix-community_API_key" in json.dumps(told)


@pytest.mark.parametrize("sender", ["jira", "azure_devops", "github", "gitlab", "generic"])
def test_what_is_revealed_stands_where_the_form_takes_it(make, sender):
    listener = make(sender=sender, secret="s3cret", when="any")

    told = json.dumps(shown(listener, key="jira-key", secret="s3cret"))

    assert "s3cret" in told
    assert "jira-key" in told
    assert "prefix-community_API_key" not in told


def test_jiras_form_in_its_order(make):
    listener = make(when="status_changed_to", when_status="Done, In Review")

    assert shown(listener) == {
        "Name": "Hub: jiraclosed",
        "Status": "Enabled",
        "URL": f"{SITE}/api/v1/projects/beta/feedbackListeners/jiraclosed"
        "?find=${issue.key}&apiKey=prefix-community_API_key",
        "Secret": "leave it empty: the listener expects none",
        "Issue related events": 'project = YOUR_PROJECT AND status in ("Done", "In Review")',
        "Issue": "tick “updated”",
        "Exclude body": "leave it unticked",
    }


@pytest.mark.parametrize(
    ("choice", "ticked"),
    [
        ({"when": "created"}, {"Issue": "tick “created”"}),
        ({"when": "status_changed"}, {"Issue": "tick “updated”"}),
        ({"when": "commented"}, {"Comment": "tick “created”"}),
        (
            {"when": "any", "type": "comment"},
            {"Comment": "tick “created” and “updated” and “deleted”"},
        ),
        (
            {"when": "any"},
            {"Issue": "tick “created” and “updated”", "Comment": "tick “created”"},
        ),
    ],
    ids=str,
)
def test_the_events_to_tick_follow_what_the_listener_waits_for(make, choice, ticked):
    told = shown(make(**choice))

    assert {name: told[name] for name in ticked} == ticked


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_the_query_that_is_offered_passes_our_own_check(make, choice):
    facts = facts_of(make(**choice), SITE, "Hub")

    assert jql.check(jira.jql(facts)) == []


def test_a_status_table_says_which_statuses_to_send(beta, make):
    listener = make(when="any", macro=None)
    for order, status in enumerate(["In Progress", "Done, Closed"]):
        listener.status_rows.create(order=order, status=status, macro=closing_macro(beta, status))

    told = shown(listener)

    assert told["Issue"] == "tick “updated”"
    assert 'status in ("In Progress", "Done", "Closed")' in told["Issue related events"]


def test_a_table_with_a_row_for_any_status_leaves_the_query_open(beta, make):
    listener = make(when="any", macro=None)
    listener.status_rows.create(order=0, status="", resolution="Fixed")

    assert shown(listener)["Issue related events"] == "project = YOUR_PROJECT"


def filled_in(template):
    """As Jira Automation fills in smart values."""
    values = {
        "issue.id": "10012",
        "issue.key": "SANDBOX-12",
        "issue.status.name.jsonEncode": "Done",
        "issue.resolution.name.jsonEncode": "Fixed",
        "comment.id": "7",
        "comment.body.jsonEncode": 'Look \\"here\\"',
        "comment.author.displayName.jsonEncode": "Bo",
        "now.toMillis": "1767268800000",
    }
    return re.sub(r"\{\{([\w.]+)\}\}", lambda match: values[match[1]], template)


def test_automations_own_body_is_read_like_a_webhook(make):
    listener = make(when="any", macro=None)
    listener.status_rows.create(status="Done")
    body = json.loads(filled_in(shown(listener, jira.AUTOMATION)["Custom data"]))

    event = SENDERS["jira"].read({}, body)

    assert event.references[0] == "SANDBOX-12"
    assert (event.kinds, event.status_after) == (("status_changed",), "Done")


def test_automation_sends_comments_with_their_text(make):
    listener = make(when="any", type="comment")

    body = json.loads(filled_in(shown(listener, jira.AUTOMATION)["Custom data"]))

    assert (body["webhookEvent"], body["comment"]["body"]) == ("comment_created", 'Look "here"')


def test_automation_sends_no_body_where_the_rule_is_enough(make):
    told = shown(make(when="status_changed"), jira.AUTOMATION)

    assert told["Web request body"] == "Empty"
    assert told["Web request URL"].endswith("jiraclosed?find={{issue.key}}")


def test_azure_devops_gets_the_key_as_a_password_and_never_in_the_url(make):
    told = shown(make(sender="azure_devops", when="status_changed"))

    assert told["URL"] == f"{SITE}/api/v1/projects/beta/feedbackListeners/jiraclosed"
    assert told["Basic authentication password"] == "prefix-community_API_key"
    assert (told["Field"], told["Resource details to send"]) == ("State", "All")


def test_rallys_command_is_one_that_a_shell_understands(make):
    listener = make(sender="rally", when="status_changed_to", when_status="Closed, Won't fix")
    command = shown(listener)["Command"].replace("curl", "printf '%s\\0'", 1)

    words = subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout
    definition = json.loads(words.decode().split("\0")[-2])

    assert definition["TargetUrl"].endswith("jiraclosed?apiKey=prefix-community_API_key")
    assert definition["Expressions"][1]["Value"] == "Closed,Won't fix"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("secret", ["", SECRET])
def test_the_command_for_anything_else_works_when_pasted_into_a_shell(
    live_server, make, api_key, secret
):
    if not (shutil.which("curl") and shutil.which("openssl")):
        pytest.skip("needs curl and openssl")
    listener = make(sender="generic", secret=secret)
    facts = facts_of(listener, live_server.url, "Hub")
    command = generic.signed_command if secret else generic.command

    pasted = command(with_secrets(facts, key=api_key.secret, secret=secret))
    answer = subprocess.run(["sh", "-c", pasted], capture_output=True, check=True).stdout

    assert json.loads(answer)["status"] == "received"
    assert Delivery.objects.get().find == "BUG-0001"


# The page


def test_the_page_has_the_keys_of_projects_that_tickets_are_linked_to(page, beta, make, address):
    link_to_jira(beta.ticket)

    content = page.get(address(make(when="any"))).content.decode()

    assert "project = SANDBOX" in content
    assert "YOUR_PROJECT" not in content


def test_each_way_has_a_page_of_its_own(page, make, address):
    content = page.get(address(make()), {"way": "automation"}).content.decode()

    assert "Send web request" in content
    assert "find={{issue.key}}" in content


def test_a_way_that_is_none_leads_to_the_usual_one(page, make, address):
    assert page.get(address(make()), {"way": "nonsense"}).context["way"] is jira.WEBHOOKS


def test_a_sender_without_steps_has_a_page_all_the_same(page, make, address, monkeypatch):
    monkeypatch.delitem(WAYS, "jira")

    answer = page.get(address(make()))

    assert answer.status_code == 200
    assert "There are no steps for Jira yet" in answer.content.decode()


def test_a_way_that_cannot_sign_says_so_where_the_listener_has_a_secret(page, make, address):
    signed, plain = make(secret="s"), make(key="plain")

    told = [
        page.get(address(listener), {"way": "automation"}).content.decode()
        for listener in (signed, plain)
    ]

    assert ["this way cannot sign" in text for text in told] == [True, False]


def test_the_listeners_pages_lead_to_the_guide(page, make, address):
    listener = make()

    for name, args in (("listener", [listener.pk]), ("automation", [])):
        content = page.get(reverse(name, args=["beta", "BUG", *args])).content.decode()
        assert address(listener) in content


def test_a_query_is_checked_on_the_page(page, make, address):
    answer = page.post(address(make()), {"query": 'project = "S" ANDlabels = <b>'})

    content = answer.content.decode()
    assert "“ANDlabels” runs two words together" in content
    assert "&lt;b&gt;" in content
    assert "<b>" not in content


def test_a_query_that_is_right_is_told_so(page, make, address):
    answer = page.post(address(make()), {"query": "project = S"})

    assert "Jira will understand this as it stands." in answer.content.decode()


def test_the_pages_of_a_listener_ask_few_questions(
    page, make, address, django_assert_max_num_queries
):
    listener = make()
    for number in range(20):
        listener.status_rows.create(status=f"S{number}", order=number)
    ExternalListener.objects.update(macro=listener.macro)

    with django_assert_max_num_queries(24):
        page.get(address(listener))
