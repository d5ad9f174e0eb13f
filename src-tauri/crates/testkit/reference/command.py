"""The reference's own command line, as it is installed: `python command.py read --config … --manifest-path …`."""

import sys

from airbyte_cdk.cli.source_declarative_manifest._run import handle_command

if __name__ == "__main__":
    handle_command(sys.argv[1:])
