"""The core: bytes come in, are kept, are read by one driver, given meaning, stored and turned into a dose."""
