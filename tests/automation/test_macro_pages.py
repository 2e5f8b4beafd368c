from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from access.callers import Caller
from automation.actions import ACTIONS
from automation.actions.base import Group
from automation.by_hand import run_by_hand
from automation.macros import save_macro
from automation.models import Macro, Schedule, StatusRow, Trigger
from feedback.models import Status, Tag, Workflow
from tests.conftest import add_field, closing_macro, make_listener, narrow_listener

COUNTED = re.compile(r'<a href="([^"]+)#used-by">([^<]+)</a>')


@pytest.fixture
def address(beta):
    return lambda name, *args: reverse(name, args=[beta.project.key, "BUG", *args])


@pytest.fixture
def used_by_all(beta, close, listener):
    """The macro and one filter are named by a row of each kind that can."""
    narrow_listener(listener, "New ones", status=[beta.new.pk])
    other = make_listener(beta, None, key="table", name="By table")
    StatusRow.objects.create(listener=other, macro=close, status="Done")
    rule = {"feedback_type": beta.bugs, "macro": close, "filter": listener.filter}
    Trigger.objects.create(name="At once", event="submitted", **rule)
    Schedule.objects.create(name="Weekly", every="week", starts_at=timezone.now(), **rule)
    save_macro(Macro(feedback_type=beta.bugs, name="Outer"), [("run_macro", {"macro": close.pk})])


def text_of(answer):
    return answer.content.decode()


def ticked(beta, **changes):
    return {
        "name": "Close it",
        "enabled": "on",
        "adjust_workflow": "on",
        "adjust_workflow-team": beta.support.pk,
        "adjust_workflow-workflow": beta.workflow.pk,
        "adjust_workflow-status": beta.closed.pk,
    } | changes


def test_create_a_macro_as_the_guide_says(page, beta, address):
    answer = page.post(address("macro_add"), ticked(beta), follow=True)

    macro = Macro.objects.get()
    assert answer.redirect_chain == [(address("resources"), 302)]
    assert (macro.feedback_type, macro.name) == (beta.bugs, "Close it")
    assert macro.actions.get().params == {
        "team": beta.support.pk,
        "workflow": beta.workflow.pk,
        "status": beta.closed.pk,
    }
    assert "Feedback Automation → Create an External Listener" in answer.content.decode()
    assert "Move to “Closed” in Default, owned by Beta Support" in answer.content.decode()


def test_at_first_everything_is_left_as_it_is(page, beta, address):
    form = page.get(address("macro_add")).context["form"]

    workflow = form.parts[0].form["workflow"]
    assert workflow.value() is None
    assert workflow.field.widget.choices == [
        ("", "Leave as it is"),
        (beta.workflow.pk, "Default"),
    ]
    assert not any(part.ticked for part in form.parts)


def test_several_actions_are_kept_in_the_order_of_the_page(page, beta, address):
    comment = {"add_comment": "on", "add_comment-body": "Thanks", "add_comment-exposure": "public"}
    page.post(address("macro_add"), ticked(beta) | comment)

    kinds = [action.kind for action in Macro.objects.get().actions.all()]
    assert kinds == ["adjust_workflow", "add_comment"]


SAY = {"add_comment-body": "One", "add_comment-exposure": "public"}
AGAIN = {"add_comment-2-body": "Two", "add_comment-2-exposure": "internal"}
TWICE = {"add_comment": "on", "add_comment-2": "on"} | SAY | AGAIN


def kept(macro=None):
    rows = (macro or Macro.objects.get()).actions.all()
    return [row.params.get("body", row.kind) for row in rows]


