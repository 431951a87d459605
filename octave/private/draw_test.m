% FIGURE = draw_test (READ, NAMES, WRITES)   log loss and accuracy of the test images, a row a result

function handle = draw_test (read, names, writes)
  colours = house_colours ();
  height = 120 + 40 * numel (read);
  handle = open_figure (1300, height, writes);
  below = 80 / height;
  high = 1 - 100 / height;
  losses = cellfun (@(metrics) metrics.("loss"), read);
  accuracies = cellfun (@(metrics) metrics.("accuracy"), read);
  draw_rows (axes ("position", [0.30 below 0.33 high]), losses, "test images: log loss", colours.orange);
  aside = xlim ()(1) - 0.02 * diff (xlim ());
  for place = 1:numel (names)  % as text: of its tick labels gnuplot would lower what follows a _
    text (aside, place, plain (names{place}), "horizontalalignment", "right", "interpreter", "none", "fontsize", 12);
  endfor
  draw_rows (axes ("position", [0.66 below 0.33 high]), accuracies, "test images: accuracy", colours.blue);
endfunction

function draw_rows (axis_, values, kind, colour)
  colours = house_colours ();
  places = 1:numel (values);
  plot (axis_, values, places, "o", "color", colour, "markerfacecolor", colour, "markersize", 9);
  for place = places
    text (values(place), place, sprintf ("   %.4f", values(place)), "parent", axis_, "fontsize", 12);
  endfor
  room = max ([max(values) - min(values), 0.05 * max(abs (values)), 1e-3]);
  set (axis_, "ydir", "reverse", "ylim", [0.4, numel(values) + 0.6], "ytick", places, "yticklabel", {}, ...
       "xlim", [min(values) - 0.15 * room, max(values) + 0.45 * room], "xgrid", "on", "fontsize", 12, ...
       "gridcolor", colours.line, "gridalpha", 1, "box", "off", "ticklength", [0 0]);
  xlabel (axis_, kind);
endfunction
