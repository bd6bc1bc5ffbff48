"""The words of a recording, asked of a model server. No Django.

`POST {base}/audio/transcriptions` of OpenAI and what speaks as it does (whisper.cpp, vLLM, faster-whisper's servers):
multipart with `file`, `model` and `response_format=json`; the answer is `{"text"}`. Read 2026-11:
https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

import asyncio
import secrets
from dataclasses import dataclass

import msgspec

from agents.errors import ProviderError
from agents.providers import http

# What the servers know a recording's type by: the end of its name. A person's own name for it stays here.
ENDINGS = {
    "audio/webm": "webm",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
}
ANSWER_MAX_BYTES = 4_000_000


class _Answer(msgspec.Struct):
    text: str


@dataclass(frozen=True)
class Transcriber:
    """Who is asked, and how long is waited."""

    base_url: str
    key: str
    model: str
    timeout_s: float

    async def words(self, data: bytes, media_type: str) -> str:
        """What is said in it; empty where nothing is. Raises ProviderError, whose text is a sentence for people."""
        patience = http.Patience(first_byte_s=self.timeout_s, max_event_bytes=ANSWER_MAX_BYTES)
        mark = secrets.token_hex(16)
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        endpoint = http.Endpoint(f"{self.base_url.rstrip('/')}/audio/transcriptions", headers, patience)
        try:
            async with asyncio.timeout(self.timeout_s):
                return await _asked(endpoint, self._body(data, media_type, mark))
        except TimeoutError:
            raise ProviderError("upstream_timeout", "The server that writes down recordings took too long.") from None
        finally:
            await endpoint.close()

    def _body(self, data: bytes, media_type: str, mark: str) -> bytes:
        file = f'name="file"; filename="recording.{ENDINGS.get(media_type, "bin")}"\r\nContent-Type: {media_type}'
        parts = [(file, data), ('name="model"', self.model.encode()), ('name="response_format"', b"json")]
        body = bytearray()
        for head, content in parts:
            body += f"--{mark}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
        return bytes(body) + f"--{mark}--\r\n".encode()


async def _asked(endpoint: http.Endpoint, body: bytes) -> str:
    response = await endpoint.send(body)
    try:
        if response.status != 200:
            await http.error_body(response)
            raise ProviderError("upstream_unavailable", _refusal(response.status))
        return msgspec.json.decode(await endpoint.whole(response), type=_Answer).text
    except msgspec.MsgspecError:
        raise ProviderError("upstream_malformed", "The server that writes down recordings sent no text.") from None
    finally:
        response.close()


def _refusal(status: int) -> str:
    """In a sentence. What the server said is about the installation's account: it is not told."""
    if status in (400, 415, 422):
        return "The server that writes down recordings could not read this one."
    if status == 413:
        return "The server that writes down recordings takes none as large as this one."
    if status == 429:
        return "The server that writes down recordings has too much to do now."
    return f"The server that writes down recordings refused it (status {status})."
