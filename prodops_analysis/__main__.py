"""`python -m prodops_analysis` is the command `prodops`."""

from prodops_analysis.cli import main

if __name__ == "__main__":
    main(prog_name="prodops")
