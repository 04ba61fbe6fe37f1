"""Talk about oneself: linking, the home card, settings, privacy."""
