from __future__ import annotations

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from apikeys.models import APIKey


class APIKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=APIKey.Scope.choices,
        initial=[APIKey.Scope.LISTEN],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="A tracker needs the first one alone; the others are for programs that use the "
        "REST API. Writing includes reading.",
    )

    class Meta:
        model = APIKey
        fields = [
            "name",
            "description",
            "prefix",
            "scopes",
            "project",
            "networks",
            "expires_at",
            "mail_on_use",
            "enabled",
        ]
        labels = {"enabled": "On"}
        widgets = {
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "networks": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        }

    def clean_networks(self) -> str:
        return "\n".join(self.cleaned_data["networks"].split())
