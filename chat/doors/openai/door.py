"""The doors that OpenAI's clients find under their base URL: one to us, at two such URLs."""

from django.urls import URLPattern, path

from chat.doors.door import Door
from chat.doors.openai import errors, files, files_openapi, models
from chat.doors.openai.completions import openapi as completions_openapi
from chat.doors.openai.completions import views as completions
from chat.doors.openai.completions.dialect import encoder as completions_dialect
from chat.doors.openai.responses import conversations
from chat.doors.openai.responses import openapi as responses_openapi
from chat.doors.openai.responses import views as responses
from chat.doors.openai.responses.dialect import encoder as responses_dialect
from chat.doors.openai.responses.socket import ResponsesSocket


def _urls(base: str) -> list[URLPattern]:
    return [
        path(f"{base}/chat/completions", completions.create),
        path(f"{base}/files", files.every),
        path(f"{base}/files/<str:file_id>", files.one),
        path(f"{base}/files/<str:file_id>/content", files.content),
        path(f"{base}/models", models.every),
        path(f"{base}/models/<path:model_id>", models.one),
        path(f"{base}/responses", responses.create),
        path(f"{base}/responses/compact", responses.compact),
        path(f"{base}/responses/<str:response_id>", responses.one),
        path(f"{base}/responses/<str:response_id>/cancel", responses.cancel),
        path(f"{base}/responses/<str:response_id>/input_items", responses.input_items),
        path(f"{base}/conversations", conversations.create),
        path(f"{base}/conversations/<str:conversation_id>", conversations.one),
        path(f"{base}/conversations/<str:conversation_id>/items", conversations.items),
        path(f"{base}/conversations/<str:conversation_id>/items/<str:item_id>", conversations.item),
        path(f"{base}/conversations/<str:conversation_id>/messages", conversations.messages),
    ]


LLM = Door(
    "llm",
    dialects=(completions_dialect.NAME, responses_dialect.NAME),
    urls=(*_urls("api/llm"), *_urls("v1")),
    openapi=(responses_openapi, completions_openapi, files_openapi),
    sockets=(
        path("api/llm/responses", ResponsesSocket.as_asgi()),
        path("v1/responses", ResponsesSocket.as_asgi()),
    ),
    resume="cursor",
    bases=("/v1/", "/api/llm/"),
    says=lambda error, path: {"error": errors.error(error)},
)
