"""Exports a merged model as one version of a SavedModel for TF Serving.

Every task's golden texts are asked of the exported model first; a version that answers otherwise is not
written. Beside the versions, in tf_serving/, stands what TF Serving is started with: models.config, in which
the new version gets a label, and batching_parameters.txt.
"""

import os
import re
from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.export.versions import SETTINGS, STABLE

FLAGS = flags.FlagValues()
flags.DEFINE_string("merged", None, "Folder of a merged model, as run_merge writes it.", flag_values=FLAGS)
flags.DEFINE_string("export_dir", None, "Folder that TF Serving watches.", flag_values=FLAGS)
flags.DEFINE_integer(
    "version", None, "Number of the version, from 1; serves instead of all lower ones.", flag_values=FLAGS
)
flags.DEFINE_string("model_name", "centrabert", "What clients call the model.", flag_values=FLAGS)
flags.DEFINE_string(
    "label",
    STABLE,
    "Label of the new version in models.config, such as canary; other labels stay where they are.",
    flag_values=FLAGS,
)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
for required in ("merged", "export_dir", "version"):
    flags.mark_flag_as_required(required, flag_values=FLAGS)


def main() -> None:
    for flag in ("model_name", "label"):
        if not NAME.fullmatch(FLAGS[flag].value):
            raise ValueError(f"--{flag}={FLAGS[flag].value} is not of letters, digits, '_', '.' and '-'")
    from centrabert.export.exporting import export
    from centrabert.export.serving_config import label_version, write_batching

    export_dir, name = Path(FLAGS.export_dir), FLAGS.model_name
    version = export(Path(FLAGS.merged), export_dir, FLAGS.version)
    folder = export_dir / SETTINGS
    label_version(folder, name, f"/models/{name}", FLAGS.label, FLAGS.version)
    write_batching(folder, os.cpu_count() or 1)
    print(version)


if __name__ == "__main__":
    command.run(main, FLAGS)
