from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError, CommandParser

from apikeys.models import APIKey


class Command(BaseCommand):
    help = "Makes an API key and prints it, alone on the last line: it is never shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--prefix", default="", help="small letters and digits")
        parser.add_argument(
            "--scope", nargs="+", choices=APIKey.Scope.values, default=[APIKey.Scope.LISTEN]
        )
        parser.add_argument("--network", nargs="+", default=[], metavar="CIDR")
        parser.add_argument("--project", default="", metavar="KEY", help="the only project")

    def handle(self, *args: Any, **options: Any) -> None:
        key = APIKey(
            name=options["name"],
            scopes=[scope for scope in APIKey.Scope.values if scope in options["scope"]],
            networks="\n".join(options["network"]),
            project=self.project(options["project"]),
        )
        key.prefix = options["prefix"] or key.prefix
        try:
            key.full_clean(exclude=["digest"])
        except ValidationError as error:
            problems = [
                f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items()
            ]
            raise CommandError("\n".join(problems)) from None
        self.stdout.write(key.issue())

    def project(self, project_key: str) -> Any:
        if not project_key:
            return None
        projects: Any = APIKey._meta.get_field("project").related_model
        found = projects.objects.filter(key=project_key.lower()).first()
        if found is None:
            known = ", ".join(projects.objects.order_by("key").values_list("key", flat=True))
            raise CommandError(
                f"There is no project “{project_key}”. There are: {known or 'none yet'}."
            )
        return found
