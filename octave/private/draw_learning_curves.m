% FIGURE = draw_learning_curves (METRICS, NAME, WRITES)   loss and accuracy after each batch, validation after epochs

function handle = draw_learning_curves (metrics, name, writes)
  handle = open_figure (1200, 800, writes);
  draw_curve (subplot (2, 1, 1), metrics, "loss");
  title (plain (name), "interpreter", "none");
  draw_curve (subplot (2, 1, 2), metrics, "accuracy");
  xlabel ("batch");
endfunction

function draw_curve (axis_, metrics, kind)
  colours = house_colours ();
  training = metrics.(["training " kind])(:)';
  validation = metrics.(["validation " kind])(:)';
  epochs = numel (validation);
  means = epoch_means (training, epochs);
  ends = (1:epochs) * numel (training) / epochs;
  size_ = max (2, min (6, 240 / epochs));
  shown = {draw_batches(axis_, training, 0.5 * colours.blue + 0.5)};
  hold (axis_, "on");
  if (! isempty (means))
    plot (axis_, ends, means, "o-", "color", colours.blue, "markerfacecolor", colours.blue, "markersize", size_, ...
          "linewidth", 2);
    shown{end + 1} = "training, mean of the epoch";
  endif
  if (any (isfinite (validation)))
    plot (axis_, ends, validation, "s-", "color", colours.orange, "markerfacecolor", colours.orange, ...
          "markersize", size_, "linewidth", 2);
    shown{end + 1} = "validation, after the epoch";
  endif
  hold (axis_, "off");
  near = [means, validation];
  if (isempty (means))
    near = [training, validation];
  endif
  scale_values (axis_, kind, near);
  set (axis_, "xlim", [0, max(1, numel (training))], "box", "off", "ygrid", "on", "gridcolor", colours.line, ...
       "gridalpha", 1);
  ylabel (axis_, kind);
  corner = {"southeast", "northeast"}{strcmp (kind, "loss") + 1};
  legend (axis_, shown, "location", corner, "box", "off");
endfunction

% More batches than can be told apart only take gnuplot half a minute: then each point is the mean of some.
function label = draw_batches (axis_, training, colour)
  step = max (1, ceil (numel (training) / 6000));
  label = "training, each batch";
  if (step > 1)
    training = epoch_means (training(1:end - mod (end, step)), floor (numel (training) / step));
    label = sprintf ("training, mean of %d batches", step);
  endif
  plot (axis_, step * (1:numel (training)), training, "-", "color", colour, "linewidth", 1);
endfunction
