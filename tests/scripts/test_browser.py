"""Where there is no browser, its tests are skipped, but not in continuous integration."""

import browser
import pytest


@pytest.fixture
def item(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> pytest.Item:
    monkeypatch.setattr(browser, "BROWSER", None)
    monkeypatch.delenv("CI", raising=False)
    node: pytest.Item = request.node
    return node


def test_other_tests_need_none(item: pytest.Item) -> None:
    browser.require_browser(item)


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_no_browser(
    item: pytest.Item, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    item.add_marker("browser")
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="there is no Chromium here"):
        browser.require_browser(item)
