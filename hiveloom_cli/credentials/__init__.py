"""Named secrets, and where each is kept: the OS keyring, or an encrypted file where there is none."""
