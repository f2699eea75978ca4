"""Which trainings the tables need, in the order in which they are worth the hours."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from benchmarks.paper.methods import ADAPTER_SIZE, LORA_RANK, METHODS, SMALL, VANILLA, Method
from benchmarks.paper.results import Result, Results
from benchmarks.paper.training import ADAPTERS, FULL, JOINT, KD, LORA, MT_DNN, PARTIAL, Training

WHOLE = ("rte", "cola", "mrpc", "stsb")  # their training sets are complete
SAMPLED = ("sst2", "qnli", "mnli", "qqp")
TASKS = (*WHOLE, *SAMPLED)
SAMPLE = 3000  # rows of train, always the same
MAX_ROWS = {"sst2": SAMPLE, "qnli": SAMPLE, "mnli": SAMPLE}
FULL_RATES = (5e-5, 1e-4, 2e-5)
PARTIAL_RATES = (1e-4, 2e-4)
EPOCHS, SAMPLED_EPOCHS, JOINT_EPOCHS = 5.0, 3.0, 5.0
STUDENT_RATE = 2e-4
ADDED_RATE = 1e-3  # of what is added to matrices that stand still
JOINT_RATE = "joint_rate"  # that of the joint training below a head which is trained alone
FIRST_LAYERS = 6  # the L that chooses the learning rate of all L
TEACHER_LAYERS = (6, 8, 4, 10)  # the paper's teachers
OTHER_LAYERS = (2, 3, 5, 7, 9, 11, 12, 1)  # the rest of Table 1
STUDENTS = (1, 2, 3)
OTHER_WAYS = (LORA, ADAPTERS, *JOINT)  # of training, that give a row of Table 2 each
ROWS = (FULL, PARTIAL, "teachers", KD, "full_rates", "table1", "pretrained", *OTHER_WAYS, *METHODS)


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


def choices_made(results: Results) -> Choices:
    """All that any result so far chose among, for a page of them; the paper's teachers are the only ones."""
    found = results.found.values()
    rates = {
        row: tuple(sorted({each.learning_rate for each in found if each.row == row}))
        for row in (FULL, PARTIAL)
    }
    of_branches = {KD, *(row for row, method in METHODS.items() if not method.whole)}
    students = tuple(sorted({each.tuned for each in found if each.row in of_branches}))
    return Choices(rates[FULL], rates[PARTIAL], student_layers=students)


Made = Callable[[Training], Sequence[Training]]


