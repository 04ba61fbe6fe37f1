"""What is said unprompted, and what happens in groups."""
