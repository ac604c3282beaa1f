"""What a paper's training would take, on hardware that you name. Nothing is run.

    python -m experiments.plan facenet --network NN1 --device-tflops 100 --devices 8
    python -m experiments.plan deepface --device-tflops 20 --efficiency 0.3
    python -m experiments.reproduce facenet --plan --device-tflops 100

Steps, arithmetic, memory, time, the input's speed and the disk, all from shapes and from the
assumptions that are printed beside them. Only `--compile` does work: it compiles the step for one
device's faces on this machine, and prints XLA's count of its memory.
"""

import math
import sys
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.table import Table

from experiments import plan_runs
from experiments.plan_runs import DType, Run

JPEG_SHARE = 0.1
"""Bytes of a JPEG, as a share of its pixels' bytes: LFW's files are near that."""
PLANNED = ("deepface", "facenet")
"""The rows whose paper trained for weeks."""


@dataclass(frozen=True)
class Hardware:
    """The machine that is planned for."""

    device_tflops: float | None = None
    """Peak of one device in 10^12 floating-point operations a second, as its maker states it for
    --dtype. Without it no time is estimated."""
    devices: int = 1
    """Alike, each with all the weights and its part of every batch."""
    efficiency: float = 0.4
    """Share of the peak that training reaches: assumed, never measured here. Convolutions in
    float32 often stay below it."""


@dataclass(frozen=True)
class Plan:
    """What a paper's training would take; nothing is run."""

    row: Annotated[Literal["deepface", "facenet"], tyro.conf.Positional]
    """Whose training."""
    hardware: Annotated[Hardware, tyro.conf.arg(name="")] = Hardware()
    """The machine."""
    network: Literal["NN1", "NN2", "NN3", "NN4"] = "NN1"
    """Of FaceNet."""
    images: int | None = None
    """Of the training set, instead of the paper's."""
    epochs: float | None = None
    """Instead of the paper's, or where it gives none, of the recipe's."""
    batch: int | None = None
    """Faces, on all devices together, instead of the paper's."""
    pieces: int = 1
    """That each device computes its part of a batch in, to save memory."""
    dtype: DType = "float32"
    """Of activations and products."""
    compile: bool = False
    """Also compile the step here (a minute or more), for XLA's count of its memory."""


@dataclass(frozen=True)
class Estimate:
    """A run on a machine."""

    faces_at_a_time: int
    """On a device."""
    device_bytes: int
    """Weights, optimizer, averages, gradient, activations, and the faces themselves."""
    activation_bytes: int
    seconds: float | None
    """Of the whole training; None where no device was named."""
    faces_per_second: float | None
    """That the input has to bring."""
    disk_bytes: float
    """Of the training set as JPEGs of the network's size."""


def estimate(run: Run, hardware: Hardware) -> Estimate:
    """Memory, time, input and disk.

    Raises:
      ValueError: no such hardware, or a batch that cannot be split evenly over devices and pieces.
    """
    peak = hardware.device_tflops
    if hardware.devices < 1 or not 0 < hardware.efficiency <= 1 or not (peak is None or peak > 0):
        raise ValueError(
            f"{hardware.devices} devices of {peak} TFLOP/s at an efficiency of "
            f"{hardware.efficiency}; wanted one device or more, a peak above zero, and an "
            "efficiency above 0, at most 1"
        )
    parts = hardware.devices * run.pieces
    if run.batch % parts:
        raise ValueError(
            f"a batch of {run.batch} cannot be split evenly over {hardware.devices} devices in "
            f"{run.pieces} pieces each; wanted a divisor of the batch"
        )
    at_a_time = run.batch // parts
    activations = at_a_time * run.kept_bytes
    faces = run.batch // hardware.devices * run.side**2 * 3
    seconds = None
    if peak is not None:
        speed = hardware.devices * peak * 1e12 * hardware.efficiency
        seconds = run.operations / speed
    return Estimate(
        faces_at_a_time=at_a_time,
        device_bytes=run.state_bytes + run.weight_bytes + activations + faces,
        activation_bytes=activations,
        seconds=seconds,
        faces_per_second=None if seconds is None else run.faces / seconds,
        disk_bytes=run.images * run.side**2 * 3 * JPEG_SHARE,
    )


