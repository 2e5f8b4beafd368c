from __future__ import annotations

import smtplib
from email.utils import parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from automation.models import Outgoing
from automation.outbox.results import NotSent, Sent

# Trouble with the server as a whole: the operator mends it, and nobody has to send again by hand.
OF_THE_SERVER = (
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPServerDisconnected,
)


def send_mail(outgoing: Outgoing) -> Sent:
    """Hand it to the mail server; raises NotSent."""
    content = outgoing.content
    message = EmailMultiAlternatives(
        content["subject"],
        content["text"],
        to=[content["to"]],
        headers={
            "Message-ID": f"<{outgoing.public_id}@{_domain()}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office reply to this
        },
    )
    if content["html"]:
        message.attach_alternative(content["html"], "text/html")
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _refused(code, text, "Look at the address.") from error
    except OF_THE_SERVER as error:
        told = _told(*error.args) if len(error.args) == 2 else str(error)
        raise NotSent(f"The mail server cannot be used: {told}.", heals=True) from error
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error, "Show the operator this.") from error
    except smtplib.SMTPException as error:
        why = f"{error}".rstrip(".")
        raise NotSent(f"The mail server cannot take this mail: {why}.", heals=False) from error
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        raise NotSent(f"The mail server cannot be reached: {why}.", heals=True) from error
    except ValueError as error:  # a header that cannot be written
        raise NotSent(f"The mail cannot be written: {error}.", heals=False) from error
    return Sent("The mail server took it.")


def _refused(code: int, text: bytes | str, advice: str) -> NotSent:
    return NotSent(
        f"The mail server refused it: {_told(code, text)}. {advice}",
        heals=400 <= code < 500,
        answer={"code": code, "text": _words(text)},
    )


def _told(code: int, text: bytes | str) -> str:
    return f"{code} {_words(text)}".rstrip(" .")


def _words(text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join(plain.replace("\0", "").split())[:500]


def _domain() -> str:
    """What stands behind the @ of a Message-ID."""
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return urlsplit(settings.SITE_URL).hostname or sender or "localhost"
