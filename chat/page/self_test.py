"""The self-test page: whether events pass from this server to the browser in front of the reader as they are sent.

Its script reads the test stream and comes back with what it saw, in the address;
chat.ops.sse_check says what that means, as it does for `manage.py test_sse`.
"""

import msgspec
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.errors import Invalid
from chat.ops.sse_check import EVENTS, PATH, SHOWN, Measured, diagnose, report

SEEN_MAX_CHARS = 4_000


@require_GET
@login_required
@never_cache
def self_test(request: HttpRequest) -> HttpResponse:
    """The page that tests; with `?seen=`, what the test saw."""
    asked = request.GET.get("seen")
    found = _read(asked) if asked is not None else None
    script = {"stream": f"{PATH}?events={EVENTS}", "headers": SHOWN, "events": EVENTS}
    told = {"problems": diagnose(found), "report": report(found)} if found else {}
    return render(request, "chat/self_test.html", {"found": found, "for_script": script, **told})


def _read(text: str) -> Measured:
    if len(text) > SEEN_MAX_CHARS:
        raise Invalid(fields={"seen": [f"Expected at most {SEEN_MAX_CHARS:,} characters."]})
    try:
        return msgspec.json.decode(text, type=Measured)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Invalid(fields={"seen": [f"{error}."]}) from None
