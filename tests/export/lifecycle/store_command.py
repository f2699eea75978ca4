"""`centrabert store` in this process."""

import pytest

from centrabert import command
from centrabert.export.lifecycle import run_store


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a command says, which must fail as on a user's mistake."""
    capsys.readouterr()
    assert command.status(run_store.main, run_store.FLAGS, ["store", *arguments]) == command.MISTAKE
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    (line,) = [line for line in said.err.splitlines() if line.startswith("store: error: ")]
    assert said.err.endswith(f"{line}\n")
    return line.removeprefix("store: error: ")
