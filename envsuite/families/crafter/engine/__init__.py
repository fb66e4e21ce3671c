"""The engine: Crafter's rules, worlds and pictures, compiled by Numba, equal to the reference byte for byte.

Read in this order: `layout` (what a world is in memory), `stream` (the random numbers), `terrain` over
`ground` and `noise` (a new world), `things` (who stands where), `player`, `creatures`, `balance` (one step of the
rules), `frame` and `symbols` (what is observed), `run` (a batch of worlds). `tables`, `art`, `results`, `worlds`
and `compiled` are the Python around it: they read the installed package's rules and textures, hold the arrays,
and compile.

No function here allocates per step, keeps a Python object per creature, or lets the compiler reorder
floating-point operations.
"""
