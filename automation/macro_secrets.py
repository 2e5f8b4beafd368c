"""Secrets of macros: kept apart from the params, which pages, files and programs show."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Any, cast

from automation.actions import ACTIONS
from automation.actions.base import Action, Params, ParamsRefused, Settings
from automation.actions.fields import KEPT, SecretField
from automation.models import Macro, MacroSecret


def known_secrets(macro: Macro) -> dict[str, str]:
    """Each by the name that params have for it."""
    return dict(macro.secrets.values_list("name", "value")) if macro.pk else {}


def check_secrets(macro: Macro, action: Action, settings: Settings) -> None:
    """That what is named is kept, and for the one to whom it would be told now."""
    problems = {name: _problem(macro, action, name, settings) for name in action.secrets()}
    if found := {name: [problem] for name, problem in problems.items() if problem}:
        raise ParamsRefused(action.Form, found)


def _problem(macro: Macro, action: Action, name: str, settings: Settings) -> str:
    if not KEPT.fullmatch(settings[name]):
        return ""
    kept = _own(macro).filter(name=settings[name]).first()
    if kept is None:
        return "This secret is not kept here: enter it anew."
    if kept.goes_to != _field(action, name).goes_to(settings):
        return f"It is kept for {kept.goes_to} alone: enter it anew for another host."
    return ""


def keep_secrets(macro: Macro, action: Action, settings: Settings) -> Settings:
    """The settings with the name of each secret in its place."""
    return {**settings, **{name: _kept(macro, action, name, settings) for name in action.secrets()}}


def _kept(macro: Macro, action: Action, name: str, settings: Settings) -> str:
    given: str = settings[name]
    if not given or KEPT.fullmatch(given):
        return given
    goes_to = _field(action, name).goes_to(settings)
    kept = f"kept:{secrets.token_hex(16)}"
    return _own(macro).create(macro=macro, name=kept, value=given, goes_to=goes_to).name


def forget_others(macro: Macro, settings: Iterable[Settings]) -> None:
    """Only what an action still names is kept."""
    named = {value for each in settings for value in each.values() if isinstance(value, str)}
    _own(macro).exclude(name__in=filter(KEPT.fullmatch, named)).delete()


def with_secrets_of(macro: Macro, actions: Iterable[tuple[str, Params]]) -> list[tuple[str, Any]]:
    """Actions of a file, which holds no secrets: those that the macro has for the same hosts."""
    left = list(_secrets_by_place(macro))
    found = []
    for kind, params in actions:
        own = {}
        for name in ACTIONS[kind].secrets() if kind in ACTIONS else ():
            place = kind, name, _field(ACTIONS[kind], name).goes_to(params)
            kept = next((secret for where, secret in left if where == place), "")
            left = [each for each in left if each[1] != kept]
            own[name] = params.get(name) or kept
        found.append((kind, {**params, **own}))
    return found


def with_secrets_now(macro: Macro, actions: Iterable[tuple[str, Params]]) -> list[tuple[str, Any]]:
    """Actions as they were once, whose secrets may be others now: those for the same hosts.

    What is not kept any more stays named, so that the check of the actions says so.
    """
    known, was = known_secrets(macro), list(actions)
    now = with_secrets_of(macro, [(kind, _without_others(kind, each, known)) for kind, each in was])
    return [
        (kind, {**params, **{name: own[name] or params[name] for name in own if name in params}})
        for (kind, params), (_, own) in zip(was, now, strict=True)
    ]


def without_secrets(actions: Iterable[tuple[str, Params]]) -> list[tuple[str, Params]]:
    return [(kind, _without_others(kind, params, {})) for kind, params in actions]


def _without_others(kind: str, params: Params, known: dict[str, str]) -> dict[str, Any]:
    names = ACTIONS[kind].secrets() if kind in ACTIONS else ()
    return {**params, **{name: "" for name in names if params.get(name) not in known}}


def _secrets_by_place(macro: Macro) -> Iterator[tuple[tuple[str, str, str], str]]:
    hosts = dict(_own(macro).values_list("name", "goes_to")) if macro.pk else {}
    for row in macro.actions.all() if macro.pk else ():
        for name in ACTIONS[row.kind].secrets():
            kept = row.params.get(name, "")
            if kept in hosts:
                yield (row.kind, name, hosts[kept]), kept


def _own(macro: Macro) -> Any:
    return MacroSecret.objects.filter(macro=macro) if macro.pk else MacroSecret.objects.none()


def _field(action: Action, name: str) -> SecretField:
    return cast("SecretField", action.Form.base_fields[name])
