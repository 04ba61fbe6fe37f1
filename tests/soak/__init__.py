"""A long run under kills and faults, with a reckoning at the end."""
