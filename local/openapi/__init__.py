"""The OpenAPI document and the page it is browsed on, made from the code of the functions."""
