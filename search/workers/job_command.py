"""The command line that does a job."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from centrabert.search.jobs.job_folder import SPEC, job_folder
from centrabert.search.jobs.job_spec import JobSpec


@dataclass(frozen=True)
class JobCommand:
    """What the jobs of a search are given besides their specs.

    Attributes:
      activations: Flags that tell where the frozen layers' outputs are kept.
      depths: How many layers the teachers of the search freeze.
      threads: Cores that a job may use where it is not given some of its own; 0: all.
    """

    jobs_dir: Path
    activations: tuple[str, ...]
    depths: tuple[int, ...]
    threads: int = 0

    def __call__(self, spec: JobSpec, cores: Sequence[int] = ()) -> list[str]:
        """The arguments, program first; its spec.json must be there."""
        numbers = {"depths": self.depths, "cores": cores}
        return [
            sys.executable,
            *("-m", "centrabert.search.run_job"),
            f"--spec={job_folder(self.jobs_dir, spec.digest) / SPEC}",
            f"--jobs_dir={self.jobs_dir}",
            *self.activations,
            *(f"--{flag}={','.join(map(str, listed))}" for flag, listed in numbers.items() if listed),
            *([f"--threads={self.threads}"] if self.threads and not cores else []),
            "--stop_with_input",
        ]
