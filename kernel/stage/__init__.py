"""The stage: reads a batch, handles it, appends, commits; dead records; a message's trace."""
