"""docs/cli.md says what the commands say of themselves."""

import re
import runpy

from monoglot.cli.main import Exit, main
from monoglot.fingerprint import ROOT

with_reference = runpy.run_path(str(ROOT / "docs" / "site" / "commands.py"))["with_reference"]
PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def test_the_reference_is_up_to_date():
    assert with_reference(PAGE) == PAGE, "run: python docs/site/commands.py docs/cli.md"


def test_every_command_and_exit_status_is_on_the_page():
    assert all(f"### monoglot {name}\n" in PAGE for name in main.lines)
    assert {int(status) for status in Exit} <= {
        int(n) for n in re.findall(r"^\| (\d+) \|", PAGE, re.M)
    }


def test_commands_of_the_how_to_exist():
    named = set(re.findall(r"\bmonoglot ([a-z-]+)", PAGE.partition("<!--")[0])) - {"is"}
    assert named <= set(main.lines)
