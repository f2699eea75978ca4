"""A long task streams: the memory of a training does not grow with its rows, and the cache keeps its budget.

Trains SST-2 for one epoch on a tenth of its rows, then on all; samples the process's resident memory and the
size of the cache once a second.
"""

import shutil
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "data_root", "../shared/data/glue", "Folder that holds a folder for each GLUE task.", flag_values=FLAGS
)
flags.DEFINE_string(
    "output_dir",
    "output/long_task",
    "Folder to write into; what an earlier run left there is removed.",
    flag_values=FLAGS,
)
flags.DEFINE_float("activation_cache_gb", 2.0, "Maximum size of the cache in gigabytes.", flag_values=FLAGS)

ROWS = 6735, 67349  # a tenth of SST-2, and all
INTERVAL = 1.0


@dataclass
class Samples:
    """Gigabytes, one value a second."""

    resident: list[float] = field(default_factory=list)
    anonymous: list[float] = field(default_factory=list)
    cache: list[float] = field(default_factory=list)

    def take(self, pid: int, cache: Path) -> None:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        told = {line.split(":")[0]: line.split()[1] for line in lines if line.endswith(" kB")}
        if "VmRSS" in told:
            self.resident.append(int(told["VmRSS"]) / 1e6)
            self.anonymous.append(int(told["RssAnon"]) / 1e6)
        with suppress(FileNotFoundError):  # one has just been renamed
            self.cache.append(sum(file.stat().st_size for file in cache.glob("*.npy")) / 1e9)

    def __str__(self) -> str:
        third, fourth = (_quarter(self.anonymous, number) for number in (2, 3))
        return (
            f"resident {max(self.resident):.2f} GB at most; without pages of files "
            f"{third:.2f} in the third quarter, {fourth:.2f} in the last; "
            f"cache {max(self.cache):.2f} GB at most"
        )


def _quarter(values: list[float], number: int) -> float:
    length = len(values)
    return statistics.median(values[number * length // 4 : (number + 1) * length // 4])


def main() -> None:
    output_dir = Path(FLAGS.output_dir).resolve()
    shutil.rmtree(output_dir, ignore_errors=True)
    run(Path(FLAGS.data_root).resolve(), output_dir, FLAGS.activation_cache_gb)


def run(data_root: Path, output_dir: Path, gigabytes: float) -> None:
    """Trains both ways and prints a line for each."""
    from benchmarks.harness.pipeline import minilm

    minilm(output_dir / "bert")
    for rows in ROWS:
        start = time.monotonic()
        samples = _train(data_root, output_dir, gigabytes, rows)
        print(f"{rows:6} rows, {time.monotonic() - start:4.0f} s: {samples}", flush=True)


def _train(data_root: Path, output_dir: Path, gigabytes: float, rows: int) -> Samples:
    from benchmarks.harness.one_job import start_job
    from centrabert.search.jobs.job_spec import JobSpec

    cache, samples = output_dir / "activations", Samples()
    spec = JobSpec(
        *(str(output_dir / "bert"), str(data_root), "sst2", "teacher"),
        fine_tuning_layers=2,
        num_train_epochs=1.0,
        max_train_rows=rows,
    )
    trained = start_job(spec, output_dir / "jobs", cache, gigabytes)
    while trained.poll() is None:
        samples.take(trained.pid, cache)
        time.sleep(INTERVAL)
    if trained.returncode:
        raise UserError(f"{spec.title}: failed, for the reason told above")
    return samples


if __name__ == "__main__":
    command.run(main, FLAGS)
