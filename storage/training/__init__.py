"""Programmes, batches and seats; registration, waiting and offers."""
