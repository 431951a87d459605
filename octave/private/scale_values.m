% scale_values (AXES, KIND, VALUES)   an axis near enough to see VALUES on it, whatever the first batches were like
%
% KIND: loss, which begins at 0, or accuracy, which ends at 1.

function scale_values (axis_, kind, values)
  values = values(isfinite (values));
  if (isempty (values))
    return;
  endif
  if (strcmp (kind, "loss"))
    set (axis_, "ylim", [0, 1.6 * max([values(:); 1e-3])]);
  else
    set (axis_, "ylim", [max(0, 1 - 2 * (1 - min ([values(:); 0.999]))), 1]);
  endif
endfunction
