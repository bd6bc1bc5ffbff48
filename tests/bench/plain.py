"""The plain way: a Django view around the openai SDK, as most would write it first. For comparison.

It stores nothing and cannot resume. `BENCH_UPSTREAM` is the base URL it asks.
"""

import json
import os
from collections.abc import AsyncIterator

from django.conf import settings

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
)

import django  # noqa: E402

django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpRequest, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from openai import AsyncOpenAI  # noqa: E402

client = AsyncOpenAI(api_key="none", base_url=os.environ.get("BENCH_UPSTREAM", ""))


async def _tokens(content: str) -> AsyncIterator[str]:
    stream = await client.chat.completions.create(
        model="bench", stream=True, messages=[{"role": "user", "content": content}]
    )
    async for chunk in stream:
        if chunk.choices and (text := chunk.choices[0].delta.content):
            yield f"data: {json.dumps({'text': text})}\n\n"
    yield "data: [DONE]\n\n"


@csrf_exempt
async def chat(request: HttpRequest) -> StreamingHttpResponse:
    """POST {"content": ...}: the answer's pieces as server-sent events."""
    return StreamingHttpResponse(_tokens(json.loads(request.body)["content"]), content_type="text/event-stream")


urlpatterns = [path("chat", chat)]
app = get_asgi_application()
