from __future__ import annotations

import pytest
from django.urls import reverse

from automation.models import Delivery, ExternalListener
from feedback.models import FeedbackType, SavedFilter, Team
from feedback.saved_filters import save_filter
from tests.conftest import closing_macro, make_listener

ENDPOINTS = "http://testserver/api/v1/projects/beta/feedbackListeners/"
PLACEHOLDERS = "find=${issue.key}&amp;apiKey=prefix-community_API_key"


@pytest.fixture
def given(close):
    """What the guide's reader fills in."""
    return {
        "name": "Jira closed",
        "key": "jiraclosed",
        "sender": "jira",
        "filter": "",
        "type": "macro",
        "macro": close.pk,
        "when": "status_changed",
        "enabled": "on",
    }


def errors_of(answer):
    return {name: list(messages) for name, messages in answer.context["form"].errors.items()}


def test_create_an_external_listener_as_the_guide_says(page, beta, close, given, address):
    answer = page.post(address("listener_add"), given, follow=True)

    listener = ExternalListener.objects.get()
    assert answer.redirect_chain == [(address("listener_setup", listener.pk), 302)]
    assert (listener.project, listener.feedback_type, listener.macro) == (
        beta.project,
        beta.bugs,
        close,
    )
    assert (listener.when, listener.enabled, listener.secret) == ("status_changed", True, "")
    assert "paste its API Endpoint URL into the tracker, as this guide" in answer.content.decode()


def test_the_form_begins_with_what_suits_jira(page, close, address):
    form = page.get(address("listener_add")).context["form"]

    assert form["sender"].value() == "jira"
    assert form["when"].value() == "status_changed"
    assert form["type"].value() == "macro"
    assert form["macro"].value() == close.pk


def test_the_url_has_the_guides_placeholders_until_they_are_known(page, close, address):
    content = page.get(address("listener_add")).content.decode()

    assert f"{ENDPOINTS}listener_key?{PLACEHOLDERS}" in content
    assert f'data-base="{ENDPOINTS}"' in content
    assert 'data-placeholder="${issue.key}"' in content
    assert 'data-placeholder="VALUE"' in content


def test_the_url_of_a_listener_names_its_key_and_the_site(page, listener, address, settings):
    settings.SITE_URL = "https://hub.example.com"
    url = (
        f"https://hub.example.com/api/v1/projects/beta/feedbackListeners/jiraclosed?{PLACEHOLDERS}"
    )

    assert url in page.get(address("listener", listener.pk)).content.decode()
    assert url in page.get(address("automation")).content.decode()


def test_a_generic_listener_takes_value(page, beta, close, address):
    listener = make_listener(beta, close, sender="generic")

    content = page.get(address("listener", listener.pk)).content.decode()
    assert "find=VALUE&amp;apiKey=prefix-community_API_key" in content


def test_a_key_is_kept_in_small_letters(page, given, address):
    page.post(address("listener_add"), given | {"key": " JiraClosed "})

    assert ExternalListener.objects.get().key == "jiraclosed"


def test_a_key_is_used_once_in_a_project_in_any_letter_case(page, listener, given, address):
    answer = page.post(address("listener_add"), given | {"key": "JIRAclosed"})

    assert errors_of(answer) == {
        "key": [
            "The key “jiraclosed” is taken by listener “Jira closed” of Bugs. "
            "Choose another one: a key is used once in a project."
        ]
    }


def test_a_key_that_no_address_can_carry_is_refused(page, given, address):
    answer = page.post(address("listener_add"), given | {"key": "jira closed/ä"})

    assert list(errors_of(answer)) == ["key"]


def test_macros_and_filters_of_other_types_are_impossible(page, beta, given, address):
    other = closing_macro(beta, name="Elsewhere")
    other.feedback_type = beta.suggestions
    other.save()
    foreign = SavedFilter(
        feedback_type=beta.suggestions, name="New", groups=[{"status": [beta.new.pk]}]
    )
    save_filter(foreign)

    answer = page.post(address("listener_add"), given | {"macro": other.pk, "filter": foreign.pk})

    assert sorted(errors_of(answer)) == ["filter", "macro"]
    assert "Elsewhere" not in page.get(address("listener_add")).content.decode()


