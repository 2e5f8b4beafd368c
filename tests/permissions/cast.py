"""Two projects with a row of everything, each named by a word that betrays it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from apikeys.models import APICall
from automation.hand_over import make_hand_over
from automation.listener_versions import keep_listener
from automation.macros import save_macro
from automation.models import (
    BulkRun,
    Delivery,
    Execution,
    ExecutionStep,
    ExternalListener,
    Macro,
    Outgoing,
    Schedule,
    Trigger,
)
from automation.reasons import Reason
from feedback.following import follow_comment, keep_data
from feedback.form_fields import save_form_field
from feedback.furnishing import create_project
from feedback.models import FeedbackType, FormField, SavedFilter, Status, Team, Version, Workflow
from feedback.people import add_note, adjust_points
from feedback.saved_filters import save_filter
from feedback.services import add_comment, change_ticket, link_ticket, submit_ticket, tags_named
from feedback.versions import delete_row, deleted_from
from tests.conftest import make_key
from tests.permissions.roles import BOTH, KEYS, PEOPLE

PASSWORD = "melting-lens-cap"


class Nothing:
    """Stands for a row that is not there, wherever the table names one."""

    def __init__(self, shown: str = "999999") -> None:
        self.shown = shown

    def __getattr__(self, name: str) -> Nothing:
        return Nothing({"public_id": "0" * 32, "key": "nosuch"}.get(name, "999999"))

    def __format__(self, spec: str) -> str:
        return self.shown


NOWHERE: Any = type("Nowhere", (dict,), {"__missing__": lambda self, name: Nothing()})()


def make_world() -> SimpleNamespace:
    """Both projects, everybody, and a session or key for each."""
    people = {role: _person(_name(role)) for role in [*sorted(PEOPLE), BOTH]}
    User.objects.filter(pk=people["community"].pk).update(is_superuser=True, is_staff=True)
    beta = make_project("beta", "Betawood", inner="Innerwood", iron="Ironwood", oak="Oakwood")
    zebra = make_project("zebrawood", "Zebrawood")
    for role, team in {
        "manager": beta.managers,
        "support": beta.support,
        "other_support": beta.second_support,
        "observer": beta.observers,
        "participant": beta.participants,
        "other_manager": zebra.managers,
    }.items():
        team.members.add(people[role])
    zebra.managers.members.add(people[BOTH])
    beta.participants.members.add(people[BOTH])
    bound = {"beta": beta.project, "zebra": zebra.project}
    keys = {}
    for role in sorted(KEYS):
        _, scope, project = [*role.split("_"), ""][:3]
        word = {"beta": "Betawood", "zebra": "Zebrawood"}.get(project, "Keywood")
        keys[role] = make_key(
            name=f"{word} {role}",
            prefix=role.replace("_", ""),
            scopes=[scope],
            project=bound.get(project),
            mail_on_use=f"{role}@{word}.example".lower(),
        )
    loose = make_key(name="Keywood spare", prefix="loose", scopes=["listen"]).row
    world = SimpleNamespace(
        people=people,
        keys=keys,
        beta=beta,
        zebra=zebra,
        sessions={role: _session(person) for role, person in people.items()},
        loose_key=loose,
        person=people["observer"],
        spare_person=_person("keywood-spare"),
        call=APICall.objects.create(
            api_key=keys["key_read_beta"].row, method="GET", path="/api/v1/tags", status_code=200
        ),
        used_key=keys["key_read_beta"].row,
    )
    for row in (beta.spare_team, beta.project, people["observer"], loose):
        _log(people["community"], row, "Betawood was changed.")
    _log(people["community"], zebra.spare_team, "Zebrawood was changed.")
    APICall.objects.create(
        api_key=keys["key_read_zebra"].row, method="GET", path="/zebrawood", status_code=200
    )
    Delivery.objects.create(
        method="POST", path="/keywood", status_code=401, status="refused", reason="key_unknown"
    )
    return world


def places(world: SimpleNamespace) -> dict[str, Any]:
    """What the table's addresses may name: Beta's rows, and the community's."""
    return vars(world.beta) | vars(world)


