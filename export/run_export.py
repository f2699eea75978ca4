"""Exports a merged model as one version of a SavedModel for TF Serving.

Every task's golden texts are asked of the exported model first; a version that answers otherwise is not
written. Beside the versions, in tf_serving/, stands what TF Serving is started with: models.config, in which
the new version gets a label, batching_parameters.txt, docker_run.sh, kubernetes.yaml and kserve.yaml.
docs/SERVING.md tells how.
"""

import os
from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.export.contract.version_folder import SETTINGS, STABLE

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
flags.DEFINE_integer(
    "cores",
    None,
    "Of a server: batches that it computes at a time, CPUs that it asks of Kubernetes. By default this "
    "machine's.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "claim",
    "",
    "Kubernetes: PersistentVolumeClaim whose root is the export folder. By default the one of the model's "
    "name.",
    flag_values=FLAGS,
)
for required in ("merged", "export_dir", "version"):
    flags.mark_flag_as_required(required, flag_values=FLAGS)


def main() -> None:
    from centrabert.export.contract.models_config import label_version, read_labels
    from centrabert.export.deploy.deployment import write_deployment
    from centrabert.export.deploy.serving_config import write_batching
    from centrabert.export.deploy.tf_serving import TfServing, check_name

    cores = (os.cpu_count() or 1) if FLAGS.cores is None else FLAGS.cores
    serving = TfServing(FLAGS.model_name, cores, FLAGS.claim)
    check_name("label", FLAGS.label)
    export_dir = Path(FLAGS.export_dir)
    folder = export_dir / SETTINGS
    read_labels(folder)  # a damaged models.config is told before anything is exported
    from centrabert.export.export_version import export

    version = export(Path(FLAGS.merged), export_dir, FLAGS.version)
    labels = label_version(folder, serving.name, serving.base_path, FLAGS.label, FLAGS.version)
    write_batching(folder, serving.cores)
    write_deployment(version, serving, labels)
    print(version)


if __name__ == "__main__":
    command.run(main, FLAGS)
