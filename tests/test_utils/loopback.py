"""A web server on the loopback interface that serves given bytes and can be told to misbehave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves files, with Range as in RFC 9110, and notes the requests.

    Attributes:
        files: Contents by path.
        cuts: For each of the next requests, after how many bytes of the body the connection is closed.
        errors: For each of the next requests, a status to answer with instead.
        ranges: Whether Range is honoured.
        shift: Added to where an honoured range starts: a server with a defect.
        send_length: Whether answers have a Content-Length.
        requests: Path and Range header of each request so far.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cuts: list[int] = []
        self.errors: list[int] = []
        self.ranges = True
        self.shift = 0
        self.send_length = True
        self.requests: list[tuple[str, str | None]] = []
        self.address = ''

    def url(self, path: str) -> str:
        """Address of a file."""
        return f'{self.address}/{path}'

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a GET request."""
        wanted = request.headers.get('Range')
        self.requests.append((request.path, wanted))
        content = self.files.get(request.path.lstrip('/'))
        if self.errors or content is None:
            request.send_error(self.errors.pop(0) if self.errors else 404)
            return
        start = int(wanted.removeprefix('bytes=').removesuffix('-')) if wanted and self.ranges else None
        if start is not None and start >= len(content):
            request.send_error(416)
            return
        if start is None:
            request.send_response(200)
        else:
            start += self.shift
            request.send_response(206)
            request.send_header('Content-Range', f'bytes {start}-{len(content) - 1}/{len(content)}')
        body = content[start or 0 :]
        if self.send_length:
            request.send_header('Content-Length', str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.cuts.pop(0)] if self.cuts else body)


@contextmanager
def serving() -> Iterator[FileServer]:
    """A server that runs until the block ends."""
    server = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """Clients may hang up."""

    with Server(('127.0.0.1', 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        server.address = f'http://127.0.0.1:{http.server_address[1]}'
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
