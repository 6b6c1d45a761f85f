"""What a person is told when something goes wrong."""

from processing.errors import ProcessingError
from webapp.errors import AppError

UNEXPECTED = "Something went wrong on the server. The administrator finds the details in its log."


def sentence_of(error: Exception) -> str:
    """Return the sentence of a coded error; of anything else only that it happened, never its text."""
    return str(error) if isinstance(error, AppError | ProcessingError) else UNEXPECTED
