"""Every saved change of macros and listeners is kept, compared and restored; runs name it."""

from __future__ import annotations

import json
import threading
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import query
from django.test.utils import CaptureQueriesContext

from access.callers import Caller
from automation import queue
from automation.by_hand import run_by_hand
from automation.listener_versions import keep_listener
from automation.macro_versions import keep_macro
from automation.macros import save_macro
from automation.models import Execution, ExternalListener, Macro, StatusRow
from automation.ran import what_ran
from automation.restoring import restore_listener, restore_macro
from automation.rules.export import rules_of
from automation.rules.plan import carry_out
from feedback.models import SavedFilter, Status, Version
from feedback.saved_filters import save_filter
from feedback.versions import versions_of
from tests.automation.listener_forms import rows_of, table
from tests.automation.test_rehearsals import DONE
from tests.conftest import link_to_jira, make_listener, narrow_listener

ROOT = Path(__file__).parent.parent.parent
SECRET = "correct-horse-battery"


def kept(row):
    """Each version, the oldest first, as (number, actor)."""
    return list(versions_of(row).order_by("number").values_list("number", "actor"))


def lines(row, number):
    return versions_of(row).get(number=number).lines


def commenting(body):
    return "add_comment", {"body": body, "exposure": "public"}


@pytest.fixture
def talker(beta):
    """A macro with two versions."""
    macro = Macro(feedback_type=beta.bugs, name="Talk")
    save_macro(macro, [commenting("Hello.\nHow are you?")], actor="pam")
    macro.name = "Talk more"
    save_macro(macro, [commenting("Bye."), ("set_blocking", {"blocking": True})], actor="root")
    return macro


def test_a_save_that_changes_something_makes_a_version_and_any_other_does_not(talker):
    save_macro(talker, [commenting("Bye."), ("set_blocking", {"blocking": True})], actor="sam")

    assert kept(talker) == [(1, "pam"), (2, "root")]
    assert talker.version == versions_of(talker).first()
    assert lines(talker, 1) == [
        "Name: Talk",
        "Add Comment",
        "    Comment: Hello.",
        "    How are you?",
        "    Who sees it: Public",
    ]


def test_a_refused_save_keeps_nothing(talker):
    talker.name = ""
    with pytest.raises(ValidationError):
        save_macro(talker, [commenting("Bye.")], actor="sam")

    assert len(kept(talker)) == 2


def test_a_macro_goes_back_to_what_it_was(talker, beta):
    before = versions_of(talker).get(number=1)

    restore_macro(talker, before, actor="pam")

    again = Macro.objects.get(pk=talker.pk)
    assert again.name == "Talk"
    assert [(row.kind, row.params["body"]) for row in again.actions.all()] == [
        ("add_comment", "Hello.\nHow are you?")
    ]
    assert again.version.content == before.content
    assert again.version.number == 3


def test_whoever_saved_an_older_state_meanwhile_makes_the_next_version(talker):
    stale = Macro.objects.get(pk=talker.pk)
    save_macro(talker, [commenting("One.")], actor="pam")
    save_macro(stale, [commenting("Two.")], actor="root")

    assert kept(talker)[2:] == [(3, "pam"), (4, "root")]
    assert Macro.objects.get(pk=talker.pk).version.number == 4


def test_what_no_longer_fits_is_refused_with_a_sentence(page, beta, address):
    gone = Status.objects.create(workflow=beta.workflow, name="Parked", order=9)
    moves = {"workflow": beta.workflow.pk, "status": gone.pk}
    macro = save_macro(Macro(feedback_type=beta.bugs, name="Park"), [("adjust_workflow", moves)])
    save_macro(macro, [commenting("Parked.")])
    gone.delete()

    answer = page.post(address("macro_versions", macro.pk), {"restore": "1"}, follow=True)

    [message] = answer.context["messages"]
    assert "Version 1 does not fit any more." in message.message
    assert "Status" in message.message
    assert len(kept(macro)) == 2


CALL = {"method": "POST", "url": "https://chat.example.com/{{ secret }}", "headers": "", "body": ""}


