"""A matrix comes out of MATLAB files of both kinds, and damage is named."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.io import savemat

from calibration.errors import SourceError
from calibration.matlab_file import read_matrix

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MATRIX = np.arange(12, dtype=np.float64).reshape(3, 4) / 7


def version_73(matrix: NDArray[np.float64], layout: int) -> bytes:
    """A file as MATLAB -v7.3 writes it: one matrix in the root group."""
    numbers = matrix.T.astype("<f8").tobytes()
    data_at = 1000
    dims = struct.pack("<BBB5xQQ", 1, 2, 0, *matrix.T.shape)
    kind = struct.pack("<BBBBI12x", 0x11, 0x20, 0x3F, 0, 8)
    where = {
        0: struct.pack("<BBH", 3, 0, len(numbers)) + numbers,
        1: struct.pack("<BBQQ6x", 3, 1, data_at, len(numbers)),
        2: struct.pack("<BB14x", 3, 2),
    }[layout]
    where += b"\0" * (-len(where) % 8)
    messages = b"".join(
        struct.pack("<HHB3x", code, len(body), 0) + body
        for code, body in ((1, dims), (3, kind), (8, where))
    )
    header = struct.pack("<BBHII4x", 1, 0, 3, 1, len(messages)) + messages
    body = bytearray(1200)

    def put(at: int, part: bytes) -> None:
        body[at : at + len(part)] = part

    put(0, b"\x89HDF\r\n\x1a\n")
    put(64 + 16, struct.pack("<QQ", 200, 300))
    put(200, b"TREE" + struct.pack("<BBH", 0, 0, 1) + b"\xff" * 16 + struct.pack("<QQQ", 0, 400, 8))
    put(300, b"HEAP" + struct.pack("<B3xQQQ", 0, 16, 0, 340))
    put(340 + 8, b"camera\0")
    put(400, b"SNOD" + struct.pack("<BBH", 1, 0, 1) + struct.pack("<QQ", 8, 480))
    put(480, header)
    put(data_at, numbers)
    return b"MATLAB 7.3 MAT-file".ljust(512, b" ") + bytes(body)


@pytest.mark.parametrize("layout", [0, 1])
def test_version_7_3_is_read_compact_and_contiguous(tmp_path: Path, layout: int) -> None:
    (tmp_path / "p.mat").write_bytes(version_73(MATRIX, layout))
    assert np.array_equal(read_matrix(tmp_path / "p.mat", (3, 4)), MATRIX)


def test_older_versions_are_read_whatever_the_name(tmp_path: Path) -> None:
    savemat(tmp_path / "p.mat", {"P1": MATRIX, "note": "of a camera"})
    assert np.array_equal(read_matrix(tmp_path / "p.mat", (3, 4)), MATRIX)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (version_73(MATRIX, 2), "is a damaged MATLAB 7.3 file: its matrix is stored in pieces"),
        (version_73(MATRIX, 0)[:700], "is a damaged MATLAB 7.3 file"),
        (version_73(MATRIX[:, :3], 0), r"expected one matrix of 3x4, found camera \(3, 3\)"),
        (b"P = [1 2 3]", "is not a MATLAB file"),
        (None, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "p.mat"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        read_matrix(path, (3, 4))
    assert str(path) in str(caught.value)
