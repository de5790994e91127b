"""What the rule of the report asks for."""

import json

from monoglot.files import sha256
from monoglot.pages.files import NAME, made_from, templates

REPORT = f"{RESULTS}/{NAME}"
TARGETS["report"] = [REPORT]
# What a run says at its end of targets that are no folder.
SAID = {"report": f"The report is {REPORT}."}


def report_inputs():
    return [f"{RESULTS}/{path}" for path in made_from(GRAPH)]


def report_config(wildcards):
    """The whole configuration: the report names models and languages, and prints it."""
    return json.dumps(CONFIG, ensure_ascii=False)


def report_code():
    """The script's code, and the templates, which are no Python."""
    return [code_of("scripts/report.py"), *map(sha256, templates())]
