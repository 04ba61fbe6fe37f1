"""School years, terms, and which days and hours are for work."""
