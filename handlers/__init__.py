"""Everything a person sees: conversations, words, buttons, pictures, files."""
