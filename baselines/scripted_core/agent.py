"""The scripted expert of each task's family, as a submission would hand it in."""

from __future__ import annotations

from envsuite.agent import make_scripted as make_agent

__all__ = ["make_agent"]
