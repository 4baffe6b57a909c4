"""LinkedIn's REST API: tokens, pages and errors."""
