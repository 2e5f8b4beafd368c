"""Triggers and texts that are there already keep the form fields that they name."""

from __future__ import annotations

import re
from typing import Any

from django.db import migrations

VALUES = "values."
NAMED = re.compile(r"\bticket\.values\.(\w+)")


def keep_named(apps: Any, schema_editor: Any) -> None:
    fields = apps.get_model("feedback", "FormField").objects
    triggers = apps.get_model("automation", "Trigger").objects
    for trigger in triggers.filter(field__startswith=VALUES, form_field=None):
        key = trigger.field.removeprefix(VALUES)
        trigger.form_field = fields.filter(feedback_type=trigger.feedback_type, key=key).first()
        trigger.save(update_fields=["form_field"])
    actions = apps.get_model("automation", "MacroAction").objects.select_related("macro")
    for action in actions:
        texts = [value for value in action.params.values() if isinstance(value, str)]
        keys = {key for text in texts for key in NAMED.findall(text)}
        of_type = fields.filter(feedback_type=action.macro.feedback_type_id, key__in=keys)
        for field in of_type if keys else ():
            action.uses.get_or_create(formfield=field)


class Migration(migrations.Migration):
    dependencies = [("automation", "0018_triggers_name_form_fields")]

    operations = [migrations.RunPython(keep_named, migrations.RunPython.noop)]
