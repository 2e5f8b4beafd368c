"""Everything comes from the environment; ``.env.example`` explains each name."""

from __future__ import annotations

from celery.schedules import crontab
from django.templatetags.static import static

from centercode_sim import environment as env

BASE_DIR = env.BASE_DIR
DATA_DIR = env.folder("DATA_DIR", "data")

# This installation

SITE_NAME = env.text("SITE_NAME", "Feedback Hub")
SITE_URL = env.web_address("SITE_URL")
DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY") or env.kept_secret(DATA_DIR / "secret_key", size=48)
LANGUAGE_CODE = "en"
USE_I18N = False
DATETIME_FORMAT = "Y-m-d H:i T"
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The door

BODY_LIMIT = env.number("BODY_LIMIT", 1024 * 1024, least=1)
DATA_UPLOAD_MAX_MEMORY_SIZE = max(BODY_LIMIT, 2_621_440) + 1  # the door answers before Django does
RETENTION_DAYS = env.number("RETENTION_DAYS", 365, least=0)
REFUSED_PER_HOUR = env.number("REFUSED_PER_HOUR", 500, least=0)
REFUSED_PER_MINUTE = env.number("REFUSED_PER_MINUTE", 60, least=1)
LOOP_LIMIT = env.number("LOOP_LIMIT", 500, least=1)
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")

# Browsers

ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.web_addresses("CSRF_TRUSTED_ORIGINS")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", False)
SECURE_REDIRECT_EXEMPT = [r"^api/v1/", r"^healthz$"]  # trackers do not follow redirects
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 0, least=0)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # HSTS for a whole domain
LOGIN_URL, LOGIN_REDIRECT_URL = "/admin/login/", "/admin/"

# The parts

INSTALLED_APPS = [
    "centercode_sim",
    "unfold.apps.BasicAppConfig",  # leaves the site to HubAdminConfig
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "centercode_sim.apps.HubAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "rest",
    "apikeys",
    "feedback",
    "automation",
]
MIDDLEWARE = [
    "apikeys.middleware.TakeKey",  # first: nothing after it can log the secret
    "apikeys.middleware.RecordCall",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "centercode_sim.urls"
WSGI_APPLICATION = "centercode_sim.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator")
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # no collectstatic, with DEBUG on or off

# The database

DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "hub.sqlite3")}
DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A deferred transaction that reads and then writes fails at once, whatever the timeout.
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": pragmas,
    }
else:
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)

# Workers

CELERY_BROKER_URL = env.broker_url("CELERY_BROKER_URL", "filesystem://")
CELERY_BROKER_TRANSPORT_OPTIONS = env.broker_options(CELERY_BROKER_URL, DATA_DIR / "broker")
CELERY_BROKER_CONNECTION_TIMEOUT = 1  # a broken broker never holds up the door
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat")
CELERY_BEAT_SCHEDULE = {
    "settle what was never announced": {
        "task": "automation.tasks.settle_received",
        "schedule": 5,
        "options": {"expires": 5},
    },
    "start what is due, and what follows": {
        "task": "automation.tasks.start_by_itself",
        "schedule": 5,
        "options": {"expires": 5},
    },
    "send what waits in the outbox": {
        "task": "automation.tasks.send_outgoing",
        "schedule": 5,
        "options": {"expires": 5},
    },
    "mail the use of keys": {
        "task": "automation.tasks.mail_key_uses",
        "schedule": 60,
        "options": {"expires": 60},
    },
    "prune what is past its time": {
        "task": "automation.tasks.prune",
        "schedule": crontab(hour=3, minute=30),
        "options": {"expires": 3600},
    },
}

# Calls to the outside

OUTBOUND_NETWORKS = env.networks("OUTBOUND_NETWORKS")

# Mail and logs

vars().update(env.email("EMAIL_URL", "consolemail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", "hub@localhost")
EMAIL_SUBJECT_PREFIX = f"[{SITE_NAME}] "
ADMINS = env.mailboxes("ADMINS")
LOG_LEVEL = env.one_of("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
DEFAULT_EXCEPTION_REPORTER = "apikeys.secrecy.StruckReport"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {
        "debug_off": {"()": "django.utils.log.RequireDebugFalse"},
        "no_keys": {"()": "apikeys.secrecy.StrikeKeys"},
        "one_a_minute": {"()": "centercode_sim.logs.OnceInAWhile", "seconds": 60},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_keys"]},
        "mail_admins": {
            "class": "django.utils.log.AdminEmailHandler",
            "level": "ERROR",
            "filters": ["debug_off", "no_keys", "one_a_minute"],
        },
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        "django.request": {"handlers": ["mail_admins"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # scanners, no news to anybody
        "celery.app.trace": {"level": "WARNING"},  # a line for each wake-up says nothing
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "kombu.connection": {"level": "ERROR"},  # the file-system broker has no host name
    },
}

# The REST API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apikeys.authentication.APIKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest.permissions.KnownCaller"],
    "DEFAULT_PARSER_CLASSES": ["rest.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest.rendering.Browsable",
    ],
    "DEFAULT_PAGINATION_CLASS": "rest.paging.Paging",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest.paging.Ordering",
    ],
    "DEFAULT_SCHEMA_CLASS": "rest.schema.Schema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "rest.errors.answer_to",
}
SPECTACULAR_SETTINGS = {
    "TITLE": SITE_NAME,
    "DESCRIPTION": "Everything that the pages do, for programs, with the same permissions.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ExposureEnum": "feedback.models.Exposure",
        "DeliveryStatusEnum": "automation.reasons.DeliveryStatus",
        "OutgoingStatusEnum": "automation.models.Outgoing.Status",
        "OutgoingKindEnum": "automation.models.Outgoing.Kind",
        "TeamKindEnum": "feedback.models.Team.Kind",
    },
}

# The look

BLUE = {
    "50": "oklch(97% .014 254.604)",
    "100": "oklch(93.2% .032 255.585)",
    "200": "oklch(88.2% .059 254.128)",
    "300": "oklch(80.9% .105 251.813)",
    "400": "oklch(70.7% .165 254.624)",
    "500": "oklch(62.3% .214 259.815)",
    "600": "oklch(54.6% .245 262.881)",
    "700": "oklch(48.8% .243 264.376)",
    "800": "oklch(42.4% .199 265.638)",
    "900": "oklch(37.9% .146 265.522)",
    "950": "oklch(28.2% .091 267.935)",
}
UNFOLD = {
    "SITE_TITLE": SITE_NAME,
    "SITE_HEADER": SITE_NAME,
    "SITE_SUBHEADER": "Feedback automation",
    "SITE_SYMBOL": "sensors",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("favicon.svg"),
        }
    ],
    "COLORS": {"primary": BLUE},
    "STYLES": [lambda request: static("hub.css")],
    "SCRIPTS": [lambda request: static("hub.js")],
    "DASHBOARD_CALLBACK": "centercode_sim.dashboard.dashboard",
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": "centercode_sim.navigation.navigation",
    },
}
