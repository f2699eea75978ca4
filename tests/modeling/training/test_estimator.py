"""The estimator on a linear model whose every number NumPy knows too."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf2
import tensorflow.compat.v1 as tf

from centrabert.modeling import checkpoint
from centrabert.modeling.training import estimator as estimators
from centrabert.modeling.training.estimator import (
    Estimator,
    EstimatorSpec,
    ModeKeys,
    Params,
    RunConfig,
    Tensors,
)

Array = npt.NDArray[Any]
RATE = 0.125
BATCH = 4
FIRST = np.array([1.0, -2.0, 0.5], np.float32)


def model_fn(features: Tensors, labels: Any, mode: str, params: Params) -> EstimatorSpec:
    """y = x w + offset; the offset is frozen, as the trunk of a branch is."""
    weights = tf.get_variable("w", initializer=FIRST, use_resource=True)
    offset = tf.get_variable(
        "offset", initializer=3.0, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES]
    )
    y = tf.linalg.matvec(features["x"], weights) + offset
    predictions = {"y": y, "x": features["x"]}
    if mode == ModeKeys.PREDICT:
        return EstimatorSpec(mode, predictions)
    loss = tf.losses.mean_squared_error(labels, y)
    if mode == ModeKeys.EVAL:
        metrics = {
            "squared": tf.metrics.mean_squared_error(labels, y),
            "absolute": tf.metrics.mean_absolute_error(labels, y),
        }
        return EstimatorSpec(mode, predictions, loss, eval_metric_ops=metrics)
    optimizer = tf.train.GradientDescentOptimizer(params["learning_rate"])
    return EstimatorSpec(mode, loss=loss, train_op=optimizer.minimize(loss, tf.train.get_global_step()))


def batch(number: int, rows: int = BATCH) -> tuple[dict[str, Array], Array]:
    """The batch of a step: another for every step."""
    random = np.random.default_rng(number)
    x = random.standard_normal([rows, 3]).astype(np.float32)
    return {"x": x}, (x @ np.array([0.5, 1.5, -1.0]) + 2).astype(np.float32)


def dataset(batches: Callable[[], Iterator[Any]]) -> tf2.data.Dataset:
    signature = ({"x": tf2.TensorSpec([None, 3])}, tf2.TensorSpec([None]))
    return tf2.data.Dataset.from_generator(batches, output_signature=signature)


def training_input(params: Params) -> tf2.data.Dataset:
    """Batches without end, from the step that training starts from."""

    def batches() -> Iterator[Any]:
        step = params["start_step"]
        while True:
            yield batch(step)
            step += 1

    return dataset(batches)


def dev_input(params: Params) -> tf2.data.Dataset:
    """Three batches, the last one shorter."""
    return dataset(lambda: (batch(1000 + number, rows) for number, rows in enumerate((4, 4, 2))))


def numpy_weights(steps: int) -> Array:
    """After so many steps of gradient descent."""
    weights = FIRST.astype(np.float64)
    for step in range(steps):
        features, labels = batch(step)
        error = features["x"] @ weights + 3 - labels
        weights = weights - RATE * 2 * features["x"].T @ error / BATCH
    return weights


def numpy_metrics(weights: Array) -> dict[str, float]:
    """Metrics over all rows; the loss is the mean over batches, as tf.estimator has it."""
    batches = [batch(1000 + number, rows) for number, rows in enumerate((4, 4, 2))]
    errors = [features["x"] @ weights + 3 - labels for features, labels in batches]
    rows = np.concatenate(errors)
    loss = np.mean([(error**2).mean() for error in errors])
    return {"squared": (rows**2).mean(), "absolute": np.abs(rows).mean(), "loss": float(loss)}


def estimator(folder: Path | None, model: Any = model_fn, every: int = 1000) -> Estimator:
    return Estimator(model, RunConfig(folder, save_checkpoints_steps=every), {"learning_rate": RATE})


def trained_weights(folder: Path) -> Array:
    """Of the last checkpoint, with the step that it says."""
    return checkpoint.read(Path(tf.train.latest_checkpoint(str(folder))))["w"]


def steps_done(folder: Path) -> int:
    return int(checkpoint.read(Path(tf.train.latest_checkpoint(str(folder))))["global_step"])


def column(rows: list[dict[str, Array]], name: str) -> Array:
    return np.stack([row[name] for row in rows])


def test_train(tmp_path: Path) -> None:
    estimator(tmp_path).train(training_input, max_steps=5)
    assert steps_done(tmp_path) == 5
    np.testing.assert_allclose(trained_weights(tmp_path), numpy_weights(5), atol=1e-6)


def test_train_resumes(tmp_path: Path) -> None:
    """From the checkpoint, and from the data of its step: the same bits as in one go."""
    starts = []

    def counted(params: Params) -> tf2.data.Dataset:
        starts.append(params["start_step"])
        return training_input(params)

    estimator(tmp_path / "two").train(counted, max_steps=3)
    estimator(tmp_path / "two").train(counted, max_steps=7)
    estimator(tmp_path / "one").train(counted, max_steps=7)
    assert starts == [0, 3, 0]
    assert steps_done(tmp_path / "two") == 7
    assert np.array_equal(trained_weights(tmp_path / "two"), trained_weights(tmp_path / "one"))
    np.testing.assert_allclose(trained_weights(tmp_path / "two"), numpy_weights(7), atol=1e-6)


def test_trained_to_the_end_trains_no_more(tmp_path: Path) -> None:
    for _ in range(2):
        estimator(tmp_path).train(training_input, max_steps=3)
        assert steps_done(tmp_path) == 3
    np.testing.assert_allclose(trained_weights(tmp_path), numpy_weights(3), atol=1e-6)


def test_training_data_that_ends_ends_training(tmp_path: Path) -> None:
    """As with tf.estimator: what was learnt is saved."""
    estimator(tmp_path).train(lambda params: dataset(lambda: (batch(step) for step in range(2))), max_steps=9)
    assert steps_done(tmp_path) == 2
    np.testing.assert_allclose(trained_weights(tmp_path), numpy_weights(2), atol=1e-6)


def test_frozen_variables_are_not_saved(tmp_path: Path) -> None:
    """They are set by their initialisers in every session, for training as for evaluation."""
    estimator(tmp_path).train(training_input, max_steps=1)
    prefix = Path(tf.train.latest_checkpoint(str(tmp_path)))
    assert checkpoint.shapes(prefix) == {"w": (3,), "global_step": ()}
    rows = list(estimator(tmp_path).predict(dev_input))
    weights = trained_weights(tmp_path)
    np.testing.assert_allclose(column(rows, "y"), column(rows, "x") @ weights + 3, atol=1e-6)


def test_evaluate(tmp_path: Path) -> None:
    estimator(tmp_path).train(training_input, max_steps=5)
    assert estimator(tmp_path).evaluate(dev_input) == pytest.approx(numpy_metrics(numpy_weights(5)), abs=1e-5)


def test_evaluate_anew_each_time(tmp_path: Path) -> None:
    """The metrics of one evaluation do not run on into the next, nor the weights of one checkpoint."""
    one = estimator(tmp_path)
    for steps in (2, 4):
        one.train(training_input, max_steps=steps)
        found = [one.evaluate(dev_input) for _ in range(2)]
        assert found == [pytest.approx(numpy_metrics(numpy_weights(steps)), abs=1e-5)] * 2


def test_evaluate_a_checkpoint_by_its_name(tmp_path: Path) -> None:
    estimator(tmp_path).train(training_input, max_steps=2)
    other = {"w": np.array([1, 2, 4], np.float32), "global_step": np.array(7)}
    checkpoint.write(tmp_path / "other", other)
    found = estimator(tmp_path).evaluate(dev_input, str(tmp_path / "other"))
    assert found == pytest.approx(numpy_metrics(np.array([1, 2, 4])), abs=1e-4)


def test_without_a_checkpoint_variables_are_initial() -> None:
    assert estimator(None).evaluate(dev_input) == pytest.approx(numpy_metrics(FIRST), abs=1e-5)


def test_predict_rows_and_batches(tmp_path: Path) -> None:
    estimator(tmp_path).train(training_input, max_steps=5)
    one = estimator(tmp_path)
    x = np.concatenate([batch(1000 + number, rows)[0]["x"] for number, rows in enumerate((4, 4, 2))])
    expected = x @ numpy_weights(5) + 3
    rows = list(one.predict(dev_input))
    assert [sorted(row) for row in rows] == [["x", "y"]] * 10
    assert np.array_equal(column(rows, "x"), x)
    np.testing.assert_allclose(column(rows, "y"), expected, atol=1e-5)
    batches = list(one.predict(dev_input, yield_single_examples=False))
    assert [part["y"].shape for part in batches] == [(4,), (4,), (2,)]
    np.testing.assert_allclose(np.concatenate([part["y"] for part in batches]), expected, atol=1e-5)


def test_predict_features_without_labels() -> None:
    def unlabelled(params: Params) -> tf2.data.Dataset:
        return dev_input(params).map(lambda features, labels: features)

    assert len(list(estimator(None).predict(unlabelled))) == 10


def test_predict_may_be_given_up() -> None:
    """A caller who wants the first row alone leaves no thread behind that another would wait for."""
    one = estimator(None)
    first = next(one.predict(dev_input))
    assert np.array_equal(first["x"], next(one.predict(dev_input))["x"])


class Evaluation(tf.train.CheckpointSaverListener):
    """Evaluates every checkpoint while training goes on."""

    def __init__(self, one: Estimator) -> None:
        self._one = one
        self.found: dict[int, dict[str, float]] = {}

    def after_save(self, session: tf.Session, global_step_value: int) -> None:
        self.found[int(global_step_value)] = self._one.evaluate(dev_input)


def test_evaluate_in_the_middle_of_training(tmp_path: Path) -> None:
    """Through a listener, in a session of its own: training goes on as if nothing had been."""
    one = estimator(tmp_path, every=2)
    evaluation = Evaluation(one)
    one.train(training_input, max_steps=5, saving_listeners=[evaluation])
    assert evaluation.found.keys() == {0, 2, 4, 5}
    for step, metrics in evaluation.found.items():
        assert metrics == pytest.approx(numpy_metrics(numpy_weights(step)), abs=1e-5)
    estimator(tmp_path / "undisturbed").train(training_input, max_steps=5)
    assert np.array_equal(trained_weights(tmp_path), trained_weights(tmp_path / "undisturbed"))


def test_a_loss_that_is_nan_is_an_error(tmp_path: Path) -> None:
    def diverging(params: Params) -> tf2.data.Dataset:
        def batches() -> Iterator[Any]:
            for step in range(9):
                features, labels = batch(step)
                yield {"x": features["x"] * (np.nan if step == 3 else 1)}, labels

        return dataset(batches)

    with pytest.raises(ValueError, match="training diverged: the loss is NaN; try a smaller learning rate"):
        estimator(tmp_path, every=2).train(diverging, max_steps=9)
    assert steps_done(tmp_path) == 2
    np.testing.assert_allclose(trained_weights(tmp_path), numpy_weights(2), atol=1e-6)


class Steps(tf.train.SessionRunHook):
    """Counts the steps that it sees."""

    def __init__(self) -> None:
        self.steps = 0

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self.steps += 1


def test_hooks_of_caller_and_model(tmp_path: Path) -> None:
    own, callers = Steps(), Steps()

    def hooked(features: Tensors, labels: Any, mode: str, params: Params) -> EstimatorSpec:
        spec = model_fn(features, labels, mode, params)
        return EstimatorSpec(spec.mode, loss=spec.loss, train_op=spec.train_op, training_hooks=[own])

    estimator(tmp_path, hooked).train(training_input, max_steps=3, hooks=[callers])
    assert (own.steps, callers.steps) == (3, 3)


def test_summaries(tmp_path: Path) -> None:
    """For TensorBoard: the loss at the steps that were asked for."""
    config = RunConfig(tmp_path, save_summary_steps=2)
    Estimator(model_fn, config, {"learning_rate": RATE}).train(training_input, max_steps=5)
    (file,) = tmp_path.glob("events.out.*")
    events = list(tf.train.summary_iterator(str(file)))
    losses = {e.step: v.simple_value for e in events for v in e.summary.value if v.tag == "loss"}
    expected = {}
    for step in (0, 2, 4):
        features, labels = batch(step)
        expected[step] = float(((features["x"] @ numpy_weights(step) + 3 - labels) ** 2).mean())
    assert [losses[step] for step in sorted(losses)] == pytest.approx(list(expected.values()), abs=1e-5)


def test_no_dataset_is_tuned() -> None:
    """A tuner's thread sleeps for up to a minute, and giving up an iterator waits for it."""
    made = estimators._dataset(lambda params: tf.data.Dataset.range(params["rows"]).repeat(), {"rows": 3})
    assert made.options().autotune.enabled is False
    assert [int(number) for number in made.take(4)] == [0, 1, 2, 0]
