% comparison (RESULTS)           print a table of several results and draw them beside each other
% comparison (RESULTS, FOLDER)   the same, with the figures written into FOLDER as PNG
%
% RESULTS is a cell array of any number of run folders or metrics.mat files; they are shown by their folders' names, or
% by their own where they are called otherwise. The figures (S0, figures 5.5, 5.6 and 5.8):
%
%   validation.png    loss and accuracy after each epoch: of the validation images, or, where there were none, of the
%                     training images; where any was trained
%   test.png          log loss and accuracy of the test images
%
% From a shell:
%
%   octave-cli --path octave --eval "comparison ({'runs/a', 'runs/b'}, 'pictures')"
%   octave-cli --path octave --eval "comparison (glob ('runs/*thesis*'), 'pictures')"
%
% Returns a struct of the figures by the pictures' names, if asked; else those that were written are closed.

function varargout = comparison (results, folder)
  if (nargin < 1)
    print_usage ();
  endif
  writes = nargin > 1;
  if (ischar (results))
    results = cellstr (results);
  elseif (! iscellstr (results))
    refuse ("expected a cell array of run folders, for instance comparison ({'runs/a', 'runs/b'})");
  endif
  if (isempty (results))
    refuse ("no results given; expected at least one run folder or metrics.mat");
  endif
  [read, names] = cellfun (@read_result, results(:)', "UniformOutput", false);
  names = distinct (names, results);
  print_table (read, names);
  drawn = struct ();
  if (any (cellfun (@(metrics) strcmp (metrics.("training"), "y"), read)))
    drawn.("validation") = draw_validation (read, names, writes);
  endif
  drawn.("test") = draw_test (read, names, writes);
  if (writes)
    write_figures (drawn, folder, nargout == 0);
  endif
  if (nargout)
    varargout{1} = drawn;
  endif
endfunction

% Two results may lie in folders of one name; then their paths tell them apart.
function names = distinct (names, results)
  for k = 1:numel (names)
    if (sum (strcmp (names, names{k})) > 1)
      same = strcmp (names, names{k});
      names(same) = results(same);
    endif
  endfor
endfunction

function print_table (read, names)
  width = max ([6, cellfun(@(name) columns (name), names)]);
  printf ("%-*s  %8s  %8s  %8s  %6s  %20s\n", ...
          width, "result", "accuracy", "log loss", "images", "epochs", "best validation loss");
  for k = 1:numel (read)
    metrics = read{k};
    images = sum (metrics.("confusion matrix")(:));
    printf ("%-*s  %8.5f  %8.5f  %8d  ", width, names{k}, metrics.("accuracy"), metrics.("loss"), images);
    printf ("%s\n", training_columns (metrics));
  endfor
endfunction

function text = training_columns (metrics)
  epochs = best = "-";
  if (strcmp (metrics.("training"), "y"))
    loss = metrics.("validation loss");
    epochs = num2str (numel (loss));
    if (any (isfinite (loss)))
      [least, epoch] = min (loss);
      best = sprintf ("%.5f, epoch %d", least, epoch);
    endif
  endif
  text = sprintf ("%6s  %20s", epochs, best);
endfunction
