"""`monoglot new-language`: the configuration of one more language."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monoglot.cli import text
from monoglot.cli.completing import configurations
from monoglot.cli.verbosity import note
from monoglot.cli.workflow import Experiment, experiment
from monoglot.errors import UserError

if TYPE_CHECKING:
    from monoglot.languages.block import Block, Found

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@click.command("new-language")
@click.argument("code")
@click.option(
    "--config",
    default="config.yaml",
    show_default=True,
    shell_complete=configurations,
    help="Configuration that the language is added to.",
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="File to write; else printed.")
@click.option("--name", default="", help="Name in print.  [default: in English]")
@click.option("--as", "short", help="Short name in the configuration.  [default: ISO 639-1]")
@click.option(
    "--code",
    "codes",
    multiple=True,
    metavar="SOURCE=CODE",
    help="The language's code in a source, such as flores=cym_Latn. May be repeated.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="SET=BLOCK",
    help="A source of a set as in docs/data.md, such as 'sa={format: sentiment, files: ...}'.",
)
@click.option("--offline", is_flag=True, help="Ask neither the Hub nor the web.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def new_language(
    code: str,
    config: str,
    out: Path | None,
    name: str,
    short: str | None,
    codes: tuple[str, ...],
    sources: tuple[str, ...],
    offline: bool,
    force: bool,
) -> None:
    """Write the configuration of one more language, after a look at which sets have it.

    CODE is ISO 639-1 or 639-3, with a script where there are several: `cy`, `cym`, `zho_Hans`. The
    sources that the configuration has for all languages are looked through (GlotCC, FLORES-200,
    SIB-200, WikiANN in that of the paper), on this machine, on the Hub at the pinned revisions, or
    on the web; for tasks that these lack, treebanks of Universal Dependencies that lie in `ud/`
    below data.root, MasakhaPOS, MasakhaNER and AfriSenti. Tasks that no source has are left out.
    Without a network the likeliest codes are written, and what could not be looked at is said.

    What is written extends the configuration and has passed its checks.

    \b
    Examples:
      monoglot new-language cy --out configs/welsh.yaml
      monoglot new-language amh --config configs/comet.yaml --as amh
      monoglot new-language cy --source 'sa={format: sentiment, files: {train: cy/train.csv,
          dev: cy/dev.csv, test: cy/test.csv}}'
      monoglot plan configs/welsh.yaml
    """
    given = out.absolute() if out else None
    if out:
        _check_free(out, force)
    with experiment(config) as it:
        block = _make(it, code, name, short, _pairs(codes, "--code"), sources, offline)
        for found in block.found:
            note(_line(found))
        content = _content(it, block, _command(code, config))
        _check(it, block)
        if given:
            from monoglot.files import whole_file

            with whole_file(given) as aside:
                aside.write_text(content, encoding="utf-8")
    if given:
        note(f"written to {out}; next: monoglot plan {out}")
    else:
        click.echo(content, nl=False)


def _check_free(out: Path, force: bool) -> None:
    from monoglot.files import try_out

    if out.is_dir():
        raise UserError(f"{out}: is a folder; give the name of a file")
    if os.path.lexists(out) and not force:
        raise UserError(f"{out}: is there already; give another name, or --force")
    try_out(out)


def _make(
    it: Experiment,
    code: str,
    name: str,
    short: str | None,
    codes: dict[str, str],
    sources: tuple[str, ...],
    offline: bool,
) -> "Block":
    from monoglot.config import complete
    from monoglot.data.sources import parse_source
    from monoglot.languages.block import make_block
    from monoglot.languages.codes import find
    from monoglot.languages.presence import Look

    config, language = it.graph.config, find(code)
    short = short or language.short
    if not NAME.fullmatch(short):
        raise UserError(f"--as: '{short}' must be lower-case letters, digits, _ and -")
    given = {key: dict(parse_source(value)) for key, value in _pairs(sources, "--source").items()}
    for key in given:
        if key not in config["data"] or "files" not in given[key]:
            raise UserError(f"--source {key}: name a set of the configuration, with its files")
    complete({"extends": it.config, "data": {key: {short: one} for key, one in given.items()}})
    block = make_block(
        config,
        short,
        language,
        Look(config["data"]["root"], not offline),
        title=name,
        codes=codes,
        sources=given,
    )
    needed = [one for one in block.lacking if one.set not in config["tasks"]]
    if needed:
        raise UserError(
            f"{needed[0].set}: no source has {block.config['languages'][short]['name']} "
            f"({needed[0].presence.said}); give one: --source '{needed[0].set}="
            "{format: lines, files: [FILE]}'"
        )
    return block


def _line(found: "Found") -> str:
    state = found.presence.state
    size = f", {text.size(found.presence.bytes)}" if found.presence.bytes else ""
    origin = f"{found.origin}: " if found.origin not in ("", "default") else ""
    said = {"unknown": f"could not be looked at ({found.presence.said})"}.get(
        state, found.presence.said + size
    )
    return f"{found.set:<12}{state:<9}{origin}{said}"


def _content(it: Experiment, block: "Block", command: str) -> str:
    import yaml

    whole = {"extends": it.config} | block.config
    body = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, default_flow_style=None)
    unseen = [one.set for one in block.found if one.presence.state == "unknown"]
    lines = [f"# Made by `{command}`."]
    lines += [f"# Left out is {one.set}: {one.presence.said}" for one in block.lacking]
    if unseen:
        lines.append(f"# Not looked at, for want of a network: {', '.join(unseen)}")
    return "\n".join([*lines, "", body])


def _check(it: Experiment, block: "Block") -> None:
    """Raise `UserError` if the configuration with the new language would be refused."""
    from monoglot.downloads.needs import all_needs
    from monoglot.graph import Graph

    all_needs(Graph({"extends": it.config} | block.config))


def _command(code: str, config: str) -> str:
    return f"monoglot new-language {code}" + (
        f" --config {config}" if config != "config.yaml" else ""
    )


def _pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    for one in given:
        if not all(one.partition("=")):
            raise click.BadParameter(f"'{one}' must have the form NAME=VALUE", param_hint=option)
    return dict(one.split("=", 1) for one in given)
