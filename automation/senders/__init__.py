from __future__ import annotations

from automation.senders.base import Sender
from automation.senders.generic import Generic
from automation.senders.jira import Jira

SENDERS: dict[str, Sender] = {sender.slug: sender for sender in (Jira(), Generic())}


def sender_choices() -> list[tuple[str, str]]:
    return [(sender.slug, sender.label) for sender in SENDERS.values()]
