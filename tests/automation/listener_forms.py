"""A listener's form as browsers send it, and what came of it."""

from __future__ import annotations


def table(*rows):
    """Rows as a browser sends them: (status, resolution, macro)."""
    return {
        "status_table-status": [status for status, _, _ in rows],
        "status_table-resolution": [resolution for _, resolution, _ in rows],
        "status_table-macro": [macro.pk if macro else "" for _, _, macro in rows],
    }


def rows_of(listener):
    return list(listener.status_rows.values_list("order", "status", "resolution", "macro__name"))


def errors_of(answer):
    return {name: list(messages) for name, messages in answer.context["form"].errors.items()}
