"""A small estimator with the names and signatures of tf.estimator, which TensorFlow 2.16 removed.

A BERT-style `model_fn(features, labels, mode, params)` and `input_fn(params)` port unchanged. Batches are
drawn outside the graph and fed; evaluation keeps its graph and session from one checkpoint to the next.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf

from centrabert.errors import UserError
from centrabert.modeling.training.hooks import EvenSaver, SummarySaver

Tensors = dict[str, tf.Tensor]
Arrays = dict[str, npt.NDArray[np.generic]]
Params = dict[str, Any]
InputFn = Callable[[Params], "tf.data.Dataset"]


class ModeKeys:
    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"


@dataclass(frozen=True)
class EstimatorSpec:
    """What a model_fn returns.

    Attributes:
      loss: float32 scalar; wanted in TRAIN and EVAL.
      eval_metric_ops: Name to (value, update), as of tf.compat.v1.metrics.
    """

    mode: str
    predictions: Tensors | None = None
    loss: tf.Tensor | None = None
    train_op: tf.Operation | None = None
    eval_metric_ops: Mapping[str, tuple[tf.Tensor, tf.Operation]] = field(default_factory=dict)
    training_hooks: Sequence["tf.train.SessionRunHook"] = ()


ModelFn = Callable[[Tensors, Any, str, Params], EstimatorSpec]


@dataclass(frozen=True)
class RunConfig:
    """How to run.

    Attributes:
      model_dir: Folder of the checkpoints and TensorBoard summaries of training; None only predicts.
      save_checkpoints_steps: Steps between two checkpoints; BERT's default is 1000.
      save_summary_steps: Steps between two summaries.
    """

    model_dir: Path | None = None
    save_checkpoints_steps: int = 1000
    save_summary_steps: int = 50
    session_config: Any = None


class Estimator:
    """Trains, evaluates and predicts with one model_fn.

    Variables in the LOCAL_VARIABLES collection are set by their initialisers whenever a session starts and
    are never saved: frozen variables, which come from a pretrained checkpoint, belong there.

    Args:
      params: Handed to `model_fn` and `input_fn`; `input_fn` also gets `start_step`, the global step that
        training starts from.
    """

    def __init__(self, model_fn: ModelFn, config: RunConfig, params: Params | None = None) -> None:
        self._model_fn = model_fn
        self._config = config
        self._params = dict(params or {})
        self._graphs: dict[str, _Restored] = {}

    def latest_checkpoint(self) -> str | None:
        if self._config.model_dir is None:
            return None
        checkpoint: str | None = tf.train.latest_checkpoint(str(self._config.model_dir))
        return checkpoint

    def train(
        self,
        input_fn: InputFn,
        max_steps: int,
        hooks: Sequence["tf.train.SessionRunHook"] = (),
        saving_listeners: Sequence["tf.train.CheckpointSaverListener"] = (),
    ) -> None:
        """Trains up to global step `max_steps`, from the latest checkpoint in model_dir if there is one.

        Raises:
          UserError: The loss became NaN.
        """
        latest = self.latest_checkpoint()
        start = int(tf.train.load_variable(latest, "global_step")) if latest else 0
        dataset = _dataset(input_fn, {**self._params, "start_step": start})
        with tf.Graph().as_default():
            feeds = _placeholders(dataset)
            features, labels = _split(feeds)
            tf.train.get_or_create_global_step()
            spec = self._model_fn(features, labels, ModeKeys.TRAIN, self._params)
            session_hooks = [
                *self._stock_hooks(spec, saving_listeners),
                *spec.training_hooks,
                tf.train.StopAtStepHook(last_step=max_steps),
                *hooks,
            ]
            try:
                # At the last step already the session only opens and closes, for the listeners.
                batches = _batches(dataset) if start < max_steps else iter(())
                self._train_steps(spec, feeds, batches, session_hooks)
            except tf.train.NanLossDuringTrainingError:
                raise UserError("training diverged: the loss is NaN; try a smaller learning rate") from None

    def _stock_hooks(self, spec: EstimatorSpec, listeners: Sequence[Any]) -> list[Any]:
        folder = str(self._config.model_dir)
        tf.summary.scalar("loss", spec.loss)
        return [
            tf.train.NanTensorHook(spec.loss),
            EvenSaver(
                folder,
                save_steps=self._config.save_checkpoints_steps,
                saver=_saver(),
                listeners=list(listeners),
                save_graph_def=False,
            ),
            SummarySaver(
                save_steps=self._config.save_summary_steps,
                output_dir=folder,
                summary_op=tf.summary.merge_all(),
            ),
        ]

    def _train_steps(self, spec: EstimatorSpec, feeds: Any, batches: Iterator[Any], hooks: list[Any]) -> None:
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=str(self._config.model_dir),
            scaffold=_scaffold(),
            hooks=hooks,
            save_checkpoint_secs=None,
            save_checkpoint_steps=None,
            save_summaries_steps=None,
            save_summaries_secs=None,
            log_step_count_steps=None,
            config=self._config.session_config,
        ) as session:
            while not session.should_stop():
                session.run(spec.train_op, _feed(feeds, next(batches)))

    def evaluate(self, input_fn: InputFn, checkpoint_path: str | None = None) -> dict[str, float]:
        """The model_fn's metrics and mean loss per batch over the dataset, at one checkpoint."""
        dataset = _dataset(input_fn, self._params)
        graph = self._restored(ModeKeys.EVAL, dataset, checkpoint_path)
        spec, session, losses = graph.spec, graph.session, []
        session.run(graph.metrics_init)
        values, updates = {}, []
        for name, (value, update) in spec.eval_metric_ops.items():
            values[name] = value
            updates.append(update)
        for batch in _batches(dataset):
            loss, _ = session.run([spec.loss, updates], _feed(graph.feeds, batch))
            losses.append(loss)
        results = {name: float(value) for name, value in session.run(values).items()}
        return {**results, "loss": float(np.mean(losses))}

    def predict(
        self, input_fn: InputFn, checkpoint_path: str | None = None, yield_single_examples: bool = True
    ) -> Iterator[Arrays]:
        """Yields the predictions of every row, or of every batch, in the order of the dataset."""
        dataset = _dataset(input_fn, self._params)
        graph = self._restored(ModeKeys.PREDICT, dataset, checkpoint_path)
        for batch in _batches(dataset):
            predictions: Arrays = graph.session.run(graph.spec.predictions, _feed(graph.feeds, batch))
            if not yield_single_examples:
                yield predictions
                continue
            for row in range(len(next(iter(predictions.values())))):
                yield {name: values[row] for name, values in predictions.items()}

    def _restored(self, mode: str, dataset: "tf.data.Dataset", checkpoint_path: str | None) -> "_Restored":
        """The graph of `mode`, built once, holding the variables of the checkpoint."""
        if mode not in self._graphs:
            self._graphs[mode] = _Restored(self._model_fn, mode, dataset, self._params, self._config)
        self._graphs[mode].restore(checkpoint_path or self.latest_checkpoint())
        return self._graphs[mode]


