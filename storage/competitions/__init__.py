"""Competitions: set-up, entries, rounds and their judging, decision, publicity, what follows."""
