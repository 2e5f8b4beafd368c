"""A browser, and the embedded mode that it looks at: web, worker and beat, all real."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

from tests.installation import ROOT, free_port, wait_until

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
import django
django.setup()
from django.contrib.auth.models import User
from automation.models import Macro
from tests.conftest import closing_macro, link_to_jira, make_beta, make_key, make_listener
from feedback.services import create_project, submit_ticket
User.objects.create_superuser("cm", "cm@example.com", "cm")
pm = User.objects.create_user("pm", "pm@example.com", "pm")
beta = make_beta()
beta.managers.members.add(pm)
beta.support.members.add(User.objects.create_user("sue", "sue@example.com", "sue"))
link_to_jira(beta.ticket)
for number in range(2, 40):
    submit_ticket(beta.bugs, summary=f"Picture {number} is upside down", submitter=beta.ada)
create_project("empty", "Empty").teams.get(name="Project Managers").members.add(pm)
make_listener(beta, closing_macro(beta, "Shut"), name="Shut by Jira", key="shut")
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
        self._run("-c", MAKE)
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

    def _run(self, *arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env=self.environ, check=True)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


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
