"""The versions of a model that a server has loaded, and how one takes the place of another.

A new version is loaded beside the old one, proves its goldens, and only then is asked; the old one ends when
its last request has. A version that fails leaves the old one where it is: that is the rollback. Labels are
followed also while a version loads, which takes minutes.
"""

import asyncio
import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert.errors import UserError
from centrabert.export.contract.models_config import DesiredVersions
from centrabert.export.contract.version_folder import SAVED_MODEL, version_folder
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.servable import Servable

RETRIES, RETRY_SECONDS = 5, 60.0  # after what may pass, such as a lack of memory; as TF Serving by default
Fingerprint = frozenset[tuple[str, int, int]]  # of a folder's files, each with size and time of change


@dataclass
class Version:
    """One version, from its discovery on.

    Attributes:
      state: As in TF Serving: LOADING, AVAILABLE, UNLOADING or END.
      error: Why it ended before it was available.
      fingerprint: Of its files when it was loaded; a version that failed is tried again when that changes,
        for it may have been seen half copied.
      failures: Number of failures with this fingerprint.
      retry_at: Time of the event loop when it is tried again all the same.
      requests: Number of requests in flight.
    """

    number: int
    fingerprint: Fingerprint
    state: str = "LOADING"
    error: str = ""
    failures: int = 0
    retry_at: float = math.inf
    servable: Servable | None = None
    requests: int = 0