@dataclass(frozen=True)
class Schedule:
    """All trainings of some rows and tasks.

    Attributes:
      num_hidden_layers: N of the encoder.
      rows: Names of those wanted; see `ROWS`.
      ended: Whether choices are made among what has a result, as for a page that is written meanwhile; else
        nothing is chosen before all that it is chosen from has one.
    """

    num_hidden_layers: int
    tasks: Sequence[str]
    rows: Sequence[str]
    seeds: Sequence[int] = (0,)
    choices: Choices = EVERYTHING
    ended: bool = False

    def wanted(self, results: Results) -> Iterator[Training]:
        """All that can be told from the results so far, finished ones among them, and before a student its
        further teachers.

        What depends on a choice, such as the students of the best teacher, appears when all is there that
        the choice is made of.
        """
        tasks, seen = [each for each in TASKS if each in self.tasks], set()
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

    def left(self, results: Results) -> list[Training]:
        """All that have no result, those that wait for a choice too, of which there will be as many."""
        imagined, left = replace(results, found=dict(results.found)), []
        more = True
        while more:  # a row may wait for one that is asked for after it
            more = False
            for training in self.wanted(imagined):
                if not imagined.of(training):
                    imagined.found[training.key] = _imagined(training)
                    left.append(training)
                    more = True
        return left

    def waiting(self, results: Results) -> list[str]:
        """The wanted rows of which nothing can be trained yet, with their tasks."""
        tasks = [each for each in TASKS if each in self.tasks]
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
            return self.partial(task, FIRST_LAYERS)
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
            return self.adapters(task)
        if row in JOINT:
            return self.joint(task, row, results)
        return self.distilled(task, row, METHODS[row], results)

    def full(self, task: str, results: Results) -> Sequence[Training]:
        """Full fine-tuning at every learning rate, of a sampled task at the best of the whole ones."""
        rates = self.choices.full_rates
        if task in SAMPLED and not self.ended:
            rates = (self._common_rate(results),)
        return [Training(task, FULL, self.num_hidden_layers, rate, _epochs(task)) for rate in rates]

    def best_full(self, task: str, results: Results) -> Training | None:
        return next(iter(self._best_first(self.full(task, results), results)), None)

    def partial(self, task: str, layers: int) -> Sequence[Training]:
        return [Training(task, PARTIAL, layers, rate, _epochs(task)) for rate in self.choices.partial_rates]

    def at_best_rate(self, task: str, layers: Sequence[int], results: Results) -> Sequence[Training]:
        """One training for each L, at the rate that is best for the first L."""
        best = next(iter(self._best_first(self.partial(task, FIRST_LAYERS), results)), None)
        return [replace(best, layers=each) for each in layers] if best else []

    def teacher(self, task: str, results: Results) -> Training | None:
        """The best of the paper's teachers on dev, of equals the first."""
        return next(iter(self._teachers(task, results)), None)

    def students(self, task: str, results: Results) -> Sequence[Training]:
        """Those of the best teacher, by vanilla distillation."""
        return self.distilled(task, KD, VANILLA, results)

    def from_pretrained(self, task: str, results: Results) -> Sequence[Training]:
        """The same students, from the pretrained layers and with a new head."""

        def made(teacher: Training) -> Sequence[Training]:
            return [replace(each, start="pretrained") for each in self._students(teacher, KD, VANILLA)]

        return self._of_first(self._teachers(task, results), made, results)

    def lora(self, task: str, results: Results) -> Sequence[Training]:
        """The best teacher's layers, by updates of low rank."""

        def made(teacher: Training) -> Sequence[Training]:
            settings = (("lora_rank", LORA_RANK),)
            return [replace(teacher, row=LORA, learning_rate=ADDED_RATE, settings=settings)]

        return self._of_first(self._teachers(task, results), made, results)

    def adapters(self, task: str) -> Sequence[Training]:
        settings = (("adapter_size", ADAPTER_SIZE),)
        layers = self.num_hidden_layers
        return [Training(task, ADAPTERS, layers, ADDED_RATE, _epochs(task), settings=settings)]

    def joint(self, task: str, row: str, results: Results) -> Sequence[Training]:
        """A head on the encoder of a joint training, once the rate of full fine-tuning is known for it.

        The encoder was trained together with the task, or with all tasks but this one.
        """

        def made(full: Training) -> Sequence[Training]:
            rate = full.learning_rate
            if row == MT_DNN:
                return [Training(task, row, 0, rate, JOINT_EPOCHS)]
            return [Training(task, row, 0, ADDED_RATE, _epochs(task), settings=((JOINT_RATE, rate),))]

        if self.ended:
            return self._of_first(self.full(task, results), made, results)
        if not all(self.best_full(each, results) for each in WHOLE):
            return []
        return made(replace(self.full(task, results)[0], learning_rate=self._common_rate(results)))

    def distilled(self, task: str, row: str, method: Method, results: Results) -> Sequence[Training]:
        if method.whole:
            teachers = self._best_first(self.full(task, results), results)
        else:
            teachers = self._teachers(task, results)
        return self._of_first(teachers, lambda each: self._students(each, row, method), results)

    def _teachers(self, task: str, results: Results) -> Sequence[Training]:
        return self._best_first(self.at_best_rate(task, self.choices.teacher_layers, results), results)

    def _best_first(self, trainings: Sequence[Training], results: Results) -> Sequence[Training]:
        """The best one; of what has ended, all, from the best on."""
        if not self.ended:
            best = results.best(trainings)
            return [best] if best else []
        return sorted(filter(results.seeds, trainings), key=results.quality, reverse=True)

    def _of_first(self, teachers: Sequence[Training], made: Made, results: Results) -> Sequence[Training]:
        """What is made of the first teacher; of what has ended, each of the first one of which it has."""
        if not self.ended:
            return [each for teacher in teachers for each in made(teacher)]
        alike = zip(*map(made, teachers), strict=True)
        firsts = (next(filter(results.seeds, each), None) for each in alike)
        return [each for each in firsts if each]

    def _common_rate(self, results: Results) -> float:
        """The rate that most of the whole tasks prefer so far."""
        chosen = [self.best_full(task, results) for task in WHOLE]
        rates = [each.learning_rate for each in chosen if each]
        return max(self.choices.full_rates, key=rates.count)

    def _students(self, teacher: Training, row: str, method: Method) -> Sequence[Training]:
        """Whole models are trained like their teachers, branches at the students' rate and for longer."""
        if not method.name:
            epochs = _epochs(teacher.task)
            whole = Training(teacher.task, row, SMALL, teacher.learning_rate, epochs, texts=method.texts)
            return [replace(whole, student_layers=SMALL)]
        return [
            Training(
                teacher.task,
                row,
                teacher.layers,
                teacher.learning_rate if method.whole else STUDENT_RATE,
                teacher.num_train_epochs if method.whole else method.num_train_epochs,
                student_layers=each,
                method=method.name,
                settings=method.settings,
                teacher=teacher,
                texts=method.texts,
                teacher_seeds=method.teacher_seeds,
                unlabelled=method.unlabelled,
            )
            for each in ((SMALL,) if method.whole else self.choices.student_layers)
        ]


def _epochs(task: str) -> float:
    return SAMPLED_EPOCHS if task in SAMPLED else EPOCHS


def _imagined(training: Training) -> Result:
    """A result as bad as can be."""
    return Result.of(
        training,
        frozen=0,
        tuned=0,
        parameters=0,
        metric="",
        dev=-1.0,
        cpu_seconds=None,
        date="",
    )
