"""A plan of six jobs."""

from dataclasses import replace

from centrabert.search.jobs.job_spec import JobSpec

FULL = JobSpec("/data/bert", "/data/glue", "mrpc", "full", 6)
TEACHERS = tuple(JobSpec("/data/bert", "/data/glue", "rte", "teacher", layers) for layers in (2, 3, 5))
STUDENTS = tuple(
    replace(TEACHERS[1], kind="student", student_layers=layers, teacher=TEACHERS[1].digest)
    for layers in (1, 2)
)
PLAN = (*TEACHERS, *STUDENTS, FULL)
