// The page without a server.

import "./begin.js";
import "../static/main.js";
