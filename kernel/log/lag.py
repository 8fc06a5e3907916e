"""What is unread: a number that is money, so it is known or it is not; never negative."""

from collections.abc import Mapping

from kernel.values.errors import Transient


def check_lags(group: str, topic: str, lags: Mapping[int, int]) -> Mapping[int, int]:
    """The lags by partition, where each can be one.

    Raises:
        Transient: ``lag_unknown``: a commit lies beyond the end of its partition.
    """
    beyond = sorted(number for number, lag in lags.items() if lag < 0)
    if beyond:
        raise Transient(
            f"{group} has committed beyond the end of {topic} (partitions "
            f"{', '.join(map(str, beyond))}): the topic was made anew or cut short, so how much is "
            "unread is unknown until the group has read it again from its beginning",
            code="lag_unknown",
        )
    return lags
