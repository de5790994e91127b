"""The documentation as a site, and what stands beside it for other programs to read."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pages import PAGES, ROOT

pytest.importorskip("mkdocs")


def test_the_site_builds_and_no_link_is_broken(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Try it" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_site_asks_other_servers_for_nothing(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    loads = re.compile(r'<(?:script|img|link rel="stylesheet")[^>]*(?:src|href)="(?:https?:)?//')
    for page in tmp_path.rglob("*.html"):
        assert not loads.search(page.read_text(encoding="utf-8")), page


def test_the_page_of_keys_is_that_of_the_schema():
    made = subprocess.run(
        [sys.executable, "docs/site/config_keys.py"], cwd=ROOT, capture_output=True, text=True
    )
    written = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    assert made.stdout == written, "docs/keys.md is not that of the schema: run `make docs`"


def test_the_schema_is_that_of_the_classes():
    command = [sys.executable, "docs/site/config_keys.py", "--schema"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    written = (ROOT / "schemas" / "config.schema.yaml").read_text(encoding="utf-8")
    assert made.stdout == written, "schemas/config.schema.yaml is not up to date: run `make docs`"


def test_every_key_is_described():
    rows = [line for line in (ROOT / "docs/keys.md").read_text().splitlines() if "`" in line]
    keys = [row for row in rows if row.startswith("| ") and "`kind`" not in row]
    assert [row for row in keys if row.rstrip(" |").endswith(("`", "mapping"))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere_in_the_repository_too(page):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_the_hosted_workflow_runs_what_one_runs_at_home():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert len(commands) == 1
    assert commands[0].endswith("bash .ci/run")
    assert job["container"].startswith("python:3.11")


def test_citation_and_package_say_the_same():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    package = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{citation["version"]}"' in package
    assert f'license = "{citation["license"]}"' in package
    assert f"## {citation['version']}" in Path(ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
