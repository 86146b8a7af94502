"""What a person can type. One module a noun; each is imported only when its command is called."""