def make_project(
    key: str, word: str, inner: str = "", iron: str = "", oak: str = ""
) -> SimpleNamespace:
    inner, iron, oak = inner or word, iron or word, oak or word
    project = create_project(key, f"{word} project")
    own = FeedbackType.objects.filter(project=project)
    own.filter(prefix="BUG").update(name=f"{word} bugs")
    bugs = own.get(prefix="BUG")
    team = {kind: Team.objects.get(project=project, kind=kind) for kind in Team.Kind.values[:2]}
    participants = Team.objects.get(project=project, kind="participant")
    for each in Team.objects.filter(project=project):
        Team.objects.filter(pk=each.pk).update(name=f"{inner} {each.name}")
    statuses = {status.name: status for status in Status.objects.in_project(project)}
    Workflow.objects.filter(project=project).update(name=f"{inner} flow")
    tester = _person(f"{word.lower()}-tester")
    participants.members.add(tester)
    support = team["support"]
    asked: dict[str, dict[str, Any]] = {
        "outer": {"label": f"{inner} label", "public_label": f"{word} field"},
        "inner": {"label": f"{inner} field", "public": False},
        "spare": {"label": f"{word} spare field"},
    }
    fields = {
        name: save_form_field(FormField(feedback_type=bugs, key=name, kind="text", **options))
        for name, options in asked.items()
    }
    ticket = submit_ticket(bugs, summary=f"{word} melts", description=word, submitter=tester)
    change_ticket(
        ticket,
        actor=f"{word} Jira",
        team=support,
        status=statuses["Open"],
        tags=tags_named(project, [f"{word} tag"]),
        values={"outer": f"{word} value", "inner": f"{inner} value"},
    )
    internal = submit_ticket(bugs, summary=f"{inner} leaks", submitter=tester, exposure="internal")
    link = link_ticket(ticket, actor=tester.username, system="jira", remote_key=f"{inner}-12")
    _follow(ticket, inner)
    filters = [
        _filter(bugs, f"{inner} filter", {"search": [inner]}, {"status": [statuses["New"].pk]}),
        _filter(bugs, f"{inner} spare filter", {"search": ["a"]}, {"search": ["b"]}),
    ]
    moves = {
        "team": support.pk,
        "workflow": bugs.default_workflow_id,
        "status": statuses["Closed"].pk,
    }
    macros = [
        save_macro(Macro(feedback_type=bugs, name=name), [("adjust_workflow", moves)])
        for name in (f"{oak} macro", f"{oak} draft")
    ]
    macros[1].name = f"{oak} spare macro"
    save_macro(macros[1], [("adjust_workflow", moves)], actor=f"{oak} Jira")
    listeners = [
        ExternalListener.objects.create(
            project=project,
            feedback_type=bugs,
            macro=macros[0],
            filter=filters[0],
            sender="jira",
            when="any",
            key=listener_key,
            name=f"{iron} {listener_key}",
            secret="",
        )
        for listener_key in ("closed", "spare")
    ]
    keep_listener(listeners[1], actor=f"{iron} Jira")
    listeners[1].description = f"{iron} words"
    listeners[1].save()
    keep_listener(listeners[1], actor=f"{iron} Jira")
    adjust_points(ticket, "add", 5, actor=f"{inner} Jira")
    delivery, execution = _delivery(listeners[0], macros[0], ticket, word=iron)
    ExternalListener.objects.filter(pk=listeners[1].pk).update(secret="kept")
    maker = _person(f"maker-{key}")  # the link names who sent it
    team["project_manager"].members.add(maker)
    hand_over, token = make_hand_over(listeners[1], by=maker, key=False)
    return SimpleNamespace(
        project=project,
        bugs=bugs,
        workflow=bugs.default_workflow,
        new=statuses["New"],
        open=statuses["Open"],
        managers=team["project_manager"],
        support=support,
        participants=participants,
        second_support=Team.objects.create(project=project, name=f"{inner} second", kind="support"),
        observers=Team.objects.create(project=project, name=f"{inner} observers", kind="observer"),
        spare_team=Team.objects.create(project=project, name=f"{inner} spare", kind="support"),
        spare_workflow=Workflow.objects.create(project=project, name=f"{inner} spare flow"),
        spare_status=Status.objects.create(
            workflow=bugs.default_workflow, name=f"{inner} spare status", order=9
        ),
        spare_type=FeedbackType.objects.create(
            project=project,
            name=f"{word} spare type",
            prefix="SPARE",
            default_workflow=bugs.default_workflow,
        ),
        tag=project.tags.get(),
        field=fields["outer"],
        inner_field=fields["inner"],
        spare_field=fields["spare"],
        spare_tag=project.tags.create(name=f"{inner} spare tag"),
        tester=tester,
        ticket=ticket,
        internal=internal,
        link=link,
        comment=add_comment(ticket, body=f"{word} comment", actor=tester.username, author=tester),
        inner_comment=add_comment(
            ticket, body=f"{inner} comment", actor=tester.username, exposure="internal"
        ),
        note=add_note(ticket, f"{inner} note", actor=f"{inner} Jira"),
        standing=tester.standings.get(),
        filter=filters[0],
        spare_filter=filters[1],
        deleted=_deleted(bugs, word=inner),
        macro=macros[0],
        spare_macro=macros[1],
        listener=listeners[0],
        spare_listener=listeners[1],
        delivery=delivery,
        execution=execution,
        hand_over=hand_over,
        token=token,
        outgoing=_outgoing(execution, word=iron),
        **_starts(bugs, macros[0], filters[0], word=iron),
        bulk_done=_bulk_done(macros[0], execution),
    )


