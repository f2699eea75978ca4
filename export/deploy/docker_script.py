"""docker_run.sh: starts TF Serving on the export folder that the script lies in."""

from centrabert.export.deploy.tf_serving import BINARY, ENVIRONMENT, GRPC_PORT, IMAGE, REST_PORT, TfServing

SCRIPT = """\
#!/bin/sh
# Serves the model @name@ with TF Serving: gRPC on port @grpc@, REST on port @rest@.
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
image=@image@

export_dir=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

# --init: as process 1, TF Serving would ignore Ctrl-C and docker stop.
# --user: who may read the files here may read them there; the image's own user is root.
# --mount: the quotes inside are for a comma in the folder's name.
exec docker run --rm --init \\
  --user "$(id -u):$(id -g)" --cap-drop ALL --security-opt no-new-privileges --read-only --tmpfs /tmp \\
  --publish "${LISTEN:-127.0.0.1}:@grpc@:@grpc@" --publish "${LISTEN:-127.0.0.1}:@rest@:@rest@" \\
  --mount "type=bind,\\"source=$export_dir\\",target=@base_path@,readonly" \\
  @environment@ --entrypoint @binary@ \\
  "$image" \\
@flags@ \\
  "$@"
"""


def docker_script(serving: TfServing) -> str:
    """A POSIX shell script; what is put into it needs no quoting, as `TfServing` sees to."""
    values = {
        "name": serving.name,
        "grpc": str(GRPC_PORT),
        "rest": str(REST_PORT),
        "image": IMAGE,
        "base_path": serving.base_path,
        "binary": BINARY,
        "environment": " ".join(f"--env {name}={value}" for name, value in ENVIRONMENT.items()),
        "flags": " \\\n".join(f"  {flag}" for flag in serving.flags),
    }
    script = SCRIPT
    for key, value in values.items():
        script = script.replace(f"@{key}@", value)
    return script
