from __future__ import annotations

import io
import re
from contextlib import suppress
from threading import Thread
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation.macros import save_macro
from automation.management.commands import import_project
from automation.models import ExternalListener, Macro, MacroAction
from automation.rules.clone import clone_project, new_key
from automation.rules.document import BELOW, LIMIT, RulesRefused
from automation.rules.plan import carry_out, rehearse
from feedback.furnishing import create_project
from feedback.models import FeedbackType, Project, SavedFilter, Status, Tag, Team, Ticket, Workflow
from feedback.saved_filters import save_filter
from tests.conftest import closing_macro, make_listener, narrow_listener

BETA = """\
version: 1
project:
  key: beta
  name: Beta
teams:
  - name: Project Managers
    kind: project_manager
  - name: Beta Support
    kind: support
  - name: Participants
    kind: participant
tags:
  - hot
workflows:
  - name: Default
    statuses:
      - name: New
        category: new
      - name: Open
        category: open
      - name: In Progress
        category: open
      - name: Logged to Jira
        category: open
      - name: Fixed
        category: done
      - name: Closed
        category: done
feedback_types:
  - prefix: BUG
    name: Bugs
    default_workflow: Default
    filters:
      - name: Still open
        groups:
          - status:
              - New
              - Open
            tags__not:
              - hot
            blocking: false
            created_after: '2026-01-31'
          - search: melts
    macros:
      - name: Close ticket
        actions:
          - adjust_workflow:
              team: Beta Support
              workflow: Default
              status: Closed
          - add_comment:
              body: |-
                Fixed over there.

                Thank you!
              exposure: public
    listeners:
      - key: jiraclosed
        name: Jira closed
        sender: jira
        filter: Still open
        macro: Close ticket
        when: status_changed_to
        when_status: Done
  - prefix: SUG
    name: Suggestions
    default_workflow: Default
"""
LINES = BETA.splitlines()


@pytest.fixture
def rules(beta):
    """What BETA says, made as the pages make it."""
    hot = Tag.objects.create(project=beta.project, name="hot")
    groups = [
        {
            "created_after": ["2026-01-31"],
            "tags__not": [hot.pk],
            "blocking": ["false"],
            "status": [beta.open.pk, beta.new.pk],
        },
        {"search": ["melts"]},
    ]
    saved = save_filter(SavedFilter(feedback_type=beta.bugs, name="Still open", groups=groups))
    move = {"team": beta.support.pk, "workflow": beta.workflow.pk, "status": beta.closed.pk}
    comment = {"body": "Fixed over there.\r\n\r\nThank you!", "exposure": "public"}  # a browser's
    macro = save_macro(
        Macro(feedback_type=beta.bugs, name="Close ticket"),
        [("adjust_workflow", move), ("add_comment", comment)],
    )
    when = {"when": "status_changed_to", "when_status": "Done"}
    listener = make_listener(beta, macro, filter=saved, secret="swordfish", **when)
    return SimpleNamespace(beta=beta, saved=saved, macro=macro, listener=listener)


def exported(key="beta") -> str:
    out = io.StringIO()
    call_command("export_project", key, stdout=out)
    return out.getvalue()


def imported(text: str, tmp_path, *options) -> SimpleNamespace:
    """Import ``text`` by the command: its output, remarks and exit code."""
    file = tmp_path / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    out, remarks, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("import_project", str(file), *options, stdout=out, stderr=remarks)
    except SystemExit as end:
        code = int(end.code or 0)
    return SimpleNamespace(out=out.getvalue(), remarks=remarks.getvalue(), code=code)


def refused(text: str) -> list[str]:
    """The sentences with which ``text`` is refused, which leaves no trace."""
    before = everything()
    with pytest.raises(RulesRefused) as caught:
        carry_out(text)
    assert everything() == before
    return caught.value.sentences


