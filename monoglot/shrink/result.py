"""What a chain ends with: the model in its folder, and what was made on the way, as JSON."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monoglot.files import whole_folder
from monoglot.shrink.card import card
from monoglot.shrink.plan import Step
from monoglot.shrink.work import RECORD, Row

STEPS = "shrink.json"
NOT_KEPT = (RECORD, "seconds.json")


def deliver(
    made: Path, out: Path, about: Mapping[str, Any], steps: Sequence[Step], rows: Sequence[Row]
) -> None:
    """Copy the folder of the last step to `out`, with `shrink.json` and a card beside the model.

    Args:
        about: `model`, `revision` and `language`.
    """
    account = {
        **about,
        "steps": [asdict(step) for step in steps],
        "rows": [asdict(r) for r in rows],
    }
    text = card({**about, "title": os.path.basename(os.path.abspath(out))}, rows)
    with whole_folder(out) as aside:
        for file in sorted(made.iterdir()):
            if file.is_file() and file.name not in NOT_KEPT:
                shutil.copyfile(file, aside / file.name)
        (aside / STEPS).write_text(json.dumps(account, indent=1) + "\n", encoding="utf-8")
        (aside / "README.md").write_text(text, encoding="utf-8")
