% FIGURE = draw_precision_recall (METRICS, NAME, WRITES)   a bar per digit, each with its number in per cent
%
% A number that is undefined (NaN) has no bar and a dash: precision of a digit never predicted, recall of one absent.

function handle = draw_precision_recall (metrics, name, writes)
  colours = house_colours ();
  handle = open_figure (1000, 700, writes);
  begin = beginning ([metrics.("precision")(:); metrics.("recall")(:)]);
  draw_bars (subplot (2, 1, 1), metrics.("precision"), begin, "precision", colours.blue);
  title (plain (name), "interpreter", "none");
  draw_bars (subplot (2, 1, 2), metrics.("recall"), begin, "recall", colours.orange);
  xlabel ("digit");
endfunction

% Both axes begin near the lowest bar: from 0 all bars of a good network would look alike. Hence the numbers.
function draw_bars (axis_, values, begin, kind, colour)
  values = values(:)';
  digits = 0:numel (values) - 1;
  heights = values;
  heights(isnan (values)) = begin;
  bar (axis_, digits, heights, 0.7, "basevalue", begin, "facecolor", colour, "edgecolor", "none");
  set (axis_, "xlim", [-0.6, digits(end) + 0.6], "ylim", [begin, 1 + 0.15 * (1 - begin)], "xtick", digits, ...
       "box", "off", "ticklength", [0 0]);
  ticks = get (axis_, "ytick");
  ticks = ticks(ticks <= 1 + eps);
  set (axis_, "ytick", ticks, "yticklabel", arrayfun (@(tick) sprintf ("%g %%", 100 * tick), ticks, ...
                                                      "UniformOutput", false));
  ylabel (axis_, kind);
  for digit = digits
    shown = "-";
    if (! isnan (values(digit + 1)))
      shown = sprintf ("%.2f", 100 * values(digit + 1));
    endif
    text (digit, heights(digit + 1), shown, "parent", axis_, "horizontalalignment", "center", ...
          "verticalalignment", "bottom", "fontsize", 12);
  endfor
endfunction

% As far below the lowest as it is below 1, on a round number; 0 for low ones.
function begin = beginning (values)
  steps = [0.01 0.02 0.05 0.1 0.2 0.5];
  fits = steps(1 - min (values) <= 0.55 * steps);
  begin = 0;
  if (! isempty (fits))
    begin = 1 - fits(1);
  endif
endfunction
