"""The flags of tensorflow_model_server, to hold against those that we give it."""

import re
from collections.abc import Sequence

# Every Flag of tensorflow_serving/model_servers/main.cc.
KNOWN_FLAGS = frozenset(
    re.findall(
        r"\w+",
        """
        port grpc_socket_path rest_api_port rest_api_num_threads rest_api_timeout_in_ms
        rest_api_enable_cors_support enable_batching allow_version_labels_for_unavailable_models
        batching_parameters_file enable_per_model_batching_parameters model_config_file
        model_config_file_poll_wait_seconds model_name model_base_path num_load_threads num_unload_threads
        max_num_load_retries load_retry_interval_micros file_system_poll_wait_seconds flush_filesystem_caches
        tensorflow_session_parallelism tensorflow_session_config_file tensorflow_intra_op_parallelism
        tensorflow_inter_op_parallelism use_alts_credentials ssl_config_file platform_config_file
        per_process_gpu_memory_fraction saved_model_tags grpc_channel_arguments grpc_max_threads
        enable_model_warmup num_request_iterations_for_warmup version monitoring_config_file
        remove_unused_fields_from_bundle_metagraph prefer_tflite_model num_tflite_pools
        num_tflite_interpreters_per_pool enable_signature_method_name_check xla_cpu_compilation_enabled
        enable_profiler thread_pool_factory_config_file
        """,
    )
)


def server_flags(arguments: Sequence[str]) -> dict[str, str]:
    """Value by flag; every argument must be a flag that the server knows, given once."""
    pairs = [re.fullmatch(r"--(\w+)=(.*)", argument) for argument in arguments]
    found = dict(pair.groups() for pair in pairs if pair)
    assert len(found) == len(arguments)
    assert found.keys() <= KNOWN_FLAGS
    return found
