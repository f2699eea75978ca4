"""Merges branches onto the trunk that they share, and prints what the merged model costs.

Teachers and students can be mixed. Branches that were trained on another BERT or vocabulary, and two branches
of the same task, are refused.
"""

from dataclasses import dataclass
from pathlib import Path

from centrabert import command
from centrabert.flag_fields import define, flag, read


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    base: Path = flag(
        "Folder of the pretrained BERT that the branches were trained on: bert_config.json, vocab.txt or a "
        "SentencePiece model, and bert_model.ckpt."
    )
    branches: tuple[str, ...] = flag("Branch folders, separated by commas.")
    output_dir: Path = flag("Folder to write the merged model into; it must not exist yet.")


FLAGS = define(Run)


def main() -> None:
    from centrabert.merge.merge_branches import merge
    from centrabert.merge.summary_table import table

    run = read(Run, FLAGS)
    branches = [Path(folder) for folder in run.branches if folder]
    print(table(merge(run.base, branches, run.output_dir)), end="")


if __name__ == "__main__":
    command.run(main, FLAGS)
