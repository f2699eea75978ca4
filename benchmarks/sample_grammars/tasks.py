"""The four sample tasks of glue_data/samples, written from grammars made for this project.

python -m benchmarks.sample_grammars.tasks

dev.tsv and test.tsv use templates and words that train.tsv never uses, so that dev measures what was learnt
and not what was remembered.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.sample_grammars import entailment, sentiment, similarity, travel
from benchmarks.sample_grammars.draw import Draw

# Enough to learn from, and a demo still ends within minutes on two cores.
TRAIN_ROWS = {
    "SST-2": 800,
    "RTE": 1400,
    "STS-B": 800,
    "slots": 600,
}  # with fewer, the relations of RTE are not learnt
SIMILARITY_HEADER = "index genre filename year old_index source1 source2 sentence1 sentence2 score"
SIMILARITY_FIXED = ("sample-captions", "grammar", "2025")
Row = tuple[str, ...]  # the texts, then the label, the score or the tags


def row_counts(task: str) -> dict[str, int]:
    """Rows of each set of a task, without the header."""
    return {"train": TRAIN_ROWS[task], "dev": 300, "test": 50}


def write_samples(folder: Path) -> None:
    """Writes `<task>/{train,dev,test}.tsv` under `folder`; the same bytes every time."""
    for name, text in sample_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def sample_files() -> dict[str, str]:
    """`<task>/<set>.tsv` -> its text, for all tasks and sets; test.tsv has no labels."""
    files = {}
    for task, (rows_of, table_of) in TASKS.items():
        for name, rows in rows_of(task).items():
            table = table_of(rows, name != "test")
            files[f"{task}/{name}.tsv"] = "".join("\t".join(line) + "\n" for line in table)
    return files


def _sentiment_rows(task: str) -> dict[str, list[Row]]:
    return _classified(task, sentiment.LABELS, sentiment.row)


def _entailment_rows(task: str) -> dict[str, list[Row]]:
    return _classified(task, entailment.LABELS, entailment.row)


def _similarity_rows(task: str) -> dict[str, list[Row]]:
    return _distinct(task, lambda draw, held_out, _: similarity.row(draw, held_out))


def _travel_rows(task: str) -> dict[str, list[Row]]:
    return _distinct(task, lambda draw, held_out, _: travel.row(draw, held_out))


def _classified(task: str, labels: Row, row: Callable[[Draw, bool, str], Row]) -> dict[str, list[Row]]:
    def labelled(draw: Draw, held_out: bool, position: int) -> Row:
        label = labels[position % len(labels)]
        return (*row(draw, held_out, label), label)

    return _distinct(task, labelled)


def _distinct(task: str, row: Callable[[Draw, bool, int], Row]) -> dict[str, list[Row]]:
    """Rows for each set, shuffled; no text occurs twice."""
    draw = Draw(task)  # the task is the seed
    seen: set[Row] = set()
    sets = {}
    for name, count in row_counts(task).items():
        rows: list[Row] = []
        while len(rows) < count:
            new = row(draw, name != "train", len(rows))
            if new[:-1] not in seen:
                seen.add(new[:-1])
                rows.append(new)
        sets[name] = draw.shuffled(rows)
    return sets


def _sentiment_table(rows: list[Row], labelled: bool) -> list[Row]:
    if labelled:
        return [("sentence", "label"), *rows]
    return [("index", "sentence"), *((str(i), row[0]) for i, row in enumerate(rows))]


def _entailment_table(rows: list[Row], labelled: bool) -> list[Row]:
    columns = 3 if labelled else 2
    header = ("index", "sentence1", "sentence2", "label")[: columns + 1]
    return [header, *((str(i), *row[:columns]) for i, row in enumerate(rows))]


def _similarity_table(rows: list[Row], labelled: bool) -> list[Row]:
    columns = 3 if labelled else 2
    header = tuple(SIMILARITY_HEADER.split())[: columns + 7]
    fixed = [(str(i), *SIMILARITY_FIXED, f"{i:04d}", "none", "none") for i in range(len(rows))]
    return [header, *((*left, *row[:columns]) for left, row in zip(fixed, rows, strict=True))]


def _travel_table(rows: list[Row], labelled: bool) -> list[Row]:
    columns = 2 if labelled else 1
    return [("text", "tags")[:columns], *(row[:columns] for row in rows)]


TASKS = {
    "SST-2": (_sentiment_rows, _sentiment_table),
    "RTE": (_entailment_rows, _entailment_table),
    "STS-B": (_similarity_rows, _similarity_table),
    "slots": (_travel_rows, _travel_table),
}

if __name__ == "__main__":
    write_samples(Path(__file__).resolve().parents[2] / "glue_data" / "samples")
