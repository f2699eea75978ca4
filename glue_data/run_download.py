"""Downloads the official GLUE data and Google's BERT checkpoints.

  centrabert download --output_dir=data --task_names=rte,mrpc \\
    --models=uncased_L-12_H-768_A-12
"""

from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.glue_data.download import catalogue
from centrabert.glue_data.download.glue_download import download

FLAGS = flags.FlagValues()
flags.DEFINE_list(
    "task_names",
    [],
    f"Names of GLUE tasks, separated by commas: {', '.join(catalogue.TASKS)}; or all.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "models",
    [],
    "Names that Google gave its BERT checkpoints, separated by commas, such as uncased_L-12_H-768_A-12.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "output_dir",
    None,
    "Folder to write into; each task and each model gets a folder of its own there.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "base_url",
    None,
    "Address of a mirror that has the same paths as the official servers.",
    flag_values=FLAGS,
)
flags.DEFINE_bool("keep_archives", False, "Keep the archives after unpacking them.", flag_values=FLAGS)
flags.mark_flag_as_required("output_dir", flag_values=FLAGS)


def main() -> None:
    for source in catalogue.wanted(tuple(FLAGS.task_names), tuple(FLAGS.models)):
        moved = source.moved_to(FLAGS.base_url) if FLAGS.base_url else source
        download(moved, Path(FLAGS.output_dir), FLAGS.keep_archives)


if __name__ == "__main__":
    command.run(main, FLAGS)
