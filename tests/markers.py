"""Which tests `make quick` leaves out, by marker: what serves, what needs Ray, and what takes seconds.

The patterns are those of fnmatch, over a test's file, or its file and name.
"""

from fnmatch import fnmatch

PATTERNS = {
    "ray": ("tests/search/workers/test_ray_pool.py",),
    "server": (
        "tests/export/client/test_client_grpc.py",
        "tests/export/client/test_client_server.py",
        "tests/export/client/test_client_tls.py",
        "tests/export/rest/test_server_*.py",
        "tests/export/serving/test_grpc_interceptor.py",
        "tests/export/serving/test_server_*.py",
        "tests/export/serving/test_version_manager.py",
        "tests/export/test_local_server.py",
        "tests/export/test_run_server.py",
        "tests/formats/test_kept_serving.py",
    ),
    # Seconds of CPU time: they train, export, build graphs by the dozen, or start Python anew.
    "slow": (
        "tests/distill/methods/test_[!r]*.py",
        "tests/distill/test_[!ls]*.py",
        "tests/distill/text/test_text_distillation.py::test_[!w]*",
        "tests/export/graph/test_[!r]*.py",
        "tests/export/graph/test_routing.py",
        "tests/export/graph/test_request_texts.py",
        "tests/export/lifecycle/test_[!p]*.py",
        "tests/export/lifecycle/test_promotion_gate.py",
        "tests/export/lifecycle/test_paired_test.py",
        "tests/export/deploy/test_kubernetes_yaml.py",
        "tests/export/page/test_model_diagram.py",
        "tests/export/test_export.py",
        "tests/export/test_export_scripts.py",
        "tests/export/test_exported_model.py",
        "tests/export/rest/test_json_tensors.py",
        "tests/export/serving/test_request_rows.py",
        "tests/export/test_fed_weights.py",
        "tests/export/test_publication.py",
        "tests/export/test_store_export.py",
        "tests/formats/test_damaged_files.py",
        "tests/glue_data/test_metrics.py",
        "tests/glue_data/test_sampling_error.py",
        "tests/glue_data/test_samples.py",
        "tests/glue_data/declared/test_real_data.py",
        "tests/formats/test_kept_search.py",
        "tests/formats/test_same_bits.py",
        "tests/house/test_api.py::test_a_name_is_loaded_from_where_it_is_defined*",
        "tests/house/test_docs.py::test_python_examples_run*",
        "tests/house/test_packaging.py",
        "tests/house/test_requirements.py::test_what_a_list_is_for_runs_with_nothing_else*",
        "tests/house/test_style.py::test_types",
        "tests/merge/test_import_script.py",
        "tests/merge/test_merge_scripts.py",
        "tests/merge/test_task_extraction.py",
        "tests/modeling/convert/test_convert.py::test_minilm",
        "tests/modeling/convert/test_google_checkpoint.py",
        "tests/modeling/convert/test_huggingface_tokenizer.py",
        "tests/modeling/convert/test_pruned_vocabulary.py",
        "tests/modeling/convert/test_minilm.py",
        "tests/modeling/convert/test_model_garden.py",
        "tests/modeling/convert/test_verification.py",
        "tests/modeling/joint/test_joint_training.py::test_[!a]*",
        "tests/modeling/kinds/test_crf.py",
        "tests/modeling/kinds/test_every_kind.py",
        "tests/modeling/kinds/test_tagging.py",
        "tests/modeling/formats/test_dataclass_json.py::test_anything*",
        "tests/modeling/layers/test_adapter*.py",
        "tests/modeling/layers/test_encoder.py",
        "tests/modeling/layers/test_layer_states.py",
        "tests/modeling/layers/test_first_only.py",
        "tests/modeling/layers/test_lora.py",
        "tests/modeling/layers/test_dropout.py",
        "tests/modeling/test_full_disk.py",
        "tests/modeling/tokenization/test_byte_offsets.py",
        "tests/modeling/tokenization/test_packing.py",
        "tests/modeling/tokenization/test_sentencepiece_tokenizer.py",
        "tests/modeling/tokenization/test_tokenizer.py",
        "tests/modeling/training/test_estimator*.py",
        "tests/modeling/training/test_lora_training.py",
        "tests/modeling/training/test_optimizer.py",
        "tests/modeling/training/test_run_classifier.py",
        "tests/modeling/training/test_tagging_training.py::test_a_crf*",
        "tests/modeling/training/test_train_branch.py",
        "tests/modeling/training/test_training_graph.py",
        "tests/modeling/training/test_trunk_cache.py",
        "tests/modeling/words/test_sentencepiece_words.py",
        "tests/scripts/test_bert_command_line.py",
        "tests/scripts/test_multilabel_task.py",
        "tests/scripts/test_declared_tasks.py",
        "tests/scripts/test_errors.py",
        "tests/scripts/test_pipeline.py",
        "tests/scripts/test_task_of_your_own.py",
        "tests/search/jobs/test_jobs.py",
        "tests/search/report/test_report.py",
        "tests/search/report/test_report_gaps.py",
        "tests/search/selection/test_budget_optimum.py",
        "tests/search/strategy/test_strategy.py",
        "tests/search/strategy/test_halving.py",
        "tests/search/test_finish.py",
        "tests/search/test_run_*.py",
        "tests/search/test_search.py",
        "tests/search/workers/test_*_pool.py",
        "tests/search/workers/test_job_attempt.py",
    ),
}
NOT_QUICK = "not (browser or ray or server or slow)"  # of `make quick`


def markers(node_id: str) -> list[str]:
    """The markers of a test, by its pytest node id."""
    names = (node_id, node_id.partition("::")[0])
    return [
        marker
        for marker, patterns in PATTERNS.items()
        if any(fnmatch(name, pattern) for name in names for pattern in patterns)
    ]
