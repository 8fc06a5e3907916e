-- The wish about the number, and what was last seen.
SELECT check_at, sequence, attach, attached, tries, link_at FROM link FOR UPDATE
