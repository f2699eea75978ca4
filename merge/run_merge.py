"""Merges branches onto the trunk that they share, and prints what the merged model costs.

Teachers and students can be mixed. Branches that were trained on another BERT or vocabulary, and two branches
of the same task, are refused.
"""

from pathlib import Path

from absl import flags

from centrabert import command

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "base",
    None,
    "Folder of the pretrained BERT that the branches were trained on: bert_config.json, vocab.txt or "
    "a SentencePiece model, and "
    "bert_model.ckpt.",
    flag_values=FLAGS,
)
flags.DEFINE_list("branches", None, "Branch folders, separated by commas.", flag_values=FLAGS)
flags.DEFINE_string(
    "output_dir", None, "Folder to write the merged model into; it must not exist yet.", flag_values=FLAGS
)
for required in ("base", "branches", "output_dir"):
    flags.mark_flag_as_required(required, flag_values=FLAGS)


def main() -> None:
    from centrabert.merge.merge_branches import merge
    from centrabert.merge.summary_table import table

    branches = [Path(folder) for folder in FLAGS.branches if folder]
    print(table(merge(Path(FLAGS.base), branches, Path(FLAGS.output_dir))), end="")


if __name__ == "__main__":
    command.run(main, FLAGS)
