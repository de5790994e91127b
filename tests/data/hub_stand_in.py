"""A stand-in for the Hub on the loopback interface: the few routes that reading data needs."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

FILE = re.compile(r"/datasets/(?P<hub>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
API = re.compile(
    r"/api/datasets/(?P<hub>[^/]+/[^/]+)/(?P<what>revision|tree|paths-info)"
    r"/(?P<revision>[^/]+)(?:/(?P<path>.*))?"
)


@contextmanager
def serve(repositories: dict[str, dict[str, dict[str, bytes]]]) -> Iterator[str]:
    """Serve {repository: {revision: {path: content}}}; yield the address for HF_ENDPOINT."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer()

        def do_HEAD(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.wanted = parse_qs(body).get("paths") or json.loads(body)["paths"]
            self.answer()

        def answer(self) -> None:
            route = unquote(urlsplit(self.path).path)
            match = FILE.fullmatch(route) or API.fullmatch(route)
            revisions = repositories.get(match["hub"]) if match else None
            if revisions is None:
                self.reply(404, b"", {"X-Error-Code": "RepoNotFound"})
            elif match["revision"] not in revisions:
                self.reply(404, b"", {"X-Error-Code": "RevisionNotFound"})
            elif match.re is API:
                self.reply_json(match, revisions[match["revision"]])
            elif match["path"] not in revisions[match["revision"]]:
                self.reply(404, b"", {"X-Error-Code": "EntryNotFound"})
            else:
                content = revisions[match["revision"]][match["path"]]
                etag = hashlib.sha256(content).hexdigest()
                commit = {"X-Repo-Commit": match["revision"], "ETag": f'"{etag}"'}
                self.reply(200, content, commit)

        def reply_json(self, match: re.Match[str], files: dict[str, bytes]) -> None:
            entries = [
                {"type": "file", "path": path, "size": len(files[path]), "oid": match["revision"]}
                for path in sorted(files)
            ]
            folders = sorted({path.rpartition("/")[0] for path in files} - {""})
            entries += [
                {"type": "directory", "path": path, "oid": match["revision"]} for path in folders
            ]
            if match["what"] == "revision":
                siblings = [{"rfilename": path} for path in sorted(files)]
                found = {"id": match["hub"], "sha": match["revision"], "siblings": siblings}
            elif match["what"] == "tree":
                folder = match["path"] or ""
                found = [e for e in entries if e["path"].rpartition("/")[0] == folder]
            else:
                found = [e for e in entries if e["path"] in self.wanted]
            self.reply(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

        def reply(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Keep the log of requests out of the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
