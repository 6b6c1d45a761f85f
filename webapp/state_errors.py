"""Errors of jobs of whole states."""

from webapp.errors import AppError


class NoImagery(AppError):
    """No registered scene of the person meets the state."""

    code = "NoImagery"
    template = "None of your scenes shows any of {state}. Upload imagery of it first."


class JobIsPart(AppError):
    """The job is a part of a job of a whole state, and has no life of its own."""

    code = "JobIsPart"
    template = "Job {job_id} is a part of job {whole_id}. Ask for that one."


class JobInUse(AppError):
    """The job is not finished."""

    code = "JobInUse"
    template = "Job {job_id} is not finished. Cancel it first."
