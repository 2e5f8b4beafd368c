from __future__ import annotations

import inspect
import re
from copy import copy
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import escape, linebreaks
from django.utils.safestring import SafeString, mark_safe

from automation.hand_over import hand_overs_of
from automation.listener_form import ListenerForm
from automation.listener_layout import ListenerLayout
from automation.listener_versions import keep_listener
from automation.models import KEY_PLACEHOLDER, Delivery, ExternalListener
from automation.pages import DeletePage, WayOut, address_of, page_of
from automation.senders import SENDERS
from automation.senders.base import Sender
from automation.trial import Pasted, Untried, recorded_requests, try_out
from feedback.models import FeedbackType
from feedback.pages import ManagedTypePage
from feedback.protection import Use
from feedback.versions import overtaken
from rest.address import site_address

KEY_TO_COME = "listener_key"
PASTED = ("body", "headers", "find")


def listeners_of(feedback_type: FeedbackType) -> QuerySet[ExternalListener]:
    return ExternalListener.objects.filter(feedback_type=feedback_type).select_related(
        "project", "feedback_type__project", "macro", "filter"
    )


def with_tables(listeners: QuerySet[ExternalListener]) -> QuerySet[ExternalListener]:
    return listeners.prefetch_related("status_rows__macro", "protected_statuses")


def endpoint_url(listener: ExternalListener, request: HttpRequest) -> str:
    """The whole API Endpoint URL; the key of a listener to come is still a placeholder."""
    shown = ExternalListener(
        project=listener.project,
        key=listener.key or KEY_TO_COME,
        sender=listener.sender or next(iter(SENDERS)),
    )
    return site_address(request) + shown.endpoint_path


def guide_of(sender: Sender) -> SafeString:
    """The sender's docstring as people read it."""
    text = escape(inspect.getdoc(type(sender)) or "")
    return mark_safe(linebreaks(re.sub("``(.+?)``", r'<code class="hub-mono">\1</code>', text)))


class AutomationPage(ManagedTypePage):
    title = "Feedback Automation"
    template_name = "automation/automation.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        newest = Delivery.objects.filter(listener=OuterRef("pk")).order_by("-pk").values("pk")
        listeners = with_tables(listeners_of(self.feedback_type)).annotate(
            last=Subquery(newest[:1])
        )
        shown = page_of(listeners, self.request)
        last = Delivery.objects.defer("body", "headers").in_bulk(
            [listener.last for listener in shown if listener.last]
        )
        return super().get_context_data(
            page_obj=shown,
            listeners=[
                (listener, endpoint_url(listener, self.request), last.get(listener.last))
                for listener in shown
            ],
            has_macros=self.feedback_type.macros.exists(),
            **context,
        )


class ListenerAddPage(ManagedTypePage):
    title = "Create an External Listener"
    template_name = "automation/listener.html"

    @cached_property
    def listener(self) -> ExternalListener:
        return ExternalListener(project=self.project, feedback_type=self.feedback_type)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        form = context.setdefault("form", ListenerForm(instance=self.listener))
        shown = self.listener if form.errors else form.instance
        pk = self.listener.pk
        return super().get_context_data(
            listener=self.listener,
            layout=ListenerLayout(form),
            endpoint=endpoint_url(shown, self.request),
            endpoint_base=self.endpoint_base(),
            guides=[(sender, guide_of(sender)) for sender in SENDERS.values()],
            has_macros=form.fields["macro"].queryset.exists(),
            trial_address=address_of("listener_try", self.feedback_type, *([pk] if pk else [])),
            recorded=recorded_requests(self.listener) if pk else [],
            body_limit=settings.BODY_LIMIT,
            **context,
        )

    def endpoint_base(self) -> str:
        """The address up to the key, which the browser completes while the key is typed."""
        address = reverse("listen", args=[self.project.key, KEY_TO_COME])
        return site_address(self.request) + address.removesuffix(KEY_TO_COME)

    @transaction.atomic
    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = ListenerForm(request.POST, instance=copy(self.listener))
        if problem := overtaken(self.listener, request.POST.get("seen", "")):
            form.full_clean()
            form.add_error(None, problem)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        listener = form.save(actor=self.caller.name)
        messages.success(request, self.saved_message(listener))
        return redirect(self.after_saving(listener))

    def after_saving(self, listener: ExternalListener) -> str:
        """Next it is set up in the tracker."""
        return address_of("listener_setup", self.feedback_type, listener.pk)

    def saved_message(self, listener: ExternalListener) -> str:
        return (
            f"External listener “{listener}” was created. Next, paste its API Endpoint URL into "
            f"the tracker, as this guide says, with an API key from your community manager in "
            f"place of {KEY_PLACEHOLDER}."
        )


class ListenerPage(ListenerAddPage):
    @cached_property
    def listener(self) -> ExternalListener:
        return get_object_or_404(listeners_of(self.feedback_type), pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return str(self.listener)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(hand_overs=hand_overs_of(self.listener), **context)

    def after_saving(self, listener: ExternalListener) -> str:
        return address_of("automation", self.feedback_type)

    def saved_message(self, listener: ExternalListener) -> str:
        return f"External listener “{listener}” was saved."


class ListenerTrialPage(ManagedTypePage):
    """What the form as it is typed would make of a pasted request: a part of a page."""

    http_method_names = ["post"]
    template_name = "automation/trial.html"

    @cached_property
    def listener(self) -> ExternalListener:
        if "pk" in self.kwargs:
            return get_object_or_404(listeners_of(self.feedback_type), pk=self.kwargs["pk"])
        return ExternalListener(project=self.project, feedback_type=self.feedback_type)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = ListenerForm(request.POST, instance=self.listener)
        pasted = Pasted(*(request.POST.get(f"trial_{name}", "") for name in PASTED))
        context: dict[str, Any] = {"feedback_type": self.feedback_type}
        try:
            context["trial"] = try_out(form, pasted, self.caller)
        except Untried as untried:
            context["problem"] = str(untried)
        return render(request, self.template_name, context)


class ListenerSwitchPage(ManagedTypePage):
    """Switches a listener on or off, by POST alone."""

    http_method_names = ["post"]

    @transaction.atomic
    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        own = self.feedback_type.listeners.select_for_update(of=("self",))
        listener = get_object_or_404(own, pk=kwargs["pk"])
        listener.enabled = request.POST.get("enabled") == "on"
        listener.save(update_fields=["enabled"])
        keep_listener(listener, actor=self.caller.name)
        state = "on" if listener.enabled else "off: its requests are kept, but nothing is done"
        messages.success(request, f"External listener “{listener}” is switched {state}.")
        return redirect(address_of("automation", self.feedback_type))


def records_of_listener(listener: ExternalListener) -> list[Use]:
    address = address_of("listener_log", listener.feedback_type, listener.pk)
    log = Use("the log of the requests that it received", address)
    return [log] if listener.deliveries.exists() else []


class ListenerDeletePage(DeletePage):
    home = "automation"
    noun = "external listener"
    kept_for = (
        "It received requests, and the log stays: switch it off instead. Its requests are then "
        "kept, but nothing is done."
    )

    @cached_property
    def row(self) -> ExternalListener:
        return get_object_or_404(listeners_of(self.feedback_type), pk=self.kwargs["pk"])

    def users(self) -> list[Use]:
        return []

    def records(self) -> list[Use]:
        return records_of_listener(self.row)

    def way_out(self) -> WayOut | None:
        address = address_of("listener_switch", self.feedback_type, self.row.pk)
        return WayOut("Switch it off", "enabled", "off", address) if self.row.enabled else None
