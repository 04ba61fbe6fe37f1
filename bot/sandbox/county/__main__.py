"""Write the county's plan anew: ``python -m bot.sandbox.county``."""

from bot.sandbox.county.generate import FILE, generate

FILE.write_text(generate(), encoding="utf-8")
