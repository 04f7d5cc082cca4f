"""A Ray with replicas on the loopback, for as long as who started it keeps its input open.

`python -m tests.ray.cluster PORT REPLICAS` says when its proxy listens at that port, and waits.
Each line that it reads is the name of a run: it answers with the process that makes it. It ends,
and all that it started, when its input ends: also where the tests were killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import ray
import yaml
from ray import serve

from kvviz.serving.deployment import deployment

CONFIG = Path(__file__).parents[2] / "deploy" / "ray_serve.yaml"
SAYS = "kvviz: "
"""Before all that is said here; Ray says things of its own."""


def settings() -> tuple[dict, dict]:
    """Return what the documented file says of the proxy, and of the deployment."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    (application,) = config["applications"]
    (of_runs,) = application["deployments"]
    return config["http_options"], of_runs


def say(what: object) -> None:
    """Tell it to who started this."""
    sys.stdout.write(f"{SAYS}{what}\n")
    sys.stdout.flush()


def main(port: int, n_replicas: int) -> None:
    """Start, tell, answer, stop."""
    ray.init(
        # A new one, also where another is or was on this machine.
        address="local",
        include_dashboard=False,
        num_cpus=2,
        object_store_memory=128 * 2**20,
        log_to_driver=False,
        configure_logging=False,
    )
    of_proxy, of_runs = settings()
    serve.start(proxy_location="HeadOnly", http_options=of_proxy | {"port": port})
    of_runs |= {
        "autoscaling_config": of_runs["autoscaling_config"] | {"min_replicas": n_replicas},
        # Two cores are here for two replicas, Ray's own processes and the tests.
        "ray_actor_options": {"num_cpus": 0.1},
    }
    handle = serve.run(deployment.options(**of_runs).bind(), name="kvviz", route_prefix="/")
    say("listens")
    for line in sys.stdin:
        makers = handle.broadcast("wish", line.strip(), "").results()
        say(max(makers))
    ray.shutdown()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
