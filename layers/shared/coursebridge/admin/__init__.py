"""What admins do: integrations, credentials, webhooks, clients, runs, and seeing that all is well."""
