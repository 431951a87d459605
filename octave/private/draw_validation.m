% FIGURE = draw_validation (READ, NAMES, WRITES)   loss and accuracy over epochs, a line a result, and which is which
%
% Of the validation images; of the training images where nothing was held out, which the legend says.

function handle = draw_validation (read, names, writes)
  trained = cellfun (@(metrics) strcmp (metrics.("training"), "y"), read);
  read = read(trained);
  names = cellfun (@named, names(trained), read, "UniformOutput", false);
  height = max (800, 32 * (numel (read) + 1) / 0.87);
  handle = open_figure (1300, height, writes);
  draw_lines (axes ("position", [0.07 0.56 0.58 0.40]), read, "loss");
  draw_lines (axes ("position", [0.07 0.09 0.58 0.40]), read, "accuracy");
  xlabel ("epoch");
  draw_key (axes ("position", [0.67 0.09 0.32 0.87]), names, height * 0.87 / 32);
endfunction

function name = named (name, metrics)
  name = plain (name);
  if (! any (isfinite (metrics.("validation loss"))))
    name = [name " (training)"];
  endif
endfunction

function draw_lines (axis_, read, kind)
  colours = house_colours ();
  values = cellfun (@(metrics) over_epochs (metrics, kind), read, "UniformOutput", false);
  hold (axis_, "on");
  for k = 1:numel (values)
    plot (axis_, 1:numel (values{k}), values{k}, style_of (k){:});
  endfor
  hold (axis_, "off");
  scale_values (axis_, kind, [values{:}]);
  most = max ([1, cellfun(@numel, values)]);
  set (axis_, "xlim", [0.5, most + 0.5], "xtick", unique (round (linspace (1, most, 10))), "ygrid", "on", ...
       "gridcolor", colours.line, "gridalpha", 1, "box", "off");
  ylabel (axis_, kind);
endfunction

function numbers = over_epochs (metrics, kind)
  numbers = metrics.(["validation " kind])(:)';
  if (! any (isfinite (numbers)))
    numbers = epoch_means (metrics.(["training " kind])(:)', numel (numbers));
  endif
endfunction

% Octave's legend, outside, takes the width that the longest name asks for, and one of many names covers the lines.
function draw_key (axis_, names, places)
  set (axis_, "visible", "off", "xlim", [0 1], "ylim", [0 places], "ydir", "reverse");
  hold (axis_, "on");
  for k = 1:numel (names)
    plot (axis_, [0 0.1], [k k] - 0.5, style_of (k){:}, "marker", "none");
    plot (axis_, 0.05, k - 0.5, style_of (k){:});
    text (0.13, k - 0.5, names{k}, "parent", axis_, "interpreter", "none", "fontsize", 12);
  endfor
  hold (axis_, "off");
endfunction

% A colour and a dash that twenty lines do not share.
function style = style_of (k)
  colours = house_colours ().series;
  dashes = {"-", "--", ":", "-."};
  colour = colours(mod (k - 1, rows (colours)) + 1, :);
  dash = dashes{mod (floor ((k - 1) / rows (colours)), numel (dashes)) + 1};
  style = {"linestyle", dash, "linewidth", 2, "marker", "o", "markersize", 5, "color", colour, ...
           "markerfacecolor", colour};
endfunction