class _Restored:
    """The graph and session of evaluation or prediction."""

    def __init__(
        self, model_fn: ModelFn, mode: str, dataset: "tf.data.Dataset", params: Params, config: RunConfig
    ) -> None:
        with tf.Graph().as_default() as graph:
            self.feeds = _placeholders(dataset)
            features, labels = _split(_with_shapes(self.feeds))
            self.spec = model_fn(features, labels, mode, params)
            metric_variables = tf.get_collection(tf.GraphKeys.METRIC_VARIABLES)
            self.metrics_init = tf.variables_initializer(metric_variables)
            self._saver = _saver()
            self.session = tf.Session(graph=graph, config=config.session_config)
            self.session.run(_local_init())
            self._global_init = tf.global_variables_initializer()

    def restore(self, checkpoint: str | None) -> None:
        """Loads a checkpoint; without one, the variables take their initial values."""
        if checkpoint is None:
            self.session.run(self._global_init)
            return
        with self.session.graph.as_default():  # outside any graph a Saver takes itself for an eager one
            self._saver.restore(self.session, checkpoint)


def _saver() -> "tf.train.Saver":
    """The saver of the current graph, made once: all global variables, the last checkpoint only."""
    savers = tf.get_collection_ref(tf.GraphKeys.SAVERS)
    if not savers:
        savers.append(tf.train.Saver(max_to_keep=1))
    return savers[0]


def _scaffold() -> "tf.train.Scaffold":
    """What a session of training starts with.

    No list of uninitialised variables is asked for, which would add an operation for each: initialisers reach
    all of them, a checkpoint that lacks one is refused, and reading one that is not set is an error.
    """
    nothing = tf.constant([], tf.string)
    return tf.train.Scaffold(
        saver=_saver(), local_init_op=_local_init(), ready_op=nothing, ready_for_local_init_op=nothing
    )


def _local_init() -> tf.Operation:
    return tf.group(tf.local_variables_initializer(), tf.tables_initializer())


def _placeholders(dataset: "tf.data.Dataset") -> Any:
    return tf.nest.map_structure(lambda spec: tf.placeholder(spec.dtype, spec.shape), dataset.element_spec)


def _with_shapes(placeholders: Any) -> Any:
    """The placeholders, with what is known of their shapes kept while they are fed.

    TensorFlow forgets the shape of what is fed, and how it rewrites the graph, so the last bits of a result,
    depends on it: with shapes, evaluation, prediction and the exported model answer alike.
    """
    return tf.nest.map_structure(lambda tensor: tf.ensure_shape(tensor, tensor.shape), placeholders)


def _dataset(input_fn: InputFn, params: Params) -> "tf.data.Dataset":
    """The dataset, made outside any graph: evaluation may happen in the middle of training.

    It is not tuned while batches are drawn: an iterator that is can be given up only when its tuner wakes,
    which takes up to a minute, at the end of every training.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    with ThreadPoolExecutor(1) as eager:  # a thread of its own has no graph
        return eager.submit(lambda: input_fn(params).with_options(options)).result()


def _batches(dataset: "tf.data.Dataset") -> Iterator[Any]:
    """The batches of the dataset as structures of arrays, drawn outside any graph."""
    with ThreadPoolExecutor(1) as eager:
        batches = eager.submit(iter, dataset).result()
        while (batch := eager.submit(next, batches, None).result()) is not None:
            yield tf.nest.map_structure(lambda tensor: tensor.numpy(), batch)


def _split(batch: Any) -> tuple[Any, Any]:
    """(features, labels) of a dataset that yields both, or features alone."""
    return batch if isinstance(batch, tuple) else (batch, None)


def _feed(placeholders: Any, batch: Any) -> dict[tf.Tensor, npt.NDArray[np.generic]]:
    return dict(zip(tf.nest.flatten(placeholders), tf.nest.flatten(batch), strict=True))