def lines(run: Run, hardware: Hardware, found: Estimate) -> list[tuple[str, str]]:
    """What is printed: a name and its value, a line each."""
    gib, unknown = 2**30, "name --device-tflops"
    time, speed = unknown, unknown
    if found.seconds is not None and found.faces_per_second is not None:
        days = found.seconds / 86400
        time = f"{days:,.1f} days" if days >= 1 else f"{24 * days:,.1f} hours"
        speed = f"{found.faces_per_second:,.0f} faces/s"
    return [
        ("training set", f"{run.images:,} faces of {run.side} x {run.side} pixels"),
        ("epochs", f"{run.epochs:g}"),
        ("steps", f"{run.steps:,} of {run.batch:,} faces"),
        ("parameters", f"{run.parameters:,}"),
        ("multiply-adds a face, forward", f"{run.multiply_adds:,}"),
        ("operations, in all", f"{run.operations:.3g}"),
        ("faces at a time, on a device", f"{found.faces_at_a_time:,}"),
        ("memory a device", f"{found.device_bytes / gib:.2f} GiB"),
        ("  weights, optimizer, averages", f"{run.state_bytes / gib:.2f} GiB"),
        ("  gradient", f"{run.weight_bytes / gib:.2f} GiB"),
        ("  activations", f"{found.activation_bytes / gib:.2f} GiB"),
        ("time", time),
        ("input needed", speed),
        ("disk, as JPEGs", f"{found.disk_bytes / 1e9:,.0f} GB"),
    ]


def assumptions(run: Run, hardware: Hardware) -> list[str]:
    """What the numbers rest on."""
    peak = hardware.device_tflops
    machine = f"{hardware.devices} x {peak:g} TFLOP/s" if peak else f"{hardware.devices} x ?"
    again = "" if run.passes == 3 else " and one more, since pieces are embedded twice"
    return [
        f"Time: {run.operations:.3g} operations / ({machine} x {hardware.efficiency:g}). Peak and "
        "efficiency are what was named; neither was measured. Reading faces, sending gradients "
        "and waiting are not counted.",
        f"Operations: a multiply-add is two; a training step is three forward passes{again}. "
        "Pooling, normalization and the loss are not counted.",
        "Activations: all that JAX keeps of the forward pass for the gradient, counted from "
        "shapes before XLA fuses or reuses anything; a compiled step mostly keeps less, but needs "
        "some room to work in, which is not counted.",
        f"Disk: JPEGs at the network's size, {JPEG_SHARE:.0%} of their pixels' bytes.",
        *run.notes,
    ]


def compiled_bytes(run: Run, faces: int) -> dict[str, int]:
    """XLA's count for the step on so many faces, compiled for this machine's devices."""
    memory = run.step(faces).compile().memory_analysis()
    return {"arguments": memory.argument_size_in_bytes, "temporaries": memory.temp_size_in_bytes}


def show(options: Plan, console: Console) -> None:
    """Print the plan.

    Raises:
      ValueError: values out of their range.
    """
    sizes = {"images": options.images, "epochs": options.epochs, "batch": options.batch,
             "pieces": options.pieces}  # fmt: skip
    if bad := [name for name, value in sizes.items() if value is not None and not value > 0]:
        raise ValueError(f"--{bad[0]} is {sizes[bad[0]]}; wanted a number above zero")
    common = {**sizes, "dtype": options.dtype}
    if options.row == "facenet":
        run = plan_runs.facenet(options.network, **common)
    else:
        run = plan_runs.deepface(**common)
    found = estimate(run, options.hardware)
    table = Table(
        title=f"{run.title}: the paper's training, planned and not run", show_header=False
    )
    table.add_column()
    table.add_column(justify="right")
    for name, value in lines(run, options.hardware, found):
        table.add_row(name, value)
    if options.compile:
        device = math.ceil(run.batch / options.hardware.devices)
        with console.status("compiling the step"):
            counts = compiled_bytes(run, device)
        for name, value in counts.items():
            table.add_row(f"XLA here, in one piece: {name}", f"{value / 2**30:.2f} GiB")
    console.print(table)
    for number, text in enumerate(assumptions(run, options.hardware), start=1):
        console.print(f"{number}. {text}", highlight=False, markup=False, soft_wrap=True)
    console.print("To start it:", highlight=False)
    console.print(f"  {run.command}", highlight=False, markup=False, soft_wrap=True)


def main(options: Plan) -> int:
    """Print the plan; returns the exit code."""
    try:
        show(options, Console())
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Plan, description=__doc__)))
