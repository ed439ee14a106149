"""The reading side of the vault: the only room that holds private keys. No processor comes here."""
