"""One job of a search as a process of its own, started as run_search does."""

import subprocess
import sys
from pathlib import Path

from centrabert.search.jobs.job_folder import SPEC, prepare
from centrabert.search.jobs.job_spec import JobSpec


def start_job(
    spec: JobSpec, jobs_dir: Path, activations: Path, gigabytes: float, *others: str
) -> subprocess.Popen[bytes]:
    """Starts run_job with a cache of so many gigabytes; `others` are flags of run_job."""
    folder = prepare(jobs_dir, spec)
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "centrabert.search.run_job", f"--spec={folder / SPEC}"),
            *(f"--jobs_dir={jobs_dir}", f"--activation_cache_dir={activations}"),
            *(f"--activation_cache_gb={gigabytes}", *others),
        ]
    )
