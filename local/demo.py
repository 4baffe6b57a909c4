"""What `make run` plays once the stack is up, to show a newcomer what it does and where to look."""

from local.console import console
from local.outputs import Outputs


def play(outputs: Outputs) -> None:
    """Show the running stack.

    Args:
        outputs: Where everything is.
    """
    show_addresses(outputs)


def show_addresses(outputs: Outputs) -> None:
    """Print where everything is, never a secret."""
    console.print()
    console.print(f"  [bold]API[/bold]       {outputs.api_url}")
    console.print(f"  [bold]LinkedIn[/bold]  {outputs.linkedin_url}")
    console.print(f"  [bold]AWS[/bold]       {outputs.endpoint_url}  (region {outputs.region})")
    console.print(f"  [bold]Logs[/bold]      make logs, and {outputs.logs}")
    console.print("  [bold]Admin[/bold]     client id and secret are in .local/outputs.json")
    console.print()
