"""Macros and listeners that are there already get their first version, by nobody known."""

from __future__ import annotations

from typing import Any

from django.db import migrations

NOT_KEPT = ("project", "feedback_type", "secret")


def keep_first(apps: Any, schema_editor: Any) -> None:
    for macro in apps.get_model("automation", "Macro").objects.filter(version=None):
        actions = macro.actions.order_by("order", "pk").values("kind", "params")
        _keep(apps, macro, actions=list(actions))
    for listener in apps.get_model("automation", "ExternalListener").objects.filter(version=None):
        table = listener.status_rows.order_by("order", "pk").values("status", "resolution", "macro")
        protected = listener.protected_statuses.order_by("pk").values_list("pk", flat=True)
        _keep(
            apps,
            listener,
            status_table=list(table),
            protected_statuses=list(protected),
            has_secret=bool(listener.secret),
        )


def _keep(apps: Any, row: Any, **more: Any) -> None:
    fields = [
        field
        for field in row._meta.concrete_fields
        if field.editable and not field.primary_key and field.name not in NOT_KEPT
    ]
    values = {field.name: field.value_from_object(row) for field in fields}
    row.version = apps.get_model("feedback", "Version").objects.create(
        kind=row._meta.label_lower, row=row.pk, number=1, content={**values, **more}
    )
    row.save(update_fields=["version"])


class Migration(migrations.Migration):
    dependencies = [("automation", "0011_versions"), ("feedback", "0008_first_versions")]

    operations = [migrations.RunPython(keep_first, migrations.RunPython.noop)]
