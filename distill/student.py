"""The student of a teacher: how many layers it has, on which BERT it stands, and where it starts."""

from centrabert.distill.methods.method import DistillationMethod
from centrabert.distill.teacher import Teacher
from centrabert.errors import UserError
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.training.initialization import Initialization, as_pretrained


def student_of(
    teacher: Teacher, student_layers: int, bert: BertFolder | None, method: DistillationMethod
) -> tuple[Branch, Initialization]:
    """The student of `student_layers` layers, and where it starts by the method.

    Args:
      bert: Another BERT, of which the student is the whole; None builds it on the teacher's.

    Raises:
      UserError: There is no such student, or the method has no use for it.
    """
    of_teacher = teacher.record.branch
    if bert is not None:
        student = _whole_student(teacher, student_layers, bert, method)
        return student, as_pretrained(student)
    student = of_teacher.student(student_layers)
    method.compared_states(of_teacher, student)  # raises where they do not suit the method
    return student, method.initialization(of_teacher, student)


def _whole_student(
    teacher: Teacher, student_layers: int, bert: BertFolder, method: DistillationMethod
) -> Branch:
    """The student that is all of another BERT."""
    config, of_teacher = bert.config(), teacher.bert.config()
    if bert.is_the_same(teacher.bert):
        raise UserError(
            f"--student_bert_dir: {bert.checkpoint} is the teacher's own BERT; leave the flag out, and the "
            "student is built on it"
        )
    if bert.tokenizer(teacher.record.do_lower_case).digest != teacher.record.vocabulary_digest:
        raise UserError(
            f"--student_bert_dir: {bert.vocab_file} is another vocabulary than that of {teacher.folder}; "
            "give a BERT with the teacher's, such as `centrabert compress` makes of its BERT"
        )
    if student_layers != config.num_hidden_layers:
        raise UserError(
            f"--student_layers={student_layers}: {bert.config_file} has {config.num_hidden_layers} layers, "
            f"and the student is the whole of it; give --student_layers={config.num_hidden_layers}"
        )
    student = Branch(teacher.record.branch.task, 0, student_layers, full_fine_tuning=True)
    if method.runs_teacher:
        raise UserError(
            f"--method={method.name} puts the student's layers among the teacher's, so that both stand on "
            "one BERT; leave --student_bert_dir out"
        )
    if not method.compared_states(teacher.record.branch, student).student:
        return student
    if not teacher.record.branch.tuned:
        raise UserError(
            f"--method={method.name} compares states of the teacher's own layers, and {teacher.folder} has a "
            "head alone; take --method=vanilla_kd"
        )
    for name in ("hidden_size", "num_attention_heads"):
        own, other = getattr(config, name), getattr(of_teacher, name)
        if own != other:
            raise UserError(
                f"--method={method.name} compares states of student and teacher, and nothing is projected: "
                f"{bert.config_file} has {name} {own}, {teacher.bert.config_file} has {other}; take "
                "--method=vanilla_kd"
            )
    return student
