"""Who may do what: roles, users, tokens, pseudonyms. No HTTP."""
