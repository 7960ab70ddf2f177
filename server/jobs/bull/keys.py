"""Which keys stay in Redis when no job is there, and why they do not grow. All others end with their jobs."""

PERMANENT = {
    "depth": "counters of images and jobs, one field a priority",
    "seq": "counts the submits",
    "queues": "names of models that had a job",
    "models": "names of models that a worker announced",
    "profiles": "of those models, as their workers told last",
    "workers": "names of living workers; the dead are taken out when somebody looks",
    "q:<model>:meta": "BullMQ's settings of the queue",
    "q:<model>:id": "BullMQ's counter",
    "q:<model>:events": "BullMQ's own stream, about 1,000 entries",
    "q:<model>:marker": "BullMQ's bell for idle workers, one entry",
}
"""Behind the base that all keys begin with."""
