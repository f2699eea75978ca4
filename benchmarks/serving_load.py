"""Latency under load of several ways to serve eight tasks, or many, from one machine, at rising rates.

Every way gets the same arrivals, one after the other in one process, at every rate; a way that has lost more
than a tenth of them stops there. Each request is one real GLUE text for --tasks_per_text tasks, or for all.
Writes <name>.csv and <name>.svg into --output_dir.
"""

import asyncio
import csv
import io
import itertools
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags
from tqdm import tqdm

from centrabert import command

if TYPE_CHECKING:
    from benchmarks.harness.open_loop import Ask, Texts

FLAGS = flags.FlagValues()
flags.DEFINE_enum(
    "model",
    "minilm",
    ["minilm", "bert-base"],
    "Shape of the BERT; its weights are random.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "copies", 1, "Number of times that the model has each of the eight tasks.", flag_values=FLAGS
)
flags.DEFINE_integer(
    "tasks_per_text",
    1,
    "Number of tasks that a request asks. Where tasks have queues of their own, it waits in each. For more "
    "than one task, texts are single sentences.",
    1,
    8,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "vocabulary", "output/bert/vocab.txt", "Path of a vocab.txt, such as MiniLM's.", flag_values=FLAGS
)
flags.DEFINE_string(
    "data_root", "../shared/data/glue", "Folder that holds a folder for each GLUE task.", flag_values=FLAGS
)
WAYS = ("shared_queue", "queue_per_task", "in_graph", "all_tasks", "separate_models")
flags.DEFINE_list("ways", list(WAYS), "Ways of serving to compare.", flag_values=FLAGS)
flags.register_validator(
    "ways", lambda given: set(given) <= set(WAYS), f"some of {','.join(WAYS)}", flag_values=FLAGS
)
flags.DEFINE_list(
    "rates",
    ["20", "40", "80", "120", "160", "240"],
    "Arrival rates, in requests per second.",
    flag_values=FLAGS,
)
flags.DEFINE_float("seconds", 20.0, "Seconds for which requests arrive at each rate.", flag_values=FLAGS)
flags.DEFINE_integer("rounds", 1, "Number of times that every rate is run, in turn.", flag_values=FLAGS)
flags.DEFINE_integer("seed", 0, "Random seed of the arrivals.", flag_values=FLAGS)
flags.DEFINE_string(
    "output_dir", "docs/figures", "Folder to write the table and the drawing into.", flag_values=FLAGS
)
HEADER = ("way", "rate", "round", "answered_per_second", "refused", "p50_ms", "p90_ms", "p99_ms", "max_ms")


@dataclass(frozen=True)
class Line:
    """A line of the table; milliseconds over all arrivals, infinite where they were refused."""

    way: str
    rate: float
    round: int
    answered_per_second: float
    refused: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


def main() -> None:
    rates = [float(rate) for rate in FLAGS.rates]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as executor:
        lines = list(_lines(Path(folder), executor, rates))
    name = f"serving_load_{FLAGS.model}" + (f"_{8 * FLAGS.copies}_tasks" if FLAGS.copies > 1 else "")
    name += f"_{FLAGS.tasks_per_text}_a_text" if FLAGS.tasks_per_text > 1 else ""
    output = Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows([_rounded(getattr(line, name)) for name in HEADER] for line in lines)
    (output / f"{name}.csv").write_text(table.getvalue())
    _draw(lines, output / f"{name}.svg")
    print(table.getvalue(), end="")


def _lines(folder: Path, executor: ThreadPoolExecutor, rates: list[float]) -> Iterator[Line]:
    from benchmarks.harness.open_loop import arrivals, run

    makers, texts = _makers(folder, executor), _texts()
    asks = {way: makers[way]() for way in tqdm(FLAGS.ways, "loading")}
    loop = asyncio.new_event_loop()
    for way in tqdm(asks, "warming up"):
        loop.run_until_complete(_warm(asks[way], texts))
    over: set[str] = set()
    for rate, number, way in tqdm(list(itertools.product(rates, range(FLAGS.rounds), asks)), "running"):
        if way in over:
            continue
        due = arrivals(rate, FLAGS.seconds, texts, FLAGS.seed + number, FLAGS.tasks_per_text)
        outcome = loop.run_until_complete(run(due, asks[way]))
        percentiles = [outcome.percentile(percent) for percent in (50, 90, 99, 100)]
        yield Line(way, rate, number, outcome.answered_per_second, outcome.refused, *percentiles)
        if outcome.refused > len(due) / 10 or outcome.answered_per_second < 0.8 * rate:
            over.add(way)


async def _warm(ask: "Ask", texts: "Texts") -> None:
    """What is computed for the first time takes longer."""
    from benchmarks.harness.open_loop import Arrival

    for row in range(5):
        for task, own in texts.items():
            await ask(Arrival(0.0, (task,), *own[row]))


def _makers(folder: Path, executor: ThreadPoolExecutor) -> "dict[str, Callable[[], Ask]]":
    """What exports and loads each way."""
    from benchmarks.harness import random_models, serving_targets

    base = random_models.bert(folder / "bert", FLAGS.model, Path(FLAGS.vocabulary))
    branches = random_models.mixed(FLAGS.model, FLAGS.copies)
    version = random_models.export_model(folder / "mixed", base, branches)
    servable = serving_targets.load(version, executor)

    def full(task: str) -> Path:
        return random_models.export_model(folder / task, base, [random_models.full(task, FLAGS.model)])

    return {
        "shared_queue": lambda: serving_targets.shared_queue(servable),
        "queue_per_task": lambda: serving_targets.queue_per_task(servable, executor),
        "in_graph": lambda: serving_targets.in_graph(folder / "mixed" / "merged"),
        "all_tasks": lambda: serving_targets.all_tasks(servable),
        "separate_models": lambda: serving_targets.separate_models(
            {branch.task.name: full(branch.task.name) for branch in branches}, executor
        ),
    }


def _texts() -> "Texts":
    """The dev texts of every task."""
    from benchmarks.harness.random_models import MIXED, mixed
    from centrabert.glue_data.task_lookup import find_task

    def of(name: str) -> list[tuple[str, str]]:
        dev = find_task(name, data_root=Path(FLAGS.data_root)).read("dev")
        second = dev.text_b if FLAGS.tasks_per_text == 1 else ("",) * len(dev)
        return list(zip(dev.text_a, second, strict=True))[:2000]

    texts = {name: of(name) for name in MIXED[FLAGS.model]}
    return {b.task.name: texts[b.task.name.split("_")[0]] for b in mixed(FLAGS.model, FLAGS.copies)}


def _rounded(value: object) -> object:
    return round(value, 2) if isinstance(value, float) else value


def _draw(lines: list[Line], file: Path) -> None:
    """P50 and P99 over the rate; the median of the rounds."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    for colour, way in enumerate(dict.fromkeys(line.way for line in lines)):
        for name, style in (("p99_ms", "-"), ("p50_ms", ":")):
            points = _medians([line for line in lines if line.way == way], name)
            label = way.replace("_", " ") if style == "-" else None
            axes.plot(*zip(*points, strict=True), style, marker="o", ms=3, color=f"C{colour}", label=label)
    axes.set(xlabel="requests a second", ylabel="milliseconds: P99, dotted P50", yscale="log")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(file, metadata={"Date": None})


def _medians(lines: list[Line], name: str) -> list[tuple[float, float]]:
    rates = sorted({line.rate for line in lines})
    return [(r, statistics.median(getattr(line, name) for line in lines if line.rate == r)) for r in rates]


if __name__ == "__main__":
    command.run(main, FLAGS)
