"""A macro does its actions to a ticket, one after the other."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q

from automation.actions import ACTIONS
from automation.actions.base import Action, Done, Params, Settings, kept_effects
from automation.actions.follow_ups import FollowUp, RunMacro
from automation.healing import HEALS
from automation.macro_secrets import known_secrets
from automation.macros import whole
from automation.models import Execution, ExecutionStep, Macro, MacroAction
from automation.reasons import DeliveryStatus, Reason, Stop
from automation.rehearsing import unless_rehearsing
from automation.variables import Words
from feedback.models import Ticket

log = logging.getLogger(__name__)
log.addFilter(unless_rehearsing)

DEEPEST = 5  # macros that run one another
MOST_STEPS = 200


@dataclass(frozen=True)
class Step:
    """One part of a run: the row to keep, what people are told, and what must follow."""

    row: ExecutionStep
    told: str = ""
    follow_ups: tuple[FollowUp, ...] = ()


@dataclass(frozen=True)
class MacroRun:
    """One macro on one ticket, and the macros that it runs in turn."""

    ticket: Ticket
    actor: str
    cause: str
    words: Callable[[], Words]
    path: tuple[Macro, ...] = ()
    begun: set[int] = field(default_factory=set)  # the ids of all macros of the run
    counted: list[int] = field(default_factory=list)  # how many things each of them does

    def of(self, macro: Macro) -> list[Step]:
        """Every action's params are checked before the first action changes anything."""
        inner = dataclasses.replace(self, path=(*self.path, macro))
        inner.check_path()
        self.begun.add(macro.pk)
        actions = inner.checked_actions()
        kinds = [action.kind for action, _ in actions]
        return [
            step
            for place, (action, settings) in enumerate(actions)
            for step in inner.steps(action, settings, _name(action, kinds, place))
        ]

    def check_path(self) -> None:
        *before, macro = self.path
        if macro in before or len(self.path) > DEEPEST:
            path = " → ".join(each.name for each in self.path)
            what = "it runs itself" if macro in before else f"more than {DEEPEST} run one another"
            raise self.stop(Reason.MACRO_BROKEN, why=f"{what}: {path}.")

    def checked_actions(self) -> list[tuple[Action, Settings]]:
        """Read at once with the macro's version, which somebody may be about to change."""
        macro = self.path[-1]
        read = list(MacroAction.objects.filter(macro=macro).select_related("macro"))
        macro.version_id = read[0].macro.version_id if read else macro.version_id
        self.check_length(len(read))
        return [(ACTIONS[row.kind], self.checked(ACTIONS[row.kind], row.params)) for row in read]

    def checked(self, action: Action, params: Params) -> Settings:
        try:
            return whole(action, action.clean(params, self.ticket.feedback_type))
        except ValidationError as error:
            told = f"{action.label}: {' '.join(error.messages)}"
            raise self.stop(Reason.MACRO_BROKEN, why=told) from error

    def check_length(self, more: int) -> None:
        self.counted.append(more)
        if sum(self.counted) > MOST_STEPS:
            told = f"it and the macros that it runs do more than {MOST_STEPS} things."
            raise self.stop(Reason.MACRO_BROKEN, why=told)

    def steps(self, action: Action, settings: Settings, name: str) -> list[Step]:
        """The action's own step, and those of the macros that must follow it."""
        try:
            secrets = known_secrets(self.path[-1]) if action.secrets() else {}
            settings = action.filled_in(settings, self.words, secrets)
            done = action.apply(self.ticket, settings, actor=self.actor, cause=self.cause)
        except HEALS:
            raise
        except Exception as error:
            if not isinstance(error, ValidationError):  # which says what to mend
                log.exception("Action %s failed on %s", action.kind, self.ticket.ref)
            failed = self.stop(Reason.ACTION_FAILED, action=name, why=why(error))
            raise failed from error
        own, inner = self.step(action, settings, done), []
        for macro in self.macros_of(done):
            if idle := self.why_idle(macro):
                own.row.sentence += f", {idle}"
            else:
                inner += self.of(macro)
        if any(step.row.record for step in inner):
            own.row.record = {**own.row.record, "inner": len(inner)}
        return [own, *inner]

    def macros_of(self, done: Done) -> list[Macro]:
        follow_ups = [each for each in done.follow_ups if isinstance(each, RunMacro)]
        return [Macro.objects.get(pk=each.macro) for each in follow_ups]

    def why_idle(self, macro: Macro) -> str:
        """Why a macro that another one runs is passed over; empty where it runs."""
        if not macro.enabled:
            return "which is switched off and did nothing"
        if macro.once_per_ticket and (macro.pk in self.begun or ran_before(macro, self.ticket)):
            return "which runs once per ticket, did so before, and did nothing"
        return ""

    def step(self, action: Action, settings: Settings, done: Done) -> Step:
        within = f"{self.path[-1]}: " if len(self.path) > 1 else ""
        leaving = tuple(each for each in done.follow_ups if not isinstance(each, RunMacro))
        row = ExecutionStep(
            kind=action.kind,
            sentence=f"{within}{action.describe(settings)}",
            record=done.record or ({"leaving": len(leaving)} if leaving else {}),
            changes=kept_effects(done.effects),
            macro_version_id=self.path[-1].version_id,
        )
        return Step(row, done.told, leaving)

    def stop(self, reason: Reason, **evidence: Any) -> Stop:
        return Stop(reason, macro=self.path[-1].name, ticket=self.ticket.ref, **evidence)


def _name(action: Action, kinds: list[str], place: int) -> str:
    """Its label, and where it stands if there are several of its kind."""
    several = kinds.count(action.kind) > 1
    return f"{action.label} ({place + 1} of {len(kinds)})" if several else action.label


def ran_before(macro: Macro, ticket: Ticket) -> Execution | None:
    """The first run of ``macro`` on ``ticket`` that nobody took back, by itself or by another."""
    within = ExecutionStep.objects.filter(
        macro_version__kind=Macro._meta.label_lower, macro_version__row=macro.pk
    )
    done = Execution.objects.filter(ticket=ticket, status=DeliveryStatus.DONE)
    own = done.filter(Q(macro=macro) | Q(pk__in=within.values("execution"))).order_by("pk")
    return next((run for run in own if stands(run)), None)


def stands(run: Execution) -> bool:
    """Whether no undo took it back, unless that undo was taken back itself."""
    return not any(stands(undo) for undo in run.undone_by.filter(reason=Reason.APPLIED))


def why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return f"{type(error).__name__}: {error}."
