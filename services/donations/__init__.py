"""Donations: hears of gifts at the platforms, and tells them as facts (docs/decisions/0017).

Consumes its own ``donations.reported``, so that it knows what was told, by whichever member.
Produces ``donations.reported``: what a gift, refund, dispute or fee amounts to now.
Owns the schema ``donations``: how far each platform was read, what was told. It holds no money.
Serves the bell of HelloAsso and the webhook of Stripe; asks both over their APIs.
Promises: what a platform knows is told, however late; told again it changes nothing; no name, no
address, no message of a giver is ever appended, kept or logged.
"""

NEEDS: tuple[str, ...] = ()
"""The settings without which it does not start: a platform that is not set is off."""
