"""A connection to a Ray cluster, or one line that tells why there is none."""

import importlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from centrabert.errors import UserError

CONNECT_TIMEOUT_SECONDS = 20.0
# A process can be given up: ray.init itself takes minutes over an address that is silent.
CONNECT_PROBE = "import sys, ray; ray.init(sys.argv[1], log_to_driver=False, logging_level='error')"


@dataclass(frozen=True)
class ResourceRequest:
    """What a job takes of a node; Ray keeps count, and no more."""

    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        for flag, amount in (("cpus_per_job", self.cpus), ("gpus_per_job", self.gpus)):
            if amount < 0 or (amount > 1 and amount != int(amount)):
                raise UserError(f"--{flag}={amount:g} is neither a fraction of one nor a whole number")
        if not self.cpus:
            raise UserError("--cpus_per_job=0: a job needs a core, or a part of one")

    def times(self, nodes: Sequence[Mapping[str, Any]]) -> int:
        """How many such jobs the living ones of `nodes`, as ray.nodes() lists them, have."""
        return sum(self._times(node["Resources"]) for node in nodes if node["Alive"])

    def _times(self, has: Mapping[str, float]) -> int:
        by_cpus = int(has.get("CPU", 0) / self.cpus + 1e-6)  # 0.3 / 0.1 is 2.9999999999999996
        return min(by_cpus, int(has.get("GPU", 0) / self.gpus + 1e-6)) if self.gpus else by_cpus

    def __str__(self) -> str:
        return f"{self.cpus:g} CPU" + (f" and {self.gpus:g} GPU" if self.gpus else "")


def connect(address: str, timeout: float = CONNECT_TIMEOUT_SECONDS) -> ModuleType:
    """Connects this process with the cluster at `address`: "auto", host:port or ray://host:port.

    Returns:
      The module ray.

    Raises:
      UserError: Ray is not installed, or no cluster answers within `timeout` seconds.
    """
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        raise UserError(
            f"--ray_address={address}: Ray is not installed; pip install 'centrabert[ray]'"
        ) from None
    _probe(address, timeout)
    with _own_sigterm():
        ray.init(address, log_to_driver=False, logging_level="error")
    return ray


def _probe(address: str, timeout: float) -> None:
    """Raises UserError if another process cannot connect."""
    try:
        probe = subprocess.run(
            [sys.executable, "-c", CONNECT_PROBE, address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise _silence(address, f"no answer in {timeout:g} seconds") from None
    if probe.returncode:
        raise _silence(address, _last_line(probe.stderr))


def _silence(address: str, reason: str) -> UserError:
    return UserError(
        f"--ray_address={address}: no Ray cluster to be had there ({reason}); start one with "
        "`ray start --head`, and give the address that it prints, or auto on one of its nodes"
    )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip().rstrip(".") if lines else "no reason given"


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keeps what this process does on a SIGTERM: ray.init makes it a plain exit."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
