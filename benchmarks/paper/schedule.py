"""Which trainings the tables need, in the order in which they are worth the hours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from benchmarks.paper.training import (
    ADAPTERS,
    FULL,
    JOINT,
    KD,
    LORA,
    MT_DNN,
    PARTIAL,
    Results,
    Training,
)

WHOLE = ("rte", "cola", "mrpc", "stsb")  # their training sets are complete
SAMPLED = ("sst2", "qnli", "mnli", "qqp")
MAX_ROWS = {"sst2": 3000, "qnli": 3000, "mnli": 3000}  # of train, a fixed sample
FULL_RATES = (5e-5, 1e-4, 2e-5)
PARTIAL_RATES = (1e-4, 2e-4)
EPOCHS, SAMPLED_EPOCHS = 5.0, 3.0
STUDENT_EPOCHS, LONG_EPOCHS = 5.0, 15.0
STUDENT_RATE = 2e-4
ADDED_RATE = 1e-3  # of what is added to matrices that stand still
LORA_RANK, ADAPTER_SIZE = 8, 64
JOINT_RATE = "joint_rate"  # that of the joint training below a head which is trained alone
FIRST_LAYERS = 6  # the L that chooses the learning rate of all L
TEACHER_LAYERS = (6, 8, 4, 10)  # the paper's teachers
OTHER_LAYERS = (2, 3, 5, 7, 9, 11, 12, 1)  # the rest of Table 1
STUDENTS = (1, 2, 3)
SMALL = 6  # layers of the small models of Table 2


@dataclass(frozen=True)
class Method:
    """A row of Table 2 that another method than vanilla distillation of a branch fills.

    Attributes:
      name: Of the method of distillation, as `--method`; "" is fine-tuning.
      whole: Whether it makes a whole model of `SMALL` layers from full fine-tuning, or a branch's students.
      texts: How a smaller BERT is made from texts first, as `compress --method`; "" for none.
      teacher_seeds: How many trainings, which differ in their seeds, are the teacher together.
      unlabelled: Whether texts without a label are trained on besides, as the teacher answers them.
      num_train_epochs: Of a branch's students.
      teacher_layers: L of a branch's teacher; 0 is that of the best one.
    """

    name: str
    whole: bool
    texts: str = ""
    settings: tuple[tuple[str, object], ...] = ()
    teacher_seeds: int = 1
    unlabelled: bool = False
    num_train_epochs: float = STUDENT_EPOCHS
    teacher_layers: int = 0


LOGITS_ALONE = (("attention_weight", 0.0), ("value_weight", 0.0), ("hidden_weight", 0.0))
METHODS = {
    "kd_whole": Method("vanilla_kd", whole=True),
    "bert_pkd": Method("bert_pkd", whole=True),
    "theseus": Method("theseus", whole=True),
    "distilbert": Method("", whole=True, texts="distilbert"),
    "pd_bert": Method("vanilla_kd", whole=True, texts="distilbert"),
    "tinybert": Method("tinybert", whole=True, texts="tinybert"),
    "minilm": Method("", whole=True, texts="minilm"),
    "kd_long": Method("vanilla_kd", whole=False, num_train_epochs=LONG_EPOCHS),
    "last_layer_kd": Method("last_layer_kd", whole=False),
    "logit_kd": Method("last_layer_kd", whole=False, settings=LOGITS_ALONE),
    "logit_kd_long": Method(
        "last_layer_kd", whole=False, settings=LOGITS_ALONE, num_train_epochs=LONG_EPOCHS
    ),
    "logit_kd_texts": Method("last_layer_kd", whole=False, settings=LOGITS_ALONE, unlabelled=True),
    "last_layer_kd_seeds": Method("last_layer_kd", whole=False, teacher_seeds=3),
    "last_layer_kd_texts": Method("last_layer_kd", whole=False, unlabelled=True),
}


@dataclass(frozen=True)
class Choices:
    """What the tables choose among; fewer of each take fewer hours.

    Attributes:
      full_rates, partial_rates: Learning rates of full fine-tuning, and of the top L layers alone.
      teacher_layers: L of the teachers that students may have.
      student_layers: l.
    """

    full_rates: Sequence[float] = FULL_RATES
    partial_rates: Sequence[float] = PARTIAL_RATES
    teacher_layers: Sequence[int] = TEACHER_LAYERS
    student_layers: Sequence[int] = STUDENTS


EVERYTHING = Choices()


@dataclass(frozen=True)
class Schedule:
    """All trainings of some rows and tasks.

    Attributes:
      num_hidden_layers: N of the encoder.
      rows: Names of those wanted; see `ROWS`.
    """

    num_hidden_layers: int
    tasks: Sequence[str]
    rows: Sequence[str]
    seeds: Sequence[int] = (0,)
    choices: Choices = EVERYTHING

    def wanted(self, results: Results) -> Iterator[Training]:
        """All that can be told from the results so far, finished ones among them, and before a student its
        further teachers.

        What depends on a choice, such as the students of the best teacher, appears when all is there that
        the choice is made of.
        """
        tasks, seen = [each for each in (*WHOLE, *SAMPLED) if each in self.tasks], set()
        for row, task in product(self.rows, tasks):
            for training, seed in product(self.of_row(row, task, results), self.seeds):
                seeded = training.with_seed(seed)
                for each in (*seeded.other_teachers, seeded):
                    if each not in seen:
                        seen.add(each)
                        yield each

    def next(self, results: Results) -> Training | None:
        """The first that has no result."""
        return next((each for each in self.wanted(results) if not results.of(each)), None)

    def waiting(self, results: Results) -> list[str]:
        """The wanted rows of which nothing can be trained yet, with their tasks."""
        tasks = [each for each in (*WHOLE, *SAMPLED) if each in self.tasks]
        return [
            f"{row} of {task}"
            for row, task in product(self.rows, tasks)
            if not self.of_row(row, task, results)
        ]

    def of_row(self, row: str, task: str, results: Results) -> Sequence[Training]:
        """What a row of the tables needs of a task; nothing where a choice cannot be made yet."""
        if row == FULL:
            return self.full(task, results)[:1]
        if row == "full_rates":
            return self.full(task, results)
        if row == PARTIAL:
            return self.partial(task, FIRST_LAYERS, self.choices.partial_rates)
        if row == "teachers":
            return self.at_best_rate(task, self.choices.teacher_layers, results)
        if row == "table1":
            return self.at_best_rate(task, OTHER_LAYERS, results)
        if row == KD:
            return self.students(task, results)
        if row == "pretrained":  # Appendix C
            return self.from_pretrained(task, results)
        if row == LORA:
            return self.lora(task, results)
        if row == ADAPTERS:
            return self.adapters(task, results)
        if row in JOINT:
            return self.joint(task, row, results)
        return self.distilled(task, row, METHODS[row], results)

    def full(self, task: str, results: Results) -> Sequence[Training]:
        """Full fine-tuning at every learning rate, of a sampled task at the best of the whole ones."""
        rates = self.choices.full_rates
        if task in SAMPLED:
            rates = (self._common_rate(results),)
        return self._full_at(task, rates)

    def _full_at(self, task: str, rates: Sequence[float]) -> Sequence[Training]:
        return [Training(task, FULL, self.num_hidden_layers, rate, _epochs(task)) for rate in rates]

    def _common_rate(self, results: Results) -> float:
        """The rate that most of the whole tasks prefer so far."""
        chosen = [results.best(self.full(task, results)) for task in WHOLE]
        rates = [each.learning_rate for each in chosen if each]
        return max(self.choices.full_rates, key=rates.count)

    def best_full(self, task: str, results: Results) -> Training | None:
        return results.best(self.full(task, results))

    def best_full_so_far(self, task: str, results: Results) -> Training | None:
        """The best of those that have ended at any of the rates: for the page, which is written meanwhile."""
        ended = [each for each in self._full_at(task, self.choices.full_rates) if results.of(each)]
        return results.best(ended) if ended else None

    def partial(self, task: str, layers: int, rates: Sequence[float]) -> Sequence[Training]:
        return [Training(task, PARTIAL, layers, rate, _epochs(task)) for rate in rates]

    def at_best_rate(self, task: str, layers: Sequence[int], results: Results) -> Sequence[Training]:
        """One training for each L, at the rate that is best for the first L."""
        best = results.best(self.partial(task, FIRST_LAYERS, self.choices.partial_rates))
        if best is None:
            return []
        return [replace(best, layers=each) for each in layers]

    def teacher(self, task: str, results: Results) -> Training | None:
        """The best of the paper's teachers on dev, of equals the first."""
        listed = self.at_best_rate(task, self.choices.teacher_layers, results)
        return results.best(listed) if listed else None

    def students(self, task: str, results: Results) -> Sequence[Training]:
        """Those of the best teacher, by vanilla distillation."""
        teacher = self.teacher(task, results)
        return (
            []
            if teacher is None
            else [_student(teacher, KD, each, VANILLA) for each in self.choices.student_layers]
        )

    def from_pretrained(self, task: str, results: Results) -> Sequence[Training]:
        """The same students, from the pretrained layers and with a new head."""
        return [replace(each, start="pretrained") for each in self.students(task, results)]

    def lora(self, task: str, results: Results) -> Sequence[Training]:
        """The best teacher's layers, by updates of low rank."""
        teacher = self.teacher(task, results)
        settings = (("lora_rank", LORA_RANK),)
        return [replace(teacher, row=LORA, learning_rate=ADDED_RATE, settings=settings)] if teacher else []

    def adapters(self, task: str, results: Results) -> Sequence[Training]:
        del results
        settings = (("adapter_size", ADAPTER_SIZE),)
        return [
            Training(task, ADAPTERS, self.num_hidden_layers, ADDED_RATE, _epochs(task), settings=settings)
        ]

    def joint(self, task: str, row: str, results: Results) -> Sequence[Training]:
        """A head on the encoder of a joint training, once the rate of full fine-tuning is known for it.

        The encoder was trained together with the task, or with all tasks but this one.
        """
        if not all(self.best_full(each, results) for each in WHOLE):
            return []
        rate = self._common_rate(results)
        if row == MT_DNN:
            return [Training(task, row, 0, rate, _epochs(task))]
        return [Training(task, row, 0, ADDED_RATE, _epochs(task), settings=((JOINT_RATE, rate),))]

    def distilled(self, task: str, row: str, method: Method, results: Results) -> Sequence[Training]:
        teacher = self._teacher_of(task, method, results)
        if teacher is None:
            return []
        if not method.name:
            whole = Training(task, row, SMALL, teacher.learning_rate, _epochs(task), texts=method.texts)
            return [replace(whole, student_layers=SMALL)]
        depths = (SMALL,) if method.whole else self.choices.student_layers
        return [_student(teacher, row, each, method) for each in depths]

    def _teacher_of(self, task: str, method: Method, results: Results) -> Training | None:
        if method.whole:
            return self.best_full(task, results)
        if method.teacher_layers:
            return next(iter(self.at_best_rate(task, [method.teacher_layers], results)), None)
        return self.teacher(task, results)


VANILLA = Method("vanilla_kd", whole=False)
OTHER_WAYS = (LORA, ADAPTERS, *JOINT)  # of training, that give a row of Table 2 each
ROWS = (FULL, PARTIAL, "teachers", KD, "full_rates", "table1", "pretrained", *OTHER_WAYS, *METHODS)


def _epochs(task: str) -> float:
    return SAMPLED_EPOCHS if task in SAMPLED else EPOCHS


def _student(teacher: Training, row: str, layers: int, method: Method) -> Training:
    """Whole models are trained like their teachers, branches at the students' rate and for longer."""
    return Training(
        teacher.task,
        row,
        teacher.layers,
        teacher.learning_rate if method.whole else STUDENT_RATE,
        teacher.num_train_epochs if method.whole else method.num_train_epochs,
        student_layers=layers,
        method=method.name,
        settings=method.settings,
        teacher=teacher,
        texts=method.texts,
        teacher_seeds=method.teacher_seeds,
        unlabelled=method.unlabelled,
    )
