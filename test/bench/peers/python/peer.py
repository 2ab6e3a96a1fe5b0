"""Celery, set up as for tasks that must not be lost.

`celery -A peer worker` runs it; `python peer.py about` and `python peer.py enqueue` answer on a line `answer {...}`.
"""

import json
import mmap
import os
import platform
import struct
import sys
import time

import billiard
import celery
import kombu
import pymongo
from celery import group
from celery.signals import task_postrun, worker_process_init
from pymongo import monitoring

ASKED = json.loads(os.environ["PEER"])

app = celery.Celery("peer", broker=ASKED["amqpUrl"], backend=ASKED["mongoUrl"])
app.conf.update(
    task_default_queue=ASKED["queue"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_serializer="json",
    result_serializer="json",
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    mongodb_backend_settings={"taskmeta_collection": ASKED["queue"]},
    worker_prefetch_multiplier=ASKED["prefetchMultiplier"],
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
)

# How many measured tasks a child has run, when the first one started, when the result of the last one was stored.
LEDGER = struct.Struct("<qdd")
ledger = None
ran, first, last = 0, 0.0, 0.0


@worker_process_init.connect
def open_ledger(**_):
    global ledger
    path = os.path.join(ASKED["folder"], str(os.getpid()))
    with open(path, "wb+") as file:
        file.write(bytes(LEDGER.size))
        file.flush()
        ledger = mmap.mmap(file.fileno(), LEDGER.size)


@app.task(name="nothing")
def nothing(kind):
    global first
    if kind == "hold":
        time.sleep(ASKED["holdMs"] / 1000)
    elif kind == "measured" and first == 0.0:
        first = time.monotonic()


@task_postrun.connect
def note(args=(), **_):
    global ran, last
    if args and args[0] == "measured":
        ran += 1
        last = time.monotonic()
        LEDGER.pack_into(ledger, 0, ran, first, last)


def answer(value):
    print("answer " + json.dumps(value), flush=True)


class Concerns(monitoring.CommandListener):
    """The write concerns that go over the wire."""

    seen = []

    def started(self, event):
        if event.command_name in ("insert", "update"):
            self.seen.append(f"{event.command_name} w:{event.command.get('writeConcern', {}).get('w')}")

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


def about():
    monitoring.register(Concerns())
    app.backend.store_result("about", None, "SUCCESS")
    nothing.delay("about")
    answer(
        {
            "versions": {
                "celery": celery.__version__,
                "kombu": kombu.__version__,
                "billiard": billiard.__version__,
                "pymongo": pymongo.version,
                "python": platform.python_version(),
            },
            "settings": {"results": Concerns.seen[0]},
        }
    )


def enqueue():
    group(nothing.s("warm") for _ in range(ASKED["warmUp"])).apply_async()
    group(nothing.s("hold") for _ in range(ASKED["slots"])).apply_async()
    begun = time.monotonic()
    group(nothing.s("measured") for _ in range(ASKED["tasks"])).apply_async()
    answer({"enqueueSeconds": time.monotonic() - begun})


if __name__ == "__main__":
    {"about": about, "enqueue": enqueue}[sys.argv[1]]()