def test_archived_macros_are_offered_only_where_they_were_chosen(page, close, listener, address):
    close.archived = True
    close.save()

    new = page.get(address("listener_add")).context["form"].fields["macro"].queryset
    old = page.get(address("listener", listener.pk)).context["form"].fields["macro"].queryset
    assert (list(new), list(old)) == ([], [close])


@pytest.mark.parametrize(
    ("when", "way_out"),
    [
        ("status_changed", "enter an event expression or a status expression"),
        ("status_changed_to", "enter a status expression"),
        ("created", "enter an event expression"),
        ("commented", "enter an event expression"),
    ],
)
def test_a_generic_sender_tells_no_kinds_apart(page, given, address, when, way_out):
    changes = {"sender": "generic", "when": when, "when_status": "Done"}
    answer = page.post(address("listener_add"), given | changes)

    assert errors_of(answer) == {
        "when": [
            f"Anything that can POST does not tell that: {way_out}, or choose one of “Any event”."
        ]
    }


def test_a_status_changed_to_needs_its_status(page, given, address):
    answer = page.post(address("listener_add"), given | {"when": "status_changed_to"})
    page.post(
        address("listener_add"),
        given | {"when": "status_changed_to", "when_status": " Done , Closed,"},
    )

    assert errors_of(answer) == {
        "when_status": ["Enter the status over there, exactly as the tracker calls it."]
    }
    assert ExternalListener.objects.get().when_status == "Done, Closed"


def test_a_status_is_not_kept_where_it_means_nothing(page, given, address):
    page.post(address("listener_add"), given | {"when": "any", "when_status": "Done"})

    assert ExternalListener.objects.get().when_status == ""


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("a..b", "“.” at position 3 does not fit"),
        ("issue.[", "the end at position 8 does not fit"),
        ("a == 'x", "“'x” at position 6 does not fit"),
        ("nope(a)", "Unknown function: nope()"),
        ("length(a, b)", "Expected 1 argument"),
        ("(" * 490, "does not fit"),
    ],
)
@pytest.mark.parametrize("field", ["condition", "reference_expression", "status_expression"])
def test_an_expression_that_does_not_compile_is_refused(
    page, given, address, field, expression, problem
):
    answer = page.post(address("listener_add"), given | {field: expression})

    [message] = errors_of(answer)[field]
    assert problem in message or "nested too deeply" in message
    assert answer.context["layout"].expressions_open()


@pytest.mark.parametrize("expression", ["contains(labels, 'beta')", "`1` < 'a'"])
def test_an_expression_that_only_dislikes_an_empty_body_is_kept(page, given, address, expression):
    page.post(address("listener_add"), given | {"condition": expression})

    assert ExternalListener.objects.get().condition == expression


def test_a_secret_is_written_and_never_shown(page, given, address):
    page.post(address("listener_add"), given | {"new_secret": "squirrel"})
    listener = ExternalListener.objects.get()

    shown = page.get(address("listener", listener.pk)).content.decode()
    page.post(address("listener", listener.pk), given)

    listener.refresh_from_db()
    assert listener.secret == "squirrel"
    assert "squirrel" not in shown
    assert "A secret is set." in shown


def test_a_secret_is_replaced_and_removed(page, listener, given, address):
    listener.secret = "old"
    listener.save()
    url = address("listener", listener.pk)

    page.post(url, given | {"new_secret": "new"})
    replaced = ExternalListener.objects.get().secret
    page.post(url, given | {"remove_secret": "on"})

    assert (replaced, ExternalListener.objects.get().secret) == ("new", "")


