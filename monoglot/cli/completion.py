"""`monoglot completion`: the script that teaches a shell the commands."""

import click

VARIABLE = "_MONOGLOT_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what teaches a shell to complete commands, configurations, targets and tables.

    \b
    Examples:
      monoglot completion bash > ~/.local/share/bash-completion/completions/monoglot
      monoglot completion zsh > ~/.zfunc/_monoglot        # a folder in $fpath
      monoglot completion fish > ~/.config/fish/completions/monoglot.fish
      eval "$(monoglot completion bash)"                  # in this shell alone
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    # Not `source`, which runs bash to see how old it is.
    script = found(context.find_root().command, {}, "monoglot", VARIABLE)
    click.echo((script.source_template % script.source_vars()).strip())
