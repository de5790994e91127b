"""A finished table on disk."""

from argparse import Namespace

from monoglot.files import whole_file
from monoglot.report.latex import to_latex
from monoglot.report.layout import to_csv, to_markdown
from monoglot.report.table import Table


def write_table(table: Table, outputs: Namespace) -> None:
    """Write a table as CSV, Markdown and LaTeX to the paths `out_csv`, `out_md` and `out_tex`."""
    texts = {
        outputs.out_csv: to_csv(table),
        outputs.out_md: to_markdown(table),
        outputs.out_tex: to_latex(table),
    }
    for path, text in texts.items():
        with whole_file(path) as aside:
            aside.write_text(text, encoding="utf-8")
