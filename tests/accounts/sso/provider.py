"""An identity provider of ours on loopback: OpenID Connect with a token endpoint, keys that rotate, and faults."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

CLIENT, SECRET = "parley", "a secret of the client's own"
HUNG_S = 30
DISCOVERY, KEYS, TOKEN = "/.well-known/openid-configuration", "/jwks", "/token"


class Key:
    """A key of the provider's, with its id."""

    def __init__(self, kid: str = "") -> None:
        self.kid = kid or secrets.token_hex(4)
        self.private = ec.generate_private_key(ec.SECP256R1())

    def public(self) -> dict[str, Any]:
        return {**json.loads(ECAlgorithm.to_jwk(self.private.public_key())), "kid": self.kid, "use": "sig"}


class Provider:
    """The server, in a thread of its own, and what a test asks of it."""

    def __init__(self) -> None:
        self.keys = [Key()]
        self.shown: list[dict[str, Any]] = []  # in the key set beside its own
        self.faults: dict[str, str] = {}  # path -> hung, 500, huge, redirect, nonsense
        self.asked: Counter[str] = Counter()
        self.codes: dict[str, dict[str, Any]] = {}  # what the ID token of a code says, and how it is made
        self.forms: list[dict[str, str]] = []
        self.leaves = threading.Event()
        self.changes: dict[str, Any] = {}  # of its discovery
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.leaves.set()
        self._http.shutdown()
        self._http.server_close()

    def rotate(self) -> None:
        """Another key, and the old one gone."""
        self.keys = [Key()]

    def signed(self, *, algorithm: str = "ES256", key: Any = None, kid: str = "", **claims: Any) -> str:
        """A token of this provider; a claim that is None is left out."""
        now = int(time.time())
        good = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, **claims}
        body = {name: value for name, value in good.items() if value is not None}
        signer = key if key is not None else self.keys[0].private
        return jwt.encode(body, signer, algorithm, headers={"kid": kid or self.keys[0].kid})

    def agreed(self, address: str, **how: Any) -> dict[str, str]:
        """The person agrees at the address that they were sent to: what the callback gets. `how`: see `_token`."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = secrets.token_urlsafe(8)
        self.codes[code] = {"asked": query, **how}
        return {"code": code, "state": query["state"]}

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        if path == DISCOVERY:
            ends = {"authorization_endpoint": "/authorize", "token_endpoint": TOKEN, "jwks_uri": KEYS}
            found = {name: self.issuer + end for name, end in ends.items()}
            ways = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
            return 200, {"issuer": self.issuer, **found, **ways, **self.changes}
        if path == KEYS:
            return 200, {"keys": [*self.shown, *(key.public() for key in self.keys)]}
        return self._token(form) if path == TOKEN else (404, {})

    def _token(self, form: dict[str, str]) -> tuple[int, Any]:
        self.forms.append(form)
        how = self.codes.pop(form.get("code", ""), None)
        if how is None or form.get("client_secret") != SECRET:
            return 400, {"error": "invalid_grant"}
        verifier = form.get("code_verifier", "").encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
        if how["asked"]["code_challenge"] != challenge or how["asked"]["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        made = how.get("raw") or self.signed(**{"nonce": how["asked"]["nonce"], **how.get("claims", {})})
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": made}


@contextmanager
def running() -> Iterator[Provider]:
    provider = Provider()
    try:
        yield provider
    finally:
        provider.close()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            path = urlsplit(self.path).path
            provider.asked[path] += 1
            status, body = 200, b""
            match provider.faults.get(path, ""):
                case "hung":
                    provider.leaves.wait(HUNG_S)
                    return
                case "500":
                    status, body = 500, b"{}"
                case "huge":
                    body = b'{"keys": "' + b"x" * 400_000 + b'"}'
                case "nonsense":
                    body = b"<html>"
                case "redirect":
                    status, body = 302, b""
                case _:
                    status, answer = provider.answer(path, form)
                    body = json.dumps(answer).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{provider.issuer}{path}/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    return Handler
