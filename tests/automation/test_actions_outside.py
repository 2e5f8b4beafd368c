"""What leaves the hub, or runs another macro: mail, calls, macros in macros."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.db.models import ProtectedError

from access.callers import Caller
from automation.actions import ACTIONS
from automation.actions.follow_ups import Call, Mail
from automation.by_hand import run_by_hand, undo
from automation.macro_run import DEEPEST
from automation.macros import ActionsRefused, describe_macro, save_macro
from automation.models import ExecutionStep, Macro, MacroAction, MacroSecret
from feedback.services import change_ticket
from tests.automation.actions import make_macro, run
from tests.conftest import add_field

PAM = Caller("pam")
MAIL = {"to": [], "addresses": "", "subject": "Hi", "text": "Hello", "sending": "each"}
CALL = {"method": "POST", "url": "https://a.example/", "headers": "", "body": "", "keep": ""}
SECRET = CALL | {"headers": "Authorization: Bearer {{ secret }}", "secret": "swordfish"}


@pytest.fixture
def follows(monkeypatch):
    """What must follow each action that was done."""
    found = []
    for action in ACTIONS.values():
        apply = action.apply

        def noting(*args, apply=apply, **options):
            done = apply(*args, **options)
            found.extend(done.follow_ups)
            return done

        monkeypatch.setattr(action, "apply", noting)
    return found


def refused(beta, kind, params, macro=None) -> dict:
    with pytest.raises(ActionsRefused) as caught:
        save_macro(macro or Macro(feedback_type=beta.bugs, name="Do it"), [(kind, params)])
    return caught.value.by_action[0]["params"]


# Mail


@pytest.fixture
def support(beta):
    """The responsible team: sam, who can be reached, and two who cannot."""
    sam = User.objects.create_user("sam", "sam@example.com")
    mute = User.objects.create_user("mute")
    gone = User.objects.create_user("gone", "gone@example.com", is_active=False)
    beta.support.members.set([sam, mute, gone, beta.ada])
    change_ticket(beta.ticket, actor="ada", team=beta.support)
    return beta.support


@pytest.mark.parametrize(
    ("params", "to", "told"),
    [
        ({"to": ["submitter"]}, ["ada@example.com"], "mail to 1 person"),
        (
            {"to": ["team"]},
            ["sam@example.com", "ada@example.com"],
            "mail to 2 people (mute has no address, gone is inactive)",
        ),
        (
            {"to": ["submitter", "team"], "addresses": "SAM@example.com\nqa@example.com"},
            ["ada@example.com", "SAM@example.com", "qa@example.com"],
            "mail to 3 people (mute has no address, gone is inactive)",
        ),
        ({"addresses": "qa@example.com,\n qa@example.com"}, ["qa@example.com"], "mail to 1 person"),
    ],
)
def test_a_mail_goes_to_each_of_them_once_and_says_to_whom_it_does_not(
    beta, support, follows, params, to, told
):
    done = run(beta, ("send_email", MAIL | params))

    (mail,) = follows
    assert sorted(mail.to) == sorted(to)
    assert done.sentence == f"Macro “Do it” ran on BUG-0001: {told}."


def test_a_mail_is_written_with_variables_its_subject_in_one_line(beta, follows):
    change_ticket(beta.ticket, actor="ada", summary="It melts <b>now</b>", description="One\r\nTwo")
    texts = {
        "subject": "{{ ticket.ref }}: {{ ticket.description }}",
        "text": "{{ ticket.summary }}",
    }
    done = run(beta, ("send_email", MAIL | texts | {"to": ["submitter"]}))

    assert follows == [Mail(("ada@example.com",), "BUG-0001: One Two", "It melts <b>now</b>")]
    assert done.steps == ["Mail “BUG-0001: One Two” to the submitter"]


def test_one_digest_for_a_bulk_run(beta, follows):
    params = MAIL | {"to": ["submitter"], "sending": "digest"}
    done = run(beta, ("send_email", params))

    assert follows[0].gathered
    assert describe_macro(done.macro) == [
        "Mail “Hi” to the submitter; in a bulk run one mail for all tickets"
    ]


def test_where_nobody_can_be_reached_the_rest_of_the_macro_runs(beta, follows):
    User.objects.filter(pk=beta.ada.pk).update(email="")
    block = ("set_blocking", {"blocking": True})

    done = run(beta, block, ("send_email", MAIL | {"to": ["submitter"]}))

    assert follows == []
    assert done.sentence.endswith("blocking no → yes, no mail (ada has no address).")


def test_a_ticket_of_no_team_has_nobody_to_write_to(beta, follows):
    change_ticket(beta.ticket, actor="ada", team=None)

    done = run(beta, ("send_email", MAIL | {"to": ["team"]}))

    assert done.sentence.endswith("no mail (there is nobody to send it to).")


def test_a_team_of_hundreds_gets_no_mail(beta, follows):
    people = [User(username=f"u{number}", email=f"u{number}@example.com") for number in range(101)]
    beta.support.members.set(User.objects.bulk_create(people))
    change_ticket(beta.ticket, actor="ada", team=beta.support)

    done = run(beta, ("send_email", MAIL | {"to": ["team"]}))

    assert "It would go to 101 people: at most 100." in done.sentence
    assert follows == []


@pytest.mark.parametrize(
    ("params", "problems"),
    [
        ({}, {"non_field_errors": ["Choose to whom the mail goes, or enter an address."]}),
        (
            {"addresses": "qa@example.com, nobody"},
            {"addresses": ["“nobody” is no e-mail address."]},
        ),
        (
            {"addresses": "{{ payload.mail }}"},
            {"addresses": ["“{{ payload.mail }}” is no e-mail address."]},
        ),
        (
            {"addresses": ",".join(f"a{number}@example.com" for number in range(21))},
            {"addresses": ["Give at most 20 addresses."]},
        ),
    ],
)
def test_a_mail_to_nobody_or_to_no_address_is_refused(beta, params, problems):
    assert refused(beta, "send_email", MAIL | params) == problems


# Calls


def test_a_call_is_written_with_variables(beta, follows):
    add_field(beta.bugs, "Severity")
    add_field(beta.bugs, "Version")
    change_ticket(beta.ticket, actor="ada", summary='It "melts" & more')
    done = run(
        beta,
        (
            "call_webhook",
            {
                "method": "PUT",
                "url": "https://a.example/items/{{ ticket.ref }}?q={{ ticket.summary }}",
                "headers": "X-Ref: {{ ticket.ref }}\nAccept: text/plain",
                "body": '{"text": {{ ticket.summary|json }}}',
                "keep": "severity=fields.severity\n version = fields.versions[0]",
            },
        ),
    )

    (call,) = follows
    assert call == Call(
        "PUT",
        "https://a.example/items/BUG-0001?q=It%20%22melts%22%20%26%20more",
        {"X-Ref": "BUG-0001", "Accept": "text/plain", "Content-Type": "application/json"},
        call.body,
        {"severity": "fields.severity", "version": "fields.versions[0]"},
    )
    assert json.loads(call.body) == {"text": 'It "melts" & more'}
    assert done.steps == ["PUT to https://a.example, keeping severity, version of its answer"]
    assert done.sentence == "Macro “Do it” ran on BUG-0001: a call to https://a.example."


def test_an_address_may_be_a_variable_itself(beta, follows):
    change_ticket(beta.ticket, actor="ada", summary="https://b.example/x?y=1")
    run(beta, ("call_webhook", CALL | {"url": "{{ ticket.summary }}&z={{ ticket.summary }}"}))

    assert follows[0].url == "https://b.example/x?y=1&z=https%3A%2F%2Fb.example%2Fx%3Fy%3D1"


def test_no_value_makes_another_header(beta, follows):
    change_ticket(beta.ticket, actor="ada", description="a\r\nX-Admin: yes")
    run(beta, ("call_webhook", CALL | {"headers": "X-Text: {{ ticket.description }}"}))

    assert follows[0].headers == {"X-Text": "a X-Admin: yes"}


def test_no_value_changes_the_path(beta, follows):
    change_ticket(beta.ticket, actor="ada", summary="../admin?x#y")
    run(beta, ("call_webhook", CALL | {"url": "https://a.example/items/{{ ticket.summary }}"}))

    assert follows[0].url == "https://a.example/items/..%2Fadmin%3Fx%23y"


@pytest.mark.parametrize("summary", ["file:///etc/passwd", "https://user:word@b.example", "x y"])
def test_an_address_that_became_none_fails_without_being_told(beta, summary):
    change_ticket(beta.ticket, actor="ada", summary=summary)

    done = run(beta, ("call_webhook", CALL | {"url": "{{ ticket.summary }}"}))

    assert "URL: This is no web address" in done.sentence
    assert summary not in done.sentence


def test_a_body_that_became_no_json_fails(beta):
    change_ticket(beta.ticket, actor="ada", summary='It "melts"')

    done = run(beta, ("call_webhook", CALL | {"body": '{"text": "{{ ticket.summary }}"}'}))

    assert "The body became no JSON (line 1): write texts as {{ ticket.summary|json }}" in (
        done.sentence
    )


def test_a_body_of_another_type_is_sent_as_it_is(beta, follows):
    run(beta, ("call_webhook", CALL | {"headers": "Content-Type: text/xml", "body": "<a/>"}))
    run(beta, ("call_webhook", CALL | {"body": "Hello"}), name="Plain")

    assert [call.headers["Content-Type"] for call in follows] == [
        "text/xml",
        "text/plain; charset=utf-8",
    ]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"method": "TRACE"}, "method"),
        ({"url": "a.example"}, "url"),
        ({"url": "ftp://a.example"}, "url"),
        ({"url": "https://me:word@a.example"}, "url"),
        ({"url": "https://a.example/{{ tickets.ref }}"}, "url"),
        ({"headers": "no colon"}, "headers"),
        ({"headers": "A B: c"}, "headers"),
        ({"headers": "A: 1\na: 2"}, "headers"),
        ({"headers": "A: {% if ticket.ref %}\nB: x{% endif %}"}, "headers"),
        ({"headers": "\n".join(f"X-{number}: 1" for number in range(21))}, "headers"),
        ({"body": "{{ secret }}"}, "secret"),
        ({"keep": "severity"}, "keep"),
        ({"keep": "Severity = a"}, "keep"),
        ({"keep": "severity = a["}, "keep"),
        ({"keep": "severity = a\nseverity = b"}, "keep"),
        ({"keep": "unknown = a"}, "keep"),
        ({"secret": "swordfish"}, "secret"),
        ({"url": "https://{{ ticket.ref }}/{{ secret }}", "secret": "swordfish"}, "url"),
        ({"url": "{{ payload.url }}", "body": "{{ secret }}", "secret": "x"}, "url"),
    ],
)
def test_a_call_that_cannot_be_made_is_refused_at_its_field(beta, params, field):
    assert [*refused(beta, "call_webhook", CALL | params)] == [field]


@pytest.mark.parametrize(
    "header",
    [
        "Authorization: Basic abc",
        "X-API-Key:abc",
        "cookie : a=b",
        "Authorization: Bearer abc{{ '' }}",
        "Authorization: Bearer {{ 'abc' }}",
        "Authorization: Bearer {{ payload.token }}",
        "Authorization: Bearer abc{{ secret }}",
        "Cookie: a=b; c={{ secret }}",
    ],
)
def test_a_header_that_carries_a_secret_by_its_name_is_not_written_in_plain(beta, header):
    (problem,) = refused(beta, "call_webhook", CALL | {"headers": header})["headers"]

    assert "write {{ secret }} in its place" in problem


@pytest.mark.parametrize(
    "header",
    [
        "Authorization: Bearer {{ secret }}",
        "authorization: {{secret}}",
        'Authorization: Token token="{{ secret }}"',
        "Cookie: session={{ secret }}",
        "X-Ref: {{ ticket.ref }}",
    ],
)
def test_a_header_with_a_secret_is_taken(beta, header):
    given = {"headers": header, "secret": "swordfish", "body": "{{ secret }}"}

    assert make_macro(beta.bugs, ("call_webhook", CALL | given))


# Secrets


@pytest.mark.parametrize(
    "text",
    [
        "{{ payload[secret] }}",
        "{{ payload.x[secret]|default('') }}",
        "{{ secret|upper }}",
        "{{ secret|truncate(14, true, '', 0) }}",
        "{{ secret|json|upper }}",
        "{{ secret|json(1) }}",
        "{{ secret|json(*payload.x) }}",
        "{{ secret ~ 'a' }}",
        "{{ [secret] }}",
        "{{ secret[0] }}",
        "{{ secret if ticket.blocking }}",
        "{{ ticket.ref|default(secret) }}",
        "{% for letter in secret %}{{ letter }}{% endfor %}",
        "{% if secret == 'a' %}{% endif %}",
        "{% if 'a' in secret %}{% endif %}",
    ],
)
@pytest.mark.parametrize("field", ["body", "url", "headers"])
def test_a_secret_stands_alone_so_that_nothing_else_is_made_of_it(beta, field, text):
    starts = {"url": "https://a.example/", "headers": "X-A: ", "body": ""}

    given = {field: starts[field] + text, "secret": "swordfish"}
    (problem,) = refused(beta, "call_webhook", CALL | given)[field]

    assert problem.startswith("“secret” is never shown, so it stands alone: write {{ secret }} or")


def test_what_was_saved_with_a_secret_that_is_not_alone_is_not_run(beta, kept, follows):
    macro, params = kept
    MacroAction.objects.update(params=params | {"body": "{{ payload[secret] }}"})

    execution = run_by_hand(macro, beta.ticket, Caller("pam"))

    assert execution.reason == "macro_broken"
    assert "swordfish" not in execution.sentence
    assert not follows


def test_an_address_that_cannot_be_called_is_not_repeated(beta):
    given = {"url": "https://a.example:99999/hooks/{{ secret }}", "secret": "swordfish"}

    done = run(beta, ("call_webhook", CALL | given))

    assert "The address cannot be read: look at its host and its port." in done.sentence
    assert "swordfish" not in done.sentence


def test_a_secret_is_used_and_never_shown(beta, follows):
    done = run(beta, ("call_webhook", SECRET | {"url": "https://a.example/{{ secret }}/x"}))

    (call,) = follows
    assert call.headers == {"Authorization": "Bearer swordfish"}
    assert (call.url, call.secrets) == ("https://a.example/swordfish/x", ("swordfish",))
    shown = [
        done.sentence,
        *done.steps,
        *describe_macro(done.macro),
        *(json.dumps(row.params) for row in MacroAction.objects.all()),
        *(json.dumps(row.record) for row in ExecutionStep.objects.all()),
    ]
    assert "swordfish" not in " ".join(shown)


def test_a_secret_with_slashes_stands_in_the_path_as_it_is(beta, follows):
    params = CALL | {"url": "https://a.example/services/{{ secret }}", "secret": "T0/B1/x y"}
    done = run(beta, ("call_webhook", params))
    assert "URL: This is no web address" in done.sentence

    run(beta, ("call_webhook", params | {"secret": "T0/B1/xy"}), name="Slashes")
    assert follows[-1].url == "https://a.example/services/T0/B1/xy"


@pytest.fixture
def kept(beta):
    """A macro that knows a secret, and the params that stand for it."""
    macro = make_macro(beta.bugs, ("call_webhook", SECRET))
    return macro, macro.actions.get().params


def test_what_was_read_keeps_the_secret(beta, kept, follows):
    macro, params = kept
    assert params["secret"].startswith("kept:")

    save_macro(macro, [("call_webhook", params | {"body": "new"}), ("call_webhook", SECRET)])
    run_by_hand(macro, beta.ticket, Caller("pam"))

    assert [call.headers["Authorization"] for call in follows] == ["Bearer swordfish"] * 2
    assert macro.secrets.count() == 2


def test_a_secret_that_nothing_names_is_forgotten(beta, kept):
    macro, _ = kept

    save_macro(macro, [("call_webhook", CALL)])

    assert not MacroSecret.objects.exists()


def test_a_secret_is_told_to_no_other_host(beta, kept):
    macro, params = kept

    moved = params | {"url": "https://evil.example/"}

    assert refused(beta, "call_webhook", moved, macro) == {
        "secret": ["It is kept for https://a.example alone: enter it anew for another host."]
    }


def test_the_secret_of_another_macro_is_not_to_be_had(beta, kept):
    _, params = kept

    assert refused(beta, "call_webhook", params) == {
        "secret": ["This secret is not kept here: enter it anew."]
    }
    other = make_macro(beta.bugs, ("call_webhook", CALL), name="Other")
    assert [*refused(beta, "call_webhook", params, other)] == ["secret"]


def test_a_macro_that_lacks_its_secret_fails_clearly_and_says_so_on_the_page(beta, kept):
    macro, _ = kept
    macro.secrets.all().delete()
    row = macro.actions.get()
    row.params["secret"] = ""
    row.save()

    execution = run_by_hand(macro, beta.ticket, Caller("pam"))

    assert execution.reason == "macro_broken"
    assert "Secret: Enter what {{ secret }} stands for" in execution.sentence
    assert describe_macro(macro) == [
        "Call a Webhook does not work yet: Enter what {{ secret }} stands for: it is not kept here."
    ]


# Macros that run macros


def chain(beta, *names):
    """Macros that run one another: the first runs the second, and so on. Returns the first."""
    macro = None
    for name in reversed(names):
        what = ("run_macro", {"macro": macro.pk}) if macro else ("set_blocking", {"blocking": True})
        macro = make_macro(beta.bugs, what, name=name)
    return macro


def test_a_macro_runs_another_within_its_own_run(beta):
    inner = make_macro(
        beta.bugs,
        ("set_blocking", {"blocking": True}),
        ("add_comment", {"body": "{{ ticket.blocking }}", "exposure": "public"}),
        name="Inner",
    )

    done = run(beta, ("run_macro", {"macro": inner.pk}), ("add_tags", {"names": "done"}))

    assert done.steps == [
        "Run the macro “Inner”",
        "Inner: Mark as blocking",
        "Inner: Add the public comment “True”",
        "Add the tag done",
    ]
    assert done.sentence.endswith("blocking no → yes, tags empty → done, a comment added.")


def test_what_fails_within_undoes_all_of_it(beta):
    fails = ("add_note", {"body": "{{ payload.nothing }}"})
    inner = make_macro(beta.bugs, ("set_blocking", {"blocking": True}), fails, name="Inner")

    done = run(beta, ("add_tags", {"names": "done"}), ("run_macro", {"macro": inner.pk}))

    beta.ticket.refresh_from_db()
    assert (done.reason, beta.ticket.blocking) == ("action_failed", False)
    assert not beta.ticket.tags.exists()
    assert "“Add Note” of macro “Inner” failed" in done.sentence


def test_a_macro_that_would_run_itself_is_refused_with_the_path(beta):
    first = chain(beta, "First", "Second", "Third")
    third = Macro.objects.get(name="Third")

    assert refused(beta, "run_macro", {"macro": first.pk}, third) == {
        "macro": ["The macro would run itself: Third → First → Second → Third."]
    }
    assert refused(beta, "run_macro", {"macro": first.pk}, first) == {
        "macro": ["The macro would run itself: First → First."]
    }


def test_a_macro_that_is_off_does_nothing_within_another_either(beta):
    inner = chain(beta, "Inner")
    Macro.objects.filter(pk=inner.pk).update(enabled=False)

    done = run(beta, ("run_macro", {"macro": inner.pk}), ("add_tags", {"names": "done"}))

    beta.ticket.refresh_from_db()
    assert not beta.ticket.blocking
    assert done.steps[0] == "Run the macro “Inner”, which is switched off and did nothing"


def once(beta, name="Inner"):
    """A macro that adds a point, once per ticket."""
    inner = make_macro(beta.bugs, ("adjust_score", {"score_how": "add", "score": 1}), name=name)
    inner.once_per_ticket = True
    inner.save()
    return inner


def test_what_runs_once_per_ticket_does_so_within_others_too(beta):
    inner = once(beta)
    twice = [("run_macro", {"macro": inner.pk})] * 2

    first = run(beta, *twice, name="First")
    second = run(beta, *twice, name="Second")

    again = "Run the macro “Inner”, which runs once per ticket, did so before, and did nothing"
    assert first.steps == ["Run the macro “Inner”", "Inner: Add 1 to the score", again]
    assert second.steps == [again, again]
    beta.ticket.refresh_from_db()
    assert beta.ticket.score == 1


def test_what_ran_within_another_does_not_run_by_itself_until_that_is_taken_back(beta):
    inner = once(beta)
    outer = run(beta, ("run_macro", {"macro": inner.pk}), name="Outer")

    skipped = run_by_hand(inner, beta.ticket, PAM)
    undo(outer.execution, PAM)
    ran = run_by_hand(inner, beta.ticket, PAM)

    assert (skipped.reason, ran.reason) == ("ran_before", "applied")


def test_two_ways_to_one_macro_are_no_circle(beta):
    inner = chain(beta, "Inner")
    left = make_macro(beta.bugs, ("run_macro", {"macro": inner.pk}), name="Left")
    right = make_macro(beta.bugs, ("run_macro", {"macro": inner.pk}), name="Right")

    done = run(beta, ("run_macro", {"macro": left.pk}), ("run_macro", {"macro": right.pk}))

    assert done.reason == "applied"


def test_a_path_that_is_too_long_is_stopped(beta):
    names = [f"Number {number}" for number in range(DEEPEST + 1)]
    first = chain(beta, *names)

    execution = run_by_hand(first, beta.ticket, Caller("pam"))

    assert execution.reason == "macro_broken"
    assert " → ".join(names) in execution.sentence


def test_a_macro_of_another_type_is_not_run(beta):
    other = make_macro(beta.suggestions, ("set_blocking", {"blocking": True}))

    assert [*refused(beta, "run_macro", {"macro": other.pk})] == ["macro"]


def test_a_macro_that_another_runs_is_not_deleted(beta):
    chain(beta, "Outer", "Inner")

    with pytest.raises(ProtectedError, match="protected"):
        Macro.objects.get(name="Inner").delete()
