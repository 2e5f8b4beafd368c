from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from automation.models import Execution, Outgoing
from automation.outbox.secrets import without
from automation.safe_http import METHODS, MOST_SENT, CallFailed, check_headers, target_of
from automation.storable import storable
from automation.wake import wake_outbox
from feedback.models import Project, Ticket

LONGEST_SUBJECT = 250
LONGEST_TEXT = 200_000  # characters of a mail's text, and of its HTML
LONGEST_TITLE = 300
LONGEST_ADDRESS = 320
MOST_RECIPIENTS = 100


def put_mail(
    *,
    project: Project,
    to: Iterable[str],
    subject: str,
    text: str,
    html: str = "",
    ticket: Ticket | None = None,
    execution: Execution | None = None,
    digest: str = "",
) -> list[Outgoing]:
    """A row for each address, so that what one of them refuses is not repeated to the others.

    With ``digest``, a key of the caller's, they wait for ``close_digest``. Raises ValidationError,
    which names what cannot be sent.
    """
    subject = " ".join(storable(subject).split())[:LONGEST_SUBJECT]
    texts = {"text": storable(text), "html": storable(html)}
    if any(len(part) > LONGEST_TEXT for part in texts.values()):
        raise ValidationError(f"The mail is longer than {LONGEST_TEXT} characters.")
    if not subject:
        raise ValidationError("The mail has no subject.")
    rows = [
        Outgoing(
            project=project,
            ticket=ticket,
            execution=execution,
            kind=Outgoing.Kind.MAIL,
            destination=address.lower(),
            title=subject,
            content={"to": address, "subject": subject, **texts},
            digest=digest,
        )
        for address in _addresses(to)
    ]
    return _kept(rows)


def put_call(
    *,
    project: Project,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: str = "",
    ticket: Ticket | None = None,
    execution: Execution | None = None,
    keep: Mapping[str, str] | None = None,
    secrets: Iterable[str] = (),
    taker: str = "",
) -> Outgoing:
    """A call, whose answer ``taker`` gets, as registered by ``takes_answers``.

    ``keep`` stays with the call for its taker, who knows what it means. ``secrets`` stand somewhere
    in the call: nobody is shown them, and they go once it was made.

    Whether the host may be called shows when it is. Raises ValidationError, which names what
    cannot be sent.
    """
    url = storable(url).strip()
    headers = {name.strip(): storable(value).strip() for name, value in (headers or {}).items()}
    body = storable(body)
    if method not in METHODS:
        raise ValidationError(f"“{method}” is none of {', '.join(METHODS)}.")
    if len(body.encode()) > MOST_SENT:
        raise ValidationError(f"The body has more than {MOST_SENT // 1024} kB.")
    secrets = list(secrets)
    try:
        target = target_of(url)
        check_headers(headers)
    except CallFailed as error:
        raise ValidationError(without(str(error), secrets)) from error
    path = urlsplit(without(url, secrets)).path or "/"
    title = f"{method} {target.scheme}://{target.authority}{path}"
    row = Outgoing(
        project=project,
        ticket=ticket,
        execution=execution,
        kind=Outgoing.Kind.CALL,
        destination=target.authority,
        title=title[:LONGEST_TITLE],
        content={
            "method": method,
            "url": url,
            "headers": headers,
            "body": body,
            "keep": dict(keep or {}),
            "secrets": secrets,
        },
        taker=taker,
    )
    return _kept([row])[0]


def announce() -> None:
    """Wake a worker once the transaction is committed."""
    transaction.on_commit(wake_outbox)


def _kept(rows: list[Outgoing]) -> list[Outgoing]:
    Outgoing.objects.bulk_create(rows)
    if any(not row.digest for row in rows):
        announce()
    return rows


def _addresses(to: Iterable[str]) -> list[str]:
    """Each once, whatever its letter case."""
    addresses = {address.strip().lower(): address.strip() for address in to}
    if not addresses:
        raise ValidationError("The mail has no recipient.")
    if len(addresses) > MOST_RECIPIENTS:
        raise ValidationError(f"The mail has more than {MOST_RECIPIENTS} recipients.")
    for address in addresses.values():
        try:
            validate_email(address)
            if max(len(address), len(address.lower())) > LONGEST_ADDRESS:
                raise ValidationError("It is too long.")
        except ValidationError as error:
            raise ValidationError(f"“{address[:100]}” is no mail address.") from error
    return list(addresses.values())
