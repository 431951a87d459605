% FIGURE = open_figure (WIDTH, HEIGHT, WRITES)   an empty figure of so many pixels
%
% WRITES: it will be written to a file: it is not shown, and drawn by gnuplot where there is one, which needs no screen.

function handle = open_figure (width, height, writes)
  warning ("off", "Octave:gnuplot-graphics", "local");
  visible = {"on", "off"}{writes + 1};
  handle = figure ("visible", visible, "units", "pixels", "position", [0 0 width height], "color", "white", ...
                   "defaultaxesfontsize", 14, "defaulttextfontsize", 14);
  if (writes && any (strcmp (available_graphics_toolkits (), "gnuplot")))
    graphics_toolkit (handle, "gnuplot");
  endif
endfunction
