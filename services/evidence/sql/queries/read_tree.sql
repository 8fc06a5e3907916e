-- The head.
SELECT size, root FROM tree
