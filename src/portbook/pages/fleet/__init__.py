"""The fleet's pages: what all hosts of a store hold, for who has the token."""
