"""The public page: what everybody may know of the house, a day late and rounded."""
