#!/bin/sh
# Serves the model {{ name }} with TF Serving: gRPC on port 8500, REST on port 8501.
#
#   sh docker_run.sh                                   answers this machine alone
#   LISTEN=0.0.0.0 sh docker_run.sh                    answers all; TF Serving asks for no password
#   sh docker_run.sh --rest_api_timeout_in_ms=60000    with more flags of tensorflow_model_server
#
# Ctrl-C ends it. The script finds the model by its own place, so the export folder may be moved. Every export
# writes the script anew.
set -eu

# Why this tag: it is the release for TensorFlow 2.20, which wrote the SavedModel and answered its golden
# texts; an older server may not know its ops. It has the ops of TensorFlow Text 2.20 linked in, and with them
# the two that the tokenizer in the model needs, NormalizeUTF8 and FastWordpieceTokenizeWithOffsets. There is
# no image for ARM.
image={{ image }}

export_dir=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

# --init: as process 1, TF Serving would ignore Ctrl-C and docker stop.
# --user: who may read the files here may read them there; the image's own user is root.
# --mount: the quotes inside are for a comma in the folder's name.
exec docker run --rm --init \
  --user "$(id -u):$(id -g)" --cap-drop ALL --security-opt no-new-privileges --read-only --tmpfs /tmp \
  --publish "${LISTEN:-127.0.0.1}:8500:8500" --publish "${LISTEN:-127.0.0.1}:8501:8501" \
  --mount "type=bind,\"source=$export_dir\",target={{ base_path }},readonly" \
  --env TF_ENABLE_ONEDNN_OPTS=1 --entrypoint /usr/bin/tensorflow_model_server \
  "$image" \
  --port=8500 \
  --rest_api_port=8501 \
  --model_config_file={{ base_path }}/tf_serving/models.config \
  --model_config_file_poll_wait_seconds=30 \
  --allow_version_labels_for_unavailable_models=true \
  --enable_model_warmup=true \
  --enable_batching=true \
  --batching_parameters_file={{ base_path }}/tf_serving/batching_parameters.txt \
  "$@"
