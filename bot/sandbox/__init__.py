"""The sandbox: a Bot API server on loopback and a chat page, for trying and testing the bot.

It knows nothing of teachers or training. Any Bot API client can talk to it, and it takes
only the clock from the rest of the product.
"""
