from __future__ import annotations

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.core.checks import Tags, register

from centercode_sim.checks import broken_templates, contradictions


class CentercodeSimConfig(AppConfig):
    name = "centercode_sim"

    def ready(self) -> None:
        apps.get_app_config("auth").verbose_name = "Community"  # above People, in breadcrumbs
        register(contradictions, Tags.security)
        register(broken_templates, Tags.templates, deploy=True)


class HubAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site as the one and only ``admin.site``."""

    default = False
    default_site = "centercode_sim.site.HubSite"
