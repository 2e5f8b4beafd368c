from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("automation", "0017_who_began_bulk_runs"),
        ("feedback", "0008_first_versions"),
    ]

    operations = [
        migrations.AddField(
            model_name="trigger",
            name="form_field",
            field=models.ForeignKey(
                editable=False,
                help_text="The form field that “field” names, so that the database refuses to delete it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="feedback.formfield",
            ),
        ),
    ]
