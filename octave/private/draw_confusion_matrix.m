% FIGURE = draw_confusion_matrix (METRICS, NAME, WRITES)   true digit by row, predicted by column; errors tinted

function handle = draw_confusion_matrix (metrics, name, writes)
  colours = house_colours ();
  handle = open_figure (900, 860, writes);
  counts = metrics.("confusion matrix");
  classes = rows (counts);
  whole = [counts, sum(counts, 2); sum(counts, 1), sum(counts(:))];
  axis_ = axes ("position", [0.13 0.03 0.84 0.82]);
  image (tinted (counts, colours), "parent", axis_);
  for row = 1:classes + 1
    for column = 1:classes + 1
      label_cell (axis_, row, column, whole(row, column), classes, colours);
    endfor
  endfor
  names = [arrayfun(@num2str, 0:classes - 1, "UniformOutput", false), {"total"}];
  set (axis_, "xtick", 1:classes + 1, "xticklabel", names, "ytick", 1:classes + 1, "yticklabel", names, ...
       "xaxislocation", "top", "ticklength", [0 0], "box", "off");
  border = classes + 0.5;
  line (axis_, [border, border], [0.5, border + 1], "color", colours.quiet);
  line (axis_, [0.5, border + 1], [border, border], "color", colours.quiet);
  xlabel (axis_, "predicted digit");
  ylabel (axis_, "true digit");
  % Where the labels stand above, each way of drawing has its own idea of the title's place.
  text (classes / 2 + 1, -0.85, plain (name), "parent", axis_, "horizontalalignment", "center", ...
        "fontweight", "bold", "interpreter", "none");
endfunction

% A truecolor picture of the matrix and its totals: errors the more orange the more they are, the diagonal pale blue.
function picture = tinted (counts, colours)
  classes = rows (counts);
  right = logical (eye (classes));
  wrong = counts;
  wrong(right) = 0;
  strength = 0.7 * (wrong / max (1, max (wrong(:)))) .^ 0.7;
  picture = ones (classes + 1, classes + 1, 3);
  for channel = 1:3
    layer = 1 - strength * (1 - colours.orange(channel));
    layer(right & counts > 0) = 1 - 0.16 * (1 - colours.blue(channel));
    picture(1:classes, 1:classes, channel) = layer;
  endfor
endfunction

function label_cell (axis_, row, column, count, classes, colours)
  colour = colours.ink;
  if (row > classes || column > classes || count == 0)
    colour = colours.quiet;
  endif
  shown = num2str (count);
  if (count == 0)
    shown = ".";
  endif
  weight = {"normal", "bold"}{(row == column) + 1};
  text (column, row, shown, "parent", axis_, "horizontalalignment", "center", "verticalalignment", "middle", ...
        "fontsize", 14, "fontweight", weight, "color", colour);
endfunction
