from __future__ import annotations

from collections.abc import Iterator

from automation.models import ExternalListener, Macro, ProtectedStatus, StatusRow
from feedback.models import Status, Version
from feedback.versions import Content, Naming, field_lines, keep_version, name_of, values_of

LABELS = {"type": "Listener Type", "macro": "Feedback Macro"}  # as the listener's page has them
CELLS = ("status", "resolution", "macro")


def keep_listener(listener: ExternalListener, *, actor: str, always: bool = False) -> Version:
    """Of its secret only whether there is one."""
    rows = StatusRow.objects.filter(listener=listener).values(*CELLS)
    protected = ProtectedStatus.objects.filter(listener=listener).order_by("status")
    content = {
        **values_of(listener),
        "status_table": list(rows),
        "protected_statuses": list(protected.values_list("status", flat=True)),
        "has_secret": bool(listener.secret),
    }
    lines = listener_lines(content)
    return keep_version(listener, content, lines, actor=actor, always=always)


def listener_lines(content: Content, named: Naming = name_of) -> list[str]:
    own = field_lines(ExternalListener, content, LABELS, named)
    return [*own, *_other_lines(content, named)]


def _other_lines(content: Content, named: Naming) -> Iterator[str]:
    for row in content["status_table"]:
        told = " / ".join(filter(None, (row["status"] or "any status", row["resolution"])))
        does = named(Macro, row["macro"]) if row["macro"] else "do nothing"
        yield f"At {told}: {does}"
    for pk in content["protected_statuses"]:
        yield f"Protected status: {named(Status, pk)}"
    if content["has_secret"]:
        yield "Secret: one that is not shown"
