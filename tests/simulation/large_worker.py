"""What the tests of large simulations run in processes of their own.

python large_worker.py eight FOLDER             one process with eight devices
python large_worker.py killed FOLDER            the same, a checkpoint after every step
python large_worker.py resumed FOLDER           the same, from the last of them
python large_worker.py pair FOLDER RANK PORT    one of two processes
"""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import jax
import numpy as np

from solvable import SGD, Momentum, PowerLaw, simulate
from solvable.schedules import Cosine
from solvable.simulation import Cluster, loop, one_pass

if __name__ == "__main__" and sys.argv[1] == "pair":  # before anything of JAX
    rank, port = map(int, sys.argv[3:])
    jax.distributed.initialize(f"127.0.0.1:{port}", 2, rank, heartbeat_timeout_seconds=20)

KEY = jax.random.key(7)
PROBLEM = PowerLaw(alpha=0.7, beta=0.4, v=48, d=13, noise=0.1)  # 8 devices do not divide 13
DRAW = PROBLEM.draw(jax.random.key(0))
STEPS = [0, 1, 5, 20, 100, 300]
RULE = Momentum(0.03, 0.5, B=8)

SEEDS = dict(problem=DRAW, rule=SGD(0.1, B=3), steps=[0, 1, 50, 300], seeds=11, along="seeds")
MODES = dict(problem=DRAW, rule=RULE, steps=STEPS, seeds=200, dtype="float64")
OWN = dict(problem=PROBLEM, rule=SGD(Cosine(0.1, 200)), seeds=2, dtype="float64")
OWN |= dict(steps=[0, 1, 10, 50, 200])


def large(key, *, along="modes", checkpoint=None, every=10.0, **arguments):
    """A simulation on a cluster."""
    return simulate(key, cluster=Cluster(along, checkpoint, every), **arguments)


def run(arguments, **more):
    """The excess risk of a run, and where it was stopped."""
    runs = large(KEY, **arguments, **more)
    return runs.excess, runs.stopped


def eight(folder):
    """Runs along seeds and modes; where arrays lie; what devices tell each other."""
    real, first, programs = one_pass.take, {}, []

    def compiled(state, stop, steps, piece, keys, data, labels, *, program):
        """What the run does, by a program whose text can be read."""
        arguments = (state, stop, steps, piece, keys, data, labels)
        if not programs:
            first.update(state=state.memory, data=data)
            programs.append(real.lower(*arguments, program=program).compile())
        return programs[0](*arguments)

    lie = lambda x: [list(x.shape), list(x.sharding.shard_shape(x.shape)), len(x.devices())]
    one_pass.take = compiled
    seeds, _ = run(SEEDS)
    shapes = {"seeds": lie(first["state"])}
    programs.clear()
    modes, _ = run(MODES)
    names = ("state", "lam", "start")
    arrays = (first["state"], first["data"].lam, first["data"].start)
    shapes |= {name: lie(array) for name, array in zip(names, arrays, strict=True)}
    kinds = ("all-reduce", "all-gather", "all-to-all", "collective-permute")
    text = programs[0].as_text()
    told = {kind: len(re.findall(rf"= \S+ {kind}(?:-start)?\(", text)) for kind in kinds}
    np.savez(folder / "eight.npz", seeds=seeds, modes=modes)
    (folder / "eight.json").write_text(json.dumps(dict(shapes=shapes, told=told)))


def killed(folder):
    """A run that is slowed down by its checkpoints."""
    loop.CHUNK_SECONDS = 0.0  # chunks of one step
    run(MODES, checkpoint=folder / "checkpoints", every=1e-9)


def resumed(folder):
    """The same, at full speed."""
    excess, _ = run(MODES, checkpoint=folder / "checkpoints")
    np.save(folder / "resumed.npy", excess)


def pair(folder, rank, _port):
    """Whole, stopped by Ctrl-C to the other process, resumed, stopped by notice to it."""
    real, calls = one_pass.take, []

    def hit_by(signal_number, during, wait=0.0):
        def take(*arguments, **program):
            calls.append(arguments)
            time.sleep(wait)
            if rank == 1 and len(calls) == during:
                os.kill(os.getpid(), signal_number)
            return real(*arguments, **program)

        calls.clear()
        one_pass.take = take

    whole, _ = run(OWN)
    hit_by(signal.SIGINT, during=6)
    stopped, at = run(OWN, checkpoint=folder / "pair")
    one_pass.take = real
    resumed, _ = run(OWN, checkpoint=folder / "pair")
    loop.CHUNK_SECONDS = 0.0  # chunks of one step; JAX looks for a notice once a second
    hit_by(signal.SIGTERM, during=3, wait=0.05)
    noticed, noticed_at = run(OWN)
    np.savez(
        folder / f"{rank}.npz",
        **dict(whole=whole, stopped=stopped, at=at, resumed=resumed),
        **dict(noticed=noticed, noticed_at=noticed_at),
    )


if __name__ == "__main__":
    name, folder, *rest = sys.argv[1:]
    cases = {"eight": eight, "killed": killed, "resumed": resumed, "pair": pair}
    cases[name](Path(folder), *map(int, rest))
