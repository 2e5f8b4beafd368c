"""The pages on which a listener is set up over there: the steps, the light, the hand-overs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from automation import jql
from automation.doubts import doubts_about
from automation.hand_over import (
    DAYS,
    DEFAULT_DAYS,
    hand_overs_of,
    make_hand_over,
    may_give_key,
    revoke,
)
from automation.light import light_of
from automation.listener_pages import listeners_of
from automation.models import Delivery, ExternalListener
from automation.pages import address_of
from automation.senders.base import Kind
from automation.setup import ways_of
from automation.setup.base import Facts, Way, facts_of, shown_steps
from feedback.models import TicketLink
from feedback.numbers import row_id
from feedback.pages import ManagedTypePage
from rest.address import site_address

# How often the page asks, by how long it has been open; 0: no longer
PACES = ((timedelta(minutes=3), 2), (timedelta(minutes=30), 15), (timedelta.max, 0))
AT_A_WORKER = 1  # seconds, while a request is received and not yet settled
LINKS_LOOKED_AT = 200


def projects_over_there(listener: ExternalListener) -> tuple[str, ...]:
    """Keys of outside projects, such as SANDBOX, to whose items the type's tickets are linked."""
    links = TicketLink.objects.filter(
        ticket__feedback_type=listener.feedback_type, system=listener.external_sender.system
    ).order_by("-pk")
    keys = links.values_list("remote_key", flat=True)[:LINKS_LOOKED_AT]
    projects = {key.rpartition("-")[0] for key in keys}
    return tuple(sorted(key for key in projects if key.isidentifier()))


def chosen_way(listener: ExternalListener, slug: str) -> Way | None:
    """The way of that name; else the first, the usual one; None for an unknown sender."""
    ways = ways_of(listener.sender)
    return next((way for way in ways if way.slug == slug), ways[0] if ways else None)


class HandOverForm(forms.Form):
    days = forms.TypedChoiceField(
        label="The link works for", choices=[*DAYS.items()], coerce=int, initial=DEFAULT_DAYS
    )
    gives_key = forms.BooleanField(
        label="Make an API key for it, when the secrets are shown",
        required=False,
        help_text="For this listener's project, to call listeners and nothing else.",
    )

    def __init__(self, *args: Any, person: User, **options: Any) -> None:
        super().__init__(*args, **options)
        if not may_give_key(person):
            del self.fields["gives_key"]


class ListenerSetupPage(ManagedTypePage):
    """What the pages of a listener's set-up share."""

    @cached_property
    def listener(self) -> ExternalListener:
        return get_object_or_404(listeners_of(self.feedback_type), pk=self.kwargs["pk"])

    @cached_property
    def facts(self) -> Facts:
        return facts_of(self.listener, site_address(self.request), settings.SITE_NAME)

    @cached_property
    def way(self) -> Way | None:
        return chosen_way(self.listener, self.request.GET.get("way", ""))

    def get_title(self) -> str:
        return f"Set up “{self.listener}” in {self.listener.external_sender.where}"

    def light(self) -> dict[str, Any]:
        """What the light shows, and when it looks again."""
        after = row_id(self.request.GET.get("after", "")) or 0
        opened = row_id(self.request.GET.get("opened", "")) or int(timezone.now().timestamp())
        light = light_of(self.listener, after=after)
        pace = pace_at(opened)
        if light.delivery is not None:
            pace = AT_A_WORKER if light.waiting and pace else 0
        settled = light.delivery is not None and not light.waiting
        keep = f"way={self.way.slug}&" if self.way else ""
        return {
            "light": light,
            "kinds": [Kind(kind).label for kind in light.delivery.kinds] if light.delivery else [],
            "doubts": (
                doubts_about(light.delivery, light.tickets, keep)
                if light.delivery and settled
                else []
            ),
            "pace": pace,
            "keep": keep,
            "looking": f"after={after}&opened={opened}&state={light.state}.{pace}",
            "state": f"{light.state}.{pace}",
            "after": after,
        }


def pace_at(opened: int) -> int:
    age = timedelta(seconds=min(max(timezone.now().timestamp() - opened, 0), 86_400))
    return next(seconds for until, seconds in PACES if age < until)


class SetupPage(ListenerSetupPage):
    """The steps in the tracker's own words, with every value ready to copy."""

    template_name = "automation/setup.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        way, facts = self.way, self.facts
        if way and way.jql:
            facts = replace(facts, projects=projects_over_there(self.listener))
        context.setdefault("form", HandOverForm(person=self.person))
        return super().get_context_data(
            listener=self.listener,
            way=way,
            ways=ways_of(self.listener.sender),
            steps=shown_steps(way, facts) if way else [],
            facts=facts,
            hand_overs=hand_overs_of(self.listener),
            right=self.confirmed(),
            **self.light(),
            **context,
        )

    def confirmed(self) -> Delivery | None:
        """The request of which somebody just said “Yes, that is right”."""
        public_id = self.request.GET.get("right", "")
        return self.listener.deliveries.filter(public_id=public_id).first() if public_id else None

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Checks a JQL query; nothing is kept."""
        query = request.POST.get("query", "")[: jql.LONGEST + 1]
        context = self.get_context_data(query=query, findings=jql.check(query))
        return self.render_to_response(context)


class LightView(ListenerSetupPage):
    """The light alone; nothing where nothing is new."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        shown = self.light()
        if shown["pace"] and shown["state"] == request.GET.get("state"):
            return HttpResponse(status=204)
        return render(request, "automation/light.html", {"listener": self.listener, **shown})


class HandOverAddView(ListenerSetupPage):
    """Makes a link, and shows it in this one answer."""

    http_method_names = ["post"]
    template_name = "automation/hand_over_made.html"

    def get_title(self) -> str:
        return "A link for the tracker's administrator"

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = HandOverForm(request.POST, person=self.person)
        way = chosen_way(self.listener, request.POST.get("way", ""))
        if not form.is_valid():
            messages.error(request, "No link was made: choose how long it is to work.")
            return redirect(address_of("listener_setup", self.feedback_type, self.listener.pk))
        hand_over, token = make_hand_over(
            self.listener,
            by=self.person,
            way=way.slug if way else "",
            days=form.cleaned_data["days"],
            key=form.cleaned_data.get("gives_key", False),
        )
        context = self.get_context_data(
            listener=self.listener,
            hand_over=hand_over,
            link=f"{site_address(request)}{reverse('hand_over')}#{token}",
        )
        return self.render_to_response(context, headers={"Cache-Control": "no-store"})


class HandOverRevokeView(ListenerSetupPage):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        revoke(get_object_or_404(self.listener.hand_overs, pk=kwargs["hand_over"]))
        messages.success(request, "The link was revoked: it shows nothing any more.")
        return redirect(address_of("listener_setup", self.feedback_type, self.listener.pk))
