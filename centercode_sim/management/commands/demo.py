from __future__ import annotations

import os
import shutil
import socket
import time
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.urls import reverse

from automation import samples
from automation.models import KEY_PLACEHOLDER, Delivery, ExternalListener
from automation.pauses import pause_over
from centercode_sim.demo_data import ISSUE_KEY, PEOPLE, Demo, demo_data, reopen
from centercode_sim.management.commands.up import port_number, refuse_taken
from centercode_sim.processes import Child, interrupt_on_stop, stop_all
from feedback.models import Project, Ticket

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds, for a first start on a slow machine


class Command(BaseCommand):
    help = "Shows the whole road: a hub in which a Jira request closes BUG-0001."

    def add_arguments(self, parser: CommandParser) -> None:
        port = os.environ.get("PORT") or "8000"
        parser.add_argument("--port", type=port_number, default=port)
        parser.add_argument("--once", action="store_true", help="a free port; end after the proof")
        parser.add_argument("--throw-away", action="store_true", help="remove DATA_DIR at the end")

    def handle(self, *args: Any, port: int, once: bool, throw_away: bool, **options: Any) -> None:
        if connection.vendor != "sqlite":
            raise CommandError("The demo makes data: start it as bin/demo, which uses SQLite.")
        interrupt_on_stop()
        port = free_port() if once else port
        refuse_taken(HOST, port)
        self.stdout.write("Starting web server, worker and beat …")
        hub = Child("hub", "manage.py", "up", "--host", HOST, "--port", str(port), "-v0")
        try:
            wait_until_serving(hub, port)
            demo, base = prepare(), f"http://{HOST}:{port}"
            if once:
                self.prove(demo, base)
            else:
                self.invite(demo, base, self.prove_if_possible(demo, base))
                raise CommandError(f"The hub ended by itself, with code {hub.process.wait()}.")
        except KeyboardInterrupt:
            if once:
                raise CommandError("Interrupted before the proof.") from None
            self.stdout.write("\nStopping …")
        finally:
            stop_all([hub], within=10)
            if throw_away:
                shutil.rmtree(settings.DATA_DIR)

    def prove_if_possible(self, demo: Demo, base: str) -> Delivery | None:
        """Who changed the demo's rules since the first start goes on working with it."""
        if held := what_holds(demo.listener):
            self.stdout.write(f"\n  {held}, so this start sends no request.")
            return None
        try:
            return self.prove(demo, base)
        except CommandError as error:
            self.stdout.write(f"  {error}")
            return None

    def prove(self, demo: Demo, base: str) -> Delivery:
        """Let a Jira request close the ticket, before the reader's eyes."""
        if reopen(demo.ticket):
            self.stdout.write(f"{demo.ticket} was closed by an earlier start: it is open again.")
        self.stdout.write(f"\n  {demo.ticket}  {demo.ticket.summary}")
        self.stdout.write(f"  before    {whereabouts(demo.ticket)}")
        path = demo.listener.endpoint_path
        shown = path.replace(demo.listener.external_sender.placeholder, ISSUE_KEY)
        shown = shown.replace(KEY_PLACEHOLDER, f"{demo.api_key.prefix}-…")
        self.stdout.write(f"  Jira      POST {shown}")
        started = time.monotonic()
        delivery = settled(send(base + path.replace(KEY_PLACEHOLDER, demo.whole_key)))
        took = time.monotonic() - started
        demo.ticket.refresh_from_db()
        self.stdout.write(f"  after     {whereabouts(demo.ticket)} ({took:.1f} seconds later)")
        self.stdout.write(f"  because   {delivery.sentence}")
        if demo.ticket.status.name != "Closed":
            raise CommandError(f"{demo.ticket} is not closed. {delivery.next_step}")
        return delivery

    def invite(self, demo: Demo, base: str, delivery: Delivery | None) -> None:
        """Where to click, and as whom."""
        self.stdout.write("\n  Look at")
        for label, address in {
            "the hub": reverse("admin:index"),
            "the ticket": demo.ticket.get_absolute_url(),
            "the request": delivery.get_absolute_url() if delivery else "",
            "the listener": demo.listener.get_absolute_url(),
            "the key's log": demo.api_key.get_log_url(),
        }.items():
            if address:
                self.stdout.write(f"  {label:<13} {base}{address}")
        self.stdout.write("\n  Sign in as")
        for name, password in demo.passwords.items():
            role, _ = PEOPLE[name]
            self.stdout.write(f"  {name:<13} {password or 'your own password':<16} {role}")
        self.stdout.write("\nServing until Ctrl-C; the data stay for the next start.")


def what_holds(listener: ExternalListener) -> str:
    """Why a request would not be looked at; empty where it would."""
    if pause := pause_over(listener.project):
        return f"{pause} is in force"
    return f"The listener “{listener}” is held" if listener.held_at else ""


def free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return server.getsockname()[1]


def wait_until_serving(hub: Child, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if hub.process.poll() is not None:
            raise CommandError("The hub did not start: it says why above.")
        with suppress(OSError):
            web = HTTPConnection(HOST, port, timeout=5)
            web.request("GET", "/healthz")
            web.getresponse()
            return
        time.sleep(0.1)
    raise CommandError(f"The hub did not answer within {PATIENCE:.0f} seconds.")


def prepare() -> Demo:
    folder = settings.DATA_DIR
    if Project.objects.exists() and not (folder / "demo_password").exists():
        raise CommandError(
            f"{folder} holds projects that are not the demo's. "
            "Give the demo a folder of its own: DATA_DIR=demo-data bin/demo"
        )
    try:
        return demo_data()
    except ObjectDoesNotExist as error:
        raise CommandError(f"{error} Remove {folder} to start afresh.") from None


def send(url: str) -> str:
    """POST as Jira would; returns the public id of what the request became."""
    answer = samples.post(url, samples.load("jira", "issue_done"))
    if answer.code != 200:
        raise CommandError(f"The listener answered {answer.code}: {answer.text}")
    return str(answer.content["delivery"])


def settled(public_id: str) -> Delivery:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        delivery = Delivery.objects.get(public_id=public_id)
        if delivery.settled_at:
            return delivery
        time.sleep(0.05)
    raise CommandError(f"No worker settled the request within {PATIENCE:.0f} seconds.")


def whereabouts(ticket: Ticket) -> str:
    return f"{ticket.status}, owned by {ticket.team}"
