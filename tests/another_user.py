"""Being another user of the machine for a while, where the tests run as root."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@contextmanager
def another_user(shared: Path) -> Iterator[None]:
    """In the block this process is a user of the same group, and stands in `shared`, which all may read.

    Paths must be relative to it: what lies above is root's alone.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    shared.chmod(0o755)
    before = Path.cwd()
    os.chdir(shared)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.chdir(before)
