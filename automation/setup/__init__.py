"""The ways to let each sender call a listener. A sender without any has a page without steps."""

from __future__ import annotations

from automation.setup import (
    azure_devops,
    generic,
    github,
    gitlab,
    jira,
    linear,
    rally,
    salesforce,
)
from automation.setup.base import Way

WAYS: dict[str, tuple[Way, ...]] = {
    "jira": jira.WAYS,
    "azure_devops": azure_devops.WAYS,
    "rally": rally.WAYS,
    "salesforce": salesforce.WAYS,
    "github": github.WAYS,
    "gitlab": gitlab.WAYS,
    "linear": linear.WAYS,
    "generic": generic.WAYS,
}


def ways_of(sender: str) -> tuple[Way, ...]:
    return WAYS.get(sender, ())
