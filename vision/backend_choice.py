"""Which library runs a checkpoint's network on this machine, and in which precision."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from models.errors import CheckpointError
from models.export import openvino_model

from .backend_openvino import OpenVinoBackend, cpu_abilities
from .backend_torch import TorchBackend

if TYPE_CHECKING:
    from models.registry import Checkpoint

    from .backend import FlowingBackend
    from .detect import Device

Precision = Literal["auto", "f32", "half", "int8"]
"""What a network computes in: "half" is bfloat16 on a CPU and float16 on a GPU, "int8" the 8-bit
model that ships with some weights, on a CPU alone. "auto" takes the fastest that the machine has
and that finds the same."""

PRECISION_VARIABLE = "LASTSEEN_PRECISION"

_BYTE_DOT_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni", "avxvnniint8", "amx_int8"})
"""What Linux calls instructions that multiply and add bytes into 32 bits. Without them 8 bits gain
little, and sums of 16 bits can overflow."""


def load_backend(
    checkpoint: Checkpoint, device: Device, precision: Precision | None = None
) -> FlowingBackend:
    """Return what runs the checkpoint's network: CUDA where there is one, else OpenVINO or torch.

    Args:
        checkpoint: the weights.
        device: "auto" takes CUDA where there is one.
        precision: what to compute in; the environment's `LASTSEEN_PRECISION`, else "auto", if None.

    Raises:
        CheckpointError: if device or precision are asked for that are not there.
        ExportError: if the OpenVINO model cannot be made.
    """
    wanted = precision or precision_asked_for()
    if device != "cpu" and cuda_is_there():
        if wanted == "int8":
            raise CheckpointError("precision: int8 is for CPUs; on a GPU there are half and f32")
        return TorchBackend(checkpoint, "cuda", half=wanted != "f32")
    if device == "cuda":
        raise CheckpointError("device: CUDA was asked for, but this machine has no CUDA device")
    try:
        able = cpu_abilities()
    except ImportError:
        if wanted in ("half", "int8"):
            raise CheckpointError(f"precision: {wanted} needs the package openvino") from None
        return TorchBackend(checkpoint, "cpu")
    if wanted == "half" and "BF16" not in able:
        raise CheckpointError("precision: half: this CPU has no bfloat16; ask for f32 or auto")
    floats = "bf16" if "BF16" in able and wanted != "f32" else "f32"
    if wanted == "int8" and checkpoint.int8 is None:
        raise CheckpointError(
            f"precision: no 8-bit model ships with the weights {checkpoint.name!r}"
        )
    if checkpoint.int8 is not None and (
        wanted == "int8" or (wanted == "auto" and multiplies_bytes())
    ):
        return OpenVinoBackend(checkpoint.int8, floats, eight_bits=True)
    return OpenVinoBackend(openvino_model(checkpoint), floats)


def precision_asked_for() -> Precision:
    """Return the environment's `LASTSEEN_PRECISION`, "auto" where it is not set.

    Raises:
        CheckpointError: if it is no precision.
    """
    named = os.environ.get(PRECISION_VARIABLE, "").strip().lower() or "auto"
    for known in get_args(Precision):
        if named == known:
            return known  # type: ignore[no-any-return]
    raise CheckpointError(
        f"{PRECISION_VARIABLE}: {named!r} is no precision; there are "
        f"{', '.join(get_args(Precision))}"
    )


def cuda_is_there() -> bool:
    """Whether torch finds a CUDA device."""
    # Importing torch takes seconds and half a gigabyte; a machine without NVIDIA's driver has no
    # use for it.
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/dxg").exists():
        return False
    import torch  # noqa: PLC0415 - see above

    return bool(torch.cuda.is_available())


@cache
def multiplies_bytes(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this CPU has instructions for sums of products of bytes (VNNI, AMX)."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    return not _BYTE_DOT_PRODUCTS.isdisjoint(flags)