def everything() -> dict:
    models = (Project, Team, Tag, Workflow, Status, FeedbackType, SavedFilter, Macro, MacroAction)
    return {
        model: list(model.objects.order_by("pk").values()) for model in (*models, ExternalListener)
    }


def wipe():
    """An empty installation."""
    users = (ExternalListener, Macro, SavedFilter, Ticket)
    for model in (*users, FeedbackType, Status, Workflow, Team, Tag, Project):
        model._default_manager.all().delete()


def changed(old: str, new: str, text: str = BETA) -> str:
    assert old in text
    return text.replace(old, new, 1)


def line_of(text: str, where: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if where in line)


# Export


def test_a_project_is_written_as_people_would_write_it(rules):
    text = exported("Beta")

    assert text == BETA


def test_neither_secrets_nor_people_nor_numbers_are_written(rules):
    rules.beta.support.members.add(User.objects.create_user("unsaid"))

    text = exported()

    for never in ("swordfish", "secret", "unsaid", "ada", "pk", "id:"):
        assert never not in text


def test_an_unknown_project_is_refused_with_those_there_are(beta):
    with pytest.raises(
        CommandError, match=r"no project “bta”\. Did you mean “beta”\? There are: beta\."
    ):
        call_command("export_project", "bta")


def test_a_listing_costs_a_fixed_number_of_queries(rules, django_assert_num_queries):
    for number in range(5):
        closing_macro(rules.beta, f"Again {number}")
        make_listener(rules.beta, rules.macro, key=f"again{number}")

    with django_assert_num_queries(21):
        exported()


def test_what_no_longer_works_is_left_out_and_its_listener_with_it(rules):
    SavedFilter.objects.update(groups=[{"status": [99999]}])

    text = exported()

    assert text.startswith(
        "# Left out: the saved filter “Still open” of BUG no longer works (status 99999 is gone)."
    )
    assert "jiraclosed" not in text
    assert "Close ticket" in text


def test_a_status_of_several_workflows_is_written_with_its_own(rules):
    other = Workflow.objects.create(project=rules.beta.project, name="Other")
    Status.objects.create(workflow=other, name="CLOSED")

    text = exported()

    assert "status: 'Default: Closed'" in text
    assert rehearse(text).anything is False


# Import


def test_the_round_trip_changes_nothing(rules, tmp_path):
    before = everything()

    run = imported(exported(), tmp_path)

    assert run.out == "Nothing to do: “Beta” is as the file says.\n"
    assert everything() == before


def test_what_did_not_change_costs_a_fixed_number_of_queries(rules):
    def cost() -> int:
        text = exported()
        with CaptureQueriesContext(connection) as queries:
            assert not rehearse(text).anything
        return len(queries)

    before = cost()
    for number in range(5):
        make_listener(rules.beta, closing_macro(rules.beta, f"No. {number}"), key=f"no{number}")

    assert cost() == before


def test_an_empty_installation_becomes_the_same_project(rules, tmp_path):
    rules.beta.workflow.statuses.filter(name="Open").update(archived=True)
    rules.macro.archived = True
    rules.macro.save()
    text = exported()
    wipe()

    run = imported(text, tmp_path)

    assert "“Beta” (beta) is there now." in run.out
    assert exported() == text
    macro = Macro.objects.get(name="Close ticket")
    assert [action.uses.count() for action in macro.actions.all()] == [3, 0]
    assert SavedFilter.objects.get().uses.count() == 3


ODD = [
    "yes", "1", "null", "~", "'", '"quoted"', "a: b", "- dash", "# no remark", "{curly}", "[x]",
    "&anchor", "*star", "!tag", "|", "> folded", "%", "@at", "`tick`", "2026-01-31", "1e3", "0x1F",
    "tab\there", "émoji 🙂", "日本語", "trailing:", "a #b", "\\back\\slash", "x" * 100, "=", "<<",
    "Other: Closed", "non\u00a0breaking", "line\u2028separator", "ne\u0085l", "first\nsecond", ".",
]  # fmt: skip


