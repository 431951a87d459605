% [METRICS, NAME] = read_result (RESULT)   the checked content of a metrics.mat, and what to call it
%
% RESULT: a run folder or a .mat file. NAME: the folder's name, or the file's where it is not called metrics.mat.
% All numbers come as doubles: scikit-learn's counts are integers, and Octave rounds a share of two integers.

function [metrics, name] = read_result (result)
  if (! ischar (result) || rows (result) != 1)
    refuse ("expected the path of a run folder or of a metrics.mat");
  endif
  file = result;
  if (isfolder (result))
    file = fullfile (result, "metrics.mat");
  endif
  if (! isfile (file))
    refuse ("%s: there is no such file; expected a run folder or a metrics.mat. `digitlab evaluate RUN` makes it", ...
            file);
  endif
  try
    content = load ("-v7", file, "metrics");
  catch failure
    refuse ("%s: cannot be read as a .mat file (%s)", file, failure.message);
  end_try_catch
  if (! isfield (content, "metrics") || ! isstruct (content.metrics))
    refuse ("%s: holds no struct called metrics; expected a file that digitlab or scipy.io.savemat wrote", file);
  endif
  metrics = checked (content.metrics, file);
  name = name_of (file);
endfunction

function metrics = checked (metrics, file)
  expected = {"confusion matrix", "loss", "accuracy", "precision", "recall", "training"};
  if (isfield (metrics, "training") && strcmp (metrics.("training"), "y"))
    expected = [expected, {"training loss", "training accuracy", "validation loss", "validation accuracy"}];
  endif
  missing = expected(! isfield (metrics, expected));
  if (! isempty (missing))
    refuse ("%s: lacks %s; `digitlab evaluate RUN` makes it anew", file, strjoin (missing, ", "));
  endif
  for key = expected(! strcmp (expected, "training"))
    if (! isnumeric (metrics.(key{1})))
      refuse ("%s: %s holds no numbers", file, key{1});
    endif
    metrics.(key{1}) = double (metrics.(key{1}));
  endfor
  counts = metrics.("confusion matrix");
  if (isempty (counts) || rows (counts) != columns (counts))
    refuse ("%s: the confusion matrix is %d by %d; expected as many rows as columns", file, size (counts));
  endif
  % Older files have 0 where a digit was never predicted, or has no image: 0/0 is undefined.
  metrics.("precision")(sum (counts, 1) == 0) = NaN;
  metrics.("recall")(sum (counts, 2) == 0) = NaN;
endfunction

function name = name_of (file)
  [folder, name] = fileparts (canonicalize_file_name (file));
  if (strcmp (name, "metrics"))
    [parent, stem, ending] = fileparts (folder);
    name = [stem, ending];  % a dot in a folder's name is no ending
    [above, around] = fileparts (parent);
    if (strcmp (around, "evaluations"))  % other data, measured with the run's model
      [~, run, ending] = fileparts (above);
      name = [run, ending, ", ", name];
    endif
  endif
endfunction
