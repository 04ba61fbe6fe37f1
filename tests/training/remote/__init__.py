"""Tests of remote training."""
