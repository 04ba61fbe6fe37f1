"""Talk about training: programmes that fit, registering, waiting, what is due."""
