"""`python -m touchline.local` is `touchline`."""

from touchline.local.cli import main

if __name__ == "__main__":
    main()
