"""Prints the tasks of a merged model and what it costs; reads only its manifest."""

from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.summary_table import table

FLAGS = flags.FlagValues()
flags.DEFINE_string("merged", None, "Folder of a merged model, as run_merge writes it.", flag_values=FLAGS)
flags.mark_flag_as_required("merged", flag_values=FLAGS)


def main() -> None:
    print(table(read_manifest(Path(FLAGS.merged))), end="")


if __name__ == "__main__":
    command.run(main, FLAGS)
