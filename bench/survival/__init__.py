"""Fund survival (issue 5): on a fund that cannot pay for everybody, who is answered?

``python -m bench.survival`` lets each flood of ``simulator.floods`` pass through
``antirelou rehearse`` and compares who was answered with three policies that are computed here,
knowing nothing of the judge: an oracle's, "one reply a sender, first come first served", and
2017's. ``policy`` is these three, ``outcome`` what is measured of one rehearsal, ``goals`` what
issue 5 asks, ``rehearsal`` the subprocess, ``page`` the table.

The fund holds what receiving the whole flood costs, and a reply for max(genuine senders, 0.6 of
all senders); and ``FUND_FLOOR`` on top, so that the floor is not what is measured.
"""
