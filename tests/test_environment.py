"""The environment that jobs inherit."""

import os
import sys
from pathlib import Path

from monoglot.script import SAY_READY, STARTED_BY, use_checkout


def test_jobs_get_this_checkout_and_this_python_once(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv(SAY_READY, "")
    monkeypatch.setenv(STARTED_BY, "")
    for _ in range(2):
        use_checkout("/checkout")
    assert os.environ["PYTHONPATH"] == os.pathsep.join(["/checkout", "/elsewhere"])
    assert os.environ["PATH"].startswith(str(Path(sys.executable).parent))
