"""A picture is laid under a level by what was measured on it, or all stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from api.commands.site import app
from api.errors import SiteWriteError
from calibration.errors import SiteError, UnknownLevel
from calibration.site import load_site
from tests.calibration.small_site import SmallSite

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return SmallSite().write(tmp_path / "site")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("L", (320, 120), 255).save(tmp_path / "ground.png")
    return tmp_path / "ground.png"


def underlay(folder: Path, picture: Path, *options: str, level: str = "L1") -> Any:
    return CliRunner().invoke(
        app,
        ["underlay", str(folder), str(picture), "--level", level, *options],
        env={"COLUMNS": "200", "TERM": "dumb"},
    )


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


DISTANCE = ("--point", "0,120", "--point", "320,120", "--distance", "16")


def test_scale_from_two_points_and_their_distance(site: Path, picture: Path) -> None:
    before = (site / "site.toml").read_text()

    result = underlay(site, picture, *DISTANCE)

    assert result.exit_code == 0, result.output
    assert "plans/ground.png under L1: 16.00 x 6.00 m, 0.05000 m a pixel" in result.output
    (laid,) = load_site(site).underlays
    assert (laid.file, laid.placement.metres_per_pixel) == ("plans/ground.png", 0.05)
    assert (site / "site.toml").read_text().startswith(before.rstrip("\n"))


def test_true_north_turns_the_picture(site: Path, picture: Path) -> None:
    # north is at the right of the picture, x points east on the site: the picture's x axis is
    # the plan's y axis
    result = underlay(site, picture, *DISTANCE, "--north", "10,50", "--north", "60,50")

    assert result.exit_code == 0, result.output
    assert load_site(site).underlays[0].placement.rotation_deg == pytest.approx(90.0)


def test_true_north_gives_the_site_its_bearing(site: Path, picture: Path) -> None:
    result = underlay(
        site, picture, *DISTANCE, "--north", "10,50", "--north", "60,50", "--set-bearing"
    )

    assert result.exit_code == 0, result.output
    loaded = load_site(site)
    assert loaded.anchor.x_axis_bearing_deg == pytest.approx(0.0)
    assert loaded.underlays[0].placement.rotation_deg == 0.0


def test_places_say_all_and_north_is_compared(site: Path, picture: Path) -> None:
    result = underlay(
        site, picture, "--point", "0,120", "--point", "320,120",
        "--place", "0,0", "--place", "16,0", "--north", "10,50", "--north", "60,50",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    assert "north on the picture differs by -90.0 degrees from site.toml" in result.output
    assert load_site(site).anchor.x_axis_bearing_deg == 90.0


def test_a_second_one_replaces_the_first_only_when_told_to(site: Path, picture: Path) -> None:
    assert underlay(site, picture, *DISTANCE).exit_code == 0
    before = snapshot(site)

    refused = underlay(site, picture, "--metres-per-pixel", "0.1")

    assert isinstance(refused.exception, SiteWriteError)
    assert "--replace takes the new one" in str(refused.exception)
    assert snapshot(site) == before
    assert underlay(site, picture, "--metres-per-pixel", "0.1", "--replace").exit_code == 0
    (laid,) = load_site(site).underlays
    assert laid.placement.metres_per_pixel == 0.1


def test_comments_and_other_tables_stay(site: Path, picture: Path) -> None:
    text = (site / "site.toml").read_text() + "\n# the end\n"
    (site / "site.toml").write_text("# the beginning\n" + text)
    assert underlay(site, picture, *DISTANCE).exit_code == 0
    assert underlay(site, picture, *DISTANCE, "--replace").exit_code == 0

    kept = (site / "site.toml").read_text()

    assert kept.startswith("# the beginning\n")
    assert "# the end\n" in kept
    assert kept.count("[[underlays]]") == 1


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ((), SiteError, "give the scale in one way"),
        ((*DISTANCE, "--metres-per-pixel", "1"), SiteError, "give the scale in one way"),
        (("--point", "1,1", "--point", "1,1", "--distance", "3"), SiteError, "points are the same"),
        ((*DISTANCE, "--set-bearing"), SiteWriteError, "--set-bearing needs --north"),
        (
            (*DISTANCE, "--north", "1,1", "--north", "1,1"),
            SiteWriteError,
            "give the foot and the tip of a north arrow",
        ),
    ],
)
def test_what_does_not_fit_together_changes_nothing(
    site: Path, picture: Path, options: tuple[str, ...], kind: type[Exception], said: str
) -> None:
    before = snapshot(site)

    result = underlay(site, picture, *options)

    assert isinstance(result.exception, kind)
    assert said in str(result.exception)
    assert snapshot(site) == before


def test_what_is_no_picture_changes_nothing(site: Path, tmp_path: Path) -> None:
    before = snapshot(site)
    (tmp_path / "plan.png").write_bytes(b"no picture")
    (tmp_path / "plan.pdf").write_bytes(b"%PDF")

    assert "is no PNG picture" in str(underlay(site, tmp_path / "plan.png", *DISTANCE).exception)
    assert "an underlay is one of" in str(
        underlay(site, tmp_path / "plan.pdf", *DISTANCE).exception
    )
    assert "cannot be copied" in str(underlay(site, tmp_path / "no.png", *DISTANCE).exception)
    assert snapshot(site) == before


def test_levels_and_numbers_are_checked(site: Path, picture: Path) -> None:
    assert isinstance(underlay(site, picture, *DISTANCE, level="L7").exception, UnknownLevel)
    for options, said in (
        (("--point", "1,1"), "give --point twice"),
        (("--point", "1;1", "--point", "2,2"), "two numbers with a comma, not '1;1'"),
    ):
        result = underlay(site, picture, *options)
        assert result.exit_code == 2
        assert said in result.output


def test_a_picture_in_the_folder_is_used_where_it_lies(site: Path) -> None:
    Image.new("L", (320, 120), 255).save(site / "escape.png")

    assert underlay(site, site / "escape.png", *DISTANCE).exit_code == 0

    assert load_site(site).underlays[0].file == "escape.png"
    assert not (site / "plans").exists()


def test_a_picture_beside_the_plan_is_told_and_drawn(site: Path, picture: Path) -> None:
    result = underlay(
        site, picture, *DISTANCE, "--origin-px", "0,0", "--origin-m", "900,900",
        "--preview", str(site.parent / "preview.png"),
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    assert "the picture lies beside the plan" in result.output
    assert (site.parent / "preview.png").read_bytes().startswith(b"\x89PNG")
