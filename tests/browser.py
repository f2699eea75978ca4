"""The browser that the tests marked `browser` need, and what becomes of them where there is none."""

import os
import shutil

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def require_browser(item: pytest.Item) -> None:
    """Skips a test marked `browser` where there is no Chromium; in continuous integration it fails."""
    if BROWSER is not None or not item.get_closest_marker("browser"):
        return
    if os.environ.get("CI") == "true":
        pytest.fail("there is no Chromium here; .ci/run installs it", pytrace=False)
    pytest.skip("there is no Chromium here")
