"""The services behind the admin API: integrations, credentials, webhooks, clients, runs, statements and status."""
