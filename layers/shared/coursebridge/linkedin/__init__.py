"""LinkedIn's REST API: tokens, pages, errors. Nothing else knows httpx."""
