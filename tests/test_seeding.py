import subprocess
import sys

import numpy as np

from envsuite.seeding import derive_seed, stream


def test_derived_seeds_are_the_same_in_every_process():
    code = "from envsuite.seeding import derive_seed; print(derive_seed(0, 'quick-v1', 'dev', 3))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == derive_seed(0, "quick-v1", "dev", 3) == 410233466


def test_names_are_not_glued_together():
    assert derive_seed(0, "ab", "c") != derive_seed(0, "a", "bc")
    assert derive_seed(0, 1) != derive_seed(0, "1")


def test_seeds_fit_31_bits_and_do_not_collide_by_accident():
    seeds = [derive_seed(0, i) for i in range(2000)]
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert len(set(seeds)) == 2000


def test_streams_of_one_name_are_equal_and_of_two_names_differ():
    assert np.array_equal(stream(1, "a").random(5), stream(1, "a").random(5))
    assert not np.array_equal(stream(1, "a").random(5), stream(1, "b").random(5))
