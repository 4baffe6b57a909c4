"""Outbound webhooks: events for platforms that cannot receive them from EventBridge (Standard Webhooks)."""
