from __future__ import annotations

import json
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from automation import samples


class Command(BaseCommand):
    help = (
        "Posts a sample request to a listener's URL, as its sender would. With --list, says which "
        "samples there are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sender", nargs="?", default="", help="such as jira")
        parser.add_argument("event", nargs="?", default="", help="such as issue_done")
        parser.add_argument(
            "url", nargs="?", default="", help="the API Endpoint URL, with the API key put in"
        )
        parser.add_argument("--secret", default="", help="sign the body with the listener's secret")
        parser.add_argument("--delivery-id", default="", help="instead of a new one: a repeat")
        parser.add_argument(
            "--key", default="", help="the API key as the password of Basic authentication"
        )
        parser.add_argument(
            "--list", action="store_true", help="list the samples, of SENDER or all"
        )

    def handle(self, *args: Any, sender: str, event: str, url: str, **options: Any) -> None:
        if options["list"]:
            known = [pair for pair in samples.known() if sender in ("", pair[0])]
            self.stdout.write("\n".join(" ".join(pair) for pair in known))
            return
        if not url:
            raise CommandError("Give SENDER EVENT URL; send_sample --list says which there are.")
        try:
            sample = samples.load(sender, event)
        except LookupError as error:
            raise CommandError(str(error.args[0])) from None
        try:
            answer = samples.post(
                url, sample, options["secret"], options["delivery_id"], options["key"]
            )
        except ValueError as error:
            raise CommandError(f"That is no URL: {error}.") from None
        except OSError as error:
            where = url.partition("?")[0]
            raise CommandError(f"{where} cannot be reached: {error}.") from None
        shown = answer.text
        if answer.content is not None:
            shown = json.dumps(answer.content, indent=2, ensure_ascii=False)
        self.stdout.write(f"{answer.code}\n{shown}")
