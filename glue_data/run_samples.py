"""Copies the four sample tasks from the package to a folder: SST-2, RTE and STS-B as in GLUE, and slots.

The file tasks.yaml beside them declares all four.

python -m centrabert.glue_data.run_samples --output_dir=glue_samples
"""

import shutil
from importlib import resources
from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.modeling.files import atomic_folder

CONFIG = "tasks.yaml"
FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "output_dir", None, "Folder that gets SST-2, RTE, STS-B, slots and tasks.yaml.", flag_values=FLAGS
)
flags.mark_flag_as_required("output_dir", flag_values=FLAGS)


def main() -> None:
    with resources.as_file(resources.files("centrabert.glue_data").joinpath("samples")) as samples:
        for task in sorted(each for each in samples.iterdir() if each.is_dir()):
            with atomic_folder(Path(FLAGS.output_dir) / task.name) as folder:
                shutil.copytree(task, folder, dirs_exist_ok=True)
        shutil.copy(samples / CONFIG, FLAGS.output_dir)


if __name__ == "__main__":
    command.run(main, FLAGS)
