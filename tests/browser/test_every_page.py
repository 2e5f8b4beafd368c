"""Every page by itself: readable for everyone, on a phone, in the dark, without script errors."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.processes]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PAGES = {
    "pm": [
        "",
        "projects/beta/",
        "projects/beta/settings/",
        "projects/beta/BUG/tickets/",
        "projects/beta/BUG/tickets/?status=1&search=upside",
        "projects/beta/BUG/tickets/?status=nonsense",
        "projects/beta/BUG/submit/",
        "projects/beta/ticket/BUG-0001/?edit&link",
        "projects/beta/BUG/filters/",
        "projects/beta/BUG/filters/save/?status=1",
        "projects/beta/BUG/resources/",
        "projects/beta/BUG/macros/add/",
        "projects/beta/BUG/macros/1/",
        "projects/beta/BUG/macros/1/delete/",
        "projects/beta/BUG/automation/",
        "projects/beta/BUG/listeners/add/",
        "projects/beta/BUG/listeners/1/",
        "projects/beta/BUG/listeners/1/log/",
        "projects/empty/",
        "projects/empty/BUG/tickets/",
        "projects/empty/BUG/resources/",
        "projects/empty/BUG/automation/",
        "feedback/workflow/1/change/",
        "feedback/team/1/change/",
    ],
    "cm": [
        "community/",
        "apikeys/apikey/",
        "apikeys/apikey/add/",
        "key-log/none/",
        "feedback/project/",
        "feedback/project/add/",
        "auth/user/",
        "auth/user/add/",
    ],
    "ada": ["", "projects/beta/", "projects/beta/BUG/tickets/", "projects/beta/ticket/BUG-0001/"],
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_readable_for_everyone(sign_in, name, scheme):
    page = sign_in(name, color_scheme=scheme, reduced_motion="reduce")

    found = {}
    for address in PAGES[name]:
        page.goto(f"/admin/{address}")
        results = Axe().run(page, options=RULES)
        if results.violations_count:
            found[address] = [
                (each["id"], [node["html"][:200] for node in each["nodes"][:3]])
                for each in results.response["violations"]
            ]

    assert found == {}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_a_phone(sign_in, name):
    page = sign_in(name, viewport={"width": 390, "height": 844})

    too_wide = {}
    for address in PAGES[name]:
        page.goto(f"/admin/{address}")
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            too_wide[address] = over

    assert too_wide == {}
