"""What the store's screen asks for: staff only, by the cookie of an operator's login, never by a shopper's token."""
