"""`python -m coursebridge_cli`."""

from coursebridge_cli.app import main

if __name__ == "__main__":
    main()
