"""Which licences a manifest may name."""

from __future__ import annotations

import re

_NAMES = """
0BSD AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear
BSL-1.0 CC-BY-4.0 CC-BY-NC-4.0 CC-BY-NC-SA-4.0 CC-BY-SA-4.0 CC0-1.0 CECILL-2.1 ECL-2.0 EPL-2.0 EUPL-1.2
GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later ISC LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only
LGPL-3.0-or-later MIT MIT-0 MPL-2.0 MS-PL MulanPSL-2.0 NCSA OFL-1.1 OSL-3.0 PostgreSQL Python-2.0 Unlicense
UPL-1.0 WTFPL Zlib
"""
LICENCES = frozenset(_NAMES.split())
"""Identifiers of the SPDX licence list 3.25 that code and weights are published under."""
_OWN = re.compile(r"LicenseRef-[A-Za-z0-9.-]{1,60}")


def is_licence(name: str) -> bool:
    """Tells whether a name is one of `LICENCES` or an own one, `LicenseRef-...`, as SPDX writes those."""
    return name in LICENCES or _OWN.fullmatch(name) is not None