def test_odd_names_come_back_as_they_were(rules, tmp_path):
    bugs = rules.beta.bugs
    for number, name in enumerate(ODD):
        Team.objects.create(project=rules.beta.project, name=name, kind="support")
        Tag.objects.create(project=rules.beta.project, name=name[:50])
        workflow = Workflow.objects.create(project=rules.beta.project, name=name)
        status = Status.objects.create(workflow=workflow, name=name)
        FeedbackType.objects.create(
            project=rules.beta.project, name=name, prefix=f"T{number}", default_workflow=workflow
        )
        saved = SavedFilter(feedback_type=bugs, name=name, groups=[{"status": [status.pk]}])
        params = {"team": rules.beta.support.pk, "workflow": workflow.pk, "status": status.pk}
        body = {"body": f"{name}\n\n  indented\n{name * 10}", "exposure": "internal"}
        macro = save_macro(
            Macro(feedback_type=bugs, name=name),
            [("adjust_workflow", params), ("add_comment", body)],
        )
        make_listener(
            rules.beta, macro, name=name, key=f"odd{number}", description=name * 3,
            filter=save_filter(saved), when="status_changed_to", when_status=name,
        )  # fmt: skip
    text = exported()
    wipe()

    imported(text, tmp_path)

    assert exported() == text
    assert set(Team.objects.values_list("name", flat=True)) >= set(ODD)


def test_a_changed_file_changes_just_that(rules, tmp_path):
    text = changed("status: Closed", "status: fixed")
    text = changed("when_status: Done", "when_status: Done, Closed\n        enabled: false", text)
    text = changed(
        "      - name: Fixed",
        "      - name: Verified\n        category: done\n      - name: Fixed",
        text,
    )

    run = imported(text, tmp_path)

    assert run.out.splitlines()[0] == "“Beta” (beta) was updated."
    listener = ExternalListener.objects.get()
    assert (listener.pk, listener.secret) == (rules.listener.pk, "swordfish")
    assert (listener.when_status, listener.enabled) == ("Done, Closed", False)
    params = listener.macro.actions.first().params
    assert Status.objects.get(pk=params["status"]).name == "Fixed"
    names = list(rules.beta.workflow.statuses.values_list("name", flat=True))
    assert names[3:] == ["Logged to Jira", "Verified", "Fixed", "Closed"]


def test_what_the_file_lacks_stays_and_is_listed(rules, tmp_path):
    text = "\n".join(LINES[: LINES.index("tags:")]).replace(
        "  - name: Participants\n    kind: participant", ""
    )
    text += "\nworkflows:\n  - name: default\n    statuses:\n"
    text += "      - name: Closed\n        category: done\n"

    run = imported(text, tmp_path)

    assert "Only in the project, and left as it is: team “Participants”." in run.remarks
    assert "Only in the project, and left as it is: status “In Progress” of default." in run.remarks
    assert "tag" not in run.remarks
    assert exported() == changed("name: Default", "name: default").replace(
        "workflow: Default", "workflow: default"
    )


def test_a_value_left_out_has_its_default(rules, tmp_path):
    ExternalListener.objects.update(enabled=False, description="Old")
    text = "\n".join(line for line in LINES if "when" not in line and "category: open" not in line)

    imported(text, tmp_path)

    listener = ExternalListener.objects.get()
    assert (listener.enabled, listener.description) == (True, "")
    assert (listener.when, listener.when_status) == ("status_changed", "")


def test_listeners_and_their_secrets_are_told_apart(rules, tmp_path):
    text = changed(
        "  - prefix: SUG",
        "      - key: second\n        name: Second\n        sender: generic\n"
        "        macro: Close ticket\n        when: any\n  - prefix: SUG",
    )

    run = imported(text, tmp_path)

    assert "Secrets of listeners stay as they are: “jiraclosed”." in run.remarks
    assert "New, and without a secret, which files never hold: “second”." in run.remarks


