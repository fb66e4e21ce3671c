"""Submissions: the manifest, the bundle as a folder and as an archive, and what is wrong with it."""
