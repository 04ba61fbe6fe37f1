"""The ledger of hours, and a province's rules for reading it."""
