"""Whole journeys: several people on one stage, in Chinese, from the first word to the last."""
