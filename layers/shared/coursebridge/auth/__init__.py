"""Clients, access tokens, scopes and signing keys."""
