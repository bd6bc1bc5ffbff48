"""A collector of traces and events over real HTTP: it keeps what it is sent, or never answers."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """Listens on a port of its own until it is closed."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.hangs = hangs
        self.bodies: list[bytes] = []  # of traces
        self.logs: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.asked = 0  # requests that came, answered or not
        self._leaves = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.asked += 1
                if collector.hangs:
                    collector._leaves.wait()
                    return
                into = {"/v1/traces": collector.bodies, "/v1/logs": collector.logs}[self.path]
                collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                into.append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    @property
    def spans(self) -> list[Span]:
        """All that came."""
        found = [ExportTraceServiceRequest.FromString(each) for each in self.bodies]
        return [
            span for each in found for one in each.resource_spans for scope in one.scope_spans for span in scope.spans
        ]

    @property
    def events(self) -> list[LogRecord]:
        """All that came."""
        found = [ExportLogsServiceRequest.FromString(each) for each in self.logs]
        return [
            event
            for each in found
            for one in each.resource_logs
            for scope in one.scope_logs
            for event in scope.log_records
        ]

    def wait(self, until: "Callable[[Collector], object]", longest_s: float = 30) -> None:
        """Return when that is so."""
        end = time.monotonic() + longest_s
        while not until(self):
            assert time.monotonic() < end, f"{self.asked} requests, {[each.name for each in self.spans]}"
            time.sleep(0.05)

    def close(self) -> None:
        self._leaves.set()
        self._server.shutdown()
        self._server.server_close()


def attributes(of: Span | LogRecord) -> dict[str, object]:
    """A span's or an event's, as Python has them."""
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in of.attributes}
