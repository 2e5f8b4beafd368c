from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import migrations

SENTENCES_THAT_NAME_IT = ("applied", "unchanged")


def name_what_ran(apps: Any, schema_editor: Any) -> None:
    for row in rows_with("macro", apps):
        row.evidence["run"] = f"Macro “{row.evidence.pop('macro')}”"
        row.save(update_fields=["evidence"])


def name_the_macro(apps: Any, schema_editor: Any) -> None:
    for row in rows_with("run", apps):
        row.evidence["macro"] = row.evidence.pop("run").removeprefix("Macro “").removesuffix("”")
        row.save(update_fields=["evidence"])


def rows_with(name: str, apps: Any) -> Iterator[Any]:
    for model in ("Delivery", "Execution"):
        rows = apps.get_model("automation", model).objects.filter(
            reason__in=SENTENCES_THAT_NAME_IT, evidence__has_key=name
        )
        yield from rows.only("evidence").iterator(chunk_size=1000)


class Migration(migrations.Migration):
    dependencies = [("automation", "0003_senders_tables_and_types")]

    operations = [migrations.RunPython(name_what_ran, name_the_macro)]
