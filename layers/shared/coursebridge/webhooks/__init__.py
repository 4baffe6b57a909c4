"""Events sent on to platforms that cannot take EventBridge (Standard Webhooks)."""
