from __future__ import annotations

import hashlib
import ipaddress
import secrets

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone

from access.callers import Caller

SECRET_BYTES = 24  # 192 bits, shown as 48 hexadecimal digits


def validate_networks(text: str) -> None:
    """Refuse ``text`` unless every word of it is an IPv4 or IPv6 address or network."""
    for word in text.split():
        try:
            network = ipaddress.ip_network(word, strict=False)
        except ValueError:
            raise ValidationError(
                f"“{word}” is not an address or network. Write it such as 192.0.2.0/24."
            ) from None
        if ipaddress.ip_interface(word).ip != network.network_address:
            raise ValidationError(f"“{word}” has host bits set. Write {network} instead.")


def new_prefix() -> str:
    return secrets.token_hex(4)


class APIKey(models.Model):
    """Who may call, from where, for what. The secret is shown once and kept as a digest."""

    class Scope(models.TextChoices):
        LISTEN = "listen", "Call external listeners"
        READ = "read", "Read by REST"
        WRITE = "write", "Write by REST"

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    prefix = models.CharField(
        max_length=20,
        unique=True,
        default=new_prefix,
        validators=[RegexValidator(r"^[a-z0-9]+\Z", "Use small letters and digits only.")],
        help_text="The part of the key before “-”, by which logs name it.",
    )
    digest = models.CharField(max_length=64, editable=False)
    networks = models.TextField(
        blank=True,
        validators=[validate_networks],
        help_text="Addresses or networks that may use the key, one a line. Empty: any address.",
    )
    scopes = models.JSONField(default=list)
    project = models.ForeignKey(
        "feedback.Project",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text="The only project that the key may act in. Empty: every project.",
    )
    expires_at = models.DateTimeField("expires", null=True, blank=True)
    mail_on_use = models.EmailField(
        blank=True, help_text="Is told, at most once a day, that the key was used."
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    last_mail_at = models.DateTimeField(null=True, editable=False)
    next_mail_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = "API key"
        verbose_name_plural = "API Keys"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("admin:apikeys_apikey_change", args=[self.pk])

    @property
    def caller(self) -> Caller:
        return Caller(
            name=f"API key “{self.name}”",
            identity=f"key {self.pk}",
            runs_community=True,
            project=self.project_id,
        )

    def get_log_url(self) -> str:
        return reverse("api_key_log", args=[self.pk])

    def issue(self) -> str:
        """Give the key a new secret, save it, and return the whole key: it is never seen again."""
        key = f"{self.prefix}-{secrets.token_hex(SECRET_BYTES)}"
        self.digest = digest_of(key)
        self.save(update_fields=["digest"] if self.pk else None)
        return key

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def admits(self, address: str | None) -> bool:
        """Whether a call may come from ``address``; one without an address only if any may."""
        if not self.networks.strip():
            return True
        if address is None:
            return False
        caller = ipaddress.ip_address(address)
        return any(caller in ipaddress.ip_network(word) for word in self.networks.split())


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class RequestRecord(models.Model):
    """What any request by a key leaves behind; the key's secret is struck out of all of it."""

    received_at = models.DateTimeField(default=timezone.now)
    api_key = models.ForeignKey(
        APIKey, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="API key"
    )
    address = models.GenericIPAddressField(null=True)
    method = models.CharField(max_length=10)
    path = models.TextField()
    status_code = models.PositiveSmallIntegerField("code")

    class Meta:
        abstract = True


class APICall(RequestRecord):
    """One request to the REST API, made or tried with a key; a listener's is a delivery."""

    reason = models.CharField(max_length=30, blank=True, help_text="Why the key was refused.")

    class Meta:
        ordering = ["-pk"]
        verbose_name = "API call"
        indexes = [
            models.Index(models.F("api_key"), models.F("id").desc(), name="apicall_log_of_key"),
            models.Index(
                "api_key", "received_at", condition=~models.Q(reason=""), name="apicall_refused"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
