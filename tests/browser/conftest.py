"""A browser, and the embedded mode that it looks at: web, worker and beat, all real."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.installation import ROOT, free_port, run_python, wait_until

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

MAKE = """
import json, django
django.setup()
from django.contrib.auth.models import User
from django.test import Client
from automation import outbox, queue
from automation.models import Delivery, Execution, Outgoing
from feedback.following import follow_comment, keep_data
from feedback.models import Status, Team, Workflow
from feedback.people import add_note, adjust_points
from feedback.furnishing import (create_project)
from feedback.services import (change_ticket, submit_ticket)
from tests.conftest import (
    add_field, closing_macro, link_to_jira, make_beta, make_key, make_listener)
User.objects.create_superuser("cm", "cm@example.com", "cm")
beta = make_beta()
observers = Team.objects.create(project=beta.project, name="Observers", kind="observer")
for name, team in (("pm", beta.managers), ("sue", beta.support), ("olga", observers)):
    team.members.add(User.objects.create_user(name, f"{name}@example.com", name))
create_project("empty", "Empty").teams.get(name="Project Managers").members.add(
    User.objects.get(username="pm"))
fast = Workflow.objects.create(project=beta.project, name="Fast track")
Status.objects.create(workflow=fast, name="Done at once", category="done")
link_to_jira(beta.ticket)
add_note(beta.ticket, "Writes well.", actor="Shut by Jira", cause="0" * 32)
adjust_points(beta.ticket, "add", 5, actor="Shut by Jira")
for body in ("It melts.", "It melts at noon.", ""):
    follow_comment(beta.ticket, system="jira", remote_id="9", body=body, author="Dana (Jira)",
        exposure="public", actor="Dana (Jira)", cause="c0ffee", edited=True)
keep_data(beta.ticket, name="jirafixed", actor="Jira data", cause="",
    content={"priority": {"name": "High"}, "labels": ["a very long label " * 9, "b"]})
add_field(beta.bugs, "Severity", "choice", choices=["Low", "High"], help="How bad is it?")
for kind in ("long_text", "number", "date", "choices", "rating", "platform"):
    add_field(beta.bugs, f"My {kind}", kind, choices=["A", "B"] if kind == "choices" else [])
add_field(beta.bugs, "Root cause", public=False)
change_ticket(beta.ticket, actor="pm", values={"severity": "Low", "my_long_text": "A\\nB"})
for number in range(2, 40):
    submit_ticket(beta.bugs, summary=f"Picture {number} is upside down", submitter=beta.ada)
shut = make_listener(beta, closing_macro(beta, "Shut"), name="Shut by Jira", key="shut")
key = make_key().secret
rest = make_key(name="Scripts", prefix="scripts", scopes=["read"]).secret
for method, secret in (("GET", rest), ("POST", rest), ("GET", "scripts-unknown")):
    Client().generic(method, "/api/v1/tickets/", headers={
        "Host": "127.0.0.1", "Authorization": f"Bearer {secret}"})
for find, outcome in (("BUG-0002", "done"), ("BUG-9999", "skipped")):
    Client().post(f"/api/v1/projects/beta/feedbackListeners/shut?find={find}&apiKey={key}",
        content_type="application/json", headers={"Host": "127.0.0.1"})
    Delivery.objects.filter(find=find).update(public_id=outcome)
queue.settle_all()
assert set(Delivery.objects.values_list("public_id", "status")) == {
    ("done", "done"), ("skipped", "skipped")}
about = {"project": beta.project, "ticket": beta.ticket, "execution": Execution.objects.get()}
call = outbox.put_call(method="POST", url="https://hooks.example.com/tickets?page=2", body="{}",
    headers={"Authorization": "Bearer abc", "Content-Type": "application/json"}, **about)
answer = {"status": 404, "headers": {"content-type": "text/plain"}, "body": "no", "cut": False}
Outgoing.objects.filter(pk=call.pk).update(public_id="call", status="failed", answer=answer,
    outcome="hooks.example.com answered 404 Not Found. Look at the call's address.")
outbox.put_mail(to=["ada@example.com"], subject="It is closed", text="Fixed.", digest="1", **about)
Outgoing.objects.filter(kind="mail").update(public_id="mail")
print(json.dumps(key))
"""


class Hub:
    def __init__(self, folder) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            **os.environ,
            "DATABASE_URL": "",
            "CELERY_BROKER_URL": "",
            "DATA_DIR": str(folder),
            "ENV_FILE": os.devnull,
            "DJANGO_SETTINGS_MODULE": "centercode_sim.settings",
        }
        self._run("manage.py", "migrate", "--verbosity", "0")
        self.key = json.loads(self._run("-c", MAKE))
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(self.port)],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(
            lambda: urllib.request.urlopen(f"{self.url}/healthz", timeout=2),
            within=60,
            what="the hub answers",
        )

    def _run(self, *arguments: str) -> str:
        return run_python(self.environ, *arguments)

    def post(self, listener: str, query: str, payload: object = None) -> dict:
        """What a tracker does; returns the answer."""
        address = f"{self.url}/api/v1/projects/beta/feedbackListeners/{listener}?{query}"
        body = b"" if payload is None else json.dumps(payload).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        """While it lasts, the worker stands still, and what is received waits."""
        worker = wait_until(self._worker, within=30, what="the worker runs")
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    def _worker(self) -> int | None:
        """Its process id: the worker has no pool, all its work is done by one process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return next((int(pid) for pid in children.split() if b"\0worker\0" in command(pid)), None)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


def command(pid: str) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    hub = Hub(tmp_path_factory.mktemp("hub"))
    yield hub
    hub.stop()


@pytest.fixture(scope="session")
def chromium():
    program = shutil.which(os.environ.get("CHROMIUM") or "chromium")
    if program is None:
        pytest.skip("needs Chromium (CHROMIUM)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def sign_in(chromium, hub):
    """Open a page as somebody; an error in the page's scripts fails the test."""
    contexts, errors = [], []

    def sign_in(name, **options):
        context = chromium.new_context(
            base_url=hub.url, permissions=["clipboard-read", "clipboard-write"], **options
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto("/admin/login/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(name)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/admin/")
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert not errors
