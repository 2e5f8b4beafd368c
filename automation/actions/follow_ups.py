"""What must follow an action: it leaves, or runs, once the action's own changes are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mail:
    """To each address a mail of its own; ``gathered``: in a bulk run one digest for all tickets."""

    to: tuple[str, ...]
    subject: str
    text: str
    gathered: bool = False


@dataclass(frozen=True)
class Call:
    """An HTTP request; ``keep``: form fields of the ticket, each by a JMESPath over the answer.

    ``secrets`` stand somewhere in it and are struck out wherever it is shown.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    keep: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class RunMacro:
    """Another macro, at once and as a part of the same run."""

    macro: int


FollowUp = Mail | Call | RunMacro
