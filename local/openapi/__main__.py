"""Regenerate the OpenAPI document and its page: `make openapi`."""

from local.console import console
from local.openapi import document, page

if __name__ == "__main__":
    document.write()
    page.write(document.document())
    console.print(f"  {document.FILE.name} and {page.PAGE.name} are up to date")
