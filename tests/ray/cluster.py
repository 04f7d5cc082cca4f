"""A Ray of two replicas on the loopback, for as long as who started it keeps its input open.

`python -m tests.ray.cluster` prints the address and waits. It ends, and all that it started, when
its input ends: also where the tests were killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import ray
import yaml
from ray import serve

from kvviz.serving.deployment import deployment

CONFIG = Path(__file__).parents[2] / "deploy" / "ray_serve.yaml"
N_REPLICAS = 2


def settings() -> dict:
    """Return what the documented file says of the deployment, for two replicas from the start."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    (application,) = config["applications"]
    (of_runs,) = application["deployments"]
    scaling = of_runs["autoscaling_config"] | {"min_replicas": N_REPLICAS}
    return of_runs | {
        "autoscaling_config": scaling,
        # Two cores are here for two replicas, Ray's own processes and the tests.
        "ray_actor_options": {"num_cpus": 0.1},
    }


def main() -> None:
    """Start, tell, wait, stop."""
    ray.init(
        include_dashboard=False,
        num_cpus=2,
        object_store_memory=128 * 2**20,
        log_to_driver=False,
        configure_logging=False,
    )
    serve.start(proxy_location="Disabled")
    serve.run(deployment.options(**settings()).bind(), name="kvviz", route_prefix=None)
    sys.stdout.write(f"{ray.get_runtime_context().gcs_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
