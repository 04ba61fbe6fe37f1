"""Competitions in words: set-up, entering, rounds, judging, decision and what follows."""
