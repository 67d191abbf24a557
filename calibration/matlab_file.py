"""A matrix out of a MATLAB file.

Files up to version 7.2 are read by scipy. Version 7.3 is HDF5 behind 512 bytes of its own, which
scipy leaves to others; of HDF5 only what MATLAB writes for a small matrix of numbers is read here
(file format specification version 1.1: symbol table groups, object headers of version 1, compact
or contiguous layout), and anything else is refused by name.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from .errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_HDF5_AT: Final = 512
_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_ROOT_HEADER: Final = 64
_DATASPACE, _DATATYPE, _LAYOUT, _CONTINUATION = 0x01, 0x03, 0x08, 0x10
_FLOAT_CLASS: Final = 1
_COMPACT, _CONTIGUOUS = 0, 1
_LAYOUT_VERSION: Final = 3


def read_matrix(path: Path, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the one matrix of `shape` that a MATLAB file holds, whatever its name.

    Raises:
        SourceError: where the file cannot be read or holds no such matrix, or several.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
    if data[_HDF5_AT : _HDF5_AT + len(_SIGNATURE)] == _SIGNATURE:
        try:
            found = dict(_Hdf5(data).matrices())
        except (struct.error, ValueError, IndexError) as error:
            raise SourceError(f"{path}: is a damaged MATLAB 7.3 file: {error}") from error
    else:
        found = _older(path)
    fitting = [matrix for matrix in found.values() if matrix.shape == shape]
    if len(fitting) != 1:
        has = ", ".join(f"{name} {matrix.shape}" for name, matrix in found.items()) or "nothing"
        raise SourceError(f"{path}: expected one matrix of {shape[0]}x{shape[1]}, found {has}")
    return fitting[0]


def _older(path: Path) -> dict[str, NDArray[np.float64]]:
    try:
        variables = loadmat(path)
    except (MatReadError, ValueError, TypeError, NotImplementedError) as error:
        raise SourceError(f"{path}: is not a MATLAB file: {error}") from error
    return {
        name: np.asarray(value, np.float64)
        for name, value in variables.items()
        if not name.startswith("__") and np.issubdtype(np.asarray(value).dtype, np.number)
    }


@dataclass(frozen=True, slots=True)
class _Hdf5:
    """The bytes of a file whose addresses count from `_HDF5_AT`."""

    data: bytes

    def matrices(self) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Name and value of each matrix of numbers in the root group."""
        tree, heap = self._unpack("<QQ", _ROOT_HEADER + 16)
        for name, header in self._members(tree, self._unpack("<Q", heap + 24)[0]):
            matrix = self._matrix(header)
            if matrix is not None:
                yield name, matrix

    def _unpack(self, form: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(form, self.data, _HDF5_AT + at)

    def _bytes(self, at: int, size: int) -> bytes:
        return self.data[_HDF5_AT + at : _HDF5_AT + at + size]

    def _members(self, node: int, names: int) -> Iterator[tuple[str, int]]:
        """Name and object header of what a B-tree node of a group holds, in all its levels."""
        if self._bytes(node, 4) != b"TREE":
            raise ValueError("a group's index is missing")
        level, used = self._unpack("<BH", node + 5)
        for i in range(used):
            (child,) = self._unpack("<Q", node + 32 + 16 * i)
            if level:
                yield from self._members(child, names)
                continue
            for j in range(self._unpack("<H", child + 6)[0]):
                name_at, header = self._unpack("<QQ", child + 8 + 40 * j)
                start = _HDF5_AT + names + name_at
                yield self.data[start : self.data.index(0, start)].decode(), header

    def _messages(self, header: int) -> Iterator[tuple[int, int, int]]:
        """Kind, address and size of each message of an object."""
        (size,) = self._unpack("<I", header + 8)
        blocks = [(header + 16, size)]
        for begin, length in blocks:
            at = begin
            while at + 8 <= begin + length:
                kind, length_of = self._unpack("<HH", at)
                if kind == _CONTINUATION:
                    more, more_size = self._unpack("<QQ", at + 8)
                    blocks.append((more, more_size))
                yield kind, at + 8, length_of
                at += 8 + length_of

    def _matrix(self, header: int) -> NDArray[np.float64] | None:
        """The object's numbers, MATLAB's way round; None where it holds something else."""
        parts = {kind: at for kind, at, _ in self._messages(header)}
        if not {_DATASPACE, _DATATYPE, _LAYOUT} <= parts.keys():
            return None
        at = parts[_DATASPACE]
        version, rank = self._unpack("<BB", at)
        dims = self._unpack(f"<{rank}Q", at + (8 if version == 1 else 4))
        kind, order = self._unpack("<BB", parts[_DATATYPE])
        (size,) = self._unpack("<I", parts[_DATATYPE] + 4)
        if kind & 0x0F != _FLOAT_CLASS or order & 1 or size not in {4, 8}:
            return None
        numbers = np.frombuffer(self._values(parts[_LAYOUT]), f"<f{size}")
        # HDF5 counts rows first and MATLAB columns first, so the dimensions come reversed
        return numbers.reshape(dims).T.astype(np.float64)

    def _values(self, at: int) -> bytes:
        version, layout = self._unpack("<BB", at)
        if version == _LAYOUT_VERSION and layout == _COMPACT:
            return self._bytes(at + 4, self._unpack("<H", at + 2)[0])
        if version == _LAYOUT_VERSION and layout == _CONTIGUOUS:
            return self._bytes(*self._unpack("<QQ", at + 2))
        raise ValueError("its matrix is stored in pieces; save it with '-v7'")
