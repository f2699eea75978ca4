"""Prints the tasks of a merged model and what it costs; reads only its manifest."""

from dataclasses import dataclass
from pathlib import Path

from centrabert import command
from centrabert.flag_fields import define, flag, read
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.summary_table import table


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    merged: Path = flag("Folder of a merged model, as run_merge writes it.")


FLAGS = define(Run)


def main() -> None:
    print(table(read_manifest(read(Run, FLAGS).merged)), end="")


if __name__ == "__main__":
    command.run(main, FLAGS)
