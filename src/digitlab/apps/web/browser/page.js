// Entry point of the page that works without a server.

import "./begin.js";
import "../static/main.js";