@pytest.mark.parametrize(
    ("order", "runs"),
    [
        ("add_comment-2,adjust_workflow,add_comment", ["Two", "adjust_workflow", "One"]),
        ("add_comment,add_comment-2", ["One", "Two", "adjust_workflow"]),
        ("add_comment-2", ["Two", "adjust_workflow", "One"]),
        ("", ["adjust_workflow", "One", "Two"]),
        ("add_tags,add_comment,set_blocking", ["One", "adjust_workflow", "Two"]),
        ("add_comment,add_comment,add_comment", ["One", "adjust_workflow", "Two"]),
        ("nonsense,add_comment-2,adjust_workflow-2,-,é\0", ["Two", "adjust_workflow", "One"]),
        ("add_comment-02,add_comment-1,add_comment-0", ["adjust_workflow", "One", "Two"]),
        ("," * 50_000, ["adjust_workflow", "One", "Two"]),
    ],
)
def test_actions_run_in_the_order_that_was_sent(page, beta, address, order, runs):
    answer = page.post(address("macro_add"), ticked(beta) | TWICE | {"order": order})

    assert answer.status_code == 302
    assert kept() == runs


def test_a_saved_order_is_shown_and_kept_without_scripts(page, beta, address):
    page.post(
        address("macro_add"),
        ticked(beta) | TWICE | {"order": "add_comment-2,adjust_workflow,add_comment"},
    )
    macro = Macro.objects.get()

    answer = page.get(address("macro", macro.pk))

    form = answer.context["form"]
    assert form.order == "add_comment,adjust_workflow,add_comment-2"
    assert f'name="order" value="{form.order}"' in answer.content.decode()
    assert [part.form["body"].value() for part in form.ticked if "comment" in part.prefix] == [
        "Two",
        "One",
    ]
    block = {"set_blocking": "on", "set_blocking-blocking": "True"}
    page.post(address("macro", macro.pk), ticked(beta) | TWICE | block | {"order": form.order})
    assert kept(macro) == ["One", "adjust_workflow", "Two", "set_blocking"]


def test_what_is_ticked_stands_first_and_keeps_its_place_where_something_is_wrong(
    page, beta, address
):
    wrong = {"order": "add_comment-2,adjust_workflow,add_comment", "add_comment-2-body": ""}

    form = page.post(address("macro_add"), ticked(beta) | TWICE | wrong).context["form"]

    assert form.order == wrong["order"]
    assert [part.prefix for part in form.parts][:4] == [*wrong["order"].split(","), "set_field"]
    assert [part.prefix for part in form.ticked if part.form.errors] == ["add_comment-2"]
    assert form.ticked[0].form.errors == {"body": ["This field is required."]}


def test_what_no_form_knows_stands_at_the_copy_that_is_wrong(page, beta, close, address):
    outer = save_macro(
        Macro(feedback_type=beta.bugs, name="Outer"), [("run_macro", {"macro": close.pk})]
    )
    other = closing_macro(beta, name="Other")
    twice = {"run_macro": "on", "run_macro-macro": outer.pk}
    twice |= {"run_macro-2": "on", "run_macro-2-macro": other.pk, "order": "run_macro-2,run_macro"}

    form = page.post(address("macro", close.pk), {"name": "Close"} | twice).context["form"]

    assert [[*part.form.errors] for part in form.ticked] == [[], ["macro"]]


def test_what_is_done_once_has_no_second_part(page, beta, address):
    twice = {"adjust_workflow-2": "on", "adjust_workflow-2-status": beta.open.pk}

    page.post(address("macro_add"), ticked(beta) | twice | {"order": "adjust_workflow-2"})

    assert kept() == ["adjust_workflow"]
    content = page.get(address("macro_add")).content.decode()
    assert 'data-blank="add_comment"' in content
    assert 'data-blank="adjust_workflow"' not in content


def test_a_macro_has_room_for_fifty_things(page, beta, address):
    many = {"add_note": "on", "add_note-body": "1"}
    for number in range(2, 40):
        many |= {f"add_note-{number}": "on", f"add_note-{number}-body": str(number)}

    answer = page.post(address("macro_add"), {"name": "Many"} | many)

    form = answer.context["form"]
    assert form.non_field_errors() == ["A macro does up to 50 things: remove some."]
    assert len(form.parts) == 50
    assert not Macro.objects.exists()


