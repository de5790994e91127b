"""What must be at hand before the first job."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from monoglot.data.preflight import check_files, check_hub
from monoglot.errors import UserError

MODEL = ("models", "google-bert/bert-base-multilingual-cased", "3f" * 20)


def test_the_first_missing_file_is_named_with_its_key(tmp_path):
    (tmp_path / "a").touch()
    files = {"data.tc.mt": [str(tmp_path / "a"), str(tmp_path / "b")], "data.sa.mt": ["c"]}
    with pytest.raises(UserError, match=r"data\.tc\.mt: there is no file .*/b \(and 1 more"):
        check_files(files, "root")
    check_files({"data.tc.mt": [str(tmp_path / "a")]}, "root")


def test_without_network_the_two_ways_on_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"either connect .* or put the files into local folders"):
        check_hub([MODEL])


def test_a_filled_cache_needs_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    name = "hub/models--google-bert--bert-base-multilingual-cased/snapshots/"
    (tmp_path / name / MODEL[2]).mkdir(parents=True)
    check_hub([MODEL])


def test_a_hub_that_answers_is_enough(tmp_path, monkeypatch):
    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.handle_request, daemon=True).start()
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    check_hub([MODEL])
    server.server_close()
