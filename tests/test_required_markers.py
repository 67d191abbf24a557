"""A skip counts as a failure where LASTSEEN_REQUIRE says the thing is there."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py")


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A tiny suite under this project's conftest, free of the outer run's options."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("LASTSEEN_REQUIRE", raising=False)
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makeini("[pytest]\nmarkers =\n  browser\n  rtsp\n")
    return pytester


@pytest.mark.parametrize(
    ("required", "body", "outcome"),
    [
        pytest.param("", "pytest.skip('none')", {"skipped": 1}, id="nothing required"),
        pytest.param("rtsp", "pytest.skip('none')", {"skipped": 1}, id="another is required"),
        pytest.param("browser", "pytest.skip('none')", {"failed": 1}, id="required and skipped"),
        pytest.param("rtsp, browser", "pytest.skip('none')", {"failed": 1}, id="list with a blank"),
        pytest.param("browser", "assert True", {"passed": 1}, id="required and run"),
        pytest.param("browser", "pytest.xfail('known')", {"xfailed": 1}, id="a known failure"),
    ],
)
def test_skips_of_required_tests_fail(
    suite: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    required: str,
    body: str,
    outcome: dict[str, int],
) -> None:
    monkeypatch.setenv("LASTSEEN_REQUIRE", required)
    suite.makepyfile(f"import pytest\n\n@pytest.mark.browser\ndef test_it():\n    {body}\n")
    suite.runpytest_inprocess().assert_outcomes(**outcome)


def test_reason_of_the_skip_is_told(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASTSEEN_REQUIRE", "browser")
    suite.makepyfile(
        """
        import pytest

        @pytest.fixture
        def chromium():
            pytest.skip("no Chromium found")

        @pytest.mark.browser
        def test_it(chromium):
            pass
        """
    )
    result = suite.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*LASTSEEN_REQUIRE=browser, but: *no Chromium found*"])


@pytest.mark.parametrize(("required", "errors"), [("", 0), ("browser", 1)])
def test_a_module_cannot_skip_itself(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, required: str, errors: int
) -> None:
    monkeypatch.setenv("LASTSEEN_REQUIRE", required)
    suite.makepyfile("import pytest\npytest.skip('nothing here', allow_module_level=True)\n")
    suite.runpytest_inprocess().assert_outcomes(errors=errors, skipped=1 - errors)
