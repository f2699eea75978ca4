"""The cores and the memory that a process may use, by control groups of both versions."""

import os
from pathlib import Path

import pytest

from centrabert.machine import container_memory_bytes, usable_cores

GIBIBYTE = 2**30


def system(root: Path, membership: str, files: dict[str, str]) -> Path:
    """A machine whose /proc and /sys say so."""
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "cgroup").write_text(membership)
    for name, text in files.items():
        file = root / "sys" / "fs" / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(
    ("membership", "files", "cores", "memory"),
    [
        ("0::/\n", {"cpu.max": "250000 100000", "memory.max": str(3 * GIBIBYTE)}, 3, 3 * GIBIBYTE),
        ("0::/\n", {"cpu.max": "max 100000", "memory.max": "max"}, 64, None),
        ("0::/\n", {"cpu.max": "1000 100000"}, 1, None),
        (  # a limit of a group around holds too
            "0::/kube/pod\n",
            {
                "kube/memory.max": str(GIBIBYTE),
                "kube/pod/memory.max": "max",
                "kube/pod/cpu.max": "200 100",
            },
            2,
            GIBIBYTE,
        ),
        ("0::/on/the/host\n", {"memory.max": str(GIBIBYTE)}, 64, GIBIBYTE),
        (
            "5:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n",
            {
                "memory/docker/abc/memory.limit_in_bytes": str(2 * GIBIBYTE),
                "memory/memory.limit_in_bytes": "9223372036854771712",
                "cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "150000",
                "cpu,cpuacct/docker/abc/cpu.cfs_period_us": "50000",
            },
            3,
            2 * GIBIBYTE,
        ),
        (
            "3:cpu,cpuacct:/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            64,
            None,
        ),
    ],
)
def test_a_container_has_less_than_the_machine(
    membership: str,
    files: dict[str, str],
    cores: int,
    memory: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    root = system(tmp_path, membership, files)
    assert (usable_cores(root), container_memory_bytes(root)) == (cores, memory)


def test_a_process_may_be_kept_to_some_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5, 7})
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert usable_cores(tmp_path) == 2
    assert usable_cores(system(tmp_path, "0::/\n", {"cpu.max": "800000 100000"})) == 2