def test_a_ticket_counted_meanwhile_is_not_counted_back(rules, tmp_path):
    text = changed("name: Suggestions", "name: Wishes").replace("name: Bugs", "name: Defects")
    FeedbackType.objects.filter(prefix="BUG").update(last_number=41)

    imported(text, tmp_path)

    assert FeedbackType.objects.get(name="Defects").last_number == 41


def test_a_submitter_goes_by_username(rules):
    narrow_listener(rules.listener, "Ada's", submitter=[rules.beta.ada.pk])

    text = exported()

    assert "- submitter:\n              - ada\n" in text
    assert rehearse(text).anything is False
    [problem] = refused(text.replace("- ada", "- bob"))
    assert problem.endswith("there is no person “bob” among the people of this project.")


# Refusals


def test_one_error_far_down_leaves_nothing_half_done(rules, tmp_path):
    text = changed("name: Beta", "name: Gamma").replace("when: status_changed_to", "when: never")

    with pytest.raises(CommandError) as caught:
        imported(text, tmp_path)

    assert str(caught.value).startswith(
        f"line {line_of(text, 'when: never')}, feedback_types{BELOW}BUG{BELOW}"
    )
    assert exported() == BETA


def test_all_that_is_wrong_is_told_at_once(rules):
    text = changed("kind: support", "kind: suport").replace("status: Closed", "status: Closd")
    text = text.replace("sender: jira", "sender: jirra").replace("name: Suggestions", "nam: Wishes")

    problems = refused(text)

    assert [problem.partition(":")[0].rpartition(BELOW)[2] for problem in problems] == [
        "kind",
        "status",
        "sender",
        "SUG",
        "SUG",
    ]


REFUSALS = [  # what is changed in BETA, and what is said at its line
    (
        "status: Closed",
        "status: Closd",
        "feedback_types > BUG > macros > Close ticket > actions > adjust_workflow > status: "
        "there is no status “Closd”. Did you mean “Closed”?",
    ),
    ("team: Beta Support", "team: Nobody", "there is no team “Nobody”."),
    ("workflow: Default\n   ", "workflow: Defalt\n   ", "BUG > default_workflow: there is no"),
    ("    name: Bugs", "    nam: Bugs", "There is no “nam” here. Did you mean “name”?"),
    ("name: Suggestions", "name: Bugs", "SUG > name: Beta has a “Bugs” already: choose another"),
    ("prefix: SUG", "prefix: bug", "“bug” stands there twice: first in line 30."),
    ("name: Participants", "name: beta support", "stands there twice: first in line 8."),
    ("kind: support", "kind: suport", "observer, participant. Did you mean “support”?"),
    ("name: Beta Support", "name: 5", 'YAML reads 5 as a number: write "5", in quotes.'),
    ("name: Default", "name: yes", 'YAML reads yes as a yes or no: write "yes", in quotes.'),
    ("- hot", "- [hot]", "Here belongs a text, not a list."),
    ("tags:\n  - hot", "tags: hot", "Here belongs a list: a line with “- ” for each."),
    ("version: 1", "version: 2", "This installation reads version 1 only."),
    ("key: beta", "key: Be ta", "Use small letters, digits"),
    ("key: jiraclosed", "key: jira closed", "Use small letters, digits"),
    ("filter: Still open", "filter: Still opn", "in BUG. Did you mean “Still open”?"),
    ("macro: Close ticket", "secret: x", "Secrets do not stand in files"),
    ("sender: jira", "sender: jirra", "Did you mean “jira”?"),
    ("when: status_changed_to", "when: sometimes", "is none of any, status_changed, "),
    ("when_status: Done", "condition: 'a =='", "This is no JMESPath expression"),
    ("blocking: false", "blocking: maybe", "“maybe” is none of true, false."),
    ("created_after: '2026-01-31'", "created_after: 2026-02-31", "Enter a valid date."),
    ("search: melts", "serch: melts", "There is no “serch” here. Did you mean “search”?"),
    ("add_comment:", "add_coment:", "There is no “add_coment” here. Did you mean “add_comment”?"),
    ("exposure: public", "exposure: secret", "“secret” is none of public, internal."),
    ("category: done", "category: finished", "“finished” is none of new, open, done."),
    ("kind: participant", "archived: perhaps", "Write true or false here."),
    ("name: Beta Support\n    kind: support", "name: Beta", "teams > Beta > kind: This field is"),
    ("name: Beta\n", "name: " + "x" * 101 + "\n", "at most 100 characters"),
]


