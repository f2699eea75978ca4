"""What `--start_from` says: the layers that a student's own layers start as."""

from centrabert.distill.methods.method import lowest_layers
from centrabert.errors import UserError
from centrabert.modeling.branch import Branch
from centrabert.modeling.training.initialization import PRETRAINED, TEACHER, Initialization, as_pretrained


def parse_initialization(text: str, teacher: Branch, student: Branch) -> Initialization:
    """Reads "teacher" (its lowest own layers), "pretrained", or numbers of the teacher's layers, as in 3,5,7.

    Layers are numbered from 0 at the bottom of the BERT, and the student's are listed from the bottom to the
    top. A number below the teacher's frozen layers is that of the pretrained layer.

    Raises:
      UserError: It is none of these, or not one layer of the teacher for each of the student's own.
    """
    if text == TEACHER:
        return lowest_layers(teacher, student)
    if text == PRETRAINED:
        return as_pretrained(student)
    numbers = [number.strip() for number in text.split(",")]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise UserError(
            f"--start_from={text} is neither {TEACHER}, {PRETRAINED}, nor numbers of the teacher's layers, "
            "as in 3,5,7"
        )
    layers = tuple(map(int, numbers))
    if len(layers) != student.tuned:
        raise UserError(
            f"--start_from={text} names {len(layers)} layers for the {student.tuned} of the student; "
            "give one for each"
        )
    if max(layers) >= teacher.depth:
        raise UserError(f"--start_from={text}: the teacher's layers are 0 to {teacher.depth - 1}")
    return Initialization(TEACHER, layers)
