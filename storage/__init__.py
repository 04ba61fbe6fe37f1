"""Everything that is kept: tables, and the rules as operations on them.

It knows nothing of Telegram.
"""
