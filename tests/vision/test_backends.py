"""Pictures on their way through a backend: order, buffers that are used again, many callers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

import vision.backend_openvino
from models.errors import CheckpointError
from models.registry import Checkpoint, find_checkpoint
from vision import backend_choice
from vision.backend import Fitted, stacked
from vision.backend_choice import load_backend, multiplies_bytes, precision_asked_for
from vision.backend_cuda import same_answer
from vision.backend_openvino import OpenVinoBackend
from vision.backend_torch import TorchBackend, cut, fitting
from vision.letterbox import Letterbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from vision.backend import Answers

SIZE_PX = (64, 36)
FIT = Letterbox.of(SIZE_PX, 64)
NO_WEIGHTS = Checkpoint(
    "none", find_checkpoint().path, "0" * 64, ("a",), {"a": 0.5}, 64, "CC0", None
)


def pictures(*values: int) -> list[Fitted]:
    """Pictures of one grey each, by which their outputs are told apart."""
    return [Fitted(np.full((36, 64, 3), value, np.uint8), FIT) for value in values]


def greys(answers: Answers) -> list[int]:
    """What the outputs say of the pictures, in the order of the pictures."""
    told: dict[int, int] = {}

    def take(row: int, output: NDArray[np.float32]) -> None:
        told[row] = round(float(output[0, 0]))

    answers.read(take)
    assert list(told) == list(range(len(told)))
    return list(told.values())


class EchoSlot:
    """Says of each picture the grey in its middle, when it is asked, not before."""

    def __init__(self, batch: int, height_px: int, width_px: int) -> None:
        self.inputs = np.zeros((batch, height_px, width_px, 3), np.uint8)
        self.starts = 0
        self._seen = np.zeros((batch, 1, 1), np.float32)

    def start(self) -> None:
        self.starts += 1
        self._seen = self.inputs[:, self.inputs.shape[1] // 2, :1, :1].astype(np.float32)

    def outputs(self) -> NDArray[np.float32]:
        return self._seen


class Echo:
    """A torch backend whose slots echo, and what slots it made."""

    def __init__(self, slots: int = 2) -> None:
        self.made: list[tuple[int, list[EchoSlot]]] = []
        self._slots = slots
        self.backend = TorchBackend(NO_WEIGHTS, "cpu", make_slots=self._make)

    def _make(self, batch: int, height_px: int, width_px: int) -> Sequence[EchoSlot]:
        slots = [EchoSlot(batch, height_px, width_px) for _ in range(self._slots)]
        self.made.append((batch, slots))
        return slots


@pytest.mark.parametrize(
    ("wanted", "batches"),
    [
        pytest.param(0, [], id="none"),
        pytest.param(3, [3], id="one-part"),
        pytest.param(8, [8], id="just-full"),
        pytest.param(21, [8, 8, 5], id="cut-up"),
    ],
)
def test_batches_are_cut(wanted: int, batches: list[int]) -> None:
    assert cut(wanted, (1, 2, 4, 8)) == batches


def test_batches_are_filled_up_to_sizes_that_are_captured_once() -> None:
    echo = Echo()
    for count in (3, 4, 3, 1, 8, 11):
        assert greys(echo.backend.start(pictures(*range(count)))) == list(range(count))
    assert [batch for batch, _ in echo.made] == [4, 1, 8]
    assert fitting(3, (1, 2, 4, 8)) == 4


def test_more_batches_than_slots_may_be_under_way() -> None:
    echo = Echo(slots=2)
    answers = [echo.backend.start(pictures(number, number + 100)) for number in range(9)]
    for number in (8, 0, 5, 1, 2, 3, 4, 6, 7):
        assert greys(answers[number]) == [number, number + 100]


def test_outputs_are_read_once() -> None:
    answers = Echo().backend.start(pictures(1))
    assert greys(answers) == [1]
    with pytest.raises(ValueError, match="read before"):
        greys(answers)


def test_a_slot_is_given_back_where_a_picture_cannot_be_written() -> None:
    echo = Echo(slots=1)
    wrong = [Fitted(np.zeros((10, 10, 3), np.uint8), FIT)]
    for _ in range(3):
        with pytest.raises(ValueError, match="broadcast"):
            echo.backend.start(wrong)
    assert greys(echo.backend.start(pictures(7))) == [7]


def test_a_slot_keeps_its_grey_frame_for_the_same_fit_alone() -> None:
    """Pictures of one input shape need not lie in it alike."""
    flat, high = Letterbox.of((64, 36), 64), Letterbox.of((64, 44), 64)
    assert flat.input_px == high.input_px == (64, 64)
    echo = Echo(slots=1)
    for fit, grey in ((flat, 10), (high, 20), (flat, 30), (flat, 40)):
        image = np.full((fit.source_px[1], fit.source_px[0], 3), grey, np.uint8)
        assert greys(echo.backend.start([Fitted(image, fit)])) == [grey]
        np.testing.assert_array_equal(echo.made[0][1][0].inputs[0], fit.fill(image))


def test_many_threads_share_a_backend() -> None:
    echo = Echo(slots=2)
    wrong: list[int] = []

    def ask(first: int) -> None:
        for number in range(first, first + 40):
            answers = [echo.backend.start(pictures(number, 99)) for _ in range(3)]
            if any(greys(one) != [number, 99] for one in answers):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(start,)) for start in (0, 50, 100, 150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)


@pytest.fixture(scope="module")
def openvino_backend(tmp_path_factory: pytest.TempPathFactory) -> OpenVinoBackend:
    """OpenVINO on a network that says the mean of each picture, in percent of white."""
    openvino = pytest.importorskip("openvino", reason="OpenVINO is not installed")
    from openvino import opset13 as op

    planes = op.parameter([-1, 3, -1, -1], np.float32)
    mean = op.reduce_mean(planes, op.constant([1, 2, 3]), keep_dims=False)
    said = op.reshape(
        op.multiply(mean, op.constant(np.float32(100))), op.constant([-1, 1, 1]), False
    )
    file = tmp_path_factory.mktemp("mean") / "mean.xml"
    openvino.save_model(openvino.Model([said], [planes]), file, compress_to_fp16=False)
    return OpenVinoBackend(file, "f32")


def percent(value: int) -> int:
    """What the network says of a picture of one grey, its frame included."""
    return round(100 * float(FIT.fill(np.full((36, 64, 3), value, np.uint8)).mean()) / 255)


def test_openvino_keeps_the_order_and_takes_more_than_it_has_requests(
    openvino_backend: OpenVinoBackend,
) -> None:
    values = [number % 250 for number in range(0, 900, 9)]
    assert len(values) > 3 * vision.backend_openvino.FEWEST_REQUESTS
    first = openvino_backend.start(pictures(*values))
    second = openvino_backend.start(pictures(*reversed(values)))
    assert greys(second) == [percent(value) for value in reversed(values)]
    assert greys(first) == [percent(value) for value in values]


def test_openvino_takes_many_callers(openvino_backend: OpenVinoBackend) -> None:
    wrong: list[int] = []

    def ask(value: int) -> None:
        for _ in range(10):
            answers = [openvino_backend.start(pictures(*[value] * 12)) for _ in range(3)]
            if any(greys(one) != [percent(value)] * 12 for one in answers):
                wrong.append(value)

    threads = [threading.Thread(target=ask, args=(value,)) for value in (10, 90, 170, 250)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)


def test_openvino_answers_a_stack_as_it_answers_a_flow(openvino_backend: OpenVinoBackend) -> None:
    some = pictures(0, 80, 255)
    flowed: list[NDArray[np.float32]] = []
    openvino_backend.start(some).read(lambda _, output: flowed.append(output.copy()))
    np.testing.assert_array_equal(openvino_backend.scores(stacked(some)), np.stack(flowed))


@pytest.mark.parametrize(
    ("score", "moved_px", "same"),
    [
        pytest.param(0.0, 0.0, True, id="the-same"),
        pytest.param(0.004, 0.4, True, id="rounded-otherwise"),
        pytest.param(0.01, 0.0, False, id="another-score"),
        pytest.param(0.0, 2.0, False, id="another-place"),
    ],
)
def test_whether_a_captured_graph_answers_the_same(
    score: float, moved_px: float, same: bool
) -> None:
    wanted = np.zeros((2, 6, 30), np.float32)
    wanted[0, :, 3] = (10, 10, 5, 5, 0.8, 0.0)
    got = wanted.copy()
    got[0, 4, 3] += score
    got[0, 0, 3] += moved_px
    got[0, 0, 9] += 50  # a box of which both say that nothing is there
    assert same_answer(wanted, got) == same


@pytest.mark.gpu
@pytest.mark.parametrize(("half", "score"), [(False, 0.002), (True, 0.02)])
def test_cuda_answers_as_the_cpu_does_with_many_batches_under_way(half: bool, score: float) -> None:
    chance = np.random.default_rng(3)
    sets = [
        [Fitted(chance.integers(0, 256, (360, 640, 3), np.uint8), Letterbox.of((640, 360), 640))]
        * n
        for n in (1, 3, 8, 3, 1, 5)
    ]
    checkpoint = find_checkpoint()
    cpu = TorchBackend(checkpoint, "cpu")
    cuda = TorchBackend(checkpoint, "cuda", half=half)
    under_way = [cuda.start(some) for some in sets]
    for some, answers in zip(sets, under_way, strict=True):
        wanted: list[NDArray[np.float32]] = []
        got: list[NDArray[np.float32]] = []
        cpu.start(some).read(lambda _, output, to=wanted: to.append(output.copy()))  # type: ignore[misc]
        answers.read(lambda _, output, to=got: to.append(output.copy()))  # type: ignore[misc]
        assert len(got) == len(some)
        assert np.abs(np.stack(got)[:, 4:] - np.stack(wanted)[:, 4:]).max() < score


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        pytest.param("fpu sse4_2 avx512f avx512_vnni", True, id="vnni"),
        pytest.param("fpu avx2 avx_vnni", True, id="vnni-of-256-bits"),
        pytest.param("fpu sse4_2 avx2", False, id="none"),
    ],
)
def test_which_cpus_multiply_bytes(flags: str, told: bool, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"model name\t: x\nflags\t\t: {flags}\n", encoding="utf-8")
    assert multiplies_bytes(cpuinfo) == told
    assert not multiplies_bytes(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("able", "bytes_", "asked", "has", "runs"),
    [
        pytest.param({"FP32", "BF16"}, True, "auto", True, "openvino-cpu-int8-bf16", id="all"),
        pytest.param({"FP32", "BF16"}, False, "auto", True, "openvino-cpu-bf16", id="no-vnni"),
        pytest.param({"FP32", "BF16"}, True, "auto", False, "openvino-cpu-bf16", id="none-ships"),
        pytest.param({"FP32"}, True, "auto", True, "openvino-cpu-int8-f32", id="no-bfloat16"),
        pytest.param({"FP32", "BF16"}, True, "half", True, "openvino-cpu-bf16", id="half"),
        pytest.param({"FP32", "BF16"}, True, "f32", True, "openvino-cpu-f32", id="single"),
        pytest.param({"FP32"}, False, "int8", True, "openvino-cpu-int8-f32", id="int8-as-told"),
        pytest.param({"FP32"}, True, "int8", False, "no 8-bit model", id="int8-that-is-not-there"),
        pytest.param({"FP32"}, True, "half", True, "no bfloat16", id="half-that-is-not-there"),
    ],
)
def test_what_is_computed_in(
    able: set[str],
    bytes_: bool,
    asked: backend_choice.Precision,
    has: bool,
    runs: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(backend_choice, "cpu_abilities", lambda: frozenset(able))
    monkeypatch.setattr(backend_choice, "multiplies_bytes", lambda: bytes_)
    monkeypatch.setattr(backend_choice, "openvino_model", lambda _: tmp_path / "model.xml")
    model = tmp_path / "int8.xml" if has else None
    checkpoint = Checkpoint("w", tmp_path, "0" * 64, ("a",), {}, 64, "CC0", None, model)
    if runs.startswith("openvino"):
        assert load_backend(checkpoint, "cpu", asked).name == runs
    else:
        with pytest.raises(CheckpointError, match=runs):
            load_backend(checkpoint, "cpu", asked)


def test_the_environment_may_name_the_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LASTSEEN_PRECISION", raising=False)
    assert precision_asked_for() == "auto"
    monkeypatch.setenv("LASTSEEN_PRECISION", "F32")
    assert precision_asked_for() == "f32"
    monkeypatch.setenv("LASTSEEN_PRECISION", "int4")
    with pytest.raises(CheckpointError, match="LASTSEEN_PRECISION: 'int4' is no precision; there"):
        precision_asked_for()
