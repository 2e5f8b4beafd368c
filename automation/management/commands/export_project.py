from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from automation.rules.export import rules_of
from feedback.models import Project
from rest.nearest import nearest


class Command(BaseCommand):
    help = "Prints a project's rules as YAML, without secrets; import_project reads it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the project key")

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        project = Project.objects.filter(key=key.lower()).first()
        if project is None:
            known = list(Project.objects.order_by("key").values_list("key", flat=True))
            raise CommandError(
                f"There is no project “{key}”.{nearest(key.lower(), known)} "
                f"There are: {', '.join(known) or 'none yet'}."
            )
        rules = rules_of(project)
        self.stdout.write(rules.text, ending="")
        for each in rules.left_out:
            self.stderr.write(f"Left out: {each}")
