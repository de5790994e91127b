"""What the rule of the report asks for."""

import json

from monoglot.files import sha256
from monoglot.pages.finished_run import NAME, in_use, made_from, reported, templates

REPORTED = reported(CONFIG)
REPORT = f"{RESULTS}/{NAME}"
TARGETS["report"] = [REPORT]
# What a run says at its end of targets that are no folder.
SAID = {"report": f"The report is {REPORT}."}


def report_inputs():
    """What the report shows; measurements of deployment only if they are made anyway."""
    measured = TARGETS["deployment"] if "deployment" in CONFIG["targets"] else []
    files = (os.path.normpath(f"{RESULTS}/{path}") for path in made_from(REPORTED))
    return [*files, *measured]


def report_measured():
    """Measurements that are there and no input: a report should not wait for new ones."""
    files = [f"{RESULTS}/{path}" for path in in_use(REPORTED)]
    wanted = "deployment" in CONFIG["targets"]
    return [] if wanted else [sha256(file) for file in files if os.path.isfile(file)]


def report_config(wildcards):
    """The whole configuration: the report names models and languages, and prints it."""
    return json.dumps(CONFIG, ensure_ascii=False)


def report_code():
    """The script's code, and the templates, which are no Python."""
    return [code_of("scripts/report.py"), *map(sha256, templates())]
