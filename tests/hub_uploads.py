"""What the Hub's stand-in does with uploads: new repositories, large files, commits.

As on the Hub, large files go to a store of their own under their SHA-256 before a commit names
them, and a commit is taken whole or not at all.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

LARGE = (".safetensors", ".parquet")
PREUPLOAD = re.compile(r"/api/models/(?P<hub>[^/]+/[^/]+)/preupload/main")
COMMIT = re.compile(r"/api/models/(?P<hub>[^/]+/[^/]+)/commit/main")
BATCH = re.compile(r"/(?P<hub>[^/]+/[^/]+)\.git/info/lfs/objects/batch")
STORE = re.compile(r"/store/(?P<digest>[0-9a-f]{64})")
NEW = {".gitattributes": b"*.safetensors filter=lfs\n"}
Files = dict[str, bytes]


@dataclass
class Uploads:
    """What was sent, and what is to go wrong.

    Args:
        writers: tokens that may write; any other is answered with 403.
        store: large files by their SHA-256.
        sent: SHA-256 of the large files that were sent, in their order.
        private: whether each repository is.
        commits: messages of commits.
        broken: how many of the next large files are answered with an error.
        refuse_commits: whether commits are.
        card_error: what is said of a card's metadata, if they are not taken.
    """

    writers: set[str] = field(default_factory=set)
    store: Files = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    private: dict[str, bool] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    broken: int = 0
    refuse_commits: bool = False
    card_error: str = ""


def take(handler: BaseHTTPRequestHandler, hub: Any, route: str) -> None:
    """Answer a POST or PUT."""
    body = handler.rfile.read(int(handler.headers["Content-Length"]))
    uploads = hub.uploads
    if match := STORE.fullmatch(route):
        return _take_large(handler, uploads, match["digest"], body)
    token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
    if route != "/api/validate-yaml" and token not in uploads.writers:
        return _answer(handler, {"error": "Forbidden"}, 403)
    if route == "/api/repos/create":
        return _create(handler, hub, json.loads(body))
    if route == "/api/validate-yaml":
        return _validate(handler, uploads)
    if match := PREUPLOAD.fullmatch(route):
        files = hub.repositories[f"models/{match['hub']}"]["main"]
        return _preupload(handler, files, json.loads(body))
    if match := BATCH.fullmatch(route):
        return _batch(handler, hub, json.loads(body))
    if match := COMMIT.fullmatch(route):
        return _commit(handler, hub, match["hub"], body)
    return _answer(handler, {"error": "no such route"}, 404)


def _validate(handler: BaseHTTPRequestHandler, uploads: Uploads) -> None:
    errors = [{"message": uploads.card_error}] if uploads.card_error else []
    _answer(handler, {"errors": errors, "warnings": []}, 400 if errors else 200)


def _create(handler: BaseHTTPRequestHandler, hub: Any, asked: dict) -> None:
    name = f"{asked['organization']}/{asked['name']}"
    if f"models/{name}" in hub.repositories:
        return _answer(handler, {"error": "exists"}, 409)
    hub.uploads.private[name] = asked["private"]
    _put(hub, name, NEW)
    return _answer(handler, {"url": f"{hub.address}/{name}"})


def _preupload(handler: BaseHTTPRequestHandler, files: Files, asked: dict) -> None:
    paths = [file["path"] for file in asked["files"]]
    modes = [
        {
            "path": path,
            "uploadMode": "lfs" if path.endswith(LARGE) else "regular",
            "shouldIgnore": False,
            "oid": _oid(path, files[path]) if path in files else None,
        }
        for path in paths
    ]
    _answer(handler, {"files": modes})


def _oid(path: str, content: bytes) -> str:
    if path.endswith(LARGE):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()


def _batch(handler: BaseHTTPRequestHandler, hub: Any, asked: dict) -> None:
    objects = []
    for one in asked["objects"]:
        about = {"oid": one["oid"], "size": one["size"]}
        if one["oid"] not in hub.uploads.store:
            href = f"{hub.address}/store/{one['oid']}"
            about["actions"] = {"upload": {"href": href}}
        objects.append(about)
    _answer(handler, {"transfer": "basic", "objects": objects})


def _take_large(
    handler: BaseHTTPRequestHandler, uploads: Uploads, digest: str, body: bytes
) -> None:
    if uploads.broken:
        uploads.broken -= 1
        return _answer(handler, {"error": "the disk is full"}, 507)
    if hashlib.sha256(body).hexdigest() != digest:
        return _answer(handler, {"error": "other bytes than announced"}, 400)
    uploads.store[digest] = body
    uploads.sent.append(digest)
    return _answer(handler, {})


def _commit(handler: BaseHTTPRequestHandler, hub: Any, name: str, body: bytes) -> None:
    lines = [json.loads(line) for line in body.splitlines()]
    header = lines[0]["value"]
    files = dict(hub.repositories[f"models/{name}"]["main"])
    if hub.uploads.refuse_commits:
        return _answer(handler, {"error": "out of order"}, 500)
    if header["parentCommit"] != commit_of(files):
        return _answer(handler, {"error": "the branch has moved"}, 412)
    for line in lines[1:]:
        value = line["value"]
        if line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            files[value["path"]] = hub.uploads.store[value["oid"]]
        else:
            del files[value["path"]]
    hub.uploads.commits.append(header["summary"])
    _put(hub, name, files)
    return _answer(
        handler, {"commitUrl": f"{hub.address}/{name}/commit/main", "commitOid": commit_of(files)}
    )


def _put(hub: Any, name: str, files: Files) -> None:
    revisions = hub.repositories.setdefault(f"models/{name}", {})
    revisions["main"] = dict(files)


def commit_of(files: Files) -> str:
    """A commit's hash, here of the files alone."""
    digest = hashlib.sha1()
    for path in sorted(files):
        digest.update(b"%b\0%b\0" % (path.encode(), hashlib.sha1(files[path]).digest()))
    return digest.hexdigest()


def _answer(handler: BaseHTTPRequestHandler, found: dict, status: int = 200) -> None:
    content = json.dumps(found).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