def test_a_saved_part_is_folded_to_its_sentence_until_something_is_wrong(
    page, beta, close, address
):
    folded = "<summary>Move to “Closed” in Default, owned by Beta Support</summary>"

    shown = page.get(address("macro", close.pk))
    refused = page.post(address("macro", close.pk), ticked(beta, name=""))

    assert folded in text_of(shown)
    assert "<summary>" not in text_of(refused)


def test_an_error_stands_at_its_field_and_the_tick_stays(page, beta, address):
    wrong = ticked(beta, **{"adjust_workflow-status": beta.workflow.pk + 10**6})
    answer = page.post(address("macro_add"), wrong)

    part = answer.context["form"].parts[0]
    assert part.ticked
    assert [*part.form.errors] == ["status"]
    assert part.form["team"].value() == str(beta.support.pk)
    assert "Nothing was saved yet." in answer.content.decode()
    assert not Macro.objects.exists()


def test_a_status_of_another_workflow_is_refused(page, beta, address):
    other = Workflow.objects.create(project=beta.project, name="Fast")
    status = Status.objects.create(workflow=other, name="Gone")
    answer = page.post(address("macro_add"), ticked(beta, **{"adjust_workflow-status": status.pk}))

    errors = answer.context["form"].parts[0].form.errors
    assert errors == {"status": ["“Gone” is not a status of Default."]}


def test_a_macro_needs_a_tick_and_keeps_what_was_typed_without_one(page, beta, address):
    untouched = ticked(beta)
    del untouched["adjust_workflow"]
    answer = page.post(address("macro_add"), untouched)

    form = answer.context["form"]
    assert form.non_field_errors() == ["Tick at least one thing that the macro does."]
    assert form.parts[0].form["status"].value() == str(beta.closed.pk)
    assert not form.parts[0].form.is_bound


@pytest.mark.parametrize("nonsense", ["abc", "²", "9" * 40, "-1", "0x1"])
def test_nonsense_for_a_row_is_refused_with_and_without_the_tick(page, beta, address, nonsense):
    given = ticked(beta, **{"adjust_workflow-status": nonsense})
    with_tick = page.post(address("macro_add"), given)
    del given["adjust_workflow"]
    without = page.post(address("macro_add"), given)

    assert (with_tick.status_code, without.status_code) == (200, 200)
    assert not Macro.objects.exists()


def test_two_macros_of_a_type_cannot_have_one_name(page, beta, close, address):
    answer = page.post(address("macro_add"), ticked(beta, name="CLOSE ticket"))

    assert answer.context["form"].errors == {
        "name": ["There already is a macro “CLOSE ticket”. Choose another name."]
    }


def test_what_is_archived_is_offered_only_where_it_was_chosen(page, beta, close, address):
    Status.objects.filter(pk__in=[beta.closed.pk, beta.open.pk]).update(archived=True)

    def offered(url):
        choices = page.get(url).context["form"].parts[0].form.fields["status"].widget.choices
        return {pk for pk, _ in choices}

    assert not {beta.closed.pk, beta.open.pk} & offered(address("macro_add"))
    assert beta.closed.pk in offered(address("macro", close.pk))
    assert beta.open.pk not in offered(address("macro", close.pk))


def test_each_status_says_which_workflow_it_follows(page, beta, address):
    fast = Workflow.objects.create(project=beta.project, name="Fast")
    Status.objects.create(workflow=fast, name="Gone")
    content = page.get(address("macro_add")).content.decode()

    assert 'data-follows="adjust_workflow-workflow"' in content
    assert f'data-workflow="{fast.pk}">Gone</option>' in content
    assert '<optgroup label="Fast">' in content


