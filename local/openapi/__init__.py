"""Generate the OpenAPI document and its HTML page from the code of the functions."""
