"""The exceptions of this package.

Each also inherits the builtin a caller would expect, so `except FileNotFoundError` works.

    VisionError
    ├── AddressError (ValueError)               a camera's address cannot be understood
    ├── MediaError                              a video file cannot be used, or not all of it
    │   ├── MissingVideoError (FileNotFoundError)
    │   ├── UnreadableVideoError (ValueError)   empty, garbage, cut off before its index
    │   ├── BoxFileError (ValueError)           a recorded box file, in `boxes`
    │   ├── NoPictureError (ValueError)         only sound or data
    │   ├── UndecodableCodecError (ValueError)  a codec this build has no decoder for
    │   └── DamagedVideoError (ValueError)      good frames came first; some were lost
    │       └── TruncatedVideoError (EOFError)  the end of the file is missing
    ├── EncodeError (RuntimeError)              pictures cannot be encoded on this machine
    └── FeedError                               a live connection; the feed tries again
        ├── FeedLostError (ConnectionError)
        └── FeedRefusedError (PermissionError)  the camera does not accept user and password

Messages about files name the path. Messages about cameras name host and port at most: the address
may hold a password.
"""

from __future__ import annotations


class VisionError(Exception):
    """Base of everything this package raises on purpose."""


class AddressError(VisionError, ValueError):
    """A camera's address cannot be understood; the message says what would be right."""


class EncodeError(VisionError, RuntimeError):
    """Pictures cannot be encoded on this machine, or not pictures like these."""


class MediaError(VisionError):
    """A video file cannot be used, or not all of it."""


class MissingVideoError(MediaError, FileNotFoundError):
    """There is no such file."""


class UnreadableVideoError(MediaError, ValueError):
    """The file is empty, not a video, or cut off before the index that is needed to read it."""


class NoPictureError(MediaError, ValueError):
    """The file can be read and holds no moving picture."""


class UndecodableCodecError(MediaError, ValueError):
    """The picture is in a codec that this build cannot decode."""


class DamagedVideoError(MediaError, ValueError):
    """Some frames could not be decoded; raised after every good frame was delivered.

    Attributes:
        frames: how many good frames were delivered.
    """

    def __init__(self, message: str, *, frames: int) -> None:
        super().__init__(message)
        self.frames = frames


class TruncatedVideoError(DamagedVideoError, EOFError):
    """The end of the file is missing; raised after every good frame was delivered."""


class FeedError(VisionError):
    """A live connection failed; the feed will try again."""


class FeedLostError(FeedError, ConnectionError):
    """The camera cannot be reached, does not speak RTSP, or stopped sending."""


class FeedRefusedError(FeedError, PermissionError):
    """The camera does not accept the user and password of its address."""
