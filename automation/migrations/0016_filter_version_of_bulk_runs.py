from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("automation", "0015_changes_of_steps"),
        ("feedback", "0008_first_versions"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkrun",
            name="filter_version",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="feedback.version",
            ),
        ),
    ]
