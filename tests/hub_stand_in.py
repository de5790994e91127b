"""A stand-in for the Hub, and for a web server, on the loopback interface.

It has the routes that downloads need, and the faults that they meet: connections that break off,
errors, gated repositories, bytes that are not the published ones. As on the Hub, plain files have
Git's hash for their etag, and large ones (here parquet and safetensors) lie elsewhere under their
SHA-256, where a redirect leads to. `hub_uploads` has the routes that uploads need.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from hub_uploads import Uploads, commit_of, take

LARGE = (".parquet", ".safetensors")
TOKEN = "hf_a_secret_that_no_log_may_hold"
FILE = re.compile(
    r"/(?P<datasets>datasets/)?(?P<hub>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)"
)
API = re.compile(
    r"/api/(?P<kind>datasets|models)/(?P<hub>[^/]+/[^/]+)"
    r"(?:/(?P<what>revision|tree)/(?P<revision>[^/]+)(?:/(?P<path>.*))?)?"
)
Files = dict[str, bytes]


@dataclass(frozen=True)
class Request:
    """What was asked for: the bytes from `start` on, with the token or without."""

    method: str
    path: str
    start: int
    authorised: bool


@dataclass
class Hub:
    """What is served, which may be changed meanwhile, and what was asked for.

    Args:
        repositories: by `datasets/ID` or `models/ID`, then by revision, files by path.
        web: files by their path on the server.
        gated: repositories that ask for the token.
        errors: by path of a file, statuses to answer with before it is served.
        budgets: by path of a file, bytes to send before one connection after the other breaks off.
        spoilt: by path of a file, what is sent in its place.
    """

    repositories: dict[str, dict[str, Files]] = field(default_factory=dict)
    web: Files = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    errors: dict[str, list[int]] = field(default_factory=dict)
    budgets: dict[str, list[int]] = field(default_factory=dict)
    spoilt: Files = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    uploads: Uploads = field(default_factory=Uploads)
    address: str = ""

    def starts(self, path: str) -> list[int]:
        """First bytes asked for in the downloads of a file, in their order."""
        return [r.start for r in self.requests if r.method == "GET" and r.path.endswith(path)]


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve `hub`; its address is for HF_ENDPOINT."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            route = unquote(urlsplit(self.path).path)
            sent = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))
            authorised = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            request = Request(self.command, route, int(sent[1]), authorised)
            hub.requests.append(request)
            if route in hub.web:
                self.send_file(route, hub.web[route], request, {})
            elif match := FILE.fullmatch(route):
                kind = "datasets" if match["datasets"] else "models"
                self.answer_file(match, self.revision(match, kind, request), request)
            elif match := API.fullmatch(route):
                self.answer_api(match, self.revision(match, match["kind"], request))
            else:
                self.refuse(404, "")

        def do_POST(self) -> None:
            hub.requests.append(Request(self.command, self.path, 0, False))
            take(self, hub, unquote(urlsplit(self.path).path))

        def do_PUT(self) -> None:
            self.do_POST()

        def do_HEAD(self) -> None:
            self.do_GET()

        def revision(self, match: re.Match[str], kind: str, request: Request) -> Files | None:
            """Files of the revision asked for; None after a refusal."""
            name = f"{kind}/{match['hub']}"
            revisions = hub.repositories.get(name)
            if revisions is None:
                return self.refuse(404, "RepoNotFound")
            if name in hub.gated and not request.authorised:
                return self.refuse(401, "GatedRepo")
            wanted = match["revision"] or "main"
            if "main" in revisions and wanted == commit_of(revisions["main"]):
                wanted = "main"
            if wanted not in revisions:
                return self.refuse(404, "RevisionNotFound")
            return revisions[wanted]

        def answer_file(self, match: re.Match[str], files: Files | None, request: Request) -> None:
            if files is None:
                return
            path = match["path"]
            if path not in files:
                self.refuse(404, "EntryNotFound")
            elif path.endswith(LARGE):
                self.redirect(match, files, request)
            else:
                headers = {"ETag": f'"{git_sha1(files[path])}"'}
                headers["X-Repo-Commit"] = sha(match, files)
                self.send_file(path, files[path], request, headers)

        def redirect(self, match: re.Match[str], files: Files, request: Request) -> None:
            """As with Git LFS: the first answer has the hash, another place the bytes."""
            content = files[match["path"]]
            digest = hashlib.sha256(content).hexdigest()
            place = f"/lfs/{digest}/{match['path']}"
            hub.web[place] = content
            headers = {"Location": hub.address + place, "X-Linked-Etag": f'"{digest}"'}
            headers |= {"X-Linked-Size": str(len(content)), "X-Repo-Commit": sha(match, files)}
            self.reply(302, b"", headers)

        def send_file(
            self, name: str, content: bytes, request: Request, headers: dict[str, str]
        ) -> None:
            if statuses := of(hub.errors, name):
                self.refuse(statuses.pop(0), "")
                return
            content = of(hub.spoilt, name) or content
            if request.start >= len(content) > 0:
                self.refuse(416, "")
                return
            if "Range" in self.headers:
                span = f"bytes {request.start}-{len(content) - 1}/{len(content)}"
                headers = {**headers, "Content-Range": span}
            status = 206 if "Range" in self.headers else 200
            budgets = of(hub.budgets, name) if self.command == "GET" else None
            budget = budgets.pop(0) if budgets else None
            self.reply(status, content[request.start :], headers, budget)

        def answer_api(self, match: re.Match[str], files: Files | None) -> None:
            if files is None:
                return
            folder = match["path"] or ""
            whole = "recursive=True" in urlsplit(self.path).query and not folder
            listed = [p for p in sorted(files) if whole or p.rpartition("/")[0] == folder]
            if match["what"] != "tree":
                siblings = [sibling(path, files[path]) for path in sorted(files)]
                found = {"id": match["hub"], "sha": sha(match, files), "siblings": siblings}
            elif not listed and folder:
                return self.refuse(404, "EntryNotFound")
            else:
                found = [entry(path, files[path]) for path in listed]
            self.reply(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

        def refuse(self, status: int, code: str) -> None:
            self.reply(status, b"", {"X-Error-Code": code} if code else {})

        def reply(
            self, status: int, content: bytes, headers: dict[str, str], budget: int | None = None
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[:budget])
                self.close_connection |= budget is not None

        def log_message(self, *arguments: object) -> None:
            """Keep the log of requests out of the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def of(table: dict[str, Any], name: str) -> Any:
    """What a table of faults has for a file, whatever folder it is served from."""
    return next((about for path, about in table.items() if name.endswith(path)), None)


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()


def sha(match: re.Match[str], files: Files) -> str:
    """The commit asked for, `main` being a name for the last one."""
    asked = match["revision"]
    return commit_of(files) if asked in (None, "main") else asked


def sibling(path: str, content: bytes) -> dict:
    """A file as the Hub's answer about a repository lists it."""
    about = entry(path, content)
    found = {"rfilename": path, "size": about["size"], "blobId": about["oid"]}
    if "lfs" in about:
        lfs = about["lfs"]
        found["lfs"] = {k: lfs[k] for k in ("size", "pointerSize")} | {"sha256": lfs["oid"]}
    return found


def entry(path: str, content: bytes) -> dict:
    """A file as the Hub's tree of a repository lists it."""
    about = {"type": "file", "path": path, "size": len(content)}
    if not path.endswith(LARGE):
        return {**about, "oid": git_sha1(content)}
    digest = hashlib.sha256(content).hexdigest()
    pointer = f"oid sha256:{digest}\nsize {len(content)}\n".encode()
    lfs = {"oid": digest, "size": len(content), "pointerSize": len(pointer)}
    return {**about, "oid": git_sha1(pointer), "lfs": lfs}
