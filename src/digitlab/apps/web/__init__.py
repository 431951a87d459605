"""`digitlab serve`: the page on which one sees the network think, and the same as an API for programs.

config        how it is served: the options of `digitlab serve`, and the limits of memory and time
schemas       what goes over the wire; network_schemas: about networks and small trainings
application   the routes, put together
guard         what every request passes first: who may ask, how much, how long
access        the token, the cookie, Host and Origin
access_log    a line for each request, without what a secret may stand in
pictures      from a request's body to a picture
models        the models by name, and one thread for the small questions
looking       layers, explanations, occlusion
teaching      filters on a photo, the gallery
live          frames through a WebSocket, the newest first
trainings     a small training in a process of its own (training_process)
files         the page's files, read once
metrics       numbers for Prometheus
classroom     pupils that draw on their phones, and the teacher's wall
server        uvicorn with this application, until Ctrl-C
"""

from __future__ import annotations

from digitlab.apps.web.config import Limits

__all__ = ["Limits"]
