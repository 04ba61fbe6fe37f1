"""The machine: settings, assembly, command line, scheduler, delivery, sandbox."""

import os

# With this set python-telegram-bot gives durations as timedelta; without it, building a
# RetryAfter raises a deprecation warning. It is read at import, hence here.
os.environ.setdefault("PTB_TIMEDELTA", "1")
