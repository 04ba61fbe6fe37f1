"""Tests of the wing of competitions."""
