"""LinkedIn's REST resources: token endpoint, assets, classifications and activity reports."""
