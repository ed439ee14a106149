"""The audit log: an append-only Merkle log, signed, witnessed and verifiable offline.

Every act that touches a case, a key or a record is written here before it is done. The room holds
no key of the vault and sees no record. docs/audit.md gives every byte.
"""