def _deleted(bugs: FeedbackType, word: str) -> Version:
    saved = SavedFilter(feedback_type=bugs, name=f"{word} gone", groups=[{"search": ["lens"]}])
    delete_row(save_filter(saved), actor=f"{word} somebody")
    return deleted_from(bugs).get()


def _outgoing(execution: Execution, word: str) -> Outgoing:
    """A mail that failed, and so may be sent again."""
    to = f"{word}@example.com".lower()
    return Outgoing.objects.create(
        project=execution.ticket.feedback_type.project,
        ticket=execution.ticket,
        execution=execution,
        kind="mail",
        status="failed",
        destination=to,
        title=f"{word} is closed",
        content={"to": to, "subject": f"{word} is closed", "text": word, "html": ""},
        outcome=f"{word} was refused.",
    )


def _starts(kind: Any, macro: Any, within: Any, word: str) -> dict[str, Any]:
    own = {"feedback_type": kind, "macro": macro, "filter": within, "enabled": False}
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    names = {"": "", "spare_": " spare"}
    triggers = {
        f"{which}trigger": Trigger.objects.create(
            name=f"{word} trigger{name}", event="modified", **own
        )
        for which, name in names.items()
    }
    schedules = {
        f"{which}schedule": Schedule.objects.create(
            name=f"{word} schedule{name}", every="day", starts_at=noon, **own
        )
        for which, name in names.items()
    }
    bulk = BulkRun.objects.create(macro=macro, chosen="All", actor="Somebody", total=1)
    return triggers | schedules | {"bulk": bulk}


def _bulk_done(macro: Macro, execution: Execution) -> BulkRun:
    """A run that is over, of which ``execution`` was a part."""
    done = BulkRun.objects.create(
        macro=macro, chosen="All", actor="Somebody", total=1, state=BulkRun.State.DONE
    )
    Execution.objects.filter(pk=execution.pk).update(bulk=done)
    return done


def _follow(ticket: Any, word: str) -> None:
    """An internal comment from elsewhere, edited, and custom data."""
    for body in ("said", "said it again"):
        follow_comment(
            ticket,
            system="jira",
            remote_id="9",
            body=f"{word} {body}",
            author=f"{word} Dana",
            exposure="internal",
            actor=f"{word} Erin",
            cause="",
            edited=True,
        )
    keep_data(ticket, name="outer", content={"word": word}, actor=word, cause="")


def _filter(feedback_type: Any, name: str, *groups: dict[str, Any]) -> SavedFilter:
    """One that had another name at first."""
    saved = SavedFilter(feedback_type=feedback_type, name=f"{name} draft", groups=list(groups))
    save_filter(saved, actor=name)
    saved.name = name
    return save_filter(saved, actor=name)


def _delivery(listener: Any, macro: Any, ticket: Any, word: str) -> tuple[Delivery, Execution]:
    delivery = Delivery(
        project=listener.project,
        listener=listener,
        method="POST",
        path=f"/{word}",
        status_code=200,
        find=f"{word}-12",
        body=json.dumps({"issue": word}).encode(),
        headers=json.dumps({"Content-Type": "application/json", "X-Word": word}),
    )
    evidence = {"macro": str(macro), "ticket": ticket.ref, "changes": f"{word} was closed"}
    delivery.end(Reason.APPLIED, evidence)
    delivery.save()
    execution = Execution.objects.create(
        delivery=delivery,
        macro=macro,
        ticket=ticket,
        actor=f"{word} closed",
        status=delivery.status,
        reason=delivery.reason,
        evidence=evidence,
    )
    ExecutionStep.objects.create(
        execution=execution, kind="adjust_workflow", sentence=f"{word} ran"
    )
    return delivery, execution


def _name(role: str) -> str:
    """With the word of the project that the person is in."""
    words = {"community": "", "teamless": "", BOTH: "", "other_manager": "-zebrawood"}
    return role + words.get(role, "-betawood")


def _person(username: str) -> User:
    username = username.replace("_", "-")
    return User.objects.create(
        username=username,
        email=f"{username}@example.com",
        password=MD5PasswordHasher().encode(PASSWORD, "salt"),
    )


def _session(person: User) -> str:
    client = Client()
    client.force_login(person)
    return client.cookies["sessionid"].value


def _log(person: User, row: Any, message: str) -> None:
    LogEntry.objects.create(
        user=person,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row),
        action_flag=CHANGE,
        change_message=message,
    )
