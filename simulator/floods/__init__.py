"""Floods to measure the judge on: who texts, and who of them is genuine (issue 5).

``first.flood`` and ``second.flood`` make the same kinds of flood and share nothing else: no word
list, no way of building a text, no parameter. The judge may be developed on one; the other says
whether it holds on attackers that it has not seen. ``third.flood`` makes other kinds, by somebody
who had read neither the judge nor the first two: hour zero, rotation, poison, virality that looks
like an attack. ``bench.survival`` reports all.

None looks at the judge. ``Arrival.genuine`` is what the judge never sees.

Numbers belong to nobody where that is possible (06 39 98 00 00 to 99 99, set aside for fiction);
where ten thousand are too few they are drawn at run time among valid ones, for a trace in a
temporary folder: never commit such a trace.
"""
