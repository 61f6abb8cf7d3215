"""DVC's run cache, read with care: which outputs a command made of which inputs."""

from __future__ import annotations

import copy
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from dvc.stage.cache import StageCache, _get_cache_hash

log = logging.getLogger(__name__)


class RunCache(StageCache):
    """As DVC's, but a record that is not what its name says is removed.

    DVC files a record under the hash of what is in it and reads it back without a look at that: one
    that lost its end brings back a part of the outputs, or ends in a traceback.
    """

    def _load_cache(self, key: str, value: str) -> Any:
        found = super()._load_cache(key, value)
        # The hash is taken of a copy, since DVC takes it of what it may write to.
        if found is None or _get_cache_hash(copy.deepcopy(found)) == value:
            return found
        path = self._get_cache_path(key, value)
        log.info(
            "%s, a record of DVC's run cache, is damaged: it is removed", os.path.relpath(path)
        )
        os.unlink(path)
        return None

    def mend(self) -> None:
        """Remove places that a kill, or a damaged file, has left empty.

        DVC takes the newest file of such a place without looking whether there is one.
        """
        for place in Path(self.cache_dir).glob("*/*"):
            with suppress(OSError):
                place.rmdir()
