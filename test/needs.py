"""What each guest test needs, for usertests in the guest: needs.py OUTPUT SOURCE...

A line per `test:` of the sources: NAME and words KEY=VALUE, with tabs between, since values may
hold blanks. user/bin/usertests/needs.c reads it.
"""
import pathlib
import sys

from banyan.cases import CaseError, guest_tests


def lines_of(source):
    for test in guest_tests(source):
        yield "\t".join([test.name, *(f"{key}={value}" for key, value in test.needs)]) + "\n"


def main(output, *sources):
    try:
        text = "".join(line for source in sources for line in lines_of(source))
    except (CaseError, OSError) as error:
        sys.exit(f"error: {error}")
    pathlib.Path(output).write_text(text)


main(*sys.argv[1:])
