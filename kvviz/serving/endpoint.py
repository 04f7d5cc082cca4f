"""How the deployment is spoken to over HTTP: what both ends have to agree on.

A run is one POST, and its answer a stream of messages, each behind its length. What is wanted of
a run that goes on is a second, small one.
"""

from __future__ import annotations

RUN = "run"
"""Where runs are asked for, from the deployment's own address on."""
WISH = "wish"
"""Where it is said what is wanted of one by now."""
HEALTH = "/-/healthz"
"""Where Ray's proxy itself answers, whatever its replicas do."""

REQUEST_TYPE = "application/vnd.kvviz.request"
"""No page of a browser may send this type to another server unless that allows it."""
MESSAGES_TYPE = "application/vnd.kvviz.messages"
"""By which an answer of a replica is known from that of anything else that speaks HTTP."""

MODEL_HEADER = "serve-multiplexed-model-id"
"""By which Ray finds a replica that has the model. The name is Ray's, which has it with underscores
too; but such a header some proxies leave out."""

STOP = "stop"
HURRY = "hurry"
WISHES = (STOP, HURRY)

ALIVE_EVERY_S = 0.5
"""So often a replica says at least that it is there."""
