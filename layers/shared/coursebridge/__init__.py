"""Coursebridge: the connector between LinkedIn Learning and an organisation's learning platform."""
