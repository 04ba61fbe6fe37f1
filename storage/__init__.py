"""Everything that is kept: tables, and the rules as operations on them. Knows nothing of Telegram."""
