"""Addresses and headers of calls, as people type them and as they become at a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError

from automation import variables
from automation.actions.fields import LineField, TextField

UNSENDABLE = re.compile(r"[\s\x00-\x1f\x7f\\]")
ORIGIN = re.compile(r"https?://[^/?#{}\s\\@]{1,255}(?=[/?#]|\Z)", re.I)
HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)")  # RFC 9110, 5.6.2
NO_ADDRESS = "This is no web address: it begins with https:// and a host."
MOST_HEADERS = 20
LONGEST_HEADER = 4_000


def origin_of(url: str) -> str:
    """Scheme and host, as in “https://jira.example.com”; empty where variables decide."""
    match = ORIGIN.match(url.strip())
    return match[0].lower() if match else ""


def check_web_address(url: str) -> None:
    """Raises ValidationError; does not repeat the address, which may hold a secret."""
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc
    except ValueError:
        wrong = True
    if wrong or UNSENDABLE.search(url):
        raise ValidationError(NO_ADDRESS)


class AddressField(LineField):
    """A URL with variables, whose values are written as parts of URLs are, save at the start."""

    widget = forms.TextInput

    def validate(self, value: str) -> None:
        super().validate(value)
        if value and "{" not in value:
            check_web_address(value)
        elif value and not re.match(r"https?://|\{", value, re.I):
            raise ValidationError(NO_ADDRESS)

    def fill(self, text: str, words: variables.Words) -> Any:
        if not text:
            return ""
        filled = self.checked(variables.fill(text, words, url=True) if "{" in text else text)
        if filled:
            check_web_address(filled)
        return filled


class HeadersField(TextField):
    """A header a line; each is filled in by itself, so that no value makes another line."""

    def validate(self, value: str) -> None:
        super().validate(value)
        if len(value.splitlines()) > MOST_HEADERS:
            raise ValidationError(f"Give at most {MOST_HEADERS} headers.")
        headers = headers_in(value)
        for _, each in headers:
            variables.check(each, known=self.known)
        names = [name.lower() for name, _ in headers]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValidationError(f"The header {min(twice)} stands there twice.")

    def fill(self, text: str, words: variables.Words) -> Mapping[str, str]:
        return {
            name: _value(name, variables.fill(value, words)) for name, value in headers_in(text)
        }


def headers_in(text: str) -> list[tuple[str, str]]:
    """Names and values, as they are written; raises ValidationError."""
    return [_header(line) for line in text.splitlines() if line.strip()]


def _header(line: str) -> tuple[str, str]:
    match = HEADER.fullmatch(line.strip())
    if match is None:
        raise ValidationError(f"“{line.strip()[:60]}” is no header, such as Accept: text/plain.")
    return match[1], match[2].strip()


def _value(name: str, filled: str) -> str:
    value = " ".join(filled.split())
    if not value.isprintable() or len(value) > LONGEST_HEADER:
        raise ValidationError(f"What {name} became cannot be sent as a header.")
    return value
