"""`digitlab serve`: the page on which one sees the network think, and the same as an API for programs.

config        how it is served: the options of `digitlab serve`, and the limits of memory and time
schemas       the messages of the API; network_schemas: those about networks and small trainings
application   all routes, assembled
guard         checks that every request passes first: access rights, size, duration
access        the token, the cookie, Host and Origin
access_log    a line for each request, without the parts that may contain a secret
pictures      decoding a request's body to a picture
models        the models by name; classifying: /v1/classify, with a thread of its own for small pictures
looking       layers, explanations, occlusion
teaching      filters on a photo, the gallery
live          frames through a WebSocket, of which the newest is read
trainings     small trainings, each in a process of its own (training_process)
files         the page's files, read once
metrics       numbers for Prometheus
classroom     pupils who draw on their phones, and the teacher's wall
server        uvicorn with this application, until Ctrl-C
"""

from __future__ import annotations

from digitlab.apps.web.config import Limits

__all__ = ["Limits"]
