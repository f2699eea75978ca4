"""A folder of versions that load in no time, or not at all, and who serves from it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from waiting import until

from centrabert.errors import UserError
from centrabert.export.contract.models_config import desired_versions
from centrabert.export.serving.version_manager import ModelVersions


class Folder:
    """Versions on disk; what stands in saved_model.pb says whether they load."""

    def __init__(self, base_path: Path) -> None:
        self.base_path = base_path
        self.closed: list[int] = []
        self.loads: list[int] = []
        self.given_up = threading.Event()

    def write(self, number: int, content: str = "good") -> None:
        folder = self.base_path / str(number)
        folder.mkdir(exist_ok=True)
        (folder / "saved_model.pb").write_text(content)

    def remove(self, number: int) -> None:
        (self.base_path / str(number) / "saved_model.pb").unlink()
        (self.base_path / str(number)).rmdir()

    async def closes(self, numbers: list[int]) -> None:
        """Waits until those versions, and no others, are closed."""
        await until(lambda: self.closed == numbers)

    def load(self, folder: Path, stopped: threading.Event, loaded: Sequence[Any]) -> Any:
        self.loads.append(number := int(folder.name))
        content = (folder / "saved_model.pb").read_text()
        if content == "slow" and stopped.wait(60):
            self.given_up.set()
        if content == "strange":
            raise KeyError("score")
        if content == "busy" and self.loads.count(number) < 3:
            raise OSError("Stale file handle")
        if content == "half" and not (folder / "variables" / "rest").exists():
            raise UserError(f"{folder}: cannot load the SavedModel")
        if content not in ("good", "half", "busy"):
            raise UserError(f"{folder}: golden answers differ")
        close = lambda: self.closed.append(number)  # noqa: E731
        return SimpleNamespace(number=number, predictor=SimpleNamespace(close=close))


def run(
    base_path: Path,
    test: Callable[[Folder, ModelVersions], Coroutine[Any, Any, None]],
    config_file: Path | None = None,
) -> None:
    folder = Folder(base_path)
    versions = ModelVersions("tiny", base_path, lambda: desired_versions(base_path, config_file), folder.load)
    asyncio.run(test(folder, versions))


def states(versions: ModelVersions) -> dict[int, str]:
    return {version.number: version.state for version in versions.statuses}


def served(versions: ModelVersions, number: int | None = None, label: str | None = None) -> int:
    with versions.acquire(number, label) as servable:
        return servable.number
