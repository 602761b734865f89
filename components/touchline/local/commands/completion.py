"""`touchline completion`."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands and options in your shell.

    \b
    Examples:
      touchline completion bash >> ~/.bashrc
      touchline completion zsh  >> ~/.zshrc
      touchline completion fish > ~/.config/fish/completions/touchline.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = ctx.find_root()
    click.echo(kind(root.command, {}, "touchline", "_TOUCHLINE_COMPLETE").source())
