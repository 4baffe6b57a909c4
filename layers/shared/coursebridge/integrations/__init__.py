"""Integrations: settings, credentials, webhook values, schedules."""
