from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("feedback", "0009_points_without_takes_back"),
    ]

    operations = [
        migrations.AddField(
            model_name="version",
            name="deleted_from",
            field=models.ForeignKey(
                help_text="Where the row was, of a last version that is about its end.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="feedback.feedbacktype",
            ),
        ),
    ]
