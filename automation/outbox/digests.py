"""What one bulk run would mail many times becomes one mail for each recipient."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.html import escape, linebreaks

from automation.models import Outgoing
from automation.outbox.put import LONGEST_SUBJECT, LONGEST_TEXT, announce

MOST_PARTS = 200  # of one digest; of the others it tells the number
AT_ONCE = 1000  # rows of one statement


@transaction.atomic
def close_digest(key: str) -> list[Outgoing]:
    """Let the mails gathered under ``key`` go: one for each recipient, which is returned.

    To be called when the bulk run is over, however it ended; again it finds nothing to do.
    """
    gathered = (
        Outgoing.objects.waiting()
        .filter(digest=key)
        .select_for_update()
        .order_by("project", "destination", "pk")
        .values_list("pk", "project", "destination", "title", named=True)
    )
    groups = groupby(gathered, key=lambda row: (row.project, row.destination))
    mails = [_one_mail(list(rows)) for _, rows in groups]
    if mails:
        announce()
    return mails


def _one_mail(rows: list[Any]) -> Outgoing:
    """Thousands may have been gathered: of most of ``rows`` no more than the subject is read."""
    shown = list(
        Outgoing.objects.filter(pk__in=[row.pk for row in rows[:MOST_PARTS]]).order_by("pk")
    )
    first = shown[0]
    if len(rows) == 1:
        first.digest, first.next_attempt_at = "", timezone.now()
        first.save(update_fields=["digest", "next_attempt_at"])
        return first
    subject = _subject([row.title for row in rows])
    mail = Outgoing.objects.create(
        project_id=first.project_id,
        kind=first.kind,
        destination=first.destination,
        title=subject,
        content={"to": first.content["to"], "subject": subject, **_texts(shown, len(rows))},
    )
    for start in range(0, len(rows), AT_ONCE):
        Outgoing.objects.filter(pk__in=[row.pk for row in rows[start : start + AT_ONCE]]).update(
            status=Outgoing.Status.MERGED,
            merged_into=mail,
            outcome=f"Became one mail with {len(rows) - 1} more of its bulk run.",
        )
    return mail


def _subject(subjects: list[str]) -> str:
    """Their own, where it is one and the same."""
    if len({*subjects}) == 1:
        return f"{subjects[0][: LONGEST_SUBJECT - 20]} ({len(subjects)} times)"
    return f"{len(subjects)} messages: {subjects[0]}, …"[:LONGEST_SUBJECT]


def _texts(rows: list[Outgoing], count: int) -> dict[str, str]:
    """As many as fit, as text, and as HTML where one of them has it; of the others the number."""
    text, html = "", ""
    shown = 0
    for row in rows:
        own = row.content["html"] or linebreaks(row.content["text"], autoescape=True)
        more_text = f"{row.title}\n{'-' * min(len(row.title), 72)}\n{row.content['text']}\n\n"
        more_html = f"<h2>{escape(row.title)}</h2>\n{own}\n"
        if len(text + more_text) > LONGEST_TEXT or len(html + more_html) > LONGEST_TEXT:
            break
        text, html, shown = text + more_text, html + more_html, shown + 1
    if left := count - shown:
        text += f"And {left} more, which are in the hub's outbox.\n"
        html += f"<p>And {left} more, which are in the hub's outbox.</p>"
    return {"text": text, "html": html if any(row.content["html"] for row in rows) else ""}
