"""Who may do what: roles, accounts, logins, tokens and pseudonyms. Nothing here knows of HTTP."""
