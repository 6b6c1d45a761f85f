"""Errors of requests that are to be done once."""

from webapp.errors import AppError


class IdempotencyKeyInvalid(AppError):
    """The key cannot be used."""

    code = "IdempotencyKeyInvalid"
    template = "The Idempotency-Key cannot be used: send one, of 1 to {length_max} printable ASCII characters."


class IdempotencyKeyReused(AppError):
    """The key belongs to a request that asked for something else."""

    code = "IdempotencyKeyReused"
    template = "This Idempotency-Key was used for another request on this route. Use a new one."


class IdempotencyKeyInFlight(AppError):
    """A request with the key is being answered."""

    code = "IdempotencyKeyInFlight"
    template = "A request with this Idempotency-Key is being answered. Try again in {retry_after_s} seconds."
