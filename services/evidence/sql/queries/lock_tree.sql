-- The head, locked: one member appends at a time.
SELECT size, root FROM tree FOR UPDATE
