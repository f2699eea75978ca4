"""Copies the three sample tasks, SST-2, RTE and STS-B, in GLUE's file layouts, from the package to a folder.

python -m centrabert.glue_data.run_samples --output_dir=glue_samples
"""

import shutil
from importlib import resources
from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.modeling.files import atomic_folder

FLAGS = flags.FlagValues()
flags.DEFINE_string("output_dir", None, "Folder that gets SST-2, RTE and STS-B.", flag_values=FLAGS)
flags.mark_flag_as_required("output_dir", flag_values=FLAGS)


def main() -> None:
    with resources.as_file(resources.files("centrabert.glue_data").joinpath("samples")) as samples:
        for task in sorted(samples.iterdir()):
            with atomic_folder(Path(FLAGS.output_dir) / task.name) as folder:
                shutil.copytree(task, folder, dirs_exist_ok=True)


if __name__ == "__main__":
    command.run(main, FLAGS)
