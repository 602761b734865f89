"""`python -m touchline_e2e`: build the programs of a test cluster, start one to look around in, end it."""

from touchline_e2e.commands import main

if __name__ == "__main__":
    main()
