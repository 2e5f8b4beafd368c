from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.core.management.color import no_style

from automation.rules.document import LIMIT, RulesRefused, decoded
from automation.rules.plan import Line, Plan, carry_out, rehearse

SOMETHING_TO_DO = 2


class Command(BaseCommand):
    help = "Creates or updates a project from a file of export_project, all of it or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="“-” reads what is piped in")
        parser.add_argument(
            "--plan",
            action="store_true",
            help="only print what would change; exit 2 if that is anything, else 0",
        )

    def handle(self, *args: Any, file: str, plan: bool, **options: Any) -> None:
        if not self.stdout.isatty() and not options["force_color"]:
            self.style = no_style()
        try:
            text = decoded(contents(file))
            made = rehearse(text) if plan else carry_out(text)
        except RulesRefused as refused:
            raise CommandError("\n".join(refused.sentences)) from None
        if plan:
            self.show(made)
        else:
            self.stdout.write(summary(made))
        self.stderr.style_func = self.style.WARNING
        for remark in made.outcome.remarks():
            self.stderr.write(remark)
        if plan and made.anything:
            sys.exit(SOMETHING_TO_DO)

    def show(self, plan: Plan) -> None:
        if not plan.anything:
            self.stdout.write("Nothing to do: the project is as the file says.")
        for line in plan.lines:
            self.stdout.write(self.painted(line))

    def painted(self, line: Line) -> str:
        paint = {
            "+": self.style.SUCCESS,
            "-": self.style.ERROR,
            "@": self.style.MIGRATE_HEADING,
        }.get(line.sign, str)
        return str(paint(str(line)))


def contents(file: str) -> bytes:
    """The bytes of the file, or one more than can be read."""
    try:
        if file == "-":
            return sys.stdin.buffer.read(LIMIT + 1)
        with Path(file).open("rb") as opened:
            return opened.read(LIMIT + 1)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None


def summary(plan: Plan) -> str:
    outcome = plan.outcome
    if not plan.anything:
        return f"Nothing to do: “{outcome.project}” is as the file says."
    parts = {"Created": outcome.created, "Changed": outcome.changed}
    done = [f"{word}: {', '.join(names)}." for word, names in parts.items() if names]
    start = "is there now" if outcome.new else "was updated"
    return "\n".join([f"“{outcome.project}” ({outcome.project.key}) {start}.", *done])
