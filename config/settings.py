"""All settings, read once from the environment (and a file named .env). .env.example says what each means."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from chat.metering.gcra import EXPECTED as A_RATE
from config import look
from config.extra_databases import extra_database
from config.machine import is_loopback, own_names
from config.reading import (
    DEBUGGED,
    LEVELS,
    REDIS,
    Env,
    app_name,
    certificates,
    debugged,
    debugged_in,
    host_name,
    listed_origin,
    network,
    one_port,
    otlp_header,
    rate,
    role_level,
    web_origin,
)
from config.secrets import data_folder, kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent


env = Env()
_env_file = env.str("PARLEY_ENV_FILE", "")
env.file(Path(_env_file or BASE_DIR / ".env"), is_named=bool(_env_file))

# --- The installation -------------------------------------------------------------------------------------------------
PARLEY_ENV = env.choice("PARLEY_ENV", "production", ("development", "production"))
IS_DEVELOPMENT = PARLEY_ENV == "development"
PARLEY_DATA = data_folder(env.str("PARLEY_DATA", "") or str(BASE_DIR / ".parley"))
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000, least=1, most=65_535)
PARLEY_PUBLIC_URL = env.origin("PARLEY_PUBLIC_URL", f"http://127.0.0.1:{PORT}")
# How many sockets systemd hands to this process. Read here: where an app loads Twisted, that takes these two away.
LISTEN_FDS = os.environ.get("LISTEN_FDS", "") if os.environ.get("LISTEN_PID") == str(os.getpid()) else ""
FORWARDED_ALLOW_IPS = env.list("FORWARDED_ALLOW_IPS", ["127.0.0.1"], network, "addresses or networks, or *")
PARLEY_VERSION = "0.1.0"
PARLEY_NAME = env.made("PARLEY_NAME", "Parley", look.name, look.A_NAME)
PARLEY_LOGO = env.made("PARLEY_LOGO", "", look.logo, look.A_LOGO)
PARLEY_ACCENT = env.made("PARLEY_ACCENT", "", look.accent, look.A_COLOUR)
_public = urlsplit(PARLEY_PUBLIC_URL)
# Own apps: Django apps of whoever runs this, on Python's path or in the folder `apps` of PARLEY_DATA.
_apps = env.list("PARLEY_APPS", [], app_name, "names of Django apps, such as shop")
PARLEY_APPS = [*dict.fromkeys(_apps)]
OWN_APPS_FOLDER = PARLEY_DATA / "apps"
if PARLEY_APPS and str(OWN_APPS_FOLDER) not in sys.path:
    sys.path.append(str(OWN_APPS_FOLDER))
IS_HTTPS = _public.scheme == "https"
TLS_IN_FRONT = env.bool("TLS_IN_FRONT", False)

# What more is logged (docs/logs.md). DEBUG and DEBUG_OPENAI are what two other systems call it.
_debug = env.str("DEBUG", "")
CHAT_DEBUG = frozenset(env.list("CHAT_DEBUG", [], debugged, f"some of {', '.join(DEBUGGED)}"))
CHAT_DEBUG |= debugged_in(_debug)
CHAT_DEBUG |= {"providers"} if env.bool("DEBUG_OPENAI", False) else frozenset()
DEBUG = False if debugged_in(_debug) else env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or kept_secret(PARLEY_DATA, "secret_key")
_hosts = [_public.hostname or "127.0.0.1", "127.0.0.1", "localhost", "[::1]"]
_hosts += own_names() if IS_DEVELOPMENT and not is_loopback(HOST) else []
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", _hosts, host_name, "names of hosts without scheme and port")
BODY_MAX_BYTES = env.int("BODY_MAX_BYTES", 2_000_000, least=1)
JSON_MAX_DEPTH = env.int("JSON_MAX_DEPTH", 64, least=1)
BODY_ANONYMOUS_MAX_BYTES = env.int("BODY_ANONYMOUS_MAX_BYTES", 65_536, least=1)
BODY_IDLE_S = env.float("BODY_IDLE_S", 15.0, least=0.1)
BODY_TIMEOUT_S = env.float("BODY_TIMEOUT_S", 60.0, least=0.1)
HEAD_MAX_BYTES = env.int("HEAD_MAX_BYTES", 32_768, least=1)
HEAD_MAX_FIELDS = env.int("HEAD_MAX_FIELDS", 100, least=1)
HEAD_TIMEOUT_S = env.float("HEAD_TIMEOUT_S", 10.0, least=0.1)
KEEP_ALIVE_S = env.int("KEEP_ALIVE_S", 5, least=0)
SOCKET_PING_S = env.float("SOCKET_PING_S", 20.0, least=0.1)
WAITING_MAX_BYTES = env.int("WAITING_MAX_BYTES", 128_000_000, least=1)
WAITING_MAX_BYTES_PER_USER = env.int("WAITING_MAX_BYTES_PER_USER", 16_000_000, least=1)
JSON_MAX_VALUES = env.int("JSON_MAX_VALUES", 50_000, least=1)
ANSWER_MAX_BYTES = env.int("ANSWER_MAX_BYTES", 10_000_000, least=1)
WRITE_TIMEOUT_S = env.float("WRITE_TIMEOUT_S", 30.0)

# --- Database, Redis --------------------------------------------------------------------------------------------------
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{PARLEY_DATA / 'db.sqlite3'}")}
REDIS_URL = env.address("REDIS_URL", "", REDIS, "redis://HOST:6379/0")
DB_THREADS = env.int("DB_THREADS", 4, least=1)
FILE_THREADS = env.int("FILE_THREADS", 4, least=1)
DB_TOOL_THREADS = env.int("DB_TOOL_THREADS", 4, least=1)
MALLOC_ARENAS = env.int("MALLOC_ARENAS", 1)
GARBAGE_EVERY_S = env.float("GARBAGE_EVERY_S", 60.0)
MIGRATE_LOCK_S = env.float("MIGRATE_LOCK_S", 0.5)
IS_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
DB_SESSION = "-c idle_in_transaction_session_timeout=10s -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2"
if IS_SQLITE:
    DATABASES["default"]["ENGINE"] = "config.sqlite"
    # IMMEDIATE, because a transaction that reads first and writes later fails at once when another writes between.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": env.int("DB_TIMEOUT_S", 20),
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
        "PRAGMA secure_delete=ON;",  # what is deleted is overwritten, and not only where the system's SQLite does so
    }
    DATABASES["default"]["CONN_MAX_AGE"] = None
else:
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = not env.bool("DB_SERVER_CURSORS", True)
    DATABASES["default"]["OPTIONS"] = {
        # A host that is cut off is noticed within seconds, here and there, and keeps no row locked for longer.
        "connect_timeout": 3,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 5000,
        "options": env.str("DB_SESSION", DB_SESSION),
        **DATABASES["default"].get("OPTIONS", {}),
        # Values travel beside the statement, so one that comes again has the same text, and the server keeps its plan.
        "server_side_binding": True,
        "prepare_threshold": env.int("DB_PREPARE_THRESHOLD", 3) or None,
        "pool": {
            "min_size": 2,
            "max_size": env.int("DB_POOL_MAX", 20, least=1),
            "timeout": env.float("DB_POOL_TIMEOUT_S", 2.0),
            # It waits twice as long before each attempt, and nobody else may try meanwhile: after half a minute without
            # PostgreSQL that is another half. Given up soon, whoever asks next begins anew.
            "reconnect_timeout": 2.0,
        },
    }
DATABASES_EXTRA_TIMEOUT_S = env.float("DATABASES_EXTRA_TIMEOUT_S", 10.0, least=0.1)
DATABASES_EXTRA_THREADS = env.int("DATABASES_EXTRA_THREADS", 2, least=1)
DATABASES_EXTRA = {
    name: extra_database(found, DATABASES_EXTRA_TIMEOUT_S) for name, found in env.databases("DATABASES_EXTRA").items()
}
DATABASES |= DATABASES_EXTRA
DATABASE_ROUTERS = ["accounts.db.extra.ExtraRouter"] if DATABASES_EXTRA else []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHE_ANSWERS_S = env.int("CACHE_ANSWERS_S", 3600, least=1)
CACHE_ANSWER_MAX_BYTES = env.int("CACHE_ANSWER_MAX_BYTES", 200_000, least=1)
CACHE_ANSWERS_MAX = env.int("CACHE_ANSWERS_MAX", 200, least=1)
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
OTEL_EXPORTER_OTLP_ENDPOINT = env.address("OTEL_EXPORTER_OTLP_ENDPOINT", "", ("http", "https"), "http://HOST:4318")
OTEL_EXPORTER_OTLP_HEADERS = dict(env.list("OTEL_EXPORTER_OTLP_HEADERS", [], otlp_header, "NAME=VALUE"))
OTEL_LOGS_EXPORTER = env.choice("OTEL_LOGS_EXPORTER", "otlp", ("otlp", "none"))
OTEL_SERVICE_NAME = env.str("OTEL_SERVICE_NAME", "parley")
if REDIS_URL:
    # redis-py 8 gives up on a read after 5 s, which is how long the layer lets Redis block it. A Redis that is cut off
    # says nothing at all.
    _host = {"address": REDIS_URL, "socket_timeout": 15.0, "socket_connect_timeout": 2.0}
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [_host]}}}
    _cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    _patience = {"socket_connect_timeout": 1.0, "socket_timeout": 1.0}
    CACHES = {
        "default": {**_cache, "OPTIONS": _patience},
        "answers": {**_cache, "OPTIONS": _patience, "KEY_PREFIX": "answers"},
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    _here = "django.core.cache.backends.locmem.LocMemCache"
    CACHES = {
        "default": {"BACKEND": _here, "OPTIONS": {"MAX_ENTRIES": 100_000}},
        "answers": {"BACKEND": _here, "LOCATION": "answers", "OPTIONS": {"MAX_ENTRIES": CACHE_ANSWERS_MAX}},
    }

# --- Django -----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    *(("daphne",) if "runserver" in sys.argv[1:2] else ()),  # the others would load all of Twisted for nothing
    "config.admin.ParleyAdmin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "tools",
    "agents",
    "chat",
    "chat.exports",
    "chat.feedback",
    "chat.links",
    "chat.search",
    "chat.sent",
    "chat.webhooks",
    *(() if "startparley" in sys.argv[1:2] else PARLEY_APPS),  # what it makes may be named already
    "config.own_apps",
]
MIDDLEWARE = [
    "config.middleware.origin.OriginMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "config.middleware.security.SecurityHeadersMiddleware",
    "config.middleware.base.SecurityMiddleware",
    "config.middleware.static.StaticFilesMiddleware",
    "config.middleware.compression.CompressionMiddleware",
    "config.middleware.language.LanguageMiddleware",
    "config.middleware.base.SessionMiddleware",
    "config.middleware.base.CommonMiddleware",
    "config.middleware.base.CsrfViewMiddleware",
    "config.middleware.base.AuthenticationMiddleware",
    "config.middleware.base.MessageMiddleware",
    "config.middleware.base.XFrameOptionsMiddleware",
    "config.middleware.rates.RatesMiddleware",
    "config.middleware.errors.ErrorMiddleware",
]
# These look for Django's own names; ours are the same middleware (config.middleware.base).
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002", "security.W003"]
if TLS_IN_FRONT:
    SILENCED_SYSTEM_CHECKS += ["security.W008"]  # there is nothing to redirect: no request comes without TLS
ROOT_URLCONF = "config.urls"
TEMPLATE_LOADERS = [
    "config.own_apps.files.TemplateLoader",  # own apps' templates are over ours
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [("django.template.loaders.cached.Loader", TEMPLATE_LOADERS)],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["accounts.templatetags.look"],
        },
    }
]
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
FORMAT_MODULE_PATH = "config.formats"
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "admin"]
LANGUAGE_COOKIE_NAME = "language"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_FINDERS = [
    "config.own_apps.files.StaticFinder",  # and so are their static files
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # served from where they lie: nothing is collected before a start, so no STATIC_ROOT
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_MAX_AGE = 0  # asked for again by ETag; what is named with its version (config.static_files) is kept
ATTACHMENTS_FOLDER = PARLEY_DATA / "attachments"
ATTACHMENTS_ARE_SHARED = env.bool("ATTACHMENTS_ARE_SHARED", False)
ATTACHMENTS_S3_BUCKET = env.str("ATTACHMENTS_S3_BUCKET", "")
ATTACHMENTS_S3_PREFIX = env.str("ATTACHMENTS_S3_PREFIX", "")
ATTACHMENTS_S3_ENDPOINT = env.address("ATTACHMENTS_S3_ENDPOINT", "", ("http", "https"), "https://HOST")
ATTACHMENTS_S3_REGION = env.str("ATTACHMENTS_S3_REGION", "")
ATTACHMENTS_S3_ACCESS_KEY = env.str("ATTACHMENTS_S3_ACCESS_KEY", "")
ATTACHMENTS_S3_SECRET_KEY = env.str("ATTACHMENTS_S3_SECRET_KEY", "")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_files.VersionedStorage"},
    "attachments": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": ATTACHMENTS_FOLDER,
            "allow_overwrite": True,  # what was half-written is written again under its own name
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}
if ATTACHMENTS_S3_BUCKET:
    STORAGES["attachments"] = {
        "BACKEND": "chat.attachments.s3.Bucket",  # loaded at the first use
        "OPTIONS": {
            "bucket_name": ATTACHMENTS_S3_BUCKET,
            "location": ATTACHMENTS_S3_PREFIX,
            "endpoint_url": ATTACHMENTS_S3_ENDPOINT or None,
            "region_name": ATTACHMENTS_S3_REGION or None,
            "access_key": ATTACHMENTS_S3_ACCESS_KEY or None,  # None: as boto3 finds them, such as the host's own role
            "secret_key": ATTACHMENTS_S3_SECRET_KEY or None,
            "default_acl": None,  # private, as the bucket is
            "file_overwrite": True,
        },
    }
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_MAX_BYTES
APPEND_SLASH = False

# --- Who you are ------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.LimitedBackend"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PARLEY_OWNER_EMAIL = env.str("PARLEY_OWNER_EMAIL", "")
PARLEY_OWNER_PASSWORD = env.str("PARLEY_OWNER_PASSWORD", "")
PARLEY_PASSWORD = env.str("PARLEY_PASSWORD", "")
TICKET_LIFETIME_S = env.int("TICKET_LIFETIME_S", 60, least=1)
COOKIE_LIFETIME_S = env.int("COOKIE_LIFETIME_S", 12 * 3600, least=1)
LOGIN_WINDOW_S = env.int("LOGIN_WINDOW_S", 300, least=1)
LOGIN_MAX_FAILURES = env.int("LOGIN_MAX_FAILURES", 10, least=1)
LOGIN_MAX_FAILURES_PER_IP = env.int("LOGIN_MAX_FAILURES_PER_IP", 100, least=1)
SSO_TIMEOUT_S = env.float("SSO_TIMEOUT_S", 5.0, least=0.1)
SSO_MAX_BYTES = env.int("SSO_MAX_BYTES", 256_000, least=1)
SSO_KEYS_FRESH_S = env.int("SSO_KEYS_FRESH_S", 3600, least=1)
SSO_KEYS_STALE_S = env.int("SSO_KEYS_STALE_S", 24 * 3600, least=1)
SSO_ASSERTION_MAX_S = env.int("SSO_ASSERTION_MAX_S", 300, least=1)
SSO_BUTTONS_MAX = env.int("SSO_BUTTONS_MAX", 5)
ADMIN_CONTENT_SHOWN_S = env.int("ADMIN_CONTENT_SHOWN_S", 900, least=1)
JWT_PREVIOUS_KEY = env.str("JWT_PREVIOUS_KEY", "")
IDEMPOTENCY_LIFETIME_S = env.int("IDEMPOTENCY_LIFETIME_S", 24 * 3600, least=1)
ORGANIZATIONS_BY = env.choice("ORGANIZATIONS_BY", "operators", ("operators", "everyone"))
ORGANIZATIONS_PER_PERSON = env.int("ORGANIZATIONS_PER_PERSON", 10, least=1)
ORGANIZATION_TOKENS = env.int("ORGANIZATION_TOKENS", 20_000_000)
PLANS_DEFAULT = env.str("PLANS_DEFAULT", "ENTERPRISE")
INVITATION_LIFETIME_S = env.int("INVITATION_LIFETIME_S", 7 * 24 * 3600, least=1)
INVITATIONS_PER_ORGANIZATION = env.int("INVITATIONS_PER_ORGANIZATION", 100, least=1)
INVITATIONS_PER_HOUR = env.int("INVITATIONS_PER_HOUR", 50, least=1)
PEOPLE_BY = env.choice("PEOPLE_BY", "operators", ("operators", "admins"))
PEOPLE_PER_HOUR = env.int("PEOPLE_PER_HOUR", 1_000, least=1)
RESET_LIFETIME_S = env.int("RESET_LIFETIME_S", 3600, least=1)
RESETS_PER_HOUR = env.int("RESETS_PER_HOUR", 5, least=1)
PASSWORD_RESET_TIMEOUT = RESET_LIFETIME_S  # Django's name for it
PROJECTS_PER_ORGANIZATION = env.int("PROJECTS_PER_ORGANIZATION", 1_000, least=1)
CHARACTERS_PER_ORGANIZATION = env.int("CHARACTERS_PER_ORGANIZATION", 1_000, least=1)
TASKS_PER_PROJECT = env.int("TASKS_PER_PROJECT", 100_000, least=1)
SESSIONS_PER_PERSON = env.int("SESSIONS_PER_PERSON", 100_000, least=1)
SECRETS_PER_PROJECT = env.int("SECRETS_PER_PROJECT", 50, least=1)
PREFERENCES_ABOUT_MAX_CHARS = env.int("PREFERENCES_ABOUT_MAX_CHARS", 1_500, least=1)
REMEMBERED_PER_PERSON = env.int("REMEMBERED_PER_PERSON", 50, least=1)
REMEMBERED_MAX_CHARS = env.int("REMEMBERED_MAX_CHARS", 300, least=1)
MCP_SERVERS_PER_PROJECT = env.int("MCP_SERVERS_PER_PROJECT", 20, least=1)
API_KEYS_PER_PERSON = env.int("API_KEYS_PER_PERSON", 100, least=1)
SECRETS_KEYS = env.list("SECRETS_KEYS", default=[]) or [kept_secret(PARLEY_DATA, "secrets_key")]
ACTING_KEYS = env.list("ACTING_KEYS", default=[]) or [kept_secret(PARLEY_DATA, "acting_key")]
ACTING_TOKEN_S = env.int("ACTING_TOKEN_S", 60, least=1, most=3_600)
KEPT_SECRETS = [  # those that are made here and kept in PARLEY_DATA
    *([] if env.str("SECRET_KEY", "") else ["SECRET_KEY"]),
    *([] if env.str("JWT_SIGNING_KEY", "") or env.str("JWT_SECRET", "") else ["JWT_SIGNING_KEY"]),
    *([] if env.list("SECRETS_KEYS", default=[]) else ["SECRETS_KEYS"]),
    *([] if env.list("ACTING_KEYS", default=[]) else ["ACTING_KEYS"]),
]
SIMPLE_JWT = {
    "SIGNING_KEY": env.str("JWT_SIGNING_KEY", "") or env.str("JWT_SECRET", "") or kept_secret(PARLEY_DATA, "jwt_key"),
    "ALGORITHM": "HS256",
    "ISSUER": "parley",
    "AUDIENCE": "parley",
    "LEEWAY": 10,
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=env.int("JWT_ACCESS_LIFETIME_S", 3600, least=1)),
    "REFRESH_TOKEN_LIFETIME": timedelta(seconds=env.int("JWT_REFRESH_LIFETIME_S", 12 * 3600, least=1)),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}

# --- Mail -------------------------------------------------------------------------------------------------------------
MAILS_BY = ("smtp", "smtp+tls", "smtp+ssl")
EMAIL_URL = env.address("EMAIL_URL", "", MAILS_BY, "smtp+tls://USER:PASSWORD@HOST:587")  # empty: nothing is mailed
EMAIL_FROM = env.str("EMAIL_FROM", "parley@localhost")
EMAIL_TIMEOUT_S = env.float("EMAIL_TIMEOUT_S", 10.0, least=0.1)
if EMAIL_URL:
    globals().update(env.email_url_config(EMAIL_URL))  # Django's own names: EMAIL_HOST, EMAIL_PORT ...
DEFAULT_FROM_EMAIL, EMAIL_TIMEOUT = EMAIL_FROM, EMAIL_TIMEOUT_S

# --- Browsers ---------------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS and not TLS_IN_FRONT
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
# Nothing to other hosts. With "no-referrer" browsers send `Origin: null` with our own forms, and the CSRF check fails.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", [], web_origin, "origins such as https://app.example.com")
CORS_ALLOW_CREDENTIALS = env.bool("CORS_ALLOW_CREDENTIALS", False)
EMBED_ORIGINS = env.list("EMBED_ORIGINS", [], listed_origin, "origins such as https://app.example.com")
CORS_ALLOW_HEADERS = [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "trpc-accept",
    "openai-organization",
    "openai-project",
    "x-csrftoken",
    # The OpenAI SDKs say where they run.
    "x-stainless-arch",
    "x-stainless-helper-method",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-poll-helper",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-timeout",
    *("traceparent", "x-request-id"),
]
CORS_EXPOSE_HEADERS = [
    *("etag", "retry-after", "retry-after-ms", "location", "x-vercel-ai-ui-message-stream", "x-parley-cache"),
    *("x-request-id", "ratelimit", "ratelimit-policy"),
    *("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
]
CORS_URLS_REGEX = (
    r"^/((api|v1|trpc|chat|agent|apps|static)/|mcp$)"  # of static files, a frontend elsewhere imports parley.js
)
CORS_PREFLIGHT_MAX_AGE = 600
CSRF_FAILURE_VIEW = "config.middleware.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PARLEY_PUBLIC_URL, *CORS_ALLOWED_ORIGINS]

# --- REST -------------------------------------------------------------------------------------------------------------
API_PAGE_SIZE = env.int("API_PAGE_SIZE", 50, least=1)
API_PAGE_SIZE_MAX = env.int("API_PAGE_SIZE_MAX", 200, least=1)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.RestAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.http.parsing.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "accounts.http.negotiation.IgnoreAccept",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.middleware.errors.rest_exception_handler",
    "DEFAULT_PAGINATION_CLASS": "accounts.http.paging.CursorPaging",
}
SPECTACULAR_SETTINGS = {
    "TITLE": PARLEY_NAME,
    "DESCRIPTION": "The chat backend for Django teams.",
    "VERSION": PARLEY_VERSION,
    "SWAGGER_UI_DIST": "SIDECAR",
    # Closed groups: all operations at once take the page half a minute.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "docExpansion": "none"},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "Role": "accounts.models.Role",
        "ChatStatus": "chat.models.ChatStatus",
        "ChatAccess": "chat.models.chats.Access",
        "ChatOrder": ["-last_activity_at", "last_activity_at", "-created_at", "created_at"],
        "MessageRole": "chat.models.MessageRole",
        "MessageStatus": "chat.models.MessageStatus",
        "RunStatus": "chat.models.RunStatus",
        "TaskStatus": "chat.models.TaskStatus",
        "PullState": "chat.models.PullState",
        "BudgetScope": "chat.models.Scope",
        "ExportStatus": "chat.exports.models.ExportStatus",
        "HoldScope": "chat.models.HoldScope",
        "DeliveryStatus": "chat.webhooks.models.DeliveryStatus",
        "ToolDecision": "chat.models.policies.Decision",
        "AllowOrDeny": ["allow", "deny"],
        "RepositoryState": "tools.models.RepositoryState",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "chat.openapi.add_doors",
        "chat.openapi.finish",
    ],
}

# --- Runs -------------------------------------------------------------------------------------------------------------
CHAT_LEASE_S = env.float("CHAT_LEASE_S", 8.0)
CHAT_LEASE_RENEW_S = env.float("CHAT_LEASE_RENEW_S", 2.0)
READY_COMMIT_LAG_S = env.float("READY_COMMIT_LAG_S", 5.0)
READY_UNCLAIMED_S = env.float("READY_UNCLAIMED_S", 30.0)
READY_FAULT_S = env.float("READY_FAULT_S", 30.0)
CHAT_SCAN_S = env.float("CHAT_SCAN_S", 1.0)
CHAT_DRAIN_S = env.float("CHAT_DRAIN_S", 10.0)
CHAT_COMMIT_S = env.float("CHAT_COMMIT_S", 0.05)
CHAT_COMMIT_ALONE_S = env.float("CHAT_COMMIT_ALONE_S", 0.25)
CHAT_UNSTORED_MAX_EVENTS = env.int("CHAT_UNSTORED_MAX_EVENTS", 5_000, least=1)
CHAT_FEED_MAX_EVENTS = env.int("CHAT_FEED_MAX_EVENTS", 5_000, least=1)
CHAT_HEARTBEAT_S = env.float("CHAT_HEARTBEAT_S", 10.0)
CHAT_ACCESS_HOLDS_S = env.float("CHAT_ACCESS_HOLDS_S", 60.0)
CHAT_REPLAY_S = env.float("CHAT_REPLAY_S", 60.0)
CHAT_ANSWER_TIMEOUT_S = env.float("CHAT_ANSWER_TIMEOUT_S", 600.0)
MCP_RESULT_MAX_CHARS = env.int("MCP_RESULT_MAX_CHARS", 60_000, least=1_000)
CHAT_SESSION_S = env.int("CHAT_SESSION_S", 600, least=1)
CHAT_SESSION_PROMPTS = env.int("CHAT_SESSION_PROMPTS", 10)
CHAT_UNSTORED_S = env.int("CHAT_UNSTORED_S", 2 * 3600, least=1)
CHAT_SOCKET_S = env.float("CHAT_SOCKET_S", 3600.0)
CHAT_SOCKET_MAX_BYTES = env.int("CHAT_SOCKET_MAX_BYTES", 16_384, least=1)
CHAT_SOCKET_RATE = env.float("CHAT_SOCKET_RATE", 20.0)
CHAT_SOCKETS_PER_USER = env.int("CHAT_SOCKETS_PER_USER", 100)
CHAT_STREAMS_PER_USER = env.int("CHAT_STREAMS_PER_USER", 1_000)
CHAT_RUNS_PER_ORGANIZATION = env.int("CHAT_RUNS_PER_ORGANIZATION", 1_000)
LIMITS_USER = env.made("LIMITS_USER", "120/60s:40", rate, A_RATE)
LIMITS_KEY = env.made("LIMITS_KEY", "120/60s:40", rate, A_RATE)
LIMITS_ORGANIZATION = env.made("LIMITS_ORGANIZATION", "1200/60s:300", rate, A_RATE)
CHAT_EXPORTS_PER_USER = env.int("CHAT_EXPORTS_PER_USER", 1)
EXPORT_FILE_MAX_BYTES = env.int("EXPORT_FILE_MAX_BYTES", 1_000_000_000, least=1)
EXPORT_FONTS = env.str("EXPORT_FONTS", "")
EXPORT_KEEP_S = env.int("EXPORT_KEEP_S", 24 * 3600, least=1)
EXPORT_PDF_INLINE = env.int("EXPORT_PDF_INLINE", 300)
EXPORT_PDF_MEMORY_MB = env.int("EXPORT_PDF_MEMORY_MB", 800, least=256)
EXPORT_PDF_TIMEOUT_S = env.int("EXPORT_PDF_TIMEOUT_S", 180, least=1)
EXPORTS_PER_PERSON = env.int("EXPORTS_PER_PERSON", 20)
EXPORTS_EVERY_S = env.float("EXPORTS_EVERY_S", 2.0)
EXPORT_MAX_BYTES = env.int("EXPORT_MAX_BYTES", 50_000_000, least=1)
PERSON_EXPORT_FILES_MAX_BYTES = env.int("PERSON_EXPORT_FILES_MAX_BYTES", 200_000_000)
PERSON_EXPORT_MAX_BYTES = env.int("PERSON_EXPORT_MAX_BYTES", 500_000_000, least=1)
AGENT_ALLOW_GUESTS = env.bool("AGENT_ALLOW_GUESTS", False)
AGENT_GUESTS_PER_HOUR = env.int("AGENT_GUESTS_PER_HOUR", 20)
AGENT_GUEST_MESSAGES = env.int("AGENT_GUEST_MESSAGES", 50)
AGENT_GUEST_LIFETIME_S = env.int("AGENT_GUEST_LIFETIME_S", 24 * 3600, least=1)
CHAT_MAX_CRASHES = env.int("CHAT_MAX_CRASHES", 3, least=1)
CHAT_APPROVAL_S = env.float("CHAT_APPROVAL_S", 24 * 3600.0)
CHAT_RUN_HERE = env.bool("CHAT_RUN_HERE", True)
CHAT_MAX_QUEUED = env.int("CHAT_MAX_QUEUED", 100)
CHAT_MESSAGE_MAX_CHARS = env.int("CHAT_MESSAGE_MAX_CHARS", 100_000, least=1)
CHAT_ATTACHMENTS_MAX = env.int("CHAT_ATTACHMENTS_MAX", 10)
CHAT_ATTACHMENT_MAX_CHARS = env.int("CHAT_ATTACHMENT_MAX_CHARS", 400_000)
CHAT_ANNOTATIONS_MAX = env.int("CHAT_ANNOTATIONS_MAX", 100)
CHAT_DATASET_MESSAGES = env.int("CHAT_DATASET_MESSAGES", 100, least=1)
CHAT_PICTURE_MAX_SIDE_PX = env.int("CHAT_PICTURE_MAX_SIDE_PX", 2_048)  # the page makes larger ones smaller
CHAT_RECORDING_MAX_S = env.int("CHAT_RECORDING_MAX_S", 1_800, least=1)
CHAT_METADATA_MAX_CHARS = env.int("CHAT_METADATA_MAX_CHARS", 16_000)
CHAT_CONTEXT_MESSAGES = env.int("CHAT_CONTEXT_MESSAGES", 100, least=1)
CHAT_CONTEXT_CHARS = env.int("CHAT_CONTEXT_CHARS", 0)
CHAT_CONTEXT_TOKENS = env.int("CHAT_CONTEXT_TOKENS", CHAT_CONTEXT_CHARS // 4 or 100_000)
CHAT_COMPACT_AT_PERCENT = env.int("CHAT_COMPACT_AT_PERCENT", 80)
RENDER_BLOCK_MAX_CHARS = env.int("RENDER_BLOCK_MAX_CHARS", 30_000)
RENDER_TEXT_MAX_CHARS = env.int("RENDER_TEXT_MAX_CHARS", 100_000)
RENDER_CODE_MAX_CHARS = env.int("RENDER_CODE_MAX_CHARS", 20_000)
RENDER_CODE_S = env.float("RENDER_CODE_S", 0.5)
RENDER_TEXT_S = env.float("RENDER_TEXT_S", 1.5)
RENDER_ANSWER_S = env.float("RENDER_ANSWER_S", 3.0)
RENDER_ANSWER_MAX_BYTES = env.int("RENDER_ANSWER_MAX_BYTES", 10_000_000, least=1)
RENDER_MATH_MAX_CHARS = env.int("RENDER_MATH_MAX_CHARS", 2_000)
RENDER_KEPT_CHARS = env.int("RENDER_KEPT_CHARS", 20_000_000)
CHAT_DELTA_RETENTION_S = env.float("CHAT_DELTA_RETENTION_S", 24 * 3600.0)
CHAT_LOG_RETENTION_S = env.float("CHAT_LOG_RETENTION_S", 0.0)
CHAT_SENT_RETENTION_S = env.float("CHAT_SENT_RETENTION_S", 7 * 24 * 3600.0)
CHAT_SENT_MAX_BYTES = env.int("CHAT_SENT_MAX_BYTES", 262_144, least=1_000)
CLEANUP_EVERY_S = env.float("CLEANUP_EVERY_S", 300.0)
COMPACTION_EVERY_S = env.float("COMPACTION_EVERY_S", CLEANUP_EVERY_S)
ERASURE_EVERY_S = env.float("ERASURE_EVERY_S", 3600.0)
ERASE_SHARED = env.choice("ERASE_SHARED", "tombstone", ("tombstone", "anonymise"))
ERASE_WITHIN_S = env.float("ERASE_WITHIN_S", 86_400.0)
ERASE_AT_ONCE_S = env.float("ERASE_AT_ONCE_S", 20.0)
RETENTION_EVERY_S = env.float("RETENTION_EVERY_S", 3600.0)
FOLDING_EVERY_S = env.float("FOLDING_EVERY_S", 60.0)
SEARCH_EVERY_S = env.float("SEARCH_EVERY_S", 1.0)
SEARCH_MAX_CHARS = env.int("SEARCH_MAX_CHARS", 100_000, least=1, most=100_000)
SEARCH_TIMEOUT_S = env.float("SEARCH_TIMEOUT_S", 2.0, least=0.1)
USAGE_EVERY_S = env.float("USAGE_EVERY_S", 60.0)
CLEANUP_BATCH = env.int("CLEANUP_BATCH", 200, least=1)
AUDIT_IP = env.choice("AUDIT_IP", "short", ("short", "full", "none"))
AUDIT_KEEP_DAYS = env.int("AUDIT_KEEP_DAYS", 400)
AUDIT_SEAL_EVERY_S = env.float("AUDIT_SEAL_EVERY_S", 1.0)
AUDIT_TELL_EVERY_S = env.float("AUDIT_TELL_EVERY_S", 24 * 3600.0)
# Whether what is stored agrees with itself is looked at every so often (0: never), in so many runs' logs (0: in all).
CONSISTENCY_EVERY_S = env.float("CONSISTENCY_EVERY_S", 24 * 3600.0)
CONSISTENCY_SAMPLE = env.int("CONSISTENCY_SAMPLE", 1000)

WORK_PER_PROJECT = env.int("WORK_PER_PROJECT", 2, least=1)
WORK_PER_ORGANIZATION = env.int("WORK_PER_ORGANIZATION", 10, least=1)
WORK_QUEUE = env.int("WORK_QUEUE", 100)
BUILD_TIMEOUT_S = env.float("BUILD_TIMEOUT_S", 300.0)
BUILD_ATTEMPTS = env.int("BUILD_ATTEMPTS", 3, least=1)
BUILD_SOURCE_MAX_BYTES = env.int("BUILD_SOURCE_MAX_BYTES", 200_000, least=1)
BUILD_PARSE_CPU_S = env.int("BUILD_PARSE_CPU_S", 2, least=1)
MEMORY_MODEL = env.str("MEMORY_MODEL", "")
MEMORY_TIMEOUT_S = env.float("MEMORY_TIMEOUT_S", 60.0)
MEMORY_QUIET_S = env.float("MEMORY_QUIET_S", 600.0)
MEMORY_SUMMARY_MESSAGES = env.int("MEMORY_SUMMARY_MESSAGES", 10, least=1)
MEMORY_EVERY_S = env.float("MEMORY_EVERY_S", 60.0)
SCHEDULES_EVERY_S = env.float("SCHEDULES_EVERY_S", 10.0)
SCHEDULES_LATE_S = env.float("SCHEDULES_LATE_S", 3600.0)
SCHEDULES_LEAST_S = env.int("SCHEDULES_LEAST_S", 300)
SCHEDULES_PER_PERSON = env.int("SCHEDULES_PER_PERSON", 20)
LINK_S = env.int("LINK_S", 7 * 86_400, least=60)
LINK_MAX_S = env.int("LINK_MAX_S", 90 * 86_400, least=60)
LINK_OPENS_PER_MINUTE = env.int("LINK_OPENS_PER_MINUTE", 60, least=1)
LINKS_PER_CHAT = env.int("LINKS_PER_CHAT", 20)
WEBHOOKS_EVERY_S = env.float("WEBHOOKS_EVERY_S", 5.0)
WEBHOOKS_TIMEOUT_S = env.float("WEBHOOKS_TIMEOUT_S", 15.0, least=0.1, most=20)
WEBHOOKS_AT_ONCE = env.int("WEBHOOKS_AT_ONCE", 64, least=1)
WEBHOOKS_PER_ORGANIZATION = env.int("WEBHOOKS_PER_ORGANIZATION", 20)
WEBHOOKS_KEEP_DAYS = env.int("WEBHOOKS_KEEP_DAYS", 14, least=4)

# --- Agents and their models ------------------------------------------------------------------------------------------
WEB = ("http", "https")
OPENAI_API_KEY = env.str("OPENAI_API_KEY", "")
OPENAI_BASE_URL = env.address("OPENAI_BASE_URL", "https://api.openai.com/v1", WEB, "https://HOST/v1")
OPENAI_API = env.choice("OPENAI_API", "auto", ("auto", "chat", "responses"))
OPENAI_EXTRA_HEADERS = env.object("OPENAI_EXTRA_HEADERS", {})
OPENAI_MODELS = env.list("OPENAI_MODELS", default=[])
TRANSCRIPTION_BASE_URL = env.address("TRANSCRIPTION_BASE_URL", "", WEB, "https://HOST/v1")
TRANSCRIPTION_KEY = env.str("TRANSCRIPTION_KEY", "")
TRANSCRIPTION_MODEL = env.str("TRANSCRIPTION_MODEL", "whisper-1")
TRANSCRIPTION_TIMEOUT_S = env.float("TRANSCRIPTION_TIMEOUT_S", 120.0)
TRANSCRIPTION_MAX_BYTES = env.int("TRANSCRIPTION_MAX_BYTES", 25_000_000, least=1)
TRANSCRIPTION_MAX_S = env.float("TRANSCRIPTION_MAX_S", 1800.0)
ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", "")
ANTHROPIC_BASE_URL = env.address("ANTHROPIC_BASE_URL", "https://api.anthropic.com", WEB, "https://HOST")
ANTHROPIC_MODELS = env.list("ANTHROPIC_MODELS", default=[])
XAI_API_KEY = env.str("XAI_API_KEY", "")
XAI_BASE_URL = env.address("XAI_BASE_URL", "https://api.x.ai/v1", WEB, "https://HOST/v1")
XAI_MODELS = env.list("XAI_MODELS", default=[])
GEMINI_API_KEY = env.str("GEMINI_API_KEY", "")
_gemini = "https://generativelanguage.googleapis.com/v1beta/openai"
GEMINI_BASE_URL = env.address("GEMINI_BASE_URL", _gemini, WEB, "https://HOST/v1")
GEMINI_MODELS = env.list("GEMINI_MODELS", default=[])
MISTRAL_API_KEY = env.str("MISTRAL_API_KEY", "")
MISTRAL_BASE_URL = env.address("MISTRAL_BASE_URL", "https://api.mistral.ai/v1", WEB, "https://HOST/v1")
MISTRAL_MODELS = env.list("MISTRAL_MODELS", default=[])
DEEPSEEK_API_KEY = env.str("DEEPSEEK_API_KEY", "")
DEEPSEEK_BASE_URL = env.address("DEEPSEEK_BASE_URL", "https://api.deepseek.com", WEB, "https://HOST/v1")
DEEPSEEK_MODELS = env.list("DEEPSEEK_MODELS", default=[])
OPENROUTER_API_KEY = env.str("OPENROUTER_API_KEY", "")
OPENROUTER_BASE_URL = env.address("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1", WEB, "https://HOST/v1")
OPENROUTER_MODELS = env.list("OPENROUTER_MODELS", default=[])
MODEL_KEYS = env.object("MODEL_KEYS", {})
EMBEDDINGS_BASE_URL = env.address("EMBEDDINGS_BASE_URL", "", WEB, "https://HOST/v1")
EMBEDDINGS_KEY = env.str("EMBEDDINGS_KEY", "")
EMBEDDINGS_MODEL = env.str("EMBEDDINGS_MODEL", "")
EMBEDDINGS_DIMENSIONS = env.int("EMBEDDINGS_DIMENSIONS", 0, most=20_000)
EMBEDDINGS_TIMEOUT_S = env.float("EMBEDDINGS_TIMEOUT_S", 60.0, least=0.1)
EMBEDDINGS_QUERY_TIMEOUT_S = env.float("EMBEDDINGS_QUERY_TIMEOUT_S", 5.0, least=0.1)
MODEL_SECRETS = (  # what no log line may say
    *(OPENAI_API_KEY, ANTHROPIC_API_KEY, XAI_API_KEY, GEMINI_API_KEY, MISTRAL_API_KEY, DEEPSEEK_API_KEY),
    *(OPENROUTER_API_KEY, TRANSCRIPTION_KEY, *MODEL_KEYS.values(), EMBEDDINGS_KEY),
)
OPENAI_PRICES = env.list("OPENAI_PRICES", default=[])
OPENAI_PRICES_CURRENCY = env.str("OPENAI_PRICES_CURRENCY", "USD")
AGENTS_DEFAULT_MODEL = env.str("AGENTS_DEFAULT_MODEL", "")
AGENTS_DEFAULT_ARCHETYPE = env.str("AGENTS_DEFAULT_ARCHETYPE", "generalist")
AGENTS_MAX_ATTEMPTS = env.int("AGENTS_MAX_ATTEMPTS", 3, least=1)
AGENTS_RETRY_MAX_S = env.float("AGENTS_RETRY_MAX_S", 30.0)
AGENTS_DOWN_S = env.float("AGENTS_DOWN_S", 30.0)
AGENTS_SUBAGENTS_AT_ONCE = env.int("AGENTS_SUBAGENTS_AT_ONCE", 3, least=1)
AGENTS_CONNECT_TIMEOUT_S = env.float("AGENTS_CONNECT_TIMEOUT_S", 5.0)
AGENTS_IDLE_TIMEOUT_S = env.float("AGENTS_IDLE_TIMEOUT_S", 60.0)
AGENTS_FIRST_BYTE_TIMEOUT_S = env.float("AGENTS_FIRST_BYTE_TIMEOUT_S", AGENTS_IDLE_TIMEOUT_S)
AGENTS_EVENT_MAX_BYTES = env.int("AGENTS_EVENT_MAX_BYTES", 64 * 2**20)
AGENTS_TIMEOUT_S = env.float("AGENTS_TIMEOUT_S", 600.0)
AGENTS_BUDGET_TURN_TOKENS = env.int("AGENTS_BUDGET_TURN_TOKENS", 16_384, least=1)

# --- Tools ------------------------------------------------------------------------------------------------------------
TOOLS_REPOSITORIES = PARLEY_DATA / "repositories"
TOOLS_ASK_FIRST = env.list("TOOLS_ASK_FIRST", default=[])
TOOL_GRANT_MAX_S = env.int("TOOL_GRANT_MAX_S", 8 * 3600, least=1)
WORKFLOWS_MAX = env.int("WORKFLOWS_MAX", 100, least=1)
WORKFLOW_VERSIONS_MAX = env.int("WORKFLOW_VERSIONS_MAX", 500, least=1)
WORKFLOW_STEPS_MAX = env.int("WORKFLOW_STEPS_MAX", 30, least=1)
WORKFLOW_MAX_CHARS = env.int("WORKFLOW_MAX_CHARS", 100_000, least=1)
TOOL_POLICIES_PER_ORGANIZATION = env.int("TOOL_POLICIES_PER_ORGANIZATION", 200, least=1)
TOOLS_FILE_MAX_BYTES = env.int("TOOLS_FILE_MAX_BYTES", 1_000_000, least=1)
TOOLS_REPOSITORY_MAX_FILES = env.int("TOOLS_REPOSITORY_MAX_FILES", 20_000, least=1)
TOOLS_REPOSITORY_MAX_BYTES = env.int("TOOLS_REPOSITORY_MAX_BYTES", 1_000_000_000, least=1)
TOOLS_SEARCH_MAX_BYTES = env.int("TOOLS_SEARCH_MAX_BYTES", 200_000_000, least=1)
TOOLS_SEARCH_TIMEOUT_S = env.float("TOOLS_SEARCH_TIMEOUT_S", 5.0)
TOOLS_DIFF_MAX_BYTES = env.int("TOOLS_DIFF_MAX_BYTES", 1_000_000, least=1)
TOOLS_DIFF_FILE_MAX_BYTES = env.int("TOOLS_DIFF_FILE_MAX_BYTES", 100_000, least=1)
TOOLS_FILES_LISTED_MAX = env.int("TOOLS_FILES_LISTED_MAX", 1_000, least=1)
TOOLS_DOWNLOAD_MAX_BYTES = env.int("TOOLS_DOWNLOAD_MAX_BYTES", 50_000_000, least=1)
PUSH_MAX_BYTES = env.int("PUSH_MAX_BYTES", 50_000_000, least=1)
PUSH_TIMEOUT_S = env.float("PUSH_TIMEOUT_S", 60.0)
PULL_REQUEST_BODY_MAX_CHARS = env.int("PULL_REQUEST_BODY_MAX_CHARS", 60_000, least=1)
DOCUMENT_MAX_BYTES = env.int("DOCUMENT_MAX_BYTES", 1_000_000, least=2)
DOCUMENT_MAX_DEPTH = env.int("DOCUMENT_MAX_DEPTH", 64, least=1, most=200)
DOCUMENT_MAX_VALUES = env.int("DOCUMENT_MAX_VALUES", 50_000, least=1)
DOCUMENT_VALUE_MAX_BYTES = env.int("DOCUMENT_VALUE_MAX_BYTES", 256_000, least=1)
DOCUMENT_PATCH_MAX_OPERATIONS = env.int("DOCUMENT_PATCH_MAX_OPERATIONS", 100, least=1)
DOCUMENT_POINTER_MAX_CHARS = env.int("DOCUMENT_POINTER_MAX_CHARS", 1_000, least=1)
DOCUMENT_POINTER_MAX_STEPS = env.int("DOCUMENT_POINTER_MAX_STEPS", 64, least=1)
DOCUMENT_VERSIONS = env.int("DOCUMENT_VERSIONS", 200, least=1)
KNOWLEDGE_LEVELS = {  # by role: the highest level of documents that it reads
    **{"viewer": 1, "editor": 2, "admin": 3, "owner": 3},
    **dict(env.list("KNOWLEDGE_LEVELS", [], role_level, "ROLE:LEVEL, such as viewer:1, levels from 0 to 3")),
}
KNOWLEDGE_FILE_MAX_BYTES = env.int("KNOWLEDGE_FILE_MAX_BYTES", 20_000_000, least=1)
KNOWLEDGE_FILE_TIMEOUT_S = env.int("KNOWLEDGE_FILE_TIMEOUT_S", 120, least=1)
KNOWLEDGE_TEXT_MAX_BYTES = env.int("KNOWLEDGE_TEXT_MAX_BYTES", 2_000_000, least=1)
KNOWLEDGE_DOCUMENTS_MAX = env.int("KNOWLEDGE_DOCUMENTS_MAX", 10_000, least=1)
KNOWLEDGE_PASSAGES_MAX = env.int("KNOWLEDGE_PASSAGES_MAX", 5_000, least=1)
KNOWLEDGE_PROJECT_PASSAGES_MAX = env.int("KNOWLEDGE_PROJECT_PASSAGES_MAX", 200_000, least=1)
KNOWLEDGE_INDEX_TIMEOUT_S = env.float("KNOWLEDGE_INDEX_TIMEOUT_S", 1_800.0, least=1)
PARSING_AT_ONCE = env.int("PARSING_AT_ONCE", 2, least=1)
PARSING_TIMEOUT_S = env.int("PARSING_TIMEOUT_S", 90, least=1)
PARSING_CPU_S = env.int("PARSING_CPU_S", 60, least=1)
PARSING_MEMORY_BYTES = env.int("PARSING_MEMORY_BYTES", 1_000_000_000, least=1)
PARSING_OUTPUT_MAX_BYTES = env.int("PARSING_OUTPUT_MAX_BYTES", 4_000_000, least=1)
ATTACHMENT_TEXT_SHOWN_CHARS = env.int("ATTACHMENT_TEXT_SHOWN_CHARS", 100_000, least=1)
ATTACHMENT_TEXT_TIMEOUT_S = env.int("ATTACHMENT_TEXT_TIMEOUT_S", 30, least=1)
ATTACHMENT_FETCH_TIMEOUT_S = env.float("ATTACHMENT_FETCH_TIMEOUT_S", 15.0)
PARSING_DOCUMENT_MAX_BYTES = env.int("PARSING_DOCUMENT_MAX_BYTES", 20_000_000, least=1)
OPENAPI_FILES = PARLEY_DATA / "openapi"  # copies of those that are named by an address
OPENAPI_MAX_BYTES = env.int("OPENAPI_MAX_BYTES", 5_000_000, least=1)

# Repositories from outside: docs/repositories.md
CLONE_MAX_BYTES = env.int("CLONE_MAX_BYTES", 200_000_000, least=1)
CLONE_MAX_OBJECTS = env.int("CLONE_MAX_OBJECTS", 500_000, least=1)
CLONE_MAX_FILE_BYTES = env.int("CLONE_MAX_FILE_BYTES", 100_000_000, least=1)
CLONE_TIMEOUT_S = env.int("CLONE_TIMEOUT_S", 600, least=1)
CLONE_IDLE_S = env.int("CLONE_IDLE_S", 30, least=1)
CLONE_MEMORY_BYTES = env.int("CLONE_MEMORY_BYTES", 2_000_000_000, least=1)
CLONE_CA_FILE = env.made("CLONE_CA_FILE", "", certificates, "a file of certificates (PEM) that can be read")
UPLOADS_AT_ONCE = env.int("UPLOADS_AT_ONCE", 2, least=1)
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", 50_000_000, least=1)
UPLOAD_MAX_ENTRIES = env.int("UPLOAD_MAX_ENTRIES", 20_000, least=1)
UPLOAD_MAX_UNPACKED_BYTES = env.int("UPLOAD_MAX_UNPACKED_BYTES", 200_000_000, least=1)
UPLOAD_TIMEOUT_S = env.int("UPLOAD_TIMEOUT_S", 300, least=1)

# Attached files: docs/attachments.md
ATTACHMENT_MAX_BYTES = env.int("ATTACHMENT_MAX_BYTES", 25_000_000, least=1)
ATTACHMENT_TIMEOUT_S = env.float("ATTACHMENT_TIMEOUT_S", 300.0, least=0.1)
ATTACHMENT_BODY_MAX_BYTES = ATTACHMENT_MAX_BYTES + 65_536  # with what a form says around the file
ATTACHMENTS_AT_ONCE = env.int("ATTACHMENTS_AT_ONCE", 4, least=1)
ATTACHMENT_IMAGE_SIDE_PX = env.int("ATTACHMENT_IMAGE_SIDE_PX", 2_048, least=16, most=12_000)
ATTACHMENT_UNUSED_S = env.int("ATTACHMENT_UNUSED_S", 24 * 3600, least=1)
ATTACHMENTS_EVERY_S = env.float("ATTACHMENTS_EVERY_S", 3600.0)
ATTACHMENTS_PER_USER = env.int("ATTACHMENTS_PER_USER", 100, least=1)
ATTACHMENTS_PER_USER_BYTES = env.int("ATTACHMENTS_PER_USER_BYTES", 500_000_000, least=1)
ATTACHMENTS_PER_ORGANIZATION_BYTES = env.int("ATTACHMENTS_PER_ORGANIZATION_BYTES", 20_000_000_000)
ATTACHMENT_IMAGES_PER_REQUEST = env.int("ATTACHMENT_IMAGES_PER_REQUEST", 10)
ATTACHMENT_BYTES_PER_REQUEST = env.int("ATTACHMENT_BYTES_PER_REQUEST", 20_000_000)
ATTACHMENT_IMAGE_MESSAGES = env.int("ATTACHMENT_IMAGE_MESSAGES", 10)
ATTACHMENT_RESULT_TIMEOUT_S = env.float("ATTACHMENT_RESULT_TIMEOUT_S", 20.0, least=0.1)

# --- Outside ----------------------------------------------------------------------------------------------------------
OUTWARD_ALLOW = env.list("OUTWARD_ALLOW", default=[])
OUTWARD_PORTS = env.list("OUTWARD_PORTS", [443], one_port, "numbers of ports, from 1 to 65535")
OUTWARD_MAX_BYTES = env.int("OUTWARD_MAX_BYTES", 5_000_000, least=1)
OUTWARD_TIMEOUT_S = env.float("OUTWARD_TIMEOUT_S", 30.0)
OUTWARD_CONNECT_TIMEOUT_S = env.float("OUTWARD_CONNECT_TIMEOUT_S", 5.0)
WEB_PAGE_MAX_CHARS = env.int("WEB_PAGE_MAX_CHARS", 12_000, least=1_000)

# Tools of other houses: docs/mcp.md
MCP_CONNECT_TIMEOUT_S = env.float("MCP_CONNECT_TIMEOUT_S", 15.0, least=0.1)
MCP_LIST_TIMEOUT_S = env.float("MCP_LIST_TIMEOUT_S", 30.0, least=0.1)
MCP_CALL_TIMEOUT_S = env.float("MCP_CALL_TIMEOUT_S", 60.0, least=0.1)
MCP_MAX_BYTES = env.int("MCP_MAX_BYTES", 2_000_000, least=1_000)
MCP_CONNECTIONS = env.int("MCP_CONNECTIONS", 20, least=1)
MCP_IDLE_S = env.float("MCP_IDLE_S", 300.0)
MCP_MAX_PAGES = env.int("MCP_MAX_PAGES", 5, least=1)
MCP_MAX_TOOLS = env.int("MCP_MAX_TOOLS", 100, least=1)
MCP_TOOLS_MAX_BYTES = env.int("MCP_TOOLS_MAX_BYTES", 64_000, least=1)
MCP_DESCRIPTION_MAX_BYTES = env.int("MCP_DESCRIPTION_MAX_BYTES", 4_000, least=100)
MCP_SCHEMA_MAX_BYTES = env.int("MCP_SCHEMA_MAX_BYTES", 16_000, least=100)
MCP_RESULT_MAX_BYTES = env.int("MCP_RESULT_MAX_BYTES", 64_000, least=100)
MCP_RESULT_IMAGES = env.int("MCP_RESULT_IMAGES", 4)

LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "config.logs.Cut", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "config.logs.Json"},
    },
    "filters": {
        "error_ids": {"()": "config.logs.ErrorIds"},
        "no_query": {"()": "config.logs.NoQuery"},
        "sockets": {"()": "config.logs.Sockets"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["error_ids"]}},
    "loggers": {
        "uvicorn.access": {"filters": ["no_query"]},
        "uvicorn.error": {"filters": ["sockets"]},
        **({"config.requests": {"level": "INFO"}} if LOG_FORMAT == "json" else {}),
        **{f"parley.{each}": {"level": "DEBUG"} for each in CHAT_DEBUG},
        # What is to leave this machine, whatever else is logged: docs/audit.md.
        "accounts.audit.heads": {"level": "INFO"},
        # Django gives these handlers of their own, which would write past the one above.
        "django": {"handlers": [], "level": "NOTSET"},
        "django.server": {"handlers": [], "level": "NOTSET", "propagate": True},
    },
    "root": {"handlers": ["stderr"], "level": env.choice("LOG_LEVEL", "WARNING", LEVELS)},
}
