from __future__ import annotations

import json
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from automation import samples


class Command(BaseCommand):
    help = "Posts a sample request to a listener's URL, as its sender would."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sender", help="such as jira")
        parser.add_argument("event", help="such as issue_done")
        parser.add_argument("url", help="the API Endpoint URL, with the API key put in")
        parser.add_argument("--secret", default="", help="sign the body with the listener's secret")
        parser.add_argument("--delivery-id", default="", help="instead of a new one: a repeat")

    def handle(self, *args: Any, sender: str, event: str, url: str, **options: Any) -> None:
        try:
            sample = samples.load(sender, event)
        except LookupError as error:
            raise CommandError(str(error.args[0])) from None
        try:
            answer = samples.post(url, sample, options["secret"], options["delivery_id"])
        except ValueError as error:
            raise CommandError(f"That is no URL: {error}.") from None
        except OSError as error:
            where = url.partition("?")[0]
            raise CommandError(f"{where} cannot be reached: {error}.") from None
        shown = answer.text
        if answer.content is not None:
            shown = json.dumps(answer.content, indent=2, ensure_ascii=False)
        self.stdout.write(f"{answer.code}\n{shown}")