def test_a_macro_is_edited_and_archived(page, beta, close, address):
    answer = page.get(address("macro", close.pk))
    assert answer.context["form"].parts[0].ticked

    page.post(
        address("macro", close.pk),
        ticked(beta, name="Reopen", archived="on") | {"adjust_workflow-status": beta.open.pk},
    )

    close.refresh_from_db()
    assert (close.name, close.archived) == ("Reopen", True)
    assert close.actions.get().params["status"] == beta.open.pk


def test_a_refused_name_does_not_become_the_heading(page, beta, close, address):
    answer = page.post(address("macro", close.pk), ticked(beta, name="x" * 101))

    assert answer.context["title"] == "Close ticket"


def test_an_unused_macro_is_deleted_after_a_question(page, close, address):
    question = page.get(address("macro_delete", close.pk))
    answer = page.post(address("macro_delete", close.pk), follow=True)

    assert "it can be restored" in question.content.decode()
    assert "Macro “Close ticket” was deleted." in answer.content.decode()
    assert not Macro.objects.exists()


def test_a_macro_in_use_is_not_deleted_and_its_users_are_named(page, close, listener, address):
    answer = page.post(address("macro_delete", close.pk))

    assert answer.status_code == 409
    assert [use.name for use in answer.context["users"]] == ["Listener “Jira closed”"]
    assert f'<a href="{listener.get_absolute_url()}">Listener “Jira closed”</a>' in text_of(answer)
    assert Macro.objects.exists()


def test_all_that_uses_a_macro_or_a_filter_is_counted(page, beta, close, used_by_all, address):
    content = text_of(page.get(address("resources")))

    used = [word for word in COUNTED.findall(content) if f"/macros/{close.pk}/" in word[0]]
    narrowing = [word for word in COUNTED.findall(content) if "/filters/" in word[0]]
    assert [text for _, text in used] == ["2 listeners", "1 trigger", "1 schedule", "1 macro"]
    assert [text for _, text in narrowing] == ["1 listener", "1 trigger", "1 schedule"]


def test_the_page_of_a_macro_links_all_that_runs_it(page, close, used_by_all, address):
    answer = page.get(address("macro", close.pk))

    assert [use.name for use in answer.context["users"]] == [
        "Listener “By table” (its status table: Done)",
        "Listener “Jira closed”",
        "Trigger “At once”",
        "Schedule “Weekly”",
        "Macro “Outer”",
    ]
    assert all(use.url in text_of(answer) for use in answer.context["users"])


def test_a_macro_that_ran_is_archived_right_where_it_cannot_be_deleted(
    page, people, beta, close, address
):
    run_by_hand(close, beta.ticket, Caller.of(people["manager"]))

    answer = page.post(address("macro_delete", close.pk))
    archived = page.post(address("macro_delete", close.pk), {"archived": "on"}, follow=True)

    assert answer.status_code == 409
    assert "It ran, and the record stays: archive it instead" in text_of(answer)
    assert f"{address('runs')}?macro={close.pk}" in text_of(answer)
    assert "is archived: it is no longer offered." in text_of(archived)
    assert Macro.objects.get(archived=True).version.number == 2


def test_empty_resources_say_what_to_do(page, beta):
    content = page.get(reverse("resources", args=["beta", "SUG"])).content.decode()

    assert "There is no macro yet." in content
    assert "There is no saved filter yet." in content


def test_names_are_escaped(page, beta, address):
    closing_macro(beta, name="<script>alert(1)</script>")

    assert "<script>alert" not in page.get(address("resources")).content.decode()


def test_resources_take_as_many_queries_for_many_macros_as_for_one(
    page, beta, close, address, django_assert_max_num_queries
):
    make_listener(beta, close)
    for number in range(30):
        macro = closing_macro(beta, name=f"Macro {number}")
        make_listener(beta, macro, key=f"key{number}", name=f"Listener {number}")
        Trigger.objects.create(
            feedback_type=beta.bugs, name=str(number), event="submitted", macro=macro
        )
        comment = {"body": "Hello", "exposure": "public"}
        save_macro(Macro(feedback_type=beta.bugs, name=f"Say {number}"), [("add_comment", comment)])
    page.get(address("resources"))

    with django_assert_max_num_queries(27):
        answer = page.get(address("resources"))

    assert len(answer.context["macros"]) == 25
    assert answer.context["page_obj"].has_next()


