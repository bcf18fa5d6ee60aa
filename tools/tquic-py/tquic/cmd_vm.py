# SPDX-License-Identifier: GPL-2.0
"""`tquic vm`: run commands, shells and the integration tests in a virtual machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from . import integration, iproute, kernels, machine, modbuild, vm
from .console import Ticker

_kernel = click.option(
    "--kernel", type=click.Choice(kernels.KINDS), default="stock", show_default=True
)
_cpus = click.option("--cpus", type=click.IntRange(1, 8), default=2, show_default=True)
_mem = click.option("--mem", default="2G", show_default=True, help="Guest memory, for example 2G.")


@click.group()
def group() -> None:
    """Run things in a virtual machine on a test kernel."""


@group.command()
@_kernel
@click.option(
    "--clock",
    type=click.Choice(machine.CLOCKS),
    default="real",
    show_default=True,
    help="virtual: one CPU, one instruction per nanosecond, repeatable.",
)
@_cpus
@_mem
@click.option("--timeout", default=vm.DEFAULT_TIMEOUT_S, show_default=True, help="Host seconds.")
@click.option("--name", default="run", show_default=True, help="Names the results directory.")
@click.option("--load", is_flag=True, help="Build tquic.ko and insert it before the command.")
@click.argument("cmd", nargs=-1, required=True)
def run(
    kernel: kernels.Kind,
    clock: machine.Clock,
    cpus: int,
    mem: str,
    timeout: float,
    name: str,
    load: bool,
    cmd: tuple[str, ...],
) -> None:
    """Run CMD in the guest, show its output, and fail if the kernel complains."""
    with Ticker() as ticker:
        module = modbuild.build(kernels.get(kernel, ticker.say)) if load else None
        result = vm.run(
            cmd,
            kernel=kernel,
            clock=clock,
            cpus=cpus,
            memory=mem,
            timeout_s=timeout,
            name=name,
            module=module,
            progress=ticker.update,
        )
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    click.echo(result.verdict(), err=True)
    if result.exit_code:
        sys.exit(result.exit_code)
    sys.exit(0 if result.ok else 1)


@group.command()
@_kernel
@_cpus
@_mem
def shell(kernel: kernels.Kind, cpus: int, mem: str) -> None:
    """Open a root shell in the guest."""
    sys.exit(vm.shell(kernel, cpus, mem))


@group.command(context_settings={"ignore_unknown_options": True})
@_kernel
@click.option("--timeout", type=float, help="Host seconds, if not as many as all tests need.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def test(kernel: kernels.Kind, timeout: float | None, pytest_args: tuple[str, ...]) -> None:
    """Run the integration tests in the guest with pytest; PYTEST_ARGS go to pytest."""
    with Ticker() as ticker:
        outcome = integration.run(kernel, pytest_args, ticker.update, timeout)
    click.echo(outcome.report())
    sys.exit(0 if outcome.ok else 1)


@group.command()
@click.argument("kind", nargs=-1, type=click.Choice(kernels.KINDS))
def prepare(kind: tuple[kernels.Kind, ...]) -> None:
    """Fetch or build the test kernels into the cache (all without KIND), and the source of ss."""
    for wanted in kind or kernels.KINDS:
        kernel = kernels.get(wanted, click.echo)
        click.echo(f"{kernel.kind}: {kernel.release}, {kernel.image}")
    click.echo(f"iproute2: {iproute.fetch(click.echo) or 'no source'}")


@group.command()
@_kernel
@click.option("--kunit", is_flag=True, help="Include the KUnit suites.")
@click.option("--sparse", is_flag=True, help="Check every file with sparse while building.")
def module(kernel: kernels.Kind, kunit: bool, sparse: bool) -> None:
    """Build tquic.ko and tquic_diag.ko for a test kernel and print the path of the first."""
    path: Path = modbuild.build(kernels.get(kernel), kunit=kunit, sparse=sparse)
    click.echo(path)
