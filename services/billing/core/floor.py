"""How far a flood can sink the fund into its floor before the number is off. Pure.

docs/design.md §5.

Receiving cannot be refused while the number is attached, so what arrives between the moment the
fund is down at ``FUND_FLOOR`` and the moment the provider has detached the number is paid from the
floor: arrivals a second x seconds x price of receiving one. The floor is what must cover that.
Where the provider charges a detached number too (docs/plivo.md §9: not known), no floor is enough:
what stops it then is its prepaid credit alone.
"""

import math

BOOKING_SECONDS = 2.0
"""From an arrival at the provider to its being booked, while billing keeps up."""
DETACHING_SECONDS = 5.0
"""From the books' being at the floor to the number's being off, while the provider's API answers.
As long after its return, if it was away."""
REACTION_SECONDS = BOOKING_SECONDS + DETACHING_SECONDS


def sink_microeuros(
    arrivals_per_second: float,
    receive_microeuros: int,
    *,
    unread: int = 0,
    away_seconds: float = 0.0,
) -> int:
    """The most that a flood takes from the floor.

    Args:
        arrivals_per_second: of messages, at the provider.
        receive_microeuros: what receiving one costs.
        unread: received and not booked when the floor is reached: billing lags behind.
        away_seconds: how long the provider's API does not answer.
    """
    seconds = REACTION_SECONDS + away_seconds
    return (math.ceil(arrivals_per_second * seconds) + unread) * receive_microeuros


def arrivals_held(floor_microeuros: int, receive_microeuros: int) -> float:
    """Messages a second that the floor just outlasts; infinite where receiving is free."""
    if not receive_microeuros:
        return math.inf
    return floor_microeuros / receive_microeuros / REACTION_SECONDS
