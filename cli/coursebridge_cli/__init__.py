"""The command line of Coursebridge: everything an admin does, over the admin API."""
