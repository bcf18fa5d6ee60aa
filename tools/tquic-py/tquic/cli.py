# SPDX-License-Identifier: GPL-2.0
"""The `tquic` command: sub-commands are loaded only when they are used."""

from __future__ import annotations

import importlib
import sys
from typing import cast

import click
from click.shell_completion import CompletionItem

from . import __version__

# name on the command line -> (module of this package, attribute, one line of help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "agent": ("cmd_agent", "command", "Do the TLS handshakes of plain sockets."),
    "bench": ("cmd_bench", "command", "Measure beside kernel MPTCP over the same links."),
    "codegen": ("cmd_codegen", "command", "Make files of the source tree from their specs."),
    "completion": ("cmd_completion", "command", "Have a shell complete words of this command."),
    "conn": ("cmd_conn", "group", "See and change the connections of this network namespace."),
    "doctor": ("cmd_doctor", "command", "Say what is wrong on this host and what mends it."),
    "demo": ("cmd_demo", "command", "Move a file over two links and cut one of them midway."),
    "endpoint": ("cmd_endpoint", "group", "Have the kernel open paths of clients by itself."),
    "get": ("cmd_get", "command", "Fetch files from a server, over one path or several."),
    "interop": ("cmd_interop", "group", "Run interop cases with other implementations."),
    "kunit": ("cmd_kunit", "group", "List and run the kernel's unit tests."),
    "limits": ("cmd_limits", "group", "See and change how many paths the kernel opens."),
    "module": ("cmd_module", "group", "See what the module's file holds."),
    "monitor": ("cmd_monitor", "command", "Print events of connections and paths."),
    "mutants": ("cmd_mutants", "command", "Put small faults into the engine and test the tests."),
    "path": ("cmd_path", "group", "See, add, change and remove paths of connections."),
    "perf": ("cmd_perf", "group", "Measure throughput between two hosts."),
    "sched": ("cmd_sched", "group", "List schedulers and congestion controls."),
    "serve": ("cmd_serve", "command", "Offer the files of a directory."),
    "sim": ("cmd_sim", "group", "Run the protocol engine over simulated links."),
    "soak": ("cmd_soak", "command", "Trouble the module for hours of virtual time."),
    "ss": ("cmd_ss", "command", "Show TQUIC sockets as ss does, or end connections."),
    "sysctl": ("cmd_sysctl", "group", "See and change the defaults of a network namespace."),
    "top": ("cmd_top", "command", "Watch what paths carry, on a full screen."),
    "trace": ("cmd_trace", "group", "Watch connections packet by packet, by tracepoints."),
    "vm": ("cmd_vm", "group", "Run things in a virtual machine on a test kernel."),
}


class LazyGroup(click.Group):
    """A group whose members are imported on first use, so that start-up stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order `--help` shows them."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the named sub-command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        found = importlib.import_module(f"{__package__}.{module}")
        return cast(click.Command, getattr(found, attribute))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer sub-commands without importing them, and options of the group."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        items = [CompletionItem(name, help=COMMANDS[name][2]) for name in names]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of sub-commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in self.list_commands(ctx)])


@click.command(cls=LazyGroup)
@click.version_option(__version__)
def root() -> None:
    """Control, watch, test and measure the TQUIC kernel transport."""


def main() -> None:
    """Run the command line; errors a person can mend are told in one line, without a traceback."""
    try:
        root()
    except (OSError, RuntimeError) as err:
        click.echo(f"tquic: {err}", err=True)
        sys.exit(1)
