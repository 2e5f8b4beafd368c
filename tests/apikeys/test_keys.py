from __future__ import annotations

import re
import socketserver
from datetime import timedelta
from threading import Thread

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from apikeys.authentication import KeyRefused, authenticate, authorize, client_address
from apikeys.models import APIKey, new_prefix
from apikeys.secrecy import PresentedKey
from apikeys.services import mail_uses, note_use
from automation.tasks import mail_key_uses
from feedback.furnishing import create_project
from tests.conftest import make_key

# Issued and proven


def test_a_key_is_its_prefix_and_at_least_160_bits_and_is_not_kept(db):
    keys = [make_key(name=name, prefix=name) for name in ("jira", "rally")]

    for key in keys:
        prefix, _, secret = key.secret.partition("-")
        assert prefix == key.row.prefix
        assert re.fullmatch(r"[0-9a-f]{40,}", secret)
        assert secret not in str(APIKey.objects.filter(pk=key.row.pk).values())
    assert keys[0].secret[5:] != keys[1].secret[6:]


def test_a_new_prefix_is_one_that_a_key_may_have():
    prefixes = {new_prefix() for _ in range(20)}

    assert len(prefixes) == 20
    assert all(re.fullmatch(r"[a-z0-9]+", prefix) for prefix in prefixes)


def test_a_key_issued_anew_ends_the_old_one(api_key):
    anew = api_key.row.issue()

    assert authenticate(PresentedKey(anew)) == api_key.row
    with pytest.raises(KeyRefused) as refused:
        authenticate(PresentedKey(api_key.secret))
    assert (refused.value.code, refused.value.key) == ("key_unknown", None)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"enabled": False}, "key_off"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "key_expired"),
        ({"enabled": False, "expires_at": timezone.now() - timedelta(1)}, "key_off"),
    ],
)
def test_a_key_that_is_no_longer_good_is_refused_by_name(db, change, code):
    key = make_key(**change)

    with pytest.raises(KeyRefused) as refused:
        authenticate(PresentedKey(key.secret))

    assert (refused.value.code, refused.value.key) == (code, key.row)


@pytest.mark.parametrize(
    "shown", ["", "-", "jira", "jira-", "JIRA-x", "jira-é", "ji\0ra-x", "x" * 9]
)
def test_what_is_no_key_is_unknown(api_key, shown):
    with pytest.raises(KeyRefused) as refused:
        authenticate(PresentedKey(shown))

    assert (refused.value.code, refused.value.key) == ("key_unknown", None)


def test_no_key_at_all_is_missing(db):
    with pytest.raises(KeyRefused) as refused:
        authenticate(None)

    assert refused.value.code == "key_missing"


def test_a_right_and_a_wrong_key_take_as_many_queries(api_key, django_assert_num_queries):
    with django_assert_num_queries(1):
        authenticate(PresentedKey(api_key.secret))

    with django_assert_num_queries(1), pytest.raises(KeyRefused):
        authenticate(PresentedKey("nobody-0"))


def test_the_scope_is_looked_at_before_the_address(db):
    gamma = create_project("gamma", "Gamma")
    key = make_key(project=gamma, networks="192.0.2.0/24").row
    calls = {
        "no such scope": {"scopes": ["write"], "address": "192.0.2.1", "project_key": "gamma"},
        "another project": {"scopes": ["listen"], "address": "10.0.0.1", "project_key": "beta"},
        "another address": {"scopes": ["listen"], "address": "10.0.0.1", "project_key": "gamma"},
    }
    codes = {}

    for name, options in calls.items():
        with pytest.raises(KeyRefused) as refused:
            authorize(key, **options)
        codes[name] = refused.value.code
    authorize(key, scopes=["listen"], address="192.0.2.1", project_key="gamma")

    assert codes == {
        "no such scope": "key_out_of_scope",
        "another project": "key_out_of_scope",
        "another address": "address_refused",
    }


@pytest.mark.parametrize(
    ("networks", "address", "admitted"),
    [
        ("", None, True),
        (" \n", "192.0.2.1", True),
        ("192.0.2.0/24", None, False),
        ("192.0.2.0/24 2001:db8::/32", "2001:db8::1", True),
        ("192.0.2.0/24\r\n198.51.100.0/24", "198.51.100.9", True),
        ("192.0.2.128/25", "192.0.2.127", False),
    ],
)
def test_a_key_admits_its_networks(networks, address, admitted):
    assert APIKey(networks=networks).admits(address) is admitted


@pytest.mark.parametrize("connected", ["", "unix:", "not an address"])
def test_a_caller_without_an_address_has_none(connected):
    assert client_address({"REMOTE_ADDR": connected}, ["10.0.0.0/8"]) is None


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("prefix", "Jira", "Use small letters and digits only."),
        ("prefix", "ji-ra", "Use small letters and digits only."),
        ("networks", "192.0.2.1/24", "has host bits set"),
        ("networks", "jira.example.com", "Write it such as 192.0.2.0/24."),
        ("mail_on_use", "nobody", "Enter a valid email address."),
    ],
)
def test_a_key_says_what_is_wrong_with_it(db, field, value, message):
    key = APIKey(name="Jira", scopes=["listen"], **{field: value})

    with pytest.raises(ValidationError) as refused:
        key.full_clean()

    assert message in " ".join(refused.value.message_dict[field])