def spelt(path: str) -> str:
    return path.replace(" > ", BELOW)


@pytest.mark.parametrize(("old", "new", "sentence"), REFUSALS, ids=[new for _, new, _ in REFUSALS])
def test_what_is_wrong_is_said_with_its_line(rules, old, new, sentence):
    line = BETA[: BETA.index(old)].count("\n") + 1

    problems = refused(changed(old, new))

    said = [each for each in problems if re.match(rf"line {line}\b", each)]
    assert any(spelt(sentence) in each for each in said), problems


@pytest.mark.parametrize(
    ("text", "sentence"),
    {
        "": "There is nothing in it: export a project to see what a file looks like.",
        "# nothing\n": "There is nothing in it: export a project to see what a file looks like.",
        "- a\n": "line 1: Here belong version and project and",
        "version: 1\n": "line 1: “project” is missing.",
        "version: 1\nproject:\n  key: a\n": "line 2, project: “name” is missing.",
        "a: [1, 2\nb: 3\n": "line 2: This is not YAML from column 2 on: ",
        "a: 1\n\tb: 2\n": "line 2: This is not YAML from column 1 on: ",
        "a: &x 1\n": "line 1: “&x” is not understood here: write it out.",
        "a: 1\nb: *x\n": "line 2: “*x” is not understood here: write it out.",
        "a: !!python/object/apply:os.system ['true']\n": "is not understood here: leave it out.",
        "a: 1\n---\nb: 2\n": "line 2: Here a second document begins: a file holds one project.",
        "? [a]\n: b\n": "line 1: A key is one word, no list and no mapping.",
        "[" * 20_000: "line 1: This is nested more deeply than any rule is.",
        "- " * 20_000: "line 1: This is nested more deeply than any rule is.",
        'a: "\\0"\n': "line 1: This text holds a character that cannot be kept.",
        'a: "\\uD800"\n': "line 1: This text holds a character that cannot be kept.",
        'a: "\\U99999999"\n': "line 1: This is not YAML: ",
        "a: 1\nb: \x07\n": "line 2: The character U+0007 may not stand in YAML.",
        "version: 1\nversion: 1\nproject:\n": "line 2: “version” stands in line 1 already.",
        "x" * (LIMIT + 1): "This text is larger than 1 MiB: a project's rules are not.",
    }.items(),
    ids=lambda value: repr(value[:20]),
)  # fmt: skip
def test_what_is_no_rules_file_is_refused_with_a_sentence(db, text, sentence):
    problems = refused(text)

    assert any(sentence in problem for problem in problems), problems


@pytest.mark.parametrize("text", ["version: 1", "1", "[1]", '{"version": []}', '"a"', "null"])
def test_other_shapes_are_refused_too(db, text):
    assert refused(text)


@pytest.mark.parametrize("wrong", ["[1]", "{a: b}"])
def test_every_value_may_be_of_the_wrong_kind(rules, wrong):
    for number, line in enumerate(LINES):
        name, colon, _ = line.partition(":")
        text = "\n".join([*LINES[:number], f"{name}{colon} {wrong}", *LINES[number + 1 :]])
        with suppress(RulesRefused):
            rehearse(text)


