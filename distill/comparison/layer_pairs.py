"""Which layers of a student and of its teacher belong together, as numbers.

Only own layers are paired: the frozen ones below are the same in both.
"""

from centrabert.modeling.branch import Branch

Pairs = tuple[tuple[int, int], ...]  # a depth of the student, and the one of the teacher that goes with it


def evenly_spaced(teacher: Branch, student: Branch) -> Pairs:
    """Layer j of l goes with layer j * L / l of L, to the nearest, so that the last ones go together."""
    of_teacher, own = teacher.tuned, student.tuned
    return tuple(
        (student.frozen + layer, teacher.frozen + (2 * layer * of_teacher + own) // (2 * own))
        for layer in range(1, own + 1)
    )


def topmost(teacher: Branch, student: Branch) -> Pairs:
    """The student's layers go with as many of the teacher's, the topmost ones."""
    higher = teacher.depth - student.depth
    return tuple((depth, depth + higher) for depth in range(student.frozen + 1, student.depth + 1))


def every_nth(teacher: Branch, student: Branch) -> tuple[int, ...]:
    """As many numbers of the teacher's own layers as the student has, evenly spaced from its lowest on."""
    return tuple(teacher.frozen + layer * teacher.tuned // student.tuned for layer in range(student.tuned))
