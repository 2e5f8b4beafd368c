from __future__ import annotations

from automation.senders.azure_devops import AzureDevOps
from automation.senders.base import Sender
from automation.senders.generic import Generic
from automation.senders.github import GitHub
from automation.senders.gitlab import GitLab
from automation.senders.jira import Jira
from automation.senders.linear import Linear
from automation.senders.rally import Rally
from automation.senders.salesforce import Salesforce

SENDERS: dict[str, Sender] = {
    sender.slug: sender
    for sender in (
        *(Jira(), AzureDevOps(), Rally(), Salesforce()),
        *(GitHub(), GitLab(), Linear(), Generic()),
    )
}


BY_SYSTEM = {sender.system: sender for sender in SENDERS.values() if sender.system}


def sender_choices() -> list[tuple[str, str]]:
    return [(sender.slug, sender.label) for sender in SENDERS.values()]