@pytest.fixture
def caller_macro(beta):
    """A macro with a secret, which then says something else."""
    macro = Macro(feedback_type=beta.bugs, name="Call")
    save_macro(macro, [("call_webhook", {**CALL, "secret": SECRET, "keep": ""})], actor="pam")
    [row] = macro.actions.all()
    save_macro(macro, [("call_webhook", {**row.params, "body": "Hi"})], actor="pam")
    return macro


def test_no_version_holds_a_secret(page, caller_macro, whole, given, address, close):
    page.post(
        address("listener", whole.pk),
        given | {"macro": close.pk, "new_secret": SECRET, "name": "S"},
    )

    assert ExternalListener.objects.get().secret == SECRET
    text = json.dumps(list(Version.objects.values("content", "lines")))
    assert SECRET not in text
    assert "Secret: one that is not shown" in lines(whole, 2)
    assert "    Secret: one that is not shown" in lines(caller_macro, 1)


def test_a_macro_goes_back_with_the_secret_that_it_has_now(caller_macro):
    first = versions_of(caller_macro).get(number=1)
    [row] = caller_macro.actions.all()
    save_macro(caller_macro, [("call_webhook", {**row.params, "secret": "another-one"})])
    [secret] = caller_macro.secrets.all()

    restore_macro(caller_macro, first, actor="pam")

    [row] = caller_macro.actions.all()
    assert row.params["body"] == ""
    assert row.params["secret"] == secret.name
    assert caller_macro.secrets.get().value == "another-one"


def test_a_macro_whose_secret_is_gone_does_not_go_back(caller_macro):
    first = versions_of(caller_macro).get(number=1)
    save_macro(caller_macro, [commenting("No call.")])

    with pytest.raises(ValidationError, match="not kept here: enter it anew"):
        restore_macro(caller_macro, first, actor="pam")


def test_a_listener_goes_back_to_what_it_was(page, whole, given, address, close, start, beta):
    before = versions_of(whole).get(number=1)
    ExternalListener.objects.filter(pk=whole.pk).update(secret=SECRET)
    page.post(
        address("listener", whole.pk),
        given | table(("Open", "", start)) | {"name": "Other", "when": "any", "enabled": ""},
    )
    changed = ExternalListener.objects.get()
    assert (changed.name, rows_of(changed)) == ("Other", [(0, "Open", "", "Start work")])

    restore_listener(changed, before, actor="pam")

    again = ExternalListener.objects.get()
    assert (again.name, again.when, again.enabled) == ("Jira follows", "status_changed", True)
    assert again.macro == close
    assert rows_of(again) == [(0, "Done", "", "Close ticket")]
    assert list(again.protected_statuses.all()) == [beta.closed]
    assert again.secret == SECRET
    assert again.version.content == before.content | {"has_secret": True}
    assert kept(again) == [(1, "pam"), (2, "pam"), (3, "pam")]


def test_a_listener_does_not_go_back_to_a_key_that_is_taken(page, whole, given, address, close):
    page.post(address("listener", whole.pk), given | {"macro": close.pk, "key": "other"})
    page.post(address("listener_add"), given | {"macro": close.pk})

    answer = page.post(address("listener_versions", whole.pk), {"restore": "1"}, follow=True)

    *_, message = answer.context["messages"]
    assert "Key: The key “jirafollows” is taken" in message.message


def test_a_switch_makes_a_version(page, whole, address):
    page.post(address("listener_switch", whole.pk), {"enabled": ""})
    page.post(address("listener_switch", whole.pk), {"enabled": ""})

    assert kept(whole) == [(1, "pam"), (2, "pam")]
    assert "Enabled: no" in lines(whole, 2)


def test_a_replaced_secret_makes_a_version(page, whole, given, address, close):
    whole_form = given | table(("Done", "", close)) | {"macro": close.pk}
    for secret in (SECRET, "another-one"):
        page.post(address("listener", whole.pk), whole_form | {"new_secret": secret})

    assert len(kept(whole)) == 3
    assert lines(whole, 2) == lines(whole, 3)


