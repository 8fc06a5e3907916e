-- The head after an append.
UPDATE tree SET size = $1, root = $2