@pytest.mark.parametrize("role", ["support", "observer", "participant", "outsider"])
@pytest.mark.parametrize("name", ["resources", "macro_add", "macro", "macro_delete"])
def test_only_those_who_manage_the_project_see_its_macros(
    client, people, close, address, role, name
):
    client.force_login(people[role])
    url = address(name, close.pk) if name in ("macro", "macro_delete") else address(name)

    assert client.get(url).status_code == 404
    assert client.post(url).status_code in (404, 405)


def test_a_macro_of_another_type_is_not_found(page, close):
    assert page.get(reverse("macro", args=["beta", "SUG", close.pk])).status_code == 404


def test_whoever_is_not_signed_in_is_asked_to(client, beta, address):
    assert client.get(address("resources")).url.startswith("/admin/login/")


# Every action


def of_everything(beta, inner, tag):
    """What a browser sends where everything is ticked."""
    severity = add_field(beta.bugs, "Severity")
    given = {
        "adjust_workflow": {"team": beta.support.pk, "workflow": "", "status": beta.closed.pk},
        "set_field": {"field": severity.pk, "value": "High"},
        "set_blocking": {"blocking": "False"},
        "set_exposure": {"exposure": "internal"},
        "add_tags": {"tags": [tag.pk], "names": "new"},
        "remove_tags": {"names": "old"},
        "add_comment": {"body": "Hi", "exposure": "public"},
        "adjust_score": {"points_how": "add", "points": "5", "score_how": "", "score": ""},
        "add_note": {"body": "Good."},
        "adjust_team_membership": {"change": "add", "team": beta.support.pk},
        "link": {"system": "jira", "remote_key": "A-1", "remote_id": "", "url": ""},
        "unlink": {"system": "jira", "remote_key": ""},
        "send_email": {
            "to": ["submitter", "team"],
            "addresses": "a@example.com",
            "subject": "Hi",
            "text": "Hello",
            "sending": "each",
        },
        "call_webhook": {
            "method": "POST",
            "url": "https://a.example/",
            "headers": "Authorization: Bearer {{ secret }}",
            "secret": "swordfish",
            "body": "",
            "keep": "severity = a",
        },
        "run_macro": {"macro": inner.pk},
    }
    fields = {f"{kind}-{name}": value for kind, own in given.items() for name, value in own.items()}
    return {"name": "Everything"} | dict.fromkeys(given, "on") | fields


@pytest.fixture
def everything(beta, close):
    return of_everything(beta, close, Tag.objects.create(project=beta.project, name="hot"))


def test_everything_ticked_is_kept_and_shown_again(page, beta, everything, address):
    made = page.post(address("macro_add"), everything)

    macro = Macro.objects.get(name="Everything")
    assert made.status_code == 302
    assert [action.kind for action in macro.actions.all()] == [*ACTIONS]
    before = [action.params for action in macro.actions.all()]
    form = page.get(address("macro", macro.pk)).context["form"]
    again = {"name": "Everything"}
    for part in form.parts:
        again[part.action.kind] = "on"
        values = {each.html_name: each.value() for each in part.form}
        again |= {name: "" if value is None else value for name, value in values.items()}
    page.post(address("macro", macro.pk), again)
    assert [action.params for action in macro.actions.all()] == before


def test_a_secret_is_not_on_the_page(page, beta, everything, address):
    page.post(address("macro_add"), everything)

    content = page.get(address("macro", Macro.objects.get(name="Everything").pk)).content.decode()

    assert "swordfish" not in content
    assert 'type="password" name="call_webhook-secret" value="kept:' in content