def test_a_file_and_a_clone_name_who_brought_them(talker, beta, whole):
    text = rules_of(beta.project).text.replace("Talk more", "Talk")

    carry_out(text)

    new = Macro.objects.get(name="Talk")
    assert kept(new) == [(1, "import_project")]
    assert kept(whole) == [(1, "pam")]


def test_the_page_shows_who_changed_what_and_goes_back(page, talker, address):
    url = address("macro_versions", talker.pk)

    shown = page.get(url)
    [(second, changed), (first, _)] = shown.context["versions"]
    assert (second.number, first.number) == (2, 1)
    assert [(line.sign, line.text) for line in changed][:2] == [
        ("-", "Name: Talk"),
        ("+", "Name: Talk more"),
    ]

    compared = page.get(url, {"before": 2, "after": 1}).context["compared"]
    assert next(line.text for line in compared if line.sign == "+") == "Name: Talk"
    assert [line.text for line in compared if line.sign == " "] == [
        "Add Comment",
        "    Who sees it: Public",
    ]

    answer = page.post(url, {"restore": "1"}, follow=True)
    [message] = answer.context["messages"]
    assert message.message == "“Talk” is as version 1 had it: that is version 3 now."
    assert versions_of(talker).first().restores == 1
    answer = page.post(url, {"restore": "3"}, follow=True)
    [message] = answer.context["messages"]
    assert message.message == "“Talk” is as version 3 has it already."


def test_who_saves_over_somebody_elses_save_is_told_first(page, talker, address, beta):
    own = address("macro", talker.pk)
    first_tab = {"name": "Mine", "set_blocking": "on", "set_blocking-blocking": "True", "seen": 2}
    save_macro(talker, [commenting("Bye.")], actor="sam")

    told = page.post(own, first_tab)
    talker.refresh_from_db()
    assert talker.name == "Talk more"
    assert "sam saved this meanwhile: “Versions” shows what changed." in told.content.decode()
    assert '<input type="hidden" name="seen" value="3">' in told.content.decode()

    page.post(own, first_tab | {"seen": 3})
    talker.refresh_from_db()
    assert talker.name == "Mine"


def test_who_also_made_a_mistake_is_told_of_the_other_save_all_the_same(page, talker, address):
    save_macro(talker, [commenting("Bye.")], actor="sam")

    told = page.post(address("macro", talker.pk), {"name": "", "seen": 2}).content.decode()

    assert "sam saved this meanwhile" in told
    assert "This field is required." in told


def test_what_was_renamed_elsewhere_is_no_change(page, beta, close, address):
    Status.objects.filter(pk=beta.closed.pk).update(name="Finished")
    close.name = "Close it"
    save_macro(close, [(row.kind, row.params) for row in close.actions.all()], actor="pam")

    shown = page.get(address("macro_versions", close.pk), {"before": 1, "after": 2})

    (_, changed), _ = shown.context["versions"]
    assert [(line.sign, line.text) for line in changed] == [
        ("-", "Name: Close ticket"),
        ("+", "Name: Close it"),
    ]
    same = [line.text for line in shown.context["compared"] if line.sign == " "]
    assert "    Status: Finished" in same


def test_a_row_that_took_the_name_of_another_is_a_change(page, beta, close, address):
    Status.objects.filter(pk=beta.closed.pk).update(name="Done")
    Status.objects.filter(pk=beta.open.pk).update(name="Closed")
    save_macro(close, [("adjust_workflow", {"status": beta.open.pk})], actor="pam")

    (_, changed), _ = page.get(address("macro_versions", close.pk)).context["versions"]

    assert ("-", "    Status: Closed") in [(line.sign, line.text) for line in changed]
    assert ("+", "    Status: Closed") in [(line.sign, line.text) for line in changed]


def test_a_page_of_versions_takes_as_many_queries_for_one_as_for_many(
    page, talker, address, django_assert_num_queries
):
    url = address("macro_versions", talker.pk)
    page.get(url)
    with CaptureQueriesContext(connection) as two:
        page.get(url)
    for number in range(10):
        save_macro(talker, [commenting(str(number))], actor="pam")

    with django_assert_num_queries(len(two)):
        page.get(url)


