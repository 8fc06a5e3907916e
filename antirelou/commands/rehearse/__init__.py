"""``antirelou rehearse``: a recorded flood through the real judge and ledger, in virtual time.

``trace`` reads what was recorded, ``house`` runs the services' own handlers on memory and
notes their ``course``, ``outcome`` says what became of whom, ``page`` draws it.
"""
