# SPDX-License-Identifier: GPL-2.0
"""`tquic completion`: have a shell complete the words of this command."""

from __future__ import annotations

import click

from .completion import SHELLS, script


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print what SHELL reads to complete words of `tquic`: commands, options, and names and numbers
    that the kernel knows.

    \b
    bash:  tquic completion bash > /etc/bash_completion.d/tquic
    fish:  tquic completion fish > ~/.config/fish/completions/tquic.fish
    zsh:   tquic completion zsh > /usr/local/share/zsh/site-functions/_tquic
    """
    click.echo(script(shell, context.find_root().command), nl=False)
