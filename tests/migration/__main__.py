"""``python -m tests.migration VERSION``: keep this tree's queries, when a release is made."""

import sys

from tests.migration.steps import keep_release

print(keep_release(sys.argv[1]))
