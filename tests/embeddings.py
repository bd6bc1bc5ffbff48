"""A server of embeddings over real HTTP: vectors of hashed letters, which is honest about what it is.

A word's pieces of three to five letters are hashed to places, so words of one stem are near one another, and a few
synonyms are one word. There is no learning in it: it stands in for a model where a test needs vectors that mean
something, and says nothing of how good a model's are.
"""

import json
import math
import re
import threading
from collections import Counter, deque
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

SIZE = 512
SAME = {
    **dict.fromkeys(("car", "automobile", "vehicle"), "car"),
    **dict.fromkeys(("buy", "purchase", "order"), "buy"),
    **dict.fromkeys(("remove", "delete", "erase"), "remove"),
    **dict.fromkeys(("make", "create", "build", "construct"), "make"),
    **dict.fromkeys(("give", "return", "yield", "produce"), "give"),
}
DULL = {
    "a",
    "an",
    "and",
    "are",
    "as",
    "be",
    "by",
    "do",
    "does",
    "for",
    "from",
    "how",
    "if",
    "in",
    "is",
    "it",
    "of",
    "on",
}
DULL |= {"or", "that", "the", "this", "to", "what", "when", "with"}
WORD = re.compile(r"[^\W_]+")


def vector_of(text: str, size: int = SIZE) -> list[float]:
    """The vector of a text: many of the same piece count less each."""
    counts = Counter(crc32(piece.encode()) for word in WORD.findall(text.lower()) for piece in _pieces(word))
    vector = [0.0] * size
    for piece, count in counts.items():
        vector[piece % size] += (1 if piece & 0x8000 else -1) * (1 + math.log(count))
    return vector if any(vector) else [1.0] + [0.0] * (size - 1)


def _pieces(word: str) -> Iterable[str]:
    word = SAME.get(word, word)
    if word in DULL:
        return []
    marked = f"<{word}>"
    return [marked, *(marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1))]


class Embeddings:
    """The server. `faults` answer first, one a request: a status, or a body; requests wait at a closed `gate`.

    `scripted`: the vectors of certain texts.
    """

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self.scripted: dict[str, list[float]] = {}
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.faults: deque[int | bytes] = deque()
        self.gate = threading.Event()
        self.gate.set()
        self.close_after = 0  # texts: then the gate is closed
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, said = server.answer(self.path, self.headers.get("Authorization", ""), body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def settings(self) -> dict[str, str]:
        """Of a Parley that asks it."""
        return {"EMBEDDINGS_BASE_URL": self.url, "EMBEDDINGS_MODEL": "letters", "EMBEDDINGS_KEY": "k-embed"}

    @property
    def texts(self) -> list[str]:
        """All that it was asked for."""
        return [text for each in self.asked for text in each["input"]]

    def answer(self, path: str, key: str, body: dict[str, Any]) -> tuple[int, bytes]:
        self.asked.append(body)
        self.keys.append(key)
        if self.close_after and len(self.texts) > self.close_after:
            self.gate.clear()
        self.gate.wait(60)
        if path != "/v1/embeddings" or len(body["input"]) > 64:
            return 400, b"{}"
        fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            return (fault, b'{"error": "no, sk-secret"}') if isinstance(fault, int) else (200, fault)
        size = body.get("dimensions") or self.size
        vectors = [self.scripted.get(text) or vector_of(text, size) for text in body["input"]]
        data = [{"index": n, "embedding": each} for n, each in enumerate(vectors)]
        return 200, json.dumps({"data": data[::-1]}).encode()  # in no order that one could rely on

    def close(self) -> None:
        self.gate.set()
        self._http.shutdown()
        self._http.server_close()