def test_a_refused_form_does_not_forget_that_a_secret_is_set(page, listener, given, address):
    listener.secret = "old"
    listener.save()
    changes = {"new_secret": "new", "remove_secret": "on", "name": "y" * 101}
    answer = page.post(address("listener", listener.pk), given | changes)

    assert "A secret is set." in answer.content.decode()
    assert sorted(errors_of(answer)) == ["name", "new_secret"]
    assert answer.context["title"] == "Jira closed"


def test_a_listener_is_switched_off_and_on_with_one_click(page, listener, address):
    url = address("listener_switch", listener.pk)

    off = page.post(url, {"enabled": "off"}, follow=True)
    is_off = not ExternalListener.objects.get().enabled
    page.post(url, {"enabled": "on"})

    assert is_off
    assert "is switched off: its requests are kept" in off.content.decode()
    assert ExternalListener.objects.get().enabled
    assert page.get(url).status_code == 405


def test_the_cards_say_what_each_listener_does_and_what_came_last(page, send, beta, close, address):
    listener = make_listener(beta, close, when="status_changed_to", when_status="Done")
    send(listener, find="BUG-0001")
    send(listener, find="BUG-0404")

    content = " ".join(page.get(address("automation")).content.decode().split())
    assert "Filter: No filter." in content
    assert "When: Status changed to Done." in content
    assert "No ticket of Bugs goes by BUG-0404." in content
    assert Delivery.objects.order_by("pk").last().get_absolute_url() in content


def test_automation_takes_as_many_queries_for_many_listeners_as_for_one(
    page, send, beta, close, address, django_assert_max_num_queries
):
    for number in range(30):
        listener = make_listener(beta, close, key=f"key{number}", name=f"L {number}")
        listener.status_rows.create(status="Done", macro=close)
        listener.protected_statuses.add(beta.new)
        send(listener, find="BUG-1")
    page.get(address("automation"))

    with django_assert_max_num_queries(20):
        answer = page.get(address("automation"))

    assert len(answer.context["listeners"]) == 25
    assert all(last for _, _, last in answer.context["listeners"])


def test_without_a_macro_the_pages_lead_to_one(page, beta, address):
    for name in ("automation", "listener_add"):
        assert address("macro_add") in page.get(address(name)).content.decode()


def test_a_listener_that_received_something_is_not_deleted(page, send, listener, address):
    send(listener, find="BUG-0001")
    answer = page.post(address("listener_delete", listener.pk))

    assert answer.status_code == 409
    assert "switch it off instead" in answer.content.decode()
    assert f'action="{address("listener_switch", listener.pk)}"' in answer.content.decode()
    assert ExternalListener.objects.exists()


def test_an_unused_listener_is_deleted(page, listener, address):
    page.post(address("listener_delete", listener.pk))

    assert not ExternalListener.objects.exists()


def test_the_setup_steps_of_each_sender_are_there(page, close, address):
    content = page.get(address("listener_add")).content.decode()

    assert "Settings → System → WebHooks → Create a WebHook" in content
    assert '<code class="hub-mono">find=</code>' in content
    assert "``" not in content


@pytest.mark.parametrize("role", ["support", "observer", "participant", "outsider"])
@pytest.mark.parametrize(
    "name", ["automation", "listener_add", "listener", "listener_delete", "listener_switch"]
)
def test_only_those_who_manage_the_project_see_its_listeners(
    client, people, listener, address, role, name
):
    client.force_login(people[role])
    one = name not in ("automation", "listener_add")
    url = address(name, listener.pk) if one else address(name)

    assert client.post(url, {"enabled": "off"}).status_code in (404, 405)
    assert client.get(url).status_code in (404, 405)
    assert ExternalListener.objects.get().enabled


def test_a_listener_of_another_project_is_not_found(client, people, listener):
    """Under the outsider's own project, by an address typed by hand."""
    client.force_login(people["outsider"])
    url = reverse("listener", args=["other", "BUG", listener.pk])

    assert FeedbackType.objects.filter(project__key="other", prefix="BUG").exists()
    assert Team.objects.filter(project__key="other").exists()
    assert client.get(url).status_code == 404