@pytest.mark.parametrize(
    "asked",
    [{"before": 1, "after": 9}, {"after": "x"}, {"before": "9" * 18, "after": 1}, {"after": 0}],
)
def test_versions_that_are_not_there_are_not_compared(page, talker, address, asked):
    answer = page.get(address("macro_versions", talker.pk), asked)

    assert answer.status_code == 200
    assert "There is no version" in answer.context["problem"]


@pytest.mark.parametrize("number", ["9", "x", "", "9" * 18])
def test_nothing_goes_back_to_a_version_that_is_not_there(page, talker, address, number):
    answer = page.post(address("macro_versions", talker.pk), {"restore": number})

    assert answer.status_code == 404


def test_a_version_from_before_is_shown_by_the_names_of_today(page, talker, address):
    versions_of(talker).update(lines=[], actor="")

    answer = page.get(address("macro_versions", talker.pk))

    [(_, changed), _] = answer.context["versions"]
    assert ("+", "Name: Talk more") in [(line.sign, line.text) for line in changed]
    assert "Nobody known" in answer.content.decode()


def test_what_was_there_before_gets_a_first_version_that_the_next_save_agrees_with(whole, talker):
    saved = narrow_listener(whole, "Mine", search=["lens"])
    for row in (whole, talker, saved):
        type(row).objects.update(version=None)
    Version.objects.all().delete()

    for app in ("feedback", "automation"):
        [file] = (ROOT / app / "migrations").glob("*_first_versions.py")
        import_module(f"{app}.migrations.{file.stem}").keep_first(apps, None)

    for row in (whole, talker, saved):
        row.refresh_from_db()
    save_filter(saved, actor="pam")
    keep_macro(talker, actor="pam")
    keep_listener(whole, actor="pam")
    for row in (whole, talker, saved):
        assert kept(row) == [(1, "")]
        assert type(row).objects.get(pk=row.pk).version == versions_of(row).get()


def test_a_run_names_the_versions_that_ran(page, send, whole, beta, close, address):
    saved = narrow_listener(whole, "Mine", search=["lens"])
    delivery = send(whole, find=beta.ticket.ref)
    save_macro(close, [commenting("Later.")])

    run = delivery.executions.get()
    assert (run.macro_version.number, run.macro_version.row) == (1, close.pk)
    assert run.listener_version == ExternalListener.objects.get().version
    assert run.filter_version == saved.version
    told = [each.text for each in what_ran([run])[run.pk]]
    assert told == [
        "macro “Close ticket”, version 1",
        "external listener “Jira follows”, version 1",
        "saved filter “Mine”, version 1",
    ]
    link = address("macro_versions", close.pk) + "?after=1"
    for url in (run.get_absolute_url(), delivery.get_absolute_url()):
        assert f'href="{link}"' in page.get(url).content.decode()


def test_a_run_names_the_versions_of_the_macros_that_its_macro_ran(beta, talker):
    outer = Macro(feedback_type=beta.bugs, name="Outer")
    save_macro(outer, [("run_macro", {"macro": talker.pk})])

    run = run_by_hand(Macro.objects.get(pk=outer.pk), beta.ticket, Caller("pam"))

    told = [each.text for each in what_ran([run])[run.pk]]
    assert told == ["macro “Outer”, version 1", "macro “Talk more”, version 2"]


def test_a_run_names_the_version_whose_actions_it_read(beta, talker):
    """Somebody saves between the moment when the macro was read and its run."""
    stale = Macro.objects.get(pk=talker.pk)
    save_macro(talker, [commenting("Newest.")])

    run = run_by_hand(stale, beta.ticket, Caller("pam"))

    assert beta.ticket.comments.get().body == "Newest."
    assert run.macro_version.number == 3


def test_a_deleted_row_leaves_its_versions_to_the_runs(page, send, whole, beta, address):
    saved = narrow_listener(whole, "Mine", search=["lens"])
    run = send(whole, find=beta.ticket.ref).executions.get()
    ExternalListener.objects.update(filter=None)
    saved.delete()

    run = Execution.objects.get(pk=run.pk)
    assert [each.url for each in what_ran([run])[run.pk]][2:] == [""]
    assert "saved filter “Mine”, version 1" in page.get(run.get_absolute_url()).content.decode()


