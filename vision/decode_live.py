"""Decodes what is wanted of one connection's packets, and holds the rest until it is wanted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import av.error

from .decode_device import HARDWARE_FORMATS
from .decode_plan import DecodePlan, Ordinals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from .decode_device import Decoder
    from .decode_plan import Step

CATCH_UP_S: Final = 0.1
"""Held packets that would take longer than this to decode are decoded at once: a frame is at most
this much later than if all had been decoded as they came."""
_MOST_HELD: Final = 100
_MOST_HELD_BYTES: Final = 2_000_000
_FIRST_COST_S: Final = 0.002
_COST_MEMORY: Final = 0.9


class LiveDecoder:
    """Turns the packets of one connection into numbered pictures, as its plan says.

    Args:
        stream: whose packets these are; its decoder is used.
        first_index: number of the first picture.
        plan: what is worth decoding.
        seconds: the clock by which decoding is timed.
    """

    def __init__(
        self,
        stream: VideoStream,
        first_index: int = 0,
        plan: DecodePlan | None = None,
        *,
        seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._stream = stream
        self._plan = plan or DecodePlan()
        self._ordinals = Ordinals(first_index)
        self._seconds = seconds
        self._held: list[Packet[VideoStream]] = []
        self._cost_s = _FIRST_COST_S
        self._leading_until: int | None = None
        self._jumped = False  # what the decoder gives first is older than what was held
        self._silent = True  # a decoder that puts pictures in order gives the first one late
        self.lost = 0
        """Packets that could not be decoded."""
        self.decoded = 0
        """Packets given to the decoder."""
        self.decoder: Decoder | None = None
        """What made the last picture; None before the first."""

    def pictures(
        self,
        packet: Packet[VideoStream],
        *,
        now_s: float,
        late_s: float,
        taken: int | None,
        moves: bool = False,
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Yield the pictures to use now, with their numbers; none while the packet is held.

        Args:
            packet: the next one.
            now_s: when it was read, seconds.
            late_s: how much later it came than the quickest.
            taken: frames of the camera that were taken so far; None where every one is wanted.
            moves: whether something moved in the last picture.
        """
        self._ordinals.sent(packet.pts)
        step = self._plan.step(
            now_s, key_frame=packet.is_keyframe, late_s=late_s, taken=taken, moves=moves
        )
        if packet.is_keyframe:
            # Pictures that are shown before this one need some that were never decoded.
            self._leading_until = packet.pts if self._held else None
            self._jumped |= bool(self._held)
            self._held.clear()
        elif self._leads(packet):
            return
        yield from self._done(step, packet)

    def rest(self) -> Iterator[tuple[int, VideoFrame]]:
        """Yield what is left when no packet will come any more: the last picture among it."""
        pictures = self._caught_up()
        try:
            pictures += self._stream.codec_context.decode(None)
        except av.error.FFmpegError:
            self.lost += 1
        yield from self._numbered(pictures)

    @property
    def end(self) -> int:
        """The number after those of all pictures that were sent so far, decoded or not."""
        return self._ordinals.end

    @property
    def holding(self) -> bool:
        """Whether packets are held just now."""
        return bool(self._held)

    def _done(self, step: Step, packet: Packet[VideoStream]) -> Iterator[tuple[int, VideoFrame]]:
        if step == "skip":
            return
        if step == "hold" and not self._silent:
            self._held.append(packet)
            if self._overdue():
                self._caught_up()
            return
        self._jumped |= bool(self._held)
        pictures = [*self._caught_up(), *self._decode(packet)]
        self._silent = not pictures
        newest_only = self._jumped
        self._jumped &= not pictures
        yield from self._numbered(pictures[-1:] if newest_only else pictures)

    def _leads(self, packet: Packet[VideoStream]) -> bool:
        until = self._leading_until
        return until is not None and packet.pts is not None and packet.pts < until

    def _overdue(self) -> bool:
        count = len(self._held)
        return (
            count * self._cost_s > CATCH_UP_S
            or count > _MOST_HELD
            or sum(packet.size for packet in self._held) > _MOST_HELD_BYTES
        )

    def _caught_up(self) -> list[VideoFrame]:
        """Decode what is held, as far as later pictures need it; its last picture at most."""
        held, self._held = self._held, []
        if not held:
            return []
        context = self._stream.codec_context
        context.skip_frame = "NONREF"
        try:
            pictures = [picture for packet in held[:-1] for picture in self._decode(packet)]
        finally:
            context.skip_frame = "DEFAULT"
        return [*pictures, *self._decode(held[-1])][-1:]

    def _decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        began_s = self._seconds()
        self.decoded += 1
        try:
            pictures = packet.decode()
        except av.error.FFmpegError:
            self.lost += 1  # damaged; silence is noticed if nothing better follows
            return []
        if pictures:
            hardware = pictures[-1].format.name in HARDWARE_FORMATS
            self.decoder = "graphics card" if hardware else "processor"
        took_s = self._seconds() - began_s
        self._cost_s = _COST_MEMORY * self._cost_s + (1 - _COST_MEMORY) * took_s
        return pictures

    def _numbered(self, pictures: list[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
        for picture in pictures:
            yield self._ordinals.shown(picture.pts), picture
