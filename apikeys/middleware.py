from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable
from urllib.parse import unquote_plus

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse

from apikeys.authentication import client_address
from apikeys.models import APICall, APIKey
from apikeys.patience import may_keep
from apikeys.secrecy import PresentedKey

log = logging.getLogger(__name__)

LONGEST_PATH = 4000

QUERY_NAMES = {"apikey", "api_key"}
URI_NAMES = ("REQUEST_URI", "RAW_URI")  # where some servers keep the whole address


class TakeKey:
    """Take the API key out of the request, before anything else can log it.

    It may come as ``Authorization: Bearer``, as ``X-API-Key``, as the password of Basic
    authentication or as ``apiKey=``; the first of these counts, all are struck out.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.presented_key = take_key(request.META)  # type: ignore[attr-defined]
        return self.get_response(request)


class RecordCall:
    """Keep a row of each REST request that shows a key; a listener's request is a delivery."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        refused = getattr(request, "key_refused", None)
        key = refused.key if refused else getattr(request, "auth", None)
        if refused or key:
            try:
                record_call(request, response, key, refused.code if refused else "")
            except Error as error:
                log.error("A REST request was not recorded: %s", error)
        return response


def record_call(
    request: HttpRequest, response: HttpResponse, key: APIKey | None, reason: str
) -> None:
    address = client_address(request.META, settings.TRUSTED_PROXIES)
    refused = APICall.objects.exclude(reason="")
    if reason and not may_keep(refused, key, address):
        return
    APICall.objects.create(
        api_key=key,
        address=address,
        method=(request.method or "")[:10],
        path=_printable(request.get_full_path())[:LONGEST_PATH],
        status_code=response.status_code,
        reason=reason,
    )


def _printable(path: str) -> str:
    return path.encode("utf-8", "replace").decode().replace("\0", "")


def take_key(environ: dict[str, str]) -> PresentedKey | None:
    """The key that ``environ`` (a WSGI environment) shows; afterwards it shows none."""
    bearer, basic = _take_authorization(environ)
    header = environ.get("HTTP_X_API_KEY", "").strip()
    if header:
        environ["HTTP_X_API_KEY"] = PresentedKey(header).struck()
    in_query = _take_from_query(environ)
    found = bearer or header or basic or in_query
    return PresentedKey(found) if found else None


def _take_authorization(environ: dict[str, str]) -> tuple[str, str]:
    """The credentials of ``Authorization`` as (Bearer's, Basic's password)."""
    scheme, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    credentials = credentials.strip()
    bearer = credentials if scheme.lower() == "bearer" else ""
    basic = _password(credentials) if scheme.lower() == "basic" else ""
    if scheme:
        environ["HTTP_AUTHORIZATION"] = f"{scheme} {PresentedKey(bearer or basic).struck()}"
    return bearer, basic


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials).decode().partition(":")[2].strip()
    except (binascii.Error, ValueError):
        return ""


def _take_from_query(environ: dict[str, str]) -> str:
    found = ""
    pieces = []
    for piece in environ.get("QUERY_STRING", "").split("&"):
        name, equals, value = piece.partition("=")
        if equals and unquote_plus(name).lower() in QUERY_NAMES:
            value = unquote_plus(value).strip()
            found = found or value
            piece = f"{name}={PresentedKey(value).struck()}"
        pieces.append(piece)
    environ["QUERY_STRING"] = "&".join(pieces)
    for uri in URI_NAMES:
        if uri in environ:
            path = environ[uri].partition("?")[0]
            environ[uri] = f"{path}?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else path
    return found
