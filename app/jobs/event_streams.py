"""Keeps event streams alive, and ends those whose callers may not follow any more though no commit told so."""

from app.jobs.worker import Job
from app.runtime.node import Node


def event_streams_job(node: Node) -> Job:
    return Job("event streams", node.event_streams.beat)
