"""Acknowledge messages so that a broker that does not answer cannot make the worker deaf."""

from kombu.transport import redis, virtual


class ForgivingQoS(redis.QoS):
    """Keeps count of the messages that the worker holds.

    Where an acknowledgement fails, kombu's own goes on counting the message as held: with a prefetch of one the worker
    never asks for another. Here it is forgotten all the same. The broker will hand the message out a second time,
    and the claim drops it.
    """

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge, and forget in any case."""
        try:
            self._remove_from_indices(delivery_tag).execute()
        finally:
            virtual.QoS.ack(self, delivery_tag)


def forgive_lost_acknowledgements() -> None:
    """Have all connections of this process count in this way."""
    redis.Channel.QoS = ForgivingQoS
