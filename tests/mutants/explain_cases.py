"""Results edited by hand behind `monoglot explain`: it says so, or refuses what it cannot read."""

import json
import random
from argparse import Namespace
from pathlib import Path

from mutations import spoilt_bytes, spoilt_json
from report_cases import SPEC, written_records

from monoglot.lineage import account
from monoglot.provenance import beside, of_folder, recorded
from monoglot.tables.formats import to_csv
from monoglot.tables.scores import ScoresSpec, read_scores, render

SCRIPTS = Path(__file__).parents[2] / "scripts"


def explain_case(draw: random.Random, folder: Path) -> None:
    """Change a table, a record or a file of provenance after the fact."""
    scores, table = folder / "scores", folder / "table1.csv"
    arguments = Namespace(out=scores, learning_rate=0.1)
    with of_folder(SCRIPTS / "evaluate.py", arguments, []):
        scores.mkdir()
        records = written_records(draw, scores)
    arguments = Namespace(spec=json.dumps(SPEC), records=records)
    with recorded(SCRIPTS / "table.py", arguments, records, [table], beside(table)):
        table.write_text(
            to_csv(render(read_scores(records), ScoresSpec.checked(SPEC))), encoding="utf-8"
        )
    assert account(table, "mt_tc", "kd")[1], "nothing has changed yet"
    accounts = [beside(table), scores / "provenance.json"]
    file = draw.choice([table, draw.choice(records), *accounts])
    before = file.read_bytes()
    file.write_bytes((spoilt_json if file in accounts else spoilt_bytes)(before, draw))
    # A file's hash is taken once in a process.
    folder = folder.rename(f"{folder}-moved")
    try:
        text, unchanged = account(folder / table.name, "mt_tc", "kd")
        assert text.startswith(str(folder / table.name))
        # A file of provenance is what all else is compared with; there is nothing to hold it to.
        after = (folder / file.relative_to(table.parent)).read_bytes()
        assert not unchanged or file in accounts or after == before, "a change has gone unnoticed"
    finally:
        folder.rename(table.parent)