@pytest.mark.parametrize("twin", [{"name": "Jira"}, {"prefix": "jira"}])
def test_name_and_prefix_name_one_key(api_key, twin):
    fields = {"name": "Other", "prefix": "other"} | twin

    with pytest.raises(IntegrityError), transaction.atomic():
        make_key(**fields)


def test_the_last_use_is_the_latest_whoever_notes_it_last(api_key):
    now = timezone.now()

    note_use({api_key.row.pk: now})
    note_use({api_key.row.pk: now - timedelta(minutes=1)})

    api_key.row.refresh_from_db()
    assert api_key.row.last_used_at == now


# Told by mail


class Letters(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it is given, or is in trouble."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.received = []
        self.trouble = False
        self.calls = 0


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.calls += 1
        self.say("220 letters")
        while line := self.rfile.readline():
            verb = line.split()[0].upper()
            if verb == b"QUIT":
                return self.say("221 bye")
            if verb == b"RCPT" and self.server.trouble:
                self.say("451 try again later")
            elif verb == b"DATA":
                self.say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.received.append(b"".join(lines).decode())
                self.say("250 kept")
            else:
                self.say("250 fine")

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


@pytest.fixture
def letters(settings):
    with Letters() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_TIMEOUT = 5
        settings.SITE_URL = "https://hub.example.com"
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def watched(db):
    """A key whose use is told by mail, just used."""
    key = make_key(mail_on_use="ops@example.com").row
    note_use({key.pk: timezone.now()})
    return key


def time_passes(key, **time) -> None:
    """As if everything known of ``key`` had happened so much earlier."""
    key.refresh_from_db()
    for name in ("last_used_at", "last_mail_at", "next_mail_at"):
        moment = getattr(key, name)
        setattr(key, name, moment and moment - timedelta(**time))
    key.save()


def test_the_use_of_a_key_is_told_by_mail(letters, watched):
    told = mail_uses()

    assert told == 1
    (letter,) = letters.received
    assert "To: ops@example.com" in letter
    assert "Its log: https://hub.example.com/" in letter
    assert watched.prefix in letter
    assert watched.digest not in letter


def test_a_request_at_the_door_is_such_a_use(letters, send, listener):
    key = make_key(name="Watched", prefix="watched", mail_on_use="ops@example.com")

    send(listener, find="BUG-0001", key=key.secret)
    mail_key_uses()

    key.row.refresh_from_db()
    assert key.row.last_mail_at is not None


def test_a_day_of_use_is_one_mail(letters, watched):
    told = []

    for _ in range(24):
        told.append(mail_uses())
        time_passes(watched, hours=1)
        note_use({watched.pk: timezone.now()})
    tomorrow = mail_uses()

    assert told == [1] + [0] * 23
    assert tomorrow == 1
    assert len(letters.received) == 2


@pytest.mark.parametrize("when", ["never used", "not used since", "nobody to tell"])
def test_nobody_is_told_of_nothing(letters, watched, when):
    match when:
        case "never used":
            APIKey.objects.update(last_used_at=None)
        case "not used since":
            mail_uses()
            time_passes(watched, days=2)
        case "nobody to tell":
            APIKey.objects.update(mail_on_use="")

    told = mail_uses()

    assert told == 0
    assert len(letters.received) == (when == "not used since")


def test_a_mail_that_failed_is_sent_again_some_minutes_later(letters, watched):
    letters.trouble = True
    first = mail_uses()
    letters.trouble = False
    at_once = mail_uses()
    time_passes(watched, minutes=6)

    later = mail_uses()

    assert (first, at_once, later) == (0, 0, 1)
    assert (letters.calls, len(letters.received)) == (2, 1)


def test_without_a_mail_server_it_is_tried_again_too(letters, watched, settings):
    right = settings.EMAIL_PORT
    settings.EMAIL_PORT = 1
    first = mail_uses()
    settings.EMAIL_PORT = right
    time_passes(watched, minutes=6)

    later = mail_uses()

    assert (first, later) == (0, 1)


def test_a_mail_that_fails_keeps_no_other_back(letters, watched):
    broken = make_key(name="Broken", prefix="broken", mail_on_use="ops@example.com").row
    APIKey.objects.filter(pk=broken.pk).update(mail_on_use="a\nb@example.com")
    note_use({broken.pk: timezone.now()})

    told = mail_uses()

    assert told == 1


def test_a_worker_that_died_while_sending_leaves_it_to_another(letters, watched, monkeypatch):
    def die(*args):
        raise SystemExit

    with monkeypatch.context() as death:
        death.setattr("apikeys.services.send_mail", die)
        with pytest.raises(SystemExit):
            mail_uses()
    at_once = mail_uses()
    time_passes(watched, minutes=6)

    later = mail_uses()

    assert (at_once, later) == (0, 1)
