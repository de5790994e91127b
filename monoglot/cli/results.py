"""`monoglot table`, `compare`, `explain` and `push`: what an experiment has made."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monoglot.cli import terminal
from monoglot.cli.compare import compare as compare
from monoglot.cli.main import Exit
from monoglot.cli.table import table as table
from monoglot.cli.terminal import count, note, quiet, size

if TYPE_CHECKING:
    from monoglot.publish.parcel import Item


@click.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.argument("column")
@click.argument("row")
@click.pass_context
def explain(context: click.Context, table: Path, column: str, row: str) -> None:
    """Say where one number of a table came from, and whether anything has changed since.

    TABLE is a table's CSV file, COLUMN one of its columns, ROW one of its rows. Lists the records,
    checkpoints, data, code, libraries and hardware behind the number. The exit status is 3 if a
    file, the code or a library is no longer as it was.

    \b
    Examples:
      monoglot explain results/tables/table1.csv mt_ner hidden312
      monoglot explain results/tables/table1.csv avg base
    """
    from monoglot.lineage import account

    text, unchanged = account(table, column, row)
    click.echo(text)
    context.exit(Exit.DONE if unchanged else Exit.DIFFERENT)


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("repo_id")
@click.option("--adapters", is_flag=True, help="Also push the task adapters kept for it.")
@click.option("--public", is_flag=True, help="Make a new repository public.")
@click.option("--overwrite", is_flag=True, help="Replace a repository that holds another model.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be uploaded; contact nobody.")
def push(
    checkpoint: Path, repo_id: str, adapters: bool, public: bool, overwrite: bool, dry_run: bool
) -> None:
    """Upload a checkpoint and its model card to the Hugging Face Hub.

    CHECKPOINT is a folder such as results/models/xlmr/mt/hidden312, REPO_ID is OWNER/NAME. The
    repository is created if there is none, as a private one: what was public once cannot be taken
    back, and its page has a button to publish it. All files arrive in one commit, or none does. An
    upload that broke off sends only what is missing when it is started again.

    The token is that of HF_TOKEN or of `hf auth login`, and must be allowed to write.

    \b
    Examples:
      monoglot push results/models/xlmr/mt/hidden312-vocab40k me/xlmr-maltese --dry-run
      monoglot push results/models/xlmr/mt/hidden312-vocab40k me/xlmr-maltese --adapters
    """
    from monoglot.publish.parcel import parcel
    from monoglot.publish.upload import check_name
    from monoglot.publish.upload import push as upload

    check_name(repo_id)
    items = parcel(checkpoint, adapters)
    if dry_run:
        click.echo("\n".join(_preview(items, repo_id)))
        return
    note(f"{count(len(items), 'file')}, {size(sum(item.size for item in items))}")
    if quiet():
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()
    done = upload(items, repo_id, public, overwrite)
    for name in done.removed:
        note(f"removed there: {name}")
    click.echo(f"{done.url} (commit {done.commit})")


def _preview(items: Sequence["Item"], repo_id: str) -> list[str]:
    """Every file with its size, and the card's metadata."""
    rows = [[item.name, size(item.size)] for item in items]
    rows.append([count(len(items), "file"), size(sum(item.size for item in items))])
    card = items[0].file.read_text(encoding="utf-8")
    head = card.split("\n---\n")[0] + "\n---"
    listed = terminal.table(["file", "size"], rows, terminal.width())
    return [f"Would go to {repo_id}:", "", listed, "", "The head of the card:", "", head]
