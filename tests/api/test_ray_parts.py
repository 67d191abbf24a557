"""What workers in a cluster are made of: places, numbered messages, what is said of failures."""

from __future__ import annotations

import pickle
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from api.drill_files import DrillFeed
from api.errors import RayError
from api.ray_actor import MOST_WAITING, MailToRun, Outbox
from api.ray_cluster import connect, why_lost
from api.ray_places import Place, emptiest_first, places_of
from api.ray_worker import RayWorkers
from api.worker_messages import Attend, CameraJob, Engine, Ready, Watch
from vision.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path


def node(name: str, *, alive: bool = True, **resources: float) -> dict[str, Any]:
    return {
        "NodeID": f"id-{name}",
        "Alive": alive,
        "NodeName": name,
        "NodeManagerHostname": "host",
        "NodeManagerAddress": "10.0.0.5",
        "Resources": resources,
    }


@pytest.mark.parametrize(
    ("nodes", "gpus", "expected", "why"),
    [
        ([node("a", CPU=8.0)], True, ["a"], "without a GPU a node is a place"),
        ([node("a", CPU=0.0), node("b", CPU=2.0)], True, ["b"], "a head of no processors is none"),
        ([node("a", CPU=8.0, GPU=2.0)], True, ["a (GPU 0)", "a (GPU 1)"], "each GPU is one"),
        ([node("a", CPU=8.0, GPU=1.0), node("b", CPU=8.0)], True, ["a (GPU 0)"], "GPUs alone"),
        ([node("a", CPU=8.0, GPU=1.0), node("b", CPU=8.0)], False, ["a", "b"], "but not asked for"),
        ([node("a", CPU=8.0, alive=False)], True, [], "a node that is gone is none"),
        ([node("10.0.0.5", CPU=1.0)], True, ["host"], "an address is no name"),
        ([], True, [], "nothing"),
    ],
)
def test_places(nodes: list[dict[str, Any]], gpus: bool, expected: list[str], why: str) -> None:
    assert [str(place) for place in places_of(nodes, gpus=gpus)] == expected, why


def test_workers_of_a_run_are_apart_and_those_of_others_fill_up_evenly() -> None:
    a, b = Place("1", "a", None), Place("2", "b", None)
    assert emptiest_first([a, b], [], "r0") == [(a, "r0/1.cpu"), (b, "r0/2.cpu")]
    assert emptiest_first([a, b], ["r0/1.cpu"], "r0") == [(b, "r0/2.cpu")]
    assert emptiest_first([a, b], ["r0/1.cpu"], "r1") == [(b, "r1/2.cpu"), (a, "r1/1.cpu")]
    assert emptiest_first([a], ["r0/1.cpu"], "r0") == [], "its successor waits for a node"


def test_two_incidents_get_rounds_of_their_own_and_a_lost_worker_a_successor() -> None:
    make = RayWorkers("10.0.0.5:6379", 2)
    one, two, three = (make(Engine()) for _ in range(3))
    assert one.round == two.round != three.round
    two.stop()
    four = make(Engine())
    assert four.round == one.round
    for worker in (one, three, four):
        worker.stop()


def test_fetching_again_gives_the_same_and_what_has_arrived_is_let_go_of() -> None:
    box = Outbox()
    for text in (b"a", b"b", b"c"):
        box.put(text)
    assert box.fetch(0, 0.0) == ([b"a", b"b", b"c"], False)
    assert box.fetch(0, 0.0) == ([b"a", b"b", b"c"], False), "the answer was lost on its way"
    assert box.fetch(2, 0.0) == ([b"c"], False)
    box.close()
    assert box.fetch(2, 0.0) == ([b"c"], True)
    assert box.fetch(3, 0.0) == ([], True)
    with pytest.raises(BrokenPipeError):
        box.put(b"d")


def test_a_batch_stays_small_and_one_large_message_still_comes() -> None:
    box = Outbox()
    large = bytes(50_000)
    for _ in range(3):
        box.put(large)
    assert [len(batch) for batch in (box.fetch(0, 0.0)[0], box.fetch(1, 0.0)[0])] == [1, 1]
    box = Outbox()
    box.put(bytes(200_000))
    assert len(box.fetch(0, 0.0)[0]) == 1


def test_whoever_speaks_waits_while_nobody_listens() -> None:
    box = Outbox()
    said: list[int] = []

    def speak() -> None:
        for number in range(MOST_WAITING + 50):
            box.put(b"x")
            said.append(number)

    speaking = threading.Thread(target=speak)
    speaking.start()
    time.sleep(0.2)
    assert len(said) == MOST_WAITING
    number = 0
    while number < MOST_WAITING + 50:
        number += len(box.fetch(number, 1.0)[0])
    speaking.join(5.0)
    assert len(said) == MOST_WAITING + 50


def test_what_the_run_says_twice_is_heard_once() -> None:
    mail = MailToRun("node-b")
    told = [pickle.dumps(Attend({str(number): 1.0})) for number in range(4)]
    mail.hear(0, told[:2])
    mail.hear(0, told[:3])
    mail.hear(3, told[3:])
    mail.hear(3, told[3:])
    heard = [message.fps for message in mail.waiting() if isinstance(message, Attend)]
    assert heard == [{"0": 1.0}, {"1": 1.0}, {"2": 1.0}, {"3": 1.0}]


def test_ready_says_where() -> None:
    mail = MailToRun("node-b (GPU 1)")
    mail.send(Ready("cuda"))
    (said,), _ = mail.outbox.fetch(0, 0.0)
    assert pickle.loads(said) == Ready("cuda", "node-b (GPU 1)")  # noqa: S301 - own


def test_recordings_that_are_not_there_are_told_by_the_node_and_not_by_their_path(
    tmp_path: Path,
) -> None:
    feed = DrillFeed("cam", tmp_path / "secret.mp4", True, None, 0.0)
    mail = MailToRun("node-b")
    mail.hear(0, [pickle.dumps(Watch((CameraJob("cam", feed),), 1))])
    with pytest.raises(MediaError, match="node-b does not have the recordings") as raised:
        mail.receive()
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("10.0.0.5", "host:port"),
        ("ray://10.0.0.5:port", "host:port"),
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1"),
    ],
)
def test_an_address_that_cannot_be_used(address: str, words: str) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    with pytest.raises(RayError, match=words):
        connect(address)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("The actor died because its node has died. Node Id: f0", "node-b was lost"),
        ("The actor is dead because its worker process has died.", "its process on node-b died"),
        ("ModuleNotFoundError: No module named 'api'", "lastseen is not installed on node-b"),
    ],
)
def test_why_a_worker_is_no_more(said: str, words: str) -> None:
    assert words in why_lost(said, Place("1", "node-b", None))
