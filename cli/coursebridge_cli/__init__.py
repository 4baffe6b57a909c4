"""The command line of Coursebridge: administration through the admin API."""
