-- What was last read at the provider.
SELECT checked_at, credit_microeuros, spent_microeuros, attached FROM provider
