"""The page of a link that was handed over: for somebody who has no account, and needs none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from apikeys.authentication import client_address
from apikeys.patience import refusals_from
from automation.hand_over import Revealed, hand_over_of, reveal
from automation.light import Light, light_of
from automation.models import HandOver
from automation.reasons import DeliveryStatus, Reason
from automation.setup.base import facts_of, shown_steps, with_secrets
from automation.setup_pages import chosen_way, pace_at
from feedback.numbers import row_id
from rest.address import site_address

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
STOP_POLLING = 286  # https://htmx.org/docs/#load_polling
ARRIVED = "A request has come and was taken. Nothing is left to do here."
# What of an outcome is the tracker's administrator's to mend. Of tickets nothing is said.
TOLD = {
    Reason.NO_REFERENCE: "A request has come, but it names no item. Copy the URL again, with find= "
    "and what follows it.",
    Reason.PLACEHOLDER_NOT_REPLACED: "A request has come, but the tracker did not fill in the "
    "item. Copy the URL again, exactly as it is written.",
    Reason.EVENT_NOT_WANTED: "A request has come, and the way is open. It was about another event "
    "than the one that is waited for: look at the events that you ticked, or try one of those.",
}


def told(light: Light) -> tuple[str, str]:
    """How it went, as a word for the colour, and a sentence; empty where nothing has come."""
    if light.delivery is not None:
        reason = light.delivery.reason
        sentence = TOLD.get(Reason(reason), ARRIVED) if reason else ARRIVED
        return (DeliveryStatus.DONE if sentence == ARRIVED else DeliveryStatus.SKIPPED), sentence
    if light.refused:
        cause = light.refused[0].newest.cause_text
        return DeliveryStatus.REFUSED, f"A request has come and was refused. {cause}"
    return "", ""


@method_decorator(csrf_exempt, name="dispatch")  # the token is all that counts, no cookie does
@method_decorator(sensitive_post_parameters("token"), name="dispatch")
class HandOverPage(View):
    """GET shows an empty page, which takes the token out of its address; POST shows the guide."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = cast("HttpResponse", super().dispatch(request, *args, **kwargs))
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page("hand_over/enter.html")

    def post(self, request: HttpRequest) -> HttpResponse:
        token = request.POST.get("token", "")
        hand_over = hand_over_of(token)
        if hand_over is None:
            return self.unknown()
        action = request.POST.get("action", "")
        if action == "light":
            return self.light(hand_over)
        revealed = None
        if action == "reveal":
            address = client_address(request.META, settings.TRUSTED_PROXIES)
            revealed = reveal(hand_over, address=address)
        return self.guide(hand_over, token, revealed)

    def unknown(self) -> HttpResponse:
        """Of what never was, and of what is no more, the same is said; a guesser waits."""
        address = client_address(self.request.META, settings.TRUSTED_PROXIES)
        if refusals_from(f"hand-over:{address}") > settings.REFUSED_PER_MINUTE:
            answer = self.page("hand_over/wait.html", status=429)
            answer.headers["Retry-After"] = "60"
            return answer
        if "HX-Request" in self.request.headers:  # from a page that is open, and may stop asking
            return self.page("hand_over/ended.html", status=STOP_POLLING)
        return self.page("hand_over/unknown.html", status=404)

    def guide(self, hand_over: HandOver, token: str, revealed: Revealed | None) -> HttpResponse:
        listener = hand_over.listener
        way = chosen_way(listener, hand_over.way)
        facts = replace(
            facts_of(listener, site_address(self.request), settings.SITE_NAME),
            secret_place="what “Show the secrets” above shows",
        )
        shown = revealed or Revealed()
        return self.page(
            "hand_over/guide.html",
            {
                "hand_over": hand_over,
                "token": token,
                "revealed": revealed,
                "has_secrets": bool(listener.secret) or hand_over.gives_key,
                "sender": listener.external_sender,
                "way": way,
                "facts": facts,
                "steps": (
                    shown_steps(way, with_secrets(facts, key=shown.key, secret=shown.secret))
                    if way
                    else []
                ),
                **self.lit(light_of(listener, since=hand_over.created_at)),
            },
        )

    def light(self, hand_over: HandOver) -> HttpResponse:
        shown = self.lit(light_of(hand_over.listener, since=hand_over.created_at))
        if shown["pace"] and shown["state"] == self.request.POST.get("state"):
            return HttpResponse(status=204)
        shown["token"] = self.request.POST.get("token", "")
        return self.page("hand_over/light.html", shown)

    def lit(self, light: Light) -> dict[str, Any]:
        """A yes or no with a sentence; it goes on looking until something was taken."""
        opened = row_id(self.request.POST.get("opened", "")) or int(timezone.now().timestamp())
        status, sentence = told(light)
        pace = 0 if status == DeliveryStatus.DONE else pace_at(opened)
        return {
            "status": status,
            "sentence": sentence,
            "pace": pace,
            "opened": opened,
            "state": f"{light.state}.{pace}",
        }

    def page(self, template: str, context: Any = None, status: int = 200) -> HttpResponse:
        named = {"site_name": settings.SITE_NAME, **(context or {})}
        return render(self.request, template, named, status=status)