def test_an_action_without_settings_or_with_two_names_is_refused(rules):
    bare = "\n".join(LINES[: LINES.index("          - adjust_workflow:") + 1])
    two = bare.replace("- adjust_workflow:", "- {adjust_workflow: {}, add_comment: {}}")

    assert any("adjust_workflow" in each and "Choose a team" in each for each in refused(bare))
    assert any("One action a line" in each for each in refused(two))
    assert any("Here belong" in each for each in refused(bare.replace("adjust_workflow:", "x")))


def test_an_ambiguous_status_is_refused_with_both_ways_to_say_it(rules):
    other = Workflow.objects.create(project=rules.beta.project, name="Other")
    Status.objects.create(workflow=other, name="Closed")

    [problem] = refused(BETA)

    assert problem.endswith("several go by “Closed”: write “Default: Closed” or “Other: Closed”.")


def test_what_hangs_on_something_refused_is_not_refused_twice(rules):
    text = changed("name: Closed\n        category: done", "name: Closed!\n        category: dome")
    text = text.replace("status: Closed", "status: Closed!").replace("search: melts", "serch: x")

    problems = refused(text)

    assert len(problems) == 2


def test_an_unknown_sender_is_told_once(rules):
    text = changed("sender: jira", "sender: jirra")
    text = text.replace("        when: status_changed_to\n        when_status: Done\n", "")

    [problem] = refused(text)

    assert "Did you mean “jira”?" in problem


def test_a_file_full_of_errors_is_not_read_to_its_end(rules):
    group = "      - name: Filter {}\n        groups: nonsense\n"
    text = changed("    filters:\n", "    filters:\n" + "".join(map(group.format, range(2000))))

    problems = refused(text)

    assert len(problems) == 101
    assert problems[-1] == "… and 400 more."


def test_a_key_of_another_type_is_refused(rules):
    text = changed(
        "    name: Suggestions",
        "    name: Suggestions\n    macros: []\n    listeners:\n"
        "      - key: jiraclosed\n        name: Twice\n        sender: jira\n",
    )

    problems = refused(text)

    assert any(
        "The key “jiraclosed” is taken by listener “Jira closed” of Bugs." in each
        for each in problems
    )


