"""The provider: what we need of it (``port``), and Plivo as one that has it (``plivo``)."""
