"""An address says where a camera is and never what its password is."""

from __future__ import annotations

import copy
import logging
import pickle

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from vision.address import CameraAddress
from vision.errors import AddressError

SECRET = "s3cr3t"  # noqa: S105 - of no camera
ADDRESSES = [
    pytest.param(f"rtsp://admin:{SECRET}@10.0.0.5/stream1", "rtsp://10.0.0.5/stream1", id="usual"),
    pytest.param(f"rtsps://admin:{SECRET}@cam:322/s", "rtsps://cam:322/s", id="over TLS"),
    pytest.param(f"rtsp://{SECRET}@[fe80::1]:8554/s", "rtsp://[fe80::1]:8554/s", id="user only"),
    pytest.param(f"rtsp://a:{SECRET}@b@cam/s", "rtsp://cam/s", id="an @ in the password"),
    pytest.param(f"rtsp://cam/s?pwd={SECRET}&x=1", "rtsp://cam/s?***", id="in the query"),
    pytest.param(
        f"rtsp://cam/user=a_password={SECRET}_s=0/1", "rtsp://cam/***/1", id="in the path"
    ),
]


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid")
    address: CameraAddress


@pytest.mark.parametrize(("text", "shown"), ADDRESSES)
def test_nothing_printable_holds_the_secret(
    text: str, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    address = CameraAddress(text)
    config = Config.model_validate({"address": text})
    logging.getLogger("test").warning("%s %r %s", address, address, config)

    assert str(address) == address.shown == shown
    assert address.reveal() == text
    printed = [
        repr(address),
        f"{address:>80}",
        "%s %r" % (address, address),  # noqa: UP031 - one of the ways to print
        repr([address]),
        repr(config),
        str(config.model_dump()),
        config.model_dump_json(),
        repr(pickle.dumps(address)),
        caplog.text,
    ]
    assert not [line for line in printed if SECRET in line]


@pytest.mark.parametrize(("text", "shown"), ADDRESSES)
def test_it_travels_to_another_process_whole(text: str, shown: str) -> None:
    address = CameraAddress(text)
    for twin in (pickle.loads(pickle.dumps(address)), copy.deepcopy(address)):  # noqa: S301 - ours
        assert twin == address
        assert hash(twin) == hash(address)
        assert twin.reveal() == text


def test_addresses_with_other_passwords_differ() -> None:
    assert CameraAddress("rtsp://a:b@cam/s") != CameraAddress("rtsp://a:c@cam/s")
    assert CameraAddress("rtsp://a:b@cam/s") != "rtsp://a:b@cam/s"


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port"),
    [
        pytest.param("rtsp://u:p@10.0.0.5/s", "rtsp", "10.0.0.5", 554, id="default port"),
        pytest.param("rtsps://cam/s", "rtsps", "cam", 322, id="default port over TLS"),
        pytest.param("rtsp://[::1]:8554/s", "rtsp", "::1", 8554, id="IPv6"),
        pytest.param("RTSP://Cam/s", "rtsp", "cam", 554, id="capitals"),
        pytest.param("video/cam 1.mp4", "file", "", 0, id="a file"),
    ],
)
def test_parts(text: str, scheme: str, host: str, port: int) -> None:
    address = CameraAddress(text)
    assert (address.scheme, address.host, address.port) == (scheme, host, port)
    assert address.is_file == (scheme == "file")


def test_only_a_file_has_a_path() -> None:
    assert CameraAddress("/video/cam 1.mp4").path.name == "cam 1.mp4"
    with pytest.raises(AddressError, match="a stream, not a file"):
        _ = CameraAddress(f"rtsp://u:{SECRET}@cam/s").path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param(f" rtsp://u:{SECRET}@cam/s", "spaces", id="space before"),
        pytest.param(f"rtsp://u:{SECRET}@cam/s\n", "control characters", id="line end"),
        pytest.param(f"rtsp://u:{SECRET} x@cam/s", "%20", id="space inside"),
        pytest.param(f"http://u:{SECRET}@cam/s", "neither rtsp", id="another scheme"),
        pytest.param(f"rtsp:/u:{SECRET}@cam/s", "neither rtsp", id="one slash"),
        pytest.param(f"u:{SECRET}@cam/s", "no scheme", id="no scheme"),
        pytest.param(f"admin:{SECRET}", "neither rtsp", id="looks like a scheme"),
        pytest.param(f"rtsp://u:{SECRET}@/s", "no host", id="no host"),
        pytest.param(f"rtsp://u:{SECRET}@cam:99999/s", "port", id="port too large"),
        pytest.param(f"rtsp://u:{SECRET}/x@cam/s", "%2F", id="unescaped slash in the password"),
        pytest.param(f"rtsp://u:12/{SECRET}@cam/s", "%2F", id="the same, port-like"),
        pytest.param(f"rtsp://u:1#{SECRET}@cam/s", "%23", id="unescaped # in the password"),
    ],
)
def test_bad_address_is_refused_without_repeating_it(text: str, message: str) -> None:
    with pytest.raises(AddressError, match=message) as raised:
        CameraAddress(text)
    assert SECRET not in str(raised.value)
    with pytest.raises(ValidationError) as invalid:
        Config.model_validate({"address": text})
    assert SECRET not in f"{invalid.value!s} {invalid.value!r} {invalid.value.errors()}"
    assert invalid.value.errors()[0]["loc"] == ("address",)


def test_other_types_are_refused_without_repeating_them() -> None:
    with pytest.raises(ValidationError, match="got list") as invalid:
        Config.model_validate({"address": [f"rtsp://u:{SECRET}@cam/s"]})
    assert SECRET not in str(invalid.value)


def test_pydantic_reads_json_and_passes_an_address_through() -> None:
    address = CameraAddress(f"rtsp://u:{SECRET}@cam/s")
    assert Config(address=address).address is address
    config = Config.model_validate_json(f'{{"address": "{address.reveal()}"}}')
    assert config.address == address
    assert Config.model_json_schema()["properties"]["address"]["writeOnly"] is True


@pytest.mark.parametrize(
    "message",
    [
        f"cannot open rtsp://admin:{SECRET}%20x@10.0.0.5/s",
        f"login failed for admin with {SECRET} x",
        "401 for rtsp://other:word@10.0.0.5/s",
    ],
)
def test_scrub_takes_secrets_out_of_foreign_messages(message: str) -> None:
    scrubbed = CameraAddress(f"rtsp://admin:{SECRET}%20x@10.0.0.5/s").scrub(message)
    assert "***" in scrubbed
    assert not any(word in scrubbed for word in (SECRET, "admin", "word"))
