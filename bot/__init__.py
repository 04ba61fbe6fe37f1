"""The machine: settings, assembly, command line, scheduler, delivery, sandbox."""

import gc
import os

# With this set python-telegram-bot gives durations as timedelta; without it, building a
# RetryAfter raises a deprecation warning. It is read at import, hence here.
os.environ.setdefault("PTB_TIMEDELTA", "1")

# A start makes a great many objects that stay, and a burst of taps many that are soon dropped:
# looked at as often as Python would by itself, they cost a tenth of a start, and every fourth
# burst took twice its time.
gc.set_threshold(10_000, 20, 50)
