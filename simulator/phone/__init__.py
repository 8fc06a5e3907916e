"""A simulated SMS Gateway for Android: phones, their server, and what they do wrong.

As docs/providers.md §1 has it, traps included: webhooks of each registration with ids of their own,
numbers hashed once fetched, 404 remembered, ids unique by device, a queue of webhooks that outlives
an outage, the newest sent first, Android's own limit.
"""