def test_programs_read_versions(page, talker, whole, beta):
    run = run_by_hand(talker, beta.ticket, Caller("pam"))

    versions = page.get(f"/api/v1/macros/{talker.pk}/versions/?page_size=1").json()
    assert versions["count"] == 2
    assert versions["results"][0]["number"] == 2
    assert versions["results"][0]["content"]["name"] == "Talk more"
    assert page.get(f"/api/v1/listeners/{whole.pk}/versions/").json()["count"] == 1
    shown = page.get(f"/api/v1/executions/{run.public_id}/").json()
    assert (shown["macro_version"], shown["listener_version"]) == (2, None)


def test_programs_go_back_to_versions(page, talker, whole, beta):
    saved = SavedFilter(feedback_type=beta.bugs, name="Open ones", groups=[{"search": ["lens"]}])
    save_filter(saved, actor="pam")
    saved.name = "Lenses"
    save_filter(saved, actor="root")
    page.patch(
        f"/api/v1/listeners/{whole.pk}/", {"name": "Another"}, content_type="application/json"
    )
    for kind, row, name in (
        ("macros", talker, "Talk"),
        ("saved-filters", saved, "Open ones"),
        ("listeners", whole, "Jira follows"),
    ):
        answer = page.post(f"/api/v1/{kind}/{row.pk}/versions/1/restore/")

        assert (answer.status_code, answer.json()["name"]) == (200, name)
        last = versions_of(row).first()
        assert (last.number, last.restores, last.actor) == (3, 1, "pam")
        assert answer.headers["ETag"] == page.get(f"/api/v1/{kind}/{row.pk}/").headers["ETag"]


def test_programs_do_not_go_back_to_what_is_not_there_or_does_not_fit(page, beta, talker):
    gone = Status.objects.create(workflow=beta.workflow, name="Parked", order=9)
    moves = {"workflow": beta.workflow.pk, "status": gone.pk}
    macro = save_macro(Macro(feedback_type=beta.bugs, name="Park"), [("adjust_workflow", moves)])
    save_macro(macro, [commenting("Parked.")])
    gone.delete()
    address = f"/api/v1/macros/{macro.pk}/versions"

    unfit = page.post(f"{address}/1/restore/")

    assert unfit.status_code == 409
    assert unfit.json()["detail"].startswith("Version 1 does not fit any more. ")
    assert page.post(f"{address}/7/restore/").status_code == 404
    assert page.post(f"{address}/{'9' * 18}/restore/").status_code == 404
    stale = page.post(f"{address}/2/restore/", headers={"If-Match": '"old"'})
    assert stale.status_code == 412
    assert len(kept(macro)) == 2


def test_programs_that_change_a_macro_make_versions(page, talker):
    address = f"/api/v1/macros/{talker.pk}/"
    page.patch(address, {"archived": True}, content_type="application/json")
    actions = [{"kind": "add_comment", "params": {"body": "x", "exposure": "public"}}]
    page.patch(address, {"actions": actions}, content_type="application/json")

    assert kept(talker)[2:] == [(3, "pam"), (4, "pam")]
    assert "Archived: yes" in lines(talker, 3)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_who_save_at_once_make_two_versions(on_postgres, beta, talker):
    ready, problems = threading.Barrier(2), []

    def save(body):
        try:
            macro = Macro.objects.select_related("feedback_type__project").get(pk=talker.pk)
            ready.wait(10)
            for again in range(5):
                save_macro(macro, [commenting(f"{body} {again}")], actor=body)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert problems == []
    numbers = [number for number, _ in kept(talker)]
    assert numbers == list(range(1, 13))
    last = Macro.objects.get(pk=talker.pk).version
    assert last.number == 12
    [row] = Macro.objects.get(pk=talker.pk).actions.all()
    assert last.content["actions"] == [{"kind": row.kind, "params": row.params}]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_run_names_the_version_of_the_table_that_it_read(
    on_postgres, post, beta, close, start, monkeypatch
):
    listener = make_listener(beta, close)
    StatusRow.objects.create(listener=listener, status="Done", macro=close)
    keep_listener(listener, actor="pam")
    link_to_jira(beta.ticket)
    post(listener, DONE)
    read, saving = query.prefetch_related_objects, []

    def save_another_table():
        with transaction.atomic():
            StatusRow.objects.update(macro=start)
            keep_listener(listener, actor="root")
        connection.close()

    def read_after_that(rows, *lookups):
        if "listener__protected_statuses" in lookups and not saving:
            saving.append(threading.Thread(target=save_another_table))
            saving[0].start()
            saving[0].join(10)
        return read(rows, *lookups)

    monkeypatch.setattr(query, "prefetch_related_objects", read_after_that)

    queue.settle_batch()

    run = Execution.objects.get()
    assert (run.macro, run.listener_version.number) == (start, 2)