def test_not_utf_8_and_no_such_file_are_refused(db, tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes("version: 1\nname: \xe9\n".encode("latin-1"))

    for name, sentence in {
        str(file): "line 2: This is not UTF-8 text: save the file as UTF-8.",
        str(tmp_path): f"{tmp_path} cannot be read: Is a directory.",
        "nowhere.yaml": "nowhere.yaml cannot be read: No such file or directory.",
    }.items():
        with pytest.raises(CommandError) as caught:
            call_command("import_project", name)
        assert str(caught.value) == sentence


# The plan


def test_a_plan_says_what_would_change_and_leaves_no_trace(rules, tmp_path):
    before = everything()

    run = imported(changed("status: Closed", "status: Fixed"), tmp_path, "--plan")

    assert run.code == 2
    assert run.out == spelt("""\
@@ feedback_types > BUG > macros > Close ticket > actions > adjust_workflow > status @@
         actions:
           - adjust_workflow:
               team: Beta Support
               workflow: Default
-              status: Closed
+              status: Fixed
           - add_comment:
               body: |-
                 Fixed over there.

""")
    assert everything() == before


def test_a_plan_for_a_new_project_takes_nothing_away(db, tmp_path):
    run = imported(BETA, tmp_path, "--plan")

    assert run.out == "@@ version @@\n" + "".join(f"+{line}\n" for line in BETA.splitlines())


def test_a_plan_without_anything_to_do_ends_well(rules, tmp_path):
    run = imported(BETA, tmp_path, "--plan")

    assert (run.code, run.out) == (0, "Nothing to do: the project is as the file says.\n")


def test_colour_is_for_terminals_only(rules, tmp_path):
    text = changed("status: Closed", "status: Fixed")

    plain = imported(text, tmp_path, "--plan").out
    coloured = imported(text, tmp_path, "--plan", "--force-color").out

    assert "\x1b[" not in plain
    assert "\x1b[32;1m+              status: Fixed\x1b[0m" in coloured


def test_remarks_are_no_errors_to_the_eye(rules, tmp_path):
    terminal = Terminal()
    (tmp_path / "rules.yaml").write_text(changed("name: Close ticket", "name: Close it"))
    command = import_project.Command(stdout=terminal, stderr=terminal, force_color=True)

    with pytest.raises(SystemExit):
        command.handle(file=str(tmp_path / "rules.yaml"), plan=True, force_color=True)

    assert "\x1b[33;1mOnly in the project" in terminal.getvalue()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_file_may_be_piped_in(rules, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(BETA.encode())))
    out = io.StringIO()

    call_command("import_project", "-", "--plan", stdout=out)

    assert out.getvalue().startswith("Nothing to do")


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_are_both_answered(on_postgres):
    create_project("beta", "Beta")
    text = exported().replace("name: Beta\n", "name: Gamma\n").replace("beta", "gamma")
    ends = []

    def run():
        try:
            ends.append(carry_out(text).anything)
        except RulesRefused as refused:
            ends.append(refused.sentences)
        finally:
            connection.close()

    both = [Thread(target=run), Thread(target=run)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert True in ends
    assert Project.objects.filter(key="gamma").count() == 1


# Clones


def test_a_clone_has_the_rules_and_nothing_else(rules):
    rules.beta.support.archived = True
    rules.beta.support.save()
    narrow_listener(
        make_listener(rules.beta, rules.macro, key="adas", name="Ada's own"),
        "Ada's",
        submitter=[rules.beta.ada.pk],
    )

    clone = clone_project(rules.beta.project, "Gamma", "Gamma")

    listener = clone.project.listeners.get()
    assert (listener.key, listener.enabled, listener.secret) == ("jiraclosed-gamma", False, "")
    assert [(each.old_key, each.row) for each in clone.listeners] == [("jiraclosed", listener)]
    assert listener.filter.name == "Still open"
    assert clone.project.teams.get(name="Beta Support").archived
    assert not User.objects.filter(teams__project=clone.project).exists()
    assert clone.left == [
        "Tickets (1), with their comments, links and history: they stay here.",
        "People in teams (1): add those who belong into the new project's teams.",
        "Secrets of listeners: Jira closed. Enter new ones on the listeners' pages.",
        "The filter “Ada's” of BUG: it names a person, and nobody is in the new project yet.",
        "The listener “Ada's own”, which needs that filter.",
    ]


def test_new_keys_are_short_and_unlike_all_others():
    assert new_key("jira", "beta", "gamma", []) == "jira-gamma"
    assert new_key("jira-beta", "beta", "gamma", []) == "jira-gamma"
    assert new_key("jira", "beta", "gamma", ["jira-gamma"]) == "jira-gamma-2"
    assert new_key("x" * 50, "beta", "gamma", ["x" * 50]) == "x" * 48 + "-2"


def test_an_import_into_a_wiped_or_other_installation_needs_no_listeners(db):
    plan = carry_out("version: 1\nproject:\n  key: tiny\n  name: Tiny\n")

    assert exported("tiny") == plan.after == "version: 1\nproject:\n  key: tiny\n  name: Tiny\n"


@pytest.mark.parametrize("text", ['""', '"  "', "~", "7", "[]"])
@pytest.mark.parametrize("name", ["key", "name"])
def test_a_project_keeps_its_key_and_name(beta, tmp_path, name, text):
    names = {"key": "beta", "name": "Beta"} | {name: text}
    path = tmp_path / "rules.yaml"
    text = "version: 1\nproject: {{key: {key}, name: {name}}}\n"
    path.write_text(text.format(**names))

    with pytest.raises(CommandError):
        call_command("import_project", str(path))

    assert list(Project.objects.values_list("key", "name")) == [("beta", "Beta")]
