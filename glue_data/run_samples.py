"""Writes the three sample tasks from their grammars, as they are in glue_data/samples.

python -m centrabert.glue_data.run_samples --output_dir=glue_data/samples
"""

from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.glue_data.sample_tasks import write_samples

FLAGS = flags.FlagValues()
flags.DEFINE_string("output_dir", None, "Folder that gets SST-2, RTE and STS-B.", flag_values=FLAGS)
flags.mark_flag_as_required("output_dir", flag_values=FLAGS)


def main() -> None:
    write_samples(Path(FLAGS.output_dir))


if __name__ == "__main__":
    command.run(main, FLAGS)