# What was deleted


def deleted(page, address):
    return page.get(address("deleted")).context["deleted"]


def test_who_deleted_what_is_told_and_it_is_made_anew(page, whole, talker, beta, address):
    saved = narrow_listener(whole, "Mine", search=["lens"])
    ExternalListener.objects.update(filter=None)
    page.post(address("listener_delete", whole.pk))
    page.post(address("macro_delete", talker.pk))
    page.delete(f"/api/v1/saved-filters/{saved.pk}/")

    found = deleted(page, address)

    assert [(each.title, each.version.actor) for each in found] == [
        ("Saved filter “Mine”", "pam"),
        ("Macro “Talk more”", "pam"),
        ("External listener “Jira follows”", "pam"),
    ]
    for each in found:
        answer = page.post(address("deleted"), {"restore": each.version.pk})
        assert answer.status_code == 302
    macro = Macro.objects.get(name="Talk more")
    assert [row.kind for row in macro.actions.all()] == ["add_comment", "set_blocking"]
    assert (macro.pk != talker.pk, kept(macro)) == (True, [(1, "pam")])
    listener = ExternalListener.objects.get()
    assert (listener.name, rows_of(listener)) == ("Jira follows", [(0, "Done", "", "Close ticket")])
    assert SavedFilter.objects.get().groups == [{"search": ["lens"]}]


def test_what_is_there_again_is_not_made_twice(page, talker, address):
    page.post(address("macro_delete", talker.pk))
    [gone] = deleted(page, address)
    page.post(address("deleted"), {"restore": gone.version.pk})

    answer = page.post(address("deleted"), {"restore": gone.version.pk}, follow=True)

    [*_, message] = answer.context["messages"]
    assert "Macro “Talk more” does not fit any more." in message.message
    assert Macro.objects.count() == 1


def test_a_macro_comes_back_without_its_secret(page, caller_macro, address):
    page.post(address("macro_delete", caller_macro.pk))
    [gone] = deleted(page, address)

    page.post(address("deleted"), {"restore": gone.version.pk})

    again = Macro.objects.get(name=caller_macro.name)
    assert again.actions.get().params["secret"] == ""
    assert not again.secrets.exists()


def test_a_listener_comes_back_off_where_it_had_a_secret(page, whole, given, address, close, beta):
    page.post(
        address("listener", whole.pk),
        given | table(("Done", "", close)) | {"macro": close.pk, "new_secret": SECRET},
    )
    page.post(address("listener_delete", whole.pk))
    [gone] = deleted(page, address)

    page.post(address("deleted"), {"restore": gone.version.pk})

    again = ExternalListener.objects.get()
    assert (again.enabled, again.secret) == (False, "")


@pytest.mark.parametrize("pk", ["", "x", "0", "9" * 18])
def test_what_was_never_deleted_is_not_made(page, talker, address, pk):
    page.post(address("macro_delete", talker.pk))

    assert page.post(address("deleted"), {"restore": pk}).status_code == 404


def test_a_version_of_what_is_there_is_not_made_anew(page, talker, address):
    answer = page.post(address("deleted"), {"restore": talker.version.pk})

    assert answer.status_code == 404


def test_a_refused_deletion_leaves_no_version(page, beta, close, whole, address):
    page.post(address("macro_delete", close.pk))

    assert deleted(page, address) == []
    assert Macro.objects.filter(pk=close.pk).exists()
