from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count

from django.conf import settings
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F, Model, Q
from django.utils import timezone

from apikeys.models import APIKey

log = logging.getLogger(__name__)

MAIL_EVERY = timedelta(days=1)
MAIL_AGAIN_AFTER = timedelta(minutes=5)


@transaction.atomic
def issue_key(
    name: str, *, project: Model, scopes: list[str], description: str, by: User, note: str
) -> tuple[APIKey, str]:
    """Make a key of one project, and return it with the whole key, which is never seen again.

    Where ``name`` is taken it gets a number. The admin's history says ``note``, and that it was
    done in the name of ``by``.
    """
    key = APIKey(name=_free_name(name), scopes=scopes, description=description)
    key.project = project  # type: ignore[assignment]  # a Project, of an app that we do not know
    key.full_clean(exclude=["digest"])
    whole_key = key.issue()
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(APIKey),
        object_id=str(key.pk),
        object_repr=str(key)[:200],
        action_flag=ADDITION,
        change_message=note,
    )
    return key, whole_key


def _free_name(name: str) -> str:
    taken = set(APIKey.objects.filter(name__startswith=name[:90]).values_list("name", flat=True))
    names = (name[:90] if number == 1 else f"{name[:90]} {number}" for number in count(1))
    return next(free for free in names if free not in taken)


def note_use(uses: Mapping[int, datetime]) -> None:
    """Keep when each key, by its row id, was last used, unless a later use is known."""
    for pk, when in sorted(uses.items()):
        unknown = Q(last_used_at=None) | Q(last_used_at__lt=when)
        APIKey.objects.filter(unknown, pk=pk).update(last_used_at=when)


def mail_uses() -> int:
    """Tell each key's address that it was used, at most once a day; returns how many were told.

    The row is claimed for some minutes first: a mail that fails is tried again after them.
    """
    now = timezone.now()
    unannounced = Q(last_mail_at=None) | Q(last_used_at__gt=F("last_mail_at"))
    due = APIKey.objects.filter(
        unannounced, Q(next_mail_at=None) | Q(next_mail_at__lte=now), last_used_at__isnull=False
    ).exclude(mail_on_use="")
    return sum(_mail_use(key, now) for key in due)


def _mail_use(key: APIKey, now: datetime) -> bool:
    claim = APIKey.objects.filter(pk=key.pk, next_mail_at=key.next_mail_at)
    if not claim.update(next_mail_at=now + MAIL_AGAIN_AFTER):
        return False
    try:
        send_mail(
            f"API key “{key.name}” was used",
            f"The API key “{key.name}” ({key.prefix}-…) was last used at "
            f"{timezone.localtime(key.last_used_at):%Y-%m-%d %H:%M %Z}.\n\n"
            f"Its log: {settings.SITE_URL}{key.get_log_url()}\n\n"
            "If you did not expect that, switch the key off. You are told at most once a day.",
            None,
            [key.mail_on_use],
        )
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors; a bad name or address
        log.warning("Mail about API key %s failed, will be tried again: %s", key.prefix, error)
        return False
    APIKey.objects.filter(pk=key.pk).update(last_mail_at=now, next_mail_at=now + MAIL_EVERY)
    return True