class ModelVersions:
    """The versions under one folder.

    Args:
      name: What clients call the model.
      poll: Reads what should now be served.
      load: Makes a servable of a version folder, in a thread, and is told which ones are loaded; raises
        UserError or OSError. When the event is set, it shall give up.
    """

    def __init__(
        self,
        name: str,
        base_path: Path,
        poll: Callable[[], DesiredVersions],
        load: Callable[[Path, threading.Event, Sequence[Servable]], Servable],
    ) -> None:
        self.name = name
        self._base_path = base_path
        self._poll = poll
        self._load_servable = load
        self._versions: dict[int, Version] = {}
        self._labels: dict[str, int] = {}
        self._loading: asyncio.Task[None] | None = None

    @property
    def statuses(self) -> list[Version]:
        """Every version that was ever seen, the highest first."""
        return [self._versions[number] for number in sorted(self._versions, reverse=True)]

    @property
    def available(self) -> list[Version]:
        """Those that can be asked, the highest first."""
        return [version for version in self.statuses if version.state == "AVAILABLE"]

    def find(self, number: int | None, label: str | None) -> Version:
        """The version that a request means; the highest if it says nothing.

        Raises:
          ServingError: NOT_FOUND; it is not served. INVALID_ARGUMENT; there is no such label.
        """
        if label is not None:
            if label not in self._labels:
                raise invalid(f"model {self.name} has no version label {label}")
            number = self._labels[label]
        for version in self.available:
            if number in (None, version.number):
                return version
        which = "no version" if number is None else f"no version {number}"
        raise ServingError("NOT_FOUND", f"{which} of model {self.name} is served")

    @contextlib.contextmanager
    def acquire(self, number: int | None, label: str | None) -> Iterator[Servable]:
        """The servable that a request means, which is not closed as long as the block lasts."""
        version = self.find(number, label)
        if version.servable is None:
            raise AssertionError(f"version {version.number} is {version.state} without a servable")
        version.requests += 1
        try:
            yield version.servable
        finally:
            version.requests -= 1
            self._close_if_done(version)

    async def update(self) -> None:
        """Loads what should be served, one version after another, and then ends what should not.

        Raises:
          UserError: What should be served cannot be told; all stays as it is.
        """
        try:
            while (loading := self.refresh()) is not None:
                await asyncio.wait([loading])
        except asyncio.CancelledError:
            self._stop_loading()
            raise

    async def watch(self, seconds: float) -> None:
        """Refreshes for ever; what goes wrong is logged, and tried again."""
        loading: asyncio.Task[None] | None = None
        try:
            while True:
                if loading is None:
                    await asyncio.sleep(seconds)
                else:
                    await asyncio.wait([loading], timeout=seconds)
                    loading = None
                try:
                    loading = self.refresh()
                except (UserError, OSError) as error:
                    logging.error("%s", error)
        finally:
            self._stop_loading()

    def refresh(self) -> "asyncio.Task[None] | None":
        """Looks once at what should be served: moves labels, and begins to load a version if none is loading.

        Returns:
          What loads a version; None once all is loaded that can be, and the rest has been retired.

        Raises:
          UserError: As `update`.
        """
        desired = self._poll()
        self._set_labels(desired.labels)
        if self._loading is not None and not self._loading.done():
            return self._loading
        live = set()
        for group in desired.choices:
            for number in group:
                if self._is_available(number):
                    live.add(number)
                    break
                if (version := self._next_try(number)) is not None:
                    self._loading = asyncio.ensure_future(self._load(version))
                    return self._loading
        if live:
            for each in self.available:
                if each.number not in live | set(self._labels.values()):
                    self._retire(each)
        return None

    def close(self) -> None:
        """Ends every version, those in use when their last request has ended."""
        self._stop_loading()
        for version in self.available:
            self._retire(version)

    def _stop_loading(self) -> None:
        if self._loading is not None:
            self._loading.cancel()

    def _is_available(self, number: int) -> bool:
        return number in self._versions and self._versions[number].state == "AVAILABLE"

    def _next_try(self, number: int) -> Version | None:
        """A version to load; None if it failed before, is still the same, and has to wait."""
        fingerprint = _fingerprint(version_folder(self._base_path, number))
        former = self._versions.get(number)
        same = former if former is not None and former.error and former.fingerprint == fingerprint else None
        if fingerprint is None or (same and asyncio.get_running_loop().time() < same.retry_at):
            return None
        return Version(number, fingerprint, failures=same.failures if same else 0)

    async def _load(self, version: Version) -> None:
        self._versions[version.number] = version
        logging.info("loading version %d of %s", version.number, self.name)
        folder, stopped = version_folder(self._base_path, version.number), threading.Event()
        loaded = [each.servable for each in self.available if each.servable is not None]
        loading = asyncio.ensure_future(asyncio.to_thread(self._load_servable, folder, stopped, loaded))
        try:
            await asyncio.wait([loading])
        finally:
            stopped.set()  # when the server ends, which would wait for the thread
        if error := loading.exception():
            self._fail(version, error)
            return
        version.servable, version.state = loading.result(), "AVAILABLE"
        logging.info("version %d of %s is served", version.number, self.name)

    def _fail(self, version: Version, error: BaseException) -> None:
        """Ends it, and says when it is tried again; what is wrong in its files will still be wrong."""
        foreseen = isinstance(error, UserError | OSError)
        version.state, version.error = "END", str(error) if foreseen else repr(error)
        version.failures += 1
        if not isinstance(error, UserError) and version.failures <= RETRIES:
            version.retry_at = asyncio.get_running_loop().time() + RETRY_SECONDS
        trace = None if foreseen else error
        logging.error("version %d of %s is not served: %s", version.number, self.name, error, exc_info=trace)

    def _set_labels(self, labels: Mapping[str, int]) -> None:
        """A label moves when its new version is there, and ends when it is no longer given."""
        moved = {label: number for label, number in labels.items() if self._is_available(number)}
        kept = {label: number for label, number in self._labels.items() if label in labels}
        self._labels = {**kept, **moved}

    def _retire(self, version: Version) -> None:
        version.state = "UNLOADING"
        self._close_if_done(version)

    def _close_if_done(self, version: Version) -> None:
        if version.state == "UNLOADING" and not version.requests and version.servable is not None:
            # In a thread: to free a large model takes a moment.
            asyncio.get_running_loop().run_in_executor(None, version.servable.predictor.close)
            version.servable = None
            version.state = "END"
            logging.info("version %d of %s is no longer served", version.number, self.name)


def _fingerprint(folder: Path) -> Fingerprint | None:
    """What the folder holds, or None if it has no graph, or changes while it is looked at."""
    if not (folder / SAVED_MODEL).is_file():
        return None
    try:
        found = [(file, file.stat()) for file in folder.rglob("*")]
    except FileNotFoundError:
        return None
    return frozenset((str(file), stat.st_size, stat.st_mtime_ns) for file, stat in found)
