"""The pages: drawn on the server, with small scripts of our own and nothing from another host."""