def test_what_was_typed_without_its_tick_is_kept_on_the_page(page, everything, address):
    refused = everything | {"set_blocking-blocking": ""}
    for kind in ("add_tags", "send_email"):
        del refused[kind]

    answer = page.post(address("macro_add"), refused)

    forms = {part.action.kind: part.form for part in answer.context["form"].parts}
    assert forms["set_blocking"].errors == {"blocking": ["This field is required."]}
    assert forms["add_tags"]["tags"].value() == [str(everything["add_tags-tags"][0])]
    assert forms["send_email"]["to"].value() == ["submitter", "team"]


@pytest.mark.parametrize("nonsense", ["abc", "²", "9" * 40, "-1", "\0"])
@pytest.mark.parametrize("field", ["add_tags-tags", "run_macro-macro", "send_email-to"])
def test_nonsense_in_a_choice_is_refused_with_and_without_the_tick(
    page, everything, address, field, nonsense
):
    given = everything | {field: [nonsense]}
    with_tick = page.post(address("macro_add"), given)
    del given[field.partition("-")[0]]
    del given["set_blocking"]
    given["name"] = ""
    without = page.post(address("macro_add"), given)

    assert (with_tick.status_code, without.status_code) == (200, 200)
    assert not Macro.objects.filter(name="Everything").exists()


def test_the_actions_stand_under_headings(page, beta, address):
    content = page.get(address("macro_add")).content.decode()

    places = [content.index(f">{group.label}</h2>") for group in Group]
    assert places == sorted(places)
    assert content.count('class="auto-group"') == len(Group)


def test_a_project_without_tags_says_so(page, beta, address):
    assert "There is none to choose from." in page.get(address("macro_add")).content.decode()


def test_who_manages_a_project_is_not_offered_nor_taken(page, beta, address):
    form = page.get(address("macro_add")).context["form"]
    (part,) = (each for each in form.parts if each.action.kind == "adjust_team_membership")
    offered = {name for _, name in part.form.fields["team"].widget.choices}
    assert offered == {"Choose …", "Beta Support", "Participants"}

    answer = page.post(
        address("macro_add"),
        {
            "name": "Up",
            "adjust_team_membership": "on",
            "adjust_team_membership-change": "add",
            "adjust_team_membership-team": beta.managers.pk,
        },
    )

    assert "is a team of project managers" in answer.content.decode()
    assert not Macro.objects.exists()


def test_a_macro_that_would_run_itself_is_refused_at_its_field(page, beta, close, address):
    outer = save_macro(
        Macro(feedback_type=beta.bugs, name="Outer"), [("run_macro", {"macro": close.pk})]
    )
    circle = {"name": close.name, "run_macro": "on", "run_macro-macro": outer.pk}

    answer = page.post(address("macro", close.pk), circle)

    (part,) = (each for each in answer.context["form"].parts if each.ticked)
    assert part.form.errors == {
        "macro": ["The macro would run itself: Close ticket → Outer → Close ticket."]
    }
    assert close.actions.get().kind == "adjust_workflow"


def test_a_macro_is_not_offered_itself_and_names_those_that_run_it(page, beta, close, address):
    save_macro(Macro(feedback_type=beta.bugs, name="Outer"), [("run_macro", {"macro": close.pk})])

    answer = page.get(address("macro", close.pk))

    (part,) = (each for each in answer.context["form"].parts if each.action.kind == "run_macro")
    assert [name for _, name in part.form.fields["macro"].widget.choices] == ["Choose …", "Outer"]
    assert "Macro “Outer”" in answer.content.decode()


def test_a_macro_that_another_runs_is_not_deleted_and_that_one_is_named(page, beta, close, address):
    save_macro(Macro(feedback_type=beta.bugs, name="Outer"), [("run_macro", {"macro": close.pk})])

    answer = page.post(address("macro_delete", close.pk))

    assert answer.status_code == 409
    assert [use.name for use in answer.context["users"]] == ["Macro “Outer”"]
