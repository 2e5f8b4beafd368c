"""Saved filters that are there already get their first version, by nobody known."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def keep_first(apps: Any, schema_editor: Any) -> None:
    version = apps.get_model("feedback", "Version").objects
    for saved in apps.get_model("feedback", "SavedFilter").objects.filter(version=None):
        content = {"archived": saved.archived, "name": saved.name, "groups": saved.groups}
        saved.version = version.create(
            kind="feedback.savedfilter", row=saved.pk, number=1, content=content
        )
        saved.save(update_fields=["version"])


class Migration(migrations.Migration):
    dependencies = [("feedback", "0007_versions")]

    operations = [migrations.RunPython(keep_first, migrations.RunPython.noop)]
