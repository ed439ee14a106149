"""The reading side of the vault: for open cases, with keys lent. No processor comes here."""
