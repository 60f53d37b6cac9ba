"""Runs the process that talks to a cluster for a front end."""

import asyncio

from latency_tui.cluster.process import serve

if __name__ == "__main__":
    asyncio.run(serve())
