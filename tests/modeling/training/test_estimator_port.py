"""A model_fn written for tf.estimator, after run_classifier.py of BERT, runs as it stands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf2
import tensorflow.compat.v1 as tf

from centrabert.modeling import checkpoint
from centrabert.modeling.training.estimator import Estimator, EstimatorSpec, ModeKeys, Params, RunConfig


def test_a_model_fn_of_bert(tmp_path: Path) -> None:
    """Evaluates what it starts from, learns, and predicts."""
    pretrained = {"bert/kernel": np.array([[1, -1], [2, 0], [0, 1]], np.float32)}
    checkpoint.write(tmp_path / "bert_model.ckpt", pretrained)
    one = Estimator(
        bert_model_fn_builder(2, str(tmp_path / "bert_model.ckpt"), learning_rate=0.25),
        config=RunConfig(model_dir=tmp_path / "run", save_checkpoints_steps=2),
        params={"batch_size": 4},
    )
    before = one.evaluate(input_fn=bert_input_fn)
    logits = np.eye(3)[[0, 1, 2, 1]] @ pretrained["bert/kernel"]
    losses = np.log(np.exp(logits).sum(1)) - logits[range(4), [1, 0, 1, 1]]
    assert before == pytest.approx(
        {"eval_accuracy": 0.5, "eval_loss": losses.mean(), "loss": losses.mean()}, abs=1e-5
    )
    one.train(input_fn=bert_input_fn, max_steps=20)
    after = one.evaluate(input_fn=bert_input_fn)
    assert after["eval_accuracy"] == 0.75  # two rows are alike but for their labels
    assert after["eval_loss"] < before["eval_loss"]
    probabilities = np.stack([row["probabilities"] for row in one.predict(input_fn=bert_input_fn)])
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)


def bert_input_fn(params: Params) -> tf2.data.Dataset:
    """Two batches an epoch of four rows."""
    features = {"input_ids": [0, 1, 2, 1], "label_ids": [1, 0, 1, 1], "is_real_example": [1, 1, 1, 1]}
    rows = tf2.data.Dataset.from_tensor_slices(
        {n: np.array(values, np.int32) for n, values in features.items()}
    )
    return rows.repeat(8 if "start_step" in params else 1).batch(params["batch_size"] // 2)


def bert_model_fn_builder(num_labels: int, init_checkpoint: str, learning_rate: float) -> Any:
    def model_fn(features: Any, labels: Any, mode: str, params: Any) -> EstimatorSpec:
        label_ids = features["label_ids"]
        is_real_example = tf.cast(features["is_real_example"], dtype=tf.float32)
        is_training = mode == ModeKeys.TRAIN
        with tf.variable_scope("bert"):
            kernel = tf.get_variable("kernel", [3, num_labels])
        logits = tf.nn.embedding_lookup(kernel, features["input_ids"])
        log_probs = tf.nn.log_softmax(logits, axis=-1)
        one_hot_labels = tf.one_hot(label_ids, depth=num_labels, dtype=tf.float32)
        per_example_loss = -tf.reduce_sum(one_hot_labels * log_probs, axis=-1)
        loss = tf.reduce_mean(per_example_loss)
        tvars = tf.trainable_variables()
        tf.train.init_from_checkpoint(init_checkpoint, {v.name[:-2]: v.name[:-2] for v in tvars})
        if is_training:
            optimizer = tf.train.AdamOptimizer(learning_rate)
            train_op = optimizer.minimize(loss, global_step=tf.train.get_or_create_global_step())
            return EstimatorSpec(mode=mode, loss=loss, train_op=train_op)
        if mode == ModeKeys.EVAL:
            predictions = tf.argmax(logits, axis=-1, output_type=tf.int32)
            eval_metric_ops = {
                "eval_accuracy": tf.metrics.accuracy(
                    labels=label_ids, predictions=predictions, weights=is_real_example
                ),
                "eval_loss": tf.metrics.mean(values=per_example_loss, weights=is_real_example),
            }
            return EstimatorSpec(mode=mode, loss=loss, eval_metric_ops=eval_metric_ops)
        return EstimatorSpec(mode=mode, predictions={"probabilities": tf.nn.softmax(logits)})

    return model_fn
