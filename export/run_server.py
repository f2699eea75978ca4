"""Serves an exported model over gRPC and REST, as TF Serving does, where that is not at hand.

The flags are TF Serving's. A new version under --model_base_path is served as soon as it has answered its
golden texts, without a dropped request; one that fails leaves the old one where it is. A page to try the
model is at http://localhost:<rest_api_port>/, values for Prometheus at /metrics, and /healthz says whether it
serves. SIGTERM ends the server after the requests in flight.
"""

import asyncio
import os
from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string("model_name", "centrabert", "What clients call the model.", flag_values=FLAGS)
flags.DEFINE_string(
    "model_base_path", None, "Folder with the versions, as run_export writes it.", flag_values=FLAGS
)
flags.DEFINE_string(
    "model_config_file",
    None,
    "A models.config as run_export writes it: its versions are served, under its labels, from "
    "--model_base_path. Without it the highest version is served.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "host", "127.0.0.1", "Address to listen at; 0.0.0.0 lets other machines in.", flag_values=FLAGS
)
flags.DEFINE_integer("port", 8500, "Port of gRPC; 0 for any free one.", 0, 65535, flag_values=FLAGS)
flags.DEFINE_integer(
    "rest_api_port", 8501, "Port of REST and the page; 0 for any free one.", 0, 65535, flag_values=FLAGS
)
flags.DEFINE_integer(
    "rest_api_timeout_in_ms", 30000, "Until a REST request is given up.", 1, flag_values=FLAGS
)
flags.DEFINE_float(
    "file_system_poll_wait_seconds", 1.0, "Between two looks for new versions.", 0.01, flag_values=FLAGS
)
flags.DEFINE_integer("max_batch_size", 32, "Rows computed together.", 1, flag_values=FLAGS)
flags.DEFINE_integer(
    "num_batch_threads", None, "Batches computed at a time; by default one a core.", 1, flag_values=FLAGS
)
flags.DEFINE_integer(
    "max_enqueued_batches", 100, "Full batches that may wait; more rows are refused.", 1, flag_values=FLAGS
)
flags.DEFINE_integer("max_request_rows", 1024, "Rows of one request.", 1, flag_values=FLAGS)
flags.DEFINE_integer("max_text_bytes", 65536, "Of one text.", 1, flag_values=FLAGS)
flags.DEFINE_integer("max_body_bytes", 4 << 20, "Of one request.", 1024, flag_values=FLAGS)
flags.DEFINE_integer(
    "max_concurrent_requests",
    1000,
    "Answered at a time over gRPC, and as many over REST; more are refused.",
    1,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    "shutdown_grace_seconds", 30.0, "For requests in flight when the server is stopped.", 0, flag_values=FLAGS
)
flags.mark_flag_as_required("model_base_path", flag_values=FLAGS)


def main() -> None:
    base_path = Path(FLAGS.model_base_path)
    if not base_path.is_dir():
        raise UserError(f"--model_base_path={base_path}: no such folder")
    from centrabert.export.local_server import ServerSettings, serve
    from centrabert.export.serving.servable import ServingLimits

    limits = ServingLimits(
        threads=FLAGS.num_batch_threads or os.cpu_count() or 1,
        batch_rows=FLAGS.max_batch_size,
        waiting_rows=FLAGS.max_batch_size * FLAGS.max_enqueued_batches,
        request_rows=FLAGS.max_request_rows,
        text_bytes=FLAGS.max_text_bytes,
    )
    settings = ServerSettings(
        name=FLAGS.model_name,
        base_path=base_path,
        config_file=Path(FLAGS.model_config_file) if FLAGS.model_config_file else None,
        host=FLAGS.host,
        port=FLAGS.port,
        rest_port=FLAGS.rest_api_port,
        poll_seconds=FLAGS.file_system_poll_wait_seconds,
        rest_seconds=FLAGS.rest_api_timeout_in_ms / 1000,
        body_bytes=FLAGS.max_body_bytes,
        concurrent=FLAGS.max_concurrent_requests,
        limits=limits,
    )
    asyncio.run(serve(settings, FLAGS.shutdown_grace_seconds))


if __name__ == "__main__":
    command.run(main, FLAGS)
