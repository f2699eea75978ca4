"""The cores and the memory that this process may use, which may be less than the machine has.

A container is given a CPU quota and a memory limit by control groups (cgroups, version 2 or 1); taskset and
the CPU manager of Kubernetes keep a process on some of the cores.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")
UNLIMITED_BYTES = 2**60  # version 1 writes a number near 2**63 where there is no limit


def usable_cores(root: Path = ROOT) -> int:
    """Cores that keep this process busy: those of its CPU affinity, or fewer where a CPU quota says so.

    Args:
      root: Where /proc and /sys are; another folder in tests.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [math.ceil(quota) for group in _groups(root) if (quota := _cpu_quota(group)) is not None]
    return max(1, min([affinity, *quotas]))


def container_memory_bytes(root: Path = ROOT) -> int | None:
    """The memory limit of this process's control group and of those around it; None if there is none."""
    limits = [limit for group in _groups(root) if (limit := _memory_limit(group)) is not None]
    return min(limits, default=None)


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's control groups and of all groups around them."""
    listing = _read(root / "proc" / "self" / "cgroup") or ""
    for line in listing.splitlines():
        _, controllers, path = line.split(":", 2)
        mount = root / "sys" / "fs" / "cgroup" / controllers
        group = mount / path.strip("/")
        # In a container the path may be that of the host, which is not mounted there: its root then counts.
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(mount))


def _cpu_quota(group: Path) -> float | None:
    """Cores by the CPU quota of one group."""
    if (text := _read(group / "cpu.max")) is not None:  # version 2: "max 100000" or "250000 100000"
        allowed, of = text.split()
        return None if allowed == "max" else int(allowed) / int(of)
    quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _memory_limit(group: Path) -> int | None:
    """Bytes."""
    text = _read(group / "memory.max") or _read(group / "memory.limit_in_bytes")
    if text is None or text == "max" or int(text) >= UNLIMITED_BYTES:
        return None
    return int(text)


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return None
