"""Which layers of a student and of its teacher belong together, as numbers.

Only own layers are paired. A student on the teacher's BERT has the same frozen layers below them; one that
is all of another BERT has none, and its layers are paired with the teacher's own just so.
"""

from centrabert.modeling.branch import Branch

Pairs = tuple[tuple[int, int], ...]  # a depth of the student, and the one of the teacher that goes with it


def evenly_spaced(teacher: Branch, student: Branch) -> Pairs:
    """`even_depths` of the own layers."""
    pairs = even_depths(student.tuned, teacher.tuned)
    return tuple((student.frozen + own, teacher.frozen + other) for own, other in pairs)


def even_depths(student_layers: int, teacher_layers: int) -> Pairs:
    """Layer j of l goes with layer j * L / l of L, to the nearest, so that the last ones go together."""
    return tuple(
        (layer, (2 * layer * teacher_layers + student_layers) // (2 * student_layers))
        for layer in range(1, student_layers + 1)
    )


def topmost(teacher: Branch, student: Branch) -> Pairs:
    """The student's layers go with as many of the teacher's, the topmost ones."""
    higher = teacher.depth - student.depth
    return tuple((depth, depth + higher) for depth in range(student.frozen + 1, student.depth + 1))


def every_nth(teacher: Branch, student: Branch) -> tuple[int, ...]:
    """As many numbers of the teacher's own layers as the student has, evenly spaced from its lowest on."""
    return tuple(teacher.frozen + layer for layer in even_layers(student.tuned, teacher.tuned))


def even_layers(student_layers: int, teacher_layers: int) -> tuple[int, ...]:
    """So many of the teacher's layers, numbered from 0, evenly spaced from the lowest on."""
    return tuple(layer * teacher_layers // student_layers for layer in range(student_layers))
