"""A Plivo for development, tests and the demo, as docs/plivo.md has the real one; and a flood.

``server.Simulator`` is the whole of it: the REST API that the ``plivo`` SDK calls, the webhooks
that Plivo sends, a bill exact to the micro-unit, and ``/_sim/…`` to steer it. It fails on demand
(``faults.Faults``). ``weekend.weekend`` is the crowd of October 2017; ``drive`` lets it text.

It knows the kernel's segments and money, and no service. All it owns is in memory.
"""
