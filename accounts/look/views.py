"""The logo and the accent's style sheet, at addresses of their own: a page's policy takes neither inline."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts import look
from accounts.look import colours

MAX_AGE_S = 3600
FOREVER = "public, max-age=31536000, immutable"
# An SVG that somebody opens by itself runs nothing and loads nothing.
LOGO_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
# A page that embeds the button may have an --accent too: the button's has a name of its own.
STYLE = """:root {{ --accent: light-dark({light}, {dark}); --on-accent: light-dark({on_light}, {on_dark}); }}
:host {{ --parley-own: light-dark({light}, {dark}); --parley-on-own: light-dark({on_light}, {on_dark}); }}
"""
# The admin's own names. It has no light-dark(): its dark is chosen by an attribute, or by the system.
ADMIN_STYLE = """:root, html[data-theme="light"] {{
  --calm: {light}; --link-fg: {light}; --link-hover-color: {light}; --link-selected-fg: {light};
  --primary: {light}; --secondary: {light}; --primary-fg: {on_light};
  --header-bg: {light}; --header-color: {on_light}; --header-branding-color: {on_light};
  --header-link-color: {on_light};
  --breadcrumbs-bg: {light}; --breadcrumbs-fg: {on_light}; --breadcrumbs-link-fg: {on_light};
  --button-bg: {light}; --button-hover-bg: {light}; --button-fg: {on_light};
  --default-button-bg: {light}; --default-button-hover-bg: {light};
}}
#site-name a:is(:link, :visited) {{ color: {on_light}; }}
"""
ADMIN_DARK = "--calm: {dark}; --link-fg: {dark}; --link-hover-color: {dark}; --link-selected-fg: {dark};"


@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    """The logo; also where browsers look for an icon that no page names."""
    found = look.logo()
    response = HttpResponse(found.data, content_type=found.media_type)
    response["Content-Security-Policy"] = LOGO_POLICY
    return _kept(request, response)


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """The accent for every page, the admin, and the button of who embeds; nothing where the usual one holds."""
    return _kept(request, HttpResponse(style_sheet(settings.PARLEY_ACCENT), content_type="text/css; charset=utf-8"))


def style_sheet(accent: str) -> str:
    """The rules that give the pages this accent, so that text in it and on it can be read; empty for none."""
    if not accent:
        return ""
    light, dark = colours.on_light(accent), colours.on_dark(accent)
    values = {"light": light, "dark": dark, "on_light": colours.text_on(light), "on_dark": colours.text_on(dark)}
    in_dark = ADMIN_DARK.format(**values)
    dark_rules = f'@media (prefers-color-scheme: dark) {{ html[data-theme="auto"] {{ {in_dark} }} }}\n'
    dark_rules += f'html[data-theme="dark"] {{ {in_dark} }}\n'
    return STYLE.format(**values) + ADMIN_STYLE.format(**values) + dark_rules


def _kept(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """An address that names the version is kept for good; another is asked for again within the hour."""
    is_versioned = request.GET.get("v") == look.version()
    response["Cache-Control"] = FOREVER if is_versioned else f"public, max-age={MAX_AGE_S}"
    return response
