"""Exports a merged model as one version of a SavedModel for TF Serving.

Every task's golden texts are asked of the exported model first; a version that answers otherwise is not
written.
"""

from pathlib import Path

from absl import flags

from centrabert import command

FLAGS = flags.FlagValues()
flags.DEFINE_string("merged", None, "Folder of a merged model, as run_merge writes it.", flag_values=FLAGS)
flags.DEFINE_string("export_dir", None, "Folder that TF Serving watches.", flag_values=FLAGS)
flags.DEFINE_integer(
    "version", None, "Number of the version, from 1; serves instead of all lower ones.", flag_values=FLAGS
)
for required in ("merged", "export_dir", "version"):
    flags.mark_flag_as_required(required, flag_values=FLAGS)


def main() -> None:
    from centrabert.export.exporting import export

    print(export(Path(FLAGS.merged), Path(FLAGS.export_dir), FLAGS.version))


if __name__ == "__main__":
    command.run(main, FLAGS)
